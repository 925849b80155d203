// The recording that is open: its pictures, its segments, and the changes on their way to the server.

import { bytes, get, insist, post } from "./api.js";
import { apply, differences, reverse } from "./changes.js";
import { contrast, palette, picture, stretched } from "./spectrogram.js";
import { Tiles } from "./tiles.js";

const POLL = 350; // milliseconds between looks at a recording that is still read
const WORTH = 0.05; // seconds of a difference that is worth a look

export const onTheWay = new Map(); // by the ids of recordings, the promises of changes that are not saved yet

export class Recording {
  // `on` has what to call: pictures, segments, saved, failed.
  constructor(id, model, on) {
    Object.assign(this, { id, model, on, address: `/api/recordings/${id}`, saving: Promise.resolve(), unsaved: 0 });
    this.closed = false;
    this.forget();
  }

  // The changes that were made here and can be undone and made again, the last ones last.
  forget() {
    this.made = { undo: [], redo: [] };
  }

  // Changes may still be on their way from the last time that it was open.
  async open() {
    await onTheWay.get(this.id);
    await insist(() => this.closed || this.refresh("?open"), this.on.failed);
    return this.about;
  }

  close() {
    this.closed = true;
  }

  async refresh(query = "") {
    const about = await get(this.address + query);
    if (this.closed) return;
    const first = !this.about;
    this.about = about;
    if (first) this.makeTiles();
    for (const [name, counts] of Object.entries(about.layers)) this.tiles[name].counts = counts;
    if (!this.unsaved) this.take(about.correction);
    this.on.pictures();
    const loudest = await this.loudest();
    if (this.closed) return;
    if (loudest !== this.model.loudest) {
      this.model.loudest = loudest;
      this.on.pictures();
    }
    const begun = about.read > 0; // the first picture shall not wait
    if (!about.error && !(about.complete && about.layers.scores)) setTimeout(() => this.poll(), begun ? POLL : POLL / 6);
  }

  async poll() {
    const had = Boolean(this.about.layers.scores);
    try {
      await insist(() => this.closed || this.refresh(), this.on.failed);
      if (!had && this.about.layers.scores) this.on.scored();
    } catch (error) {
      this.on.failed(error.message);
    }
  }

  makeTiles() {
    const { bands, frame } = this.about;
    const arrived = () => this.on.pictures();
    const base = palette(matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
    let colours = null; // by the first piece that comes
    const tiles = (name, values, rate, make) => new Tiles(`${this.address}/tiles/${name}`, values, rate, make, arrived);
    this.tiles = {
      peaks: tiles("peaks", 2, 4 / frame, () => null),
      mel: tiles("mel", bands, 1 / frame, (data) => picture(data, bands, (colours ??= stretched(base, contrast(data))))),
      scores: tiles("scores", 2, 1 / frame, () => null),
    };
    this.model.tiles = this.tiles;
  }

  // The largest amplitude read so far, 0..1, by which the waveform is drawn.
  async loudest() {
    const { peaks } = this.tiles;
    const top = peaks.counts.findLastIndex((count) => count > 0);
    if (top < 0) return 1;
    if (this.about.complete && this.measured) return this.measured;
    const data = await bytes(`${peaks.address}/${top}/0`);
    const loudest = Math.max((data.reduce((a, b) => Math.max(a, b), 0) / 255) ** 2, 0.002);
    if (this.about.complete) this.measured = loudest;
    return loudest;
  }

  // The state of the corrections, as the server has it; an answer that changes have overtaken is of no use.
  take(correction) {
    if (correction.version < this.version) return;
    if (correction.version > this.version) this.forget(); // others have changed it
    this.correction = correction;
    this.version = correction.version;
    this.derive();
  }

  setDetected(segments) {
    this.detected = segments || [];
    this.derive();
  }

  get begun() {
    return this.correction.state !== "unseen";
  }

  // Whether it is known where corrections begin.
  get ready() {
    return this.begun || Boolean(this.about.reference || this.detected);
  }

  // Where corrections begin: with the labels, or else with what is detected.
  get base() {
    return this.about.reference || this.detected || [];
  }

  derive() {
    if (this.closed) return;
    const { lanes } = this.model;
    lanes.yours = this.begun ? this.correction.speech : this.base;
    lanes.detected = this.detected || [];
    lanes.labels = this.about.reference;
    const truth = this.begun || this.about.reference ? lanes.yours : null;
    lanes.differs = truth ? differences(truth, lanes.detected) : null;
    this.model.unsure = this.correction.unsure;
    this.on.segments();
  }

  // Places worth a look: where scores are doubtful, and where detection differs from what is right.
  places() {
    const long = (this.model.lanes.differs || []).filter(({ start, end }) => end - start >= WORTH);
    const all = [...this.about.doubts, ...long.map(({ start, end }) => [start, end])].sort((a, b) => a[0] - b[0]);
    const places = [];
    for (const [start, end] of all) {
      const last = places[places.length - 1];
      if (last && start - last[1] < 0.1) last[1] = Math.max(last[1], end);
      else places.push([start, end]);
    }
    return places;
  }

  // Show a change at once, and send it; `null` is no change.
  edit(change) {
    if (!change) return;
    if (!this.begun) this.begin();
    const { layer } = change;
    this.correction = { ...this.correction, [layer]: apply(this.correction[layer], change), undo: this.correction.undo + 1, redo: 0 };
    this.made.undo.push(change);
    this.made.redo = [];
    this.derive();
    this.send({ kind: "change", ...change });
  }

  begin() {
    const segments = this.model.lanes.yours;
    this.correction = { ...this.correction, state: "corrected", speech: segments };
    this.send({ kind: "begin", segments });
  }

  setState(state) {
    if (!this.begun) this.begin();
    this.correction = { ...this.correction, state };
    this.on.segments();
    return this.send({ kind: "state", state });
  }

  // Take the last change back, or make it again; false where there is none.
  undo() {
    return this.again("undo");
  }

  redo() {
    return this.again("redo");
  }

  again(kind) {
    const { undo, redo } = this.correction || {};
    if (!(kind === "undo" ? undo : redo)) return false;
    const step = kind === "undo" ? 1 : -1;
    this.correction = { ...this.correction, undo: undo - step, redo: redo + step };
    const change = this.made[kind].pop();
    this.made[kind === "undo" ? "redo" : "undo"].push(change);
    if (change) { // else it was made elsewhere, and the answer brings the segments
      const now = kind === "undo" ? reverse(change) : change;
      this.correction[now.layer] = apply(this.correction[now.layer], now);
      this.derive();
    }
    this.send({ kind });
    return true;
  }

  // Changes go one after the other, each naming the version it changes.
  send(entry) {
    this.unsaved += 1;
    this.on.saved(false);
    this.saving = this.saving.then(() => this.post(entry));
    onTheWay.set(this.id, this.saving);
    return this.saving;
  }

  async post(entry) {
    let newest = null;
    try {
      if (!this.broken) newest = await insist(() => post(`${this.address}/change`, { ...entry, version: this.version }), this.on.failed);
      if (newest?.warning) this.on.failed(newest.warning);
    } catch (error) {
      this.broken = true; // what was meant to follow it has nothing to stand on
      this.on.failed(error.message);
    }
    if (newest) this.version = newest.version;
    if (this.unsaved === 1 && this.broken) newest = await this.recover();
    this.unsaved -= 1;
    if (this.unsaved) return;
    onTheWay.delete(this.id);
    this.take(newest);
    this.on.saved(true);
  }

  // After a refusal: the newest state of the server.
  async recover() {
    const { correction } = await insist(() => get(this.address), this.on.failed);
    this.broken = false;
    this.forget();
    return correction;
  }
}
