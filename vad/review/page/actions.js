// What keys and buttons do with the open recording.

import * as edit from "./changes.js";

const SNAP = 0.12; // seconds within which an edge snaps

export class Actions {
  // `page` has view, model, player, recording (or null), and what to show.
  constructor(page) {
    this.page = page;
  }

  // The selected stretch: a segment, a selection, or the segment at the cursor.
  stretch() {
    const { model } = this.page;
    return model.selected || model.selection || edit.at(model.lanes.yours, model.cursor);
  }

  segment() {
    const { model } = this.page;
    return model.selected || edit.at(model.lanes.yours, model.cursor);
  }

  change(make) {
    const { recording, model } = this.page;
    if (!recording) return;
    const made = make(model.lanes.yours);
    recording.edit(made);
    if (made && model.selected && made.remove.some((old) => old[0] === model.selected[0])) {
      model.selected = made.add.length === 1 ? made.add[0] : null;
    }
    this.page.redraw();
  }

  onStretch(make) {
    const stretch = this.stretch();
    if (stretch) this.change((segments) => make(segments, ...stretch));
    else this.page.say("select a place first: N goes to the next one, a drag selects");
  }

  toggle() {
    this.onStretch((segments, start, end) => {
      const inside = edit.between(segments, start, end).reduce((sum, [a, b]) => sum + Math.min(b, end) - Math.max(a, start), 0);
      return (inside > (end - start) / 2 ? edit.clear : edit.fill)("speech", segments, start, end);
    });
  }

  takeDetected() {
    const { model } = this.page;
    this.onStretch((segments, start, end) => edit.take("speech", segments, model.lanes.detected, start, end));
  }

  insert() {
    this.onStretch((segments, start, end) => edit.fill("speech", segments, start, end));
  }

  remove() {
    this.onStretch((segments, start, end) => edit.clear("speech", segments, start, end));
  }

  split() {
    const { model } = this.page;
    this.change((segments) => edit.split("speech", segments, model.cursor));
    model.selected = model.lanes.yours?.findLast(([, end]) => end <= model.cursor && model.cursor - end < 0.1) || null;
  }

  merge() {
    const segment = this.segment();
    if (segment) this.change((segments) => edit.merge("speech", segments, segment));
  }

  startHere() {
    this.edgeHere(0);
  }

  endHere() {
    this.edgeHere(1);
  }

  // The edge of the selected segment, or of the nearest one, comes to the cursor.
  edgeHere(edge) {
    const { model } = this.page;
    const distance = (segment) => Math.abs(segment[edge] - model.cursor);
    const near = (best, one) => (!best || distance(one) < distance(best) ? one : best);
    const segment = this.segment() || model.lanes.yours.reduce(near, null);
    if (!segment) return;
    this.change((segments) => edit.move("speech", segments, segment, edge, this.snapped(model.cursor)));
  }

  unsure() {
    const { model, recording } = this.page;
    const stretch = this.stretch();
    if (!stretch || !recording) return;
    const marked = edit.between(model.unsure, ...stretch).length;
    recording.edit((marked ? edit.clear : edit.fill)("unsure", model.unsure, ...stretch));
    this.page.redraw();
  }

  snap() {
    const { model, find } = this.page;
    model.snap = find("snap").checked = !model.snap;
  }

  // The nearest time at which the score turns (its slope is zero), where edges snap and one is near.
  snapped(time) {
    const { model } = this.page;
    const tiles = model.tiles?.scores;
    if (!model.snap || !tiles?.counts.length) return time;
    const score = (frame) => {
      const tile = tiles.kept.get(`0/${Math.floor(frame / 1024)}`);
      return tile ? tile.data[2 * (frame % 1024) + 1] : undefined;
    };
    const middle = Math.round(time * tiles.rate);
    for (let away = 0; away <= SNAP * tiles.rate; away++) {
      for (const frame of [middle - away, middle + away]) {
        const [before, here, after] = [score(frame - 1), score(frame), score(frame + 1)];
        if (here !== undefined && (here - before) * (after - here) <= 0 && before !== after) return edit.ms(frame / tiles.rate);
      }
    }
    return time;
  }

  undo() {
    this.page.recording?.undo();
  }

  redo() {
    this.page.recording?.redo();
  }

  deselect() {
    Object.assign(this.page.model, { selection: null, selected: null });
    this.page.redraw();
  }

  play() {
    const { player, model } = this.page;
    if (player.playing) player.stop();
    else this.start(model.cursor);
  }

  playSelected() {
    const { player } = this.page;
    const stretch = this.stretch();
    if (player.playing) player.stop();
    else if (stretch) this.start(...stretch);
  }

  start(from, until) {
    const { player, view } = this.page;
    player.play(from >= view.duration - 0.01 ? 0 : from, until).catch((error) => {
      if (error.name !== "AbortError") this.page.say(`the sound cannot be played: ${error.message}`);
    });
  }

  nextMode() {
    this.step("mode", 1, true);
  }

  slower() {
    this.step("speed", -1);
  }

  faster() {
    this.step("speed", 1);
  }

  step(id, by, around = false) {
    const select = this.page.find(id);
    const count = select.options.length;
    const next = select.selectedIndex + by;
    select.selectedIndex = around ? (next + count) % count : Math.min(Math.max(next, 0), count - 1);
    select.dispatchEvent(new Event("change"));
  }

  nextPlace() {
    this.goToPlace((places, time) => places.find(([start]) => start > time + 0.001));
  }

  previousPlace() {
    this.goToPlace((places, time) => places.findLast(([start]) => start < time - 0.001));
  }

  goToPlace(choose) {
    const { recording, model, view } = this.page;
    if (!recording) return;
    const places = recording.places();
    const from = model.selection ? model.selection[0] : model.cursor;
    const place = choose(places, from);
    if (!place) {
      this.page.say(places.length ? "no other place worth a look on this side" : "no place is doubtful");
      return;
    }
    model.place = places.indexOf(place) + 1;
    this.page.select(place);
    const room = view.width / view.scale;
    if (place[1] - place[0] > room * 0.6) view.show(...place, 0.5);
    else view.set((place[0] + place[1]) / 2 - room / 2);
    this.page.moveCursor(Math.max(place[0] - 0.3, 0));
  }

  left() { this.page.moveCursor(this.page.model.cursor - 0.1); }
  right() { this.page.moveCursor(this.page.model.cursor + 0.1); }
  leftMore() { this.page.moveCursor(this.page.model.cursor - 1); }
  rightMore() { this.page.moveCursor(this.page.model.cursor + 1); }
  home() { this.page.moveCursor(0); }
  end() { this.page.moveCursor(this.page.view.duration); }

  edges() {
    return this.page.model.lanes.yours.flat();
  }

  previousEdge() {
    this.page.moveCursor(this.edges().findLast((time) => time < this.page.model.cursor - 0.001) ?? 0);
  }

  nextEdge() {
    this.page.moveCursor(this.edges().find((time) => time > this.page.model.cursor + 0.001) ?? this.page.view.duration);
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

  zoomSelected() {
    const stretch = this.stretch();
    if (stretch) this.page.view.show(...stretch, 0.5);
  }
}
