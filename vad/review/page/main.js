// The page: what is open, and what happens when something is pressed, moved or changed.

import { Actions } from "./actions.js";
import { get, post } from "./api.js";
import { move } from "./changes.js";
import { fillHelp, listen } from "./keys.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { Overview } from "./overview.js";
import { Player } from "./player.js";
import { Pointer } from "./pointer.js";
import { Recording } from "./recording.js";
import { Settings } from "./settings.js";
import { Teach } from "./teach.js";
import { Timeline, readColours } from "./timeline.js";
import { View, clock } from "./view.js";

const QUIET = 6000; // milliseconds after which a message goes away
const FIRST = 40; // seconds shown of a recording when it is opened
const SMALL = 1100; // pixels of a window in which list and settings lie over the picture

const find = (id) => document.getElementById(id);
const model = { tiles: null, lanes: {}, unsure: [], settings: {}, selection: null, selected: null, cursor: 0, loudest: 1, snap: false };

class Page {
  constructor() {
    Object.assign(this, { find, model, recording: null });
    this.view = new View(() => this.redraw());
    this.actions = new Actions(this);
    this.player = new Player(find("audio"), (time) => this.played(time));
    this.player.stretches = () => model.lanes.yours || [];
    this.timeline = new Timeline(find("picture"), find("overlay"), this.view, model);
    this.overview = new Overview(find("overview"), this.view, model);
    this.list = new List(find("recordings"), find("search"), find("order"), find("summary"), (id) => this.open(id));
    this.settings = new Settings(find, () => this.detect(), (text, bad = true) => this.say(text, bad));
    new Teach(find, () => this.restart());
    this.live = new Live(find, () => this.settings.given, (id) => this.recorded(id));
    new Pointer(find("stage"), this.timeline, this.view, model, this.pointing());
    this.wire();
  }

  async start() {
    [this.about] = await Promise.all([get("/api/session"), this.list.update()]);
    find("folder").textContent = this.about.name;
    document.title = `${this.about.name} – vad review`;
    find("model").textContent = this.about.model;
    find("home").textContent = `${this.about.home}/labels`;
    find("format").replaceChildren(...this.about.formats.map((name) => new Option(name, name)));
    find("format").value = this.about.format;
    this.settings.load(this.about.presets);
    for (const note of this.about.notes.slice(-1)) this.say(note);
    this.show("list", innerWidth > SMALL);
    this.show("settings", innerWidth > SMALL);
    const wanted = this.list.rows.get(location.hash.slice(1)) || this.list.neighbour(0);
    if (wanted) await this.open(wanted.id);
    this.watch();
  }

  // Another model is at work: other scores, other thresholds.
  async restart() {
    this.about = await get("/api/session");
    find("model").textContent = this.about.model;
    this.settings.load(this.about.presets);
    const { id } = this.recording;
    this.recording.close();
    this.recording = null;
    await this.open(id);
  }

  // The microphone was recorded.
  async recorded(id) {
    await this.list.update();
    await this.open(id);
  }

  // Look for news of the list, often while scores are computed.
  async watch() {
    let busy = false;
    try {
      busy = await this.list.update();
      if (this.gone) this.say("the server answers again", false);
      this.gone = false;
    } catch (error) {
      this.gone = true;
      this.say(error.message);
    }
    setTimeout(() => this.watch(), busy ? 700 : 2500);
  }

  async open(id) {
    if (this.recording?.id === id) return;
    this.recording?.close();
    this.player.stop();
    history.replaceState(null, "", `#${id}`);
    Object.assign(model, { tiles: null, lanes: {}, unsure: [], selection: null, selected: null, cursor: 0, place: 0 });
    const here = (act) => (...given) => this.recording === recording && act(...given);
    const recording = new Recording(id, model, {
      pictures: here(() => this.pictures()),
      segments: here(() => this.segments()),
      scored: here(() => this.detect()),
      saved: here((all) => this.saved(all)),
      failed: (text) => this.say(text),
    });
    this.recording = recording;
    this.list.select(id);
    this.fresh = true;
    try {
      const about = await recording.open();
      if (!about || this.recording !== recording) return;
      find("name").textContent = about.name;
      if (about.error) this.say(about.error);
      this.player.load(`${recording.address}/sound`, about.duration);
      this.saved(true);
      if (innerWidth <= SMALL) this.show("list", false);
      await this.detect();
    } catch (error) {
      this.say(error.message);
    }
  }

  // More of the pictures has come.
  pictures() {
    const { about } = this.recording;
    const length = Math.max(about.duration, about.read);
    if (length && length !== this.view.duration) {
      this.view.duration = this.player.duration = length;
      if (!this.fresh) this.view.set(this.view.start);
    }
    if (this.fresh && length) {
      this.fresh = false;
      this.view.set(0, this.view.width / Math.min(length, FIRST));
    }
    const share = about.duration && !about.complete ? `reading ${Math.round((100 * about.read) / about.duration)} %` : "";
    find("progress").textContent = about.complete || about.error ? "" : share || `reading, ${clock(about.read, 0)} so far`;
    this.redraw();
  }

  // The segments of a lane have changed.
  segments() {
    const { recording } = this;
    const { correction, begun } = recording;
    for (const button of document.querySelectorAll(".edit")) button.disabled = !recording.about.duration;
    find("undo").disabled = !correction.undo;
    find("redo").disabled = !correction.redo;
    find("play").disabled = false;
    find("done").disabled = !recording.about.duration;
    find("done").classList.toggle("is-done", correction.state === "done");
    find("done").textContent = correction.state === "done" ? "Done ✓" : "Done";
    const spoken = (model.lanes.yours || []).reduce((sum, [start, end]) => sum + end - start, 0);
    const from = begun ? "" : recording.about.reference ? ", as labelled" : ", as detected";
    const many = model.lanes.yours.length === 1 ? "1 segment" : `${model.lanes.yours.length} segments`;
    find("facts").textContent = `${many}, ${clock(spoken, 0)} of ${clock(recording.about.duration, 0)}${from}`;
    this.showPlaces();
    clearTimeout(this.later);
    if (begun) this.later = setTimeout(() => this.detect(), 400); // the metrics follow the corrections
    this.redraw();
  }

  showPlaces() {
    const places = this.recording.places().length;
    find("places").textContent = places ? `${model.place ? `place ${model.place} of ` : ""}${places}${model.place ? "" : " places worth a look"}` : "";
  }

  // Ask for the segments that the settings make; the last wish counts.
  async detect() {
    Object.assign(model.settings, this.settings.values);
    const { recording } = this;
    if (!recording?.about) return;
    const wish = (this.wish = (this.wish || 0) + 1);
    try {
      const answer = await post(`${recording.address}/segments`, this.settings.given);
      if (wish !== this.wish || recording !== this.recording || !answer.segments) return;
      if (JSON.stringify(answer.segments) !== JSON.stringify(recording.detected)) recording.setDetected(answer.segments);
      this.settings.showMetrics(1, answer.metrics);
      this.settings.showCommand(answer.options);
      this.redraw();
      clearTimeout(this.evaluating);
      this.evaluating = setTimeout(() => this.settings.evaluate().catch((error) => this.say(error.message)), 250);
    } catch (error) {
      this.say(error.message);
    }
  }

  saved(all) {
    find("saved").textContent = !this.recording.begun ? "" : all ? "saved" : "saving …";
  }

  say(text, bad = true) {
    find("message").textContent = text;
    find("message").title = text;
    find("message").className = bad ? "bad" : "";
    clearTimeout(this.quieting);
    this.quieting = setTimeout(() => (find("message").textContent = ""), QUIET);
  }

  redraw(cursorOnly = false) {
    this.timeline.draw(cursorOnly);
    this.overview.draw();
  }

  moveCursor(time) {
    model.cursor = Math.min(Math.max(time, 0), this.view.duration);
    this.view.reveal(model.cursor);
    if (this.player.playing) this.player.time = model.cursor;
    find("clock").textContent = clock(model.cursor);
    this.showPlaces();
    this.redraw(true);
  }

  played(time) {
    find("play").textContent = this.player.playing ? "❚❚" : "▶";
    if (!this.player.playing && this.player.until === Infinity && Math.abs(time - model.cursor) > 0.3) return;
    model.cursor = time;
    find("clock").textContent = clock(time);
    if (this.player.playing) this.view.reveal(time);
    this.redraw(true);
  }

  pointing() {
    return {
      cursor: (time) => this.moveCursor(time),
      snapped: (time) => this.actions.snapped(time),
      select: (start, end) => this.select([start, end]),
      selectSegment: (segment) => this.select(null, segment),
      zoomSelected: () => this.actions.zoomSelected(),
      draw: (start, end) => {
        this.select(null);
        model.selection = [start, end];
        this.actions.insert();
        model.selection = null;
      },
      dragEdge: (segment, edge, time) => {
        model.selected = [...segment];
        model.selected[edge] = time;
        model.lanes.yours = model.lanes.yours.map((one) => (one === (this.dragged || segment) ? (this.dragged = model.selected) : one));
        this.redraw();
      },
      dropEdge: (segment, edge, time) => {
        model.lanes.yours = model.lanes.yours.map((one) => (one === this.dragged ? segment : one));
        this.dragged = null;
        model.selected = segment;
        this.actions.change((segments) => move("speech", segments, segment, edge, time));
      },
    };
  }

  select(selection, selected = null) {
    Object.assign(model, { selection, selected });
    this.describe();
    this.redraw(true);
  }

  // Say what is selected, for screen readers.
  describe() {
    const stretch = model.selected || model.selection;
    const what = model.selected ? "segment" : model.place ? `place ${model.place}` : "selection";
    find("described").textContent = stretch ? `${what} from ${clock(stretch[0], 2)} to ${clock(stretch[1], 2)}` : "";
  }

  // Show or hide the list or the settings.
  show(what, shown = document.body.classList.contains(`no-${what}`)) {
    document.body.classList.toggle(`no-${what}`, !shown);
    find(`toggle-${what}`).setAttribute("aria-expanded", shown);
  }

  async next() {
    if (!this.recording?.about?.duration) return;
    await this.recording.setState("done");
    await this.list.update();
    const next = this.list.sorted().find((row) => row.state !== "done" && row.id !== this.recording.id);
    if (next) this.open(next.id);
    else this.say("all recordings are done", false);
  }

  // The recording before or behind in the list.
  step(by) {
    const row = this.list.neighbour(by);
    if (row) this.open(row.id);
  }

  async writeLabels() {
    const wish = { format: find("format").value, beside: find("beside").checked, overwrite: find("overwrite").checked };
    try {
      const { files, folder } = await post("/api/labels", wish);
      find("written").textContent = files ? `${files} files written to ${folder}` : "nothing is corrected yet";
    } catch (error) {
      find("written").textContent = error.message;
    }
  }

  wire() {
    const { actions } = this;
    const more = {
      done: () => this.next(),
      nextRecording: () => this.step(1),
      previousRecording: () => this.step(-1),
      search: () => { this.show("list", true); find("search").focus(); },
      toggleList: () => this.show("list"),
      toggleSettings: () => this.show("settings"),
      help: () => find("help").showModal(),
    };
    this.does = (name) => more[name] || actions[name]?.bind(actions);
    listen((name) => this.does(name));
    fillHelp(find("keys"));
    const buttons = {
      "toggle-list": more.toggleList, "toggle-settings": more.toggleSettings, "open-help": more.help,
      "open-labels": () => find("labels").showModal(), "write-labels": () => this.writeLabels(),
      "previous-place": "previousPlace", "next-place": "nextPlace", done: more.done, play: "play",
      "toggle-speech": "toggle", "take-detected": "takeDetected", split: "split", merge: "merge", remove: "remove",
      unsure: "unsure", undo: "undo", redo: "redo", "zoom-in": "zoomIn", "zoom-out": "zoomOut", "zoom-all": "zoomAll",
    };
    for (const [id, action] of Object.entries(buttons)) {
      find(id).addEventListener("click", typeof action === "string" ? () => actions[action]() : action);
    }
    find("mode").addEventListener("change", () => (this.player.mode = find("mode").value));
    find("speed").addEventListener("change", () => (this.player.speed = Number(find("speed").value)));
    find("snap").addEventListener("change", () => (model.snap = find("snap").checked));
    find("audio").addEventListener("error", () => find("audio").error && this.say("the sound of this recording cannot be played"));
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
      this.timeline.colours = readColours();
      this.recording?.makeTiles();
      this.recording?.refresh();
    });
  }
}

const page = new Page();
window.review = page; // for whoever looks at the page with the tools of the browser
page.start().catch((error) => page.say(error.message));
