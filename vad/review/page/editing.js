// What keys, buttons and drags change in the open recording.

import * as edit from "./changes.js";

const SNAP = 0.12; // seconds within which an edge snaps

export class Editing {
  // `page` has model, recording (or null), and what to show.
  constructor(page) {
    this.page = page;
  }

  // The selected stretch: a segment, a selection, or the segment at the cursor.
  stretch() {
    const { model } = this.page;
    return model.selected || model.selection || edit.at(model.lanes.yours || [], model.cursor);
  }

  segment() {
    const { model } = this.page;
    return model.selected || edit.at(model.lanes.yours || [], model.cursor);
  }

  // Make a change of a layer, which `make` gives for its segments; false where nothing can be changed.
  change(make, layer = "speech") {
    const { recording, model, status } = this.page;
    if (!recording?.about?.duration || !this.page.recordings.ready()) return false;
    const made = make(layer === "speech" ? model.lanes.yours : model.unsure, layer);
    recording.edit(made);
    if (made && model.selected && made.remove.some((old) => old[0] === model.selected[0])) {
      model.selected = made.add.length === 1 ? made.add[0] : null;
    }
    status.selected();
    this.page.redraw();
    return Boolean(made);
  }

  onStretch(make, layer) {
    const stretch = this.stretch();
    if (stretch) this.change((segments, name) => make(name, segments, ...stretch), layer);
    else this.page.status.say("select a place first: N goes to the next one, a drag selects", false);
  }

  toggle() {
    this.onStretch((layer, segments, start, end) => {
      const inside = edit.between(segments, start, end).reduce((sum, [a, b]) => sum + Math.min(b, end) - Math.max(a, start), 0);
      return (inside > (end - start) / 2 ? edit.clear : edit.fill)(layer, segments, start, end);
    });
  }

  takeDetected() {
    const { detected } = this.page.model.lanes;
    this.onStretch((layer, segments, start, end) => edit.take(layer, segments, detected, start, end));
  }

  insert() {
    this.onStretch(edit.fill);
  }

  remove() {
    this.onStretch(edit.clear);
  }

  unsure() {
    this.onStretch((layer, segments, start, end) => {
      const marked = edit.between(segments, start, end).length;
      return (marked ? edit.clear : edit.fill)(layer, segments, start, end);
    }, "unsure");
  }

  split() {
    const { model, status } = this.page;
    if (!this.change((segments, layer) => edit.split(layer, segments, model.cursor))) {
      status.say("put the cursor into a segment first, where it shall be split", false);
      return;
    }
    model.selected = model.lanes.yours.findLast(([, end]) => end <= model.cursor && model.cursor - end < 0.1) || null;
    this.page.redraw();
  }

  merge() {
    const segment = this.segment();
    if (!segment) this.page.status.say("select a segment first: a click on it does", false);
    else if (!this.change((segments, layer) => edit.merge(layer, segments, segment))) this.page.status.say("no segment follows this one", false);
  }

  startHere() {
    this.edgeHere(0);
  }

  endHere() {
    this.edgeHere(1);
  }

  // The edge of the selected segment, or of the nearest one, comes to the cursor.
  edgeHere(edge) {
    const { model, status } = this.page;
    const distance = (segment) => Math.abs(segment[edge] - model.cursor);
    const near = (best, one) => (!best || distance(one) < distance(best) ? one : best);
    const segment = this.segment() || (model.lanes.yours || []).reduce(near, null);
    if (segment) this.change((segments, layer) => edit.move(layer, segments, segment, edge, this.snapped(model.cursor)));
    else status.say("there is no segment yet: drag in the lane “Corrected” to draw one", false);
  }

  draw(start, end) {
    this.page.select(null);
    this.change((segments, layer) => edit.fill(layer, segments, start, end));
  }

  // Show an edge while it is dragged; `dropEdge` makes the change.
  dragEdge(segment, edge, time) {
    const moved = [...segment];
    moved[edge] = time;
    this.drag = { segment, moved, shown: this.drag?.moved || segment };
    this.showDragged();
    this.page.redraw();
  }

  // In the lane, which answers of the server fill again.
  showDragged() {
    if (!this.drag) return;
    const { model } = this.page;
    const { segment, moved, shown } = this.drag;
    model.lanes.yours = model.lanes.yours.map((one) => (one === shown || edit.same(one, segment) ? moved : one));
    model.selected = moved;
  }

  dropEdge(segment, edge, time) {
    const { model } = this.page;
    this.releaseEdge(segment);
    model.selected = segment;
    this.change((segments, layer) => edit.move(layer, segments, segment, edge, time));
  }

  // The segment is what it was before it was dragged.
  releaseEdge(segment) {
    const { model } = this.page;
    model.lanes.yours = model.lanes.yours.map((one) => (one === this.drag?.moved ? segment : one));
    this.drag = null;
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
    this.undoOrRedo("undo");
  }

  redo() {
    this.undoOrRedo("redo");
  }

  undoOrRedo(what) {
    const { recording, status } = this.page;
    if (!recording?.[what]()) status.say(`nothing is left to ${what}`, false);
    this.deselect();
  }

  deselect() {
    this.page.select(null);
  }
}
