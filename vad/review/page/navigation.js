// Where the cursor goes and what part of the recording is shown.

export class Navigation {
  // `page` has view, model, player, recording (or null), and what to show.
  constructor(page) {
    this.page = page;
  }

  // Put the cursor somewhere, and show it.
  go(time) {
    const { model, view, player, recording, status } = this.page;
    model.cursor = Math.min(Math.max(time, 0), view.duration);
    view.reveal(model.cursor);
    if (player.playing) player.time = model.cursor;
    status.time(model.cursor);
    if (recording?.about) status.places(recording);
    this.page.redraw(true);
  }

  goBy(seconds) {
    this.go(this.page.model.cursor + seconds);
  }

  left() { this.goBy(-0.1); }
  right() { this.goBy(0.1); }
  leftMore() { this.goBy(-1); }
  rightMore() { this.goBy(1); }
  home() { this.go(0); }
  end() { this.go(this.page.view.duration); }

  nextPlace() {
    this.goToPlace((places, time) => places.find(([start]) => start > time + 0.001));
  }

  previousPlace() {
    this.goToPlace((places, time) => places.findLast(([start]) => start < time - 0.001));
  }

  goToPlace(choose) {
    const { recording, model, view, status } = this.page;
    if (!recording?.about) return;
    const places = recording.places();
    const from = model.selection ? model.selection[0] : model.cursor;
    const place = choose(places, from);
    if (!place) {
      status.say(places.length ? "no other place worth a look on this side" : "no place is doubtful", false);
      return;
    }
    model.place = places.indexOf(place) + 1;
    this.page.select(place);
    const room = view.width / view.scale;
    if (place[1] - place[0] > room * 0.6) view.show(...place, 0.5);
    else view.set((place[0] + place[1]) / 2 - room / 2);
    this.go(Math.max(place[0] - 0.3, 0));
  }

  edges() {
    return (this.page.model.lanes.yours || []).flat();
  }

  previousEdge() {
    this.go(this.edges().findLast((time) => time < this.page.model.cursor - 0.001) ?? 0);
  }

  nextEdge() {
    this.go(this.edges().find((time) => time > this.page.model.cursor + 0.001) ?? this.page.view.duration);
  }

  pageBack() { this.scroll(-0.85); }
  pageOn() { this.scroll(0.85); }

  scroll(share) {
    const { view } = this.page;
    view.set(view.start + (share * view.width) / view.scale);
  }

  zoomIn() { this.zoom(1.6); }
  zoomOut() { this.zoom(1 / 1.6); }

  zoom(factor) {
    const { view, model } = this.page;
    const x = view.x(model.cursor);
    view.zoom(factor, x > 0 && x < view.width ? x : view.width / 2);
  }

  zoomAll() {
    this.page.view.set(0, 0);
  }

  faint() {
    this.page.model.faint = !this.page.model.faint;
    this.page.redraw();
  }

  zoomSelected() {
    const stretch = this.page.editing.stretch();
    if (stretch) this.page.view.show(...stretch, 0.5);
  }
}
