// Which recording is open, what happens when it is opened, read, corrected or done, and which one comes next.

import { insist, post } from "./api.js";
import { Recording } from "./recording.js";

const FIRST = 40; // seconds shown of a recording when it is opened

export class Recordings {
  // `page` has find, model, view, player, list, settings, status; its `recording` is set here.
  constructor(page) {
    this.page = page;
  }

  async open(id) {
    const { page } = this;
    const { model, list, player, settings, status } = page;
    if (page.recording?.id === id) return;
    page.recording?.close();
    history.replaceState(null, "", `#${id}`);
    Object.assign(model, { tiles: null, lanes: {}, unsure: [], selection: null, selected: null, cursor: 0, place: 0 });
    const here = (act) => (...given) => page.recording === recording && act(...given);
    const recording = new Recording(id, model, {
      pictures: here(() => this.pictures()),
      segments: here(() => this.segments()),
      scored: here(() => this.detect()),
      saved: here((all) => status.saved(recording, all)),
      failed: (text) => status.say(text),
    });
    page.recording = recording;
    player.load(`${recording.address}/sound`); // at once: a key must not start the one before
    list.select(id);
    status.say("");
    status.problem("");
    page.find("name").textContent = page.find("name").title = list.rows.get(id).name;
    for (const fact of ["progress", "facts", "places", "saved"]) page.find(fact).textContent = "";
    settings.showMetrics(1, null);
    this.fresh = true;
    try {
      const about = await recording.open();
      if (!about || page.recording !== recording) return;
      player.duration = about.duration;
      status.saved(recording, !recording.unsaved);
      page.closePanels();
      await this.detect();
    } catch (error) {
      status.say(error.message);
    }
  }

  // More of the pictures has come.
  pictures() {
    const { recording, view, player, status } = this.page;
    const { about } = recording;
    const length = Math.max(about.duration, about.read);
    if (length && length !== view.duration) {
      view.duration = player.duration = length;
      if (!this.fresh) view.set(view.start);
    }
    if (this.fresh && length) {
      this.fresh = false;
      view.set(0, view.width / Math.min(length, FIRST));
    }
    status.progress(recording);
    status.problem(about.error);
    if (recording.tiles.mel.kept.size) player.prepare();
    this.page.redraw();
  }

  // The segments of a lane have changed.
  segments() {
    const { editing, recording, status } = this.page;
    editing.showDragged();
    status.facts(recording);
    clearTimeout(this.later);
    if (recording.begun) this.later = setTimeout(() => this.detect(), 400); // the metrics follow the corrections
    this.page.redraw();
  }

  // Ask for the segments that the settings make; the last wish counts.
  async detect() {
    const { page } = this;
    const { recording, settings, status } = page;
    Object.assign(page.model.settings, settings.values);
    if (!recording?.about) return;
    const wish = (this.wish = (this.wish || 0) + 1);
    try {
      const wanted = () => wish === this.wish && recording === page.recording;
      const answer = await insist(() => wanted() && post(`${recording.address}/segments`, settings.given), (text) => status.say(text));
      if (!wanted() || !answer.segments) return;
      if (JSON.stringify(answer.segments) !== JSON.stringify(recording.detected)) recording.setDetected(answer.segments);
      settings.showMetrics(1, answer.metrics);
      settings.showCommand(answer.options);
      page.redraw();
      clearTimeout(this.evaluating);
      this.evaluating = setTimeout(() => settings.evaluate().catch((error) => status.say(error.message)), 250);
    } catch (error) {
      status.say(error.message);
    }
  }

  async done() {
    const { recording, list, status } = this.page;
    if (!recording?.about?.duration || !this.ready()) return;
    await recording.setState("done");
    await list.update();
    if (recording !== this.page.recording || recording.correction.state !== "done") return;
    const next = list.sorted.find((row) => row.state !== "done" && row.id !== recording.id && !row.error);
    if (next) this.open(next.id);
    else status.say("all recordings are done", false);
  }

  // Whether corrections can begin; where not, it is said.
  ready() {
    const { recording, status } = this.page;
    if (!recording.ready) status.say("corrections begin with what is detected, which is not known yet", false);
    return recording.ready;
  }

  nextRecording() {
    this.step(1);
  }

  previousRecording() {
    this.step(-1);
  }

  // The recording before or behind in the list.
  step(by) {
    const row = this.page.list.neighbour(by);
    if (row) this.open(row.id);
  }
}
