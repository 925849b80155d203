// The page: the recording that is open, and the parts that show and change it.

import { get } from "./api.js";
import { Editing } from "./editing.js";
import { keepKeys } from "./focus.js";
import { fillHelp, listen } from "./keys.js";
import { Labels } from "./labels.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { Navigation } from "./navigation.js";
import { Overview } from "./overview.js";
import { Playback } from "./playback.js";
import { Player } from "./player.js";
import { Pointer } from "./pointer.js";
import { onTheWay } from "./recording.js";
import { Recordings } from "./recordings.js";
import { Settings } from "./settings.js";
import { Status } from "./status.js";
import { Teach } from "./teach.js";
import { Timeline, readColours } from "./timeline.js";
import { View } from "./view.js";

const SMALL = matchMedia("(max-width: 1100px)"); // list and settings lie over the picture

const find = (id) => document.getElementById(id);
const model = { tiles: null, lanes: {}, unsure: [], settings: {}, selection: null, selected: null, cursor: 0, loudest: 1, snap: false };

class Page {
  constructor() {
    Object.assign(this, { find, model, recording: null });
    this.status = new Status(find, model);
    this.view = new View(() => this.redraw(false, true));
    this.player = new Player(find("audio"), (time) => this.playback.moved(time));
    this.player.stretches = () => model.lanes.yours || [];
    this.timeline = new Timeline(find("picture"), find("overlay"), this.view, model);
    this.overview = new Overview(find("overview"), this.view, model);
    this.editing = new Editing(this);
    this.navigation = new Navigation(this);
    this.playback = new Playback(this);
    this.recordings = new Recordings(this);
    new Pointer(find("stage"), this);
    const open = (id) => this.recordings.open(id);
    this.list = new List(find("recordings"), find("search"), find("order"), find("summary"), open);
    this.settings = new Settings(find, () => this.recordings.detect(), (text, bad) => this.status.say(text, bad));
    this.labels = new Labels(find);
    this.teach = new Teach(find, () => this.restart());
    this.live = new Live(find, () => this.settings.given, (id) => this.list.update().then(() => open(id)));
    this.wire();
  }

  // Let keys and buttons work: each names an action, a method of one of the parts.
  wire() {
    const parts = [this, this.editing, this.navigation, this.playback, this.recordings];
    this.does = (name) => {
      const part = parts.find((one) => typeof one[name] === "function");
      return part && (() => part[name]());
    };
    listen((name) => this.does(name));
    keepKeys(find("stage"));
    fillHelp(find("keys"));
    for (const button of document.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this.does(button.dataset.action)());
    }
    find("snap").addEventListener("change", () => (model.snap = find("snap").checked));
    find("audio").addEventListener("error", () => find("audio").error && this.status.say("the sound of this recording cannot be played"));
    addEventListener("beforeunload", (event) => onTheWay.size && event.preventDefault());
    SMALL.addEventListener("change", () => (SMALL.matches ? this.closePanels() : ["list", "settings"].forEach((what) => this.show(what, true))));
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
      this.timeline.colours = readColours();
      this.recording?.makeTiles();
      this.recording?.refresh();
    });
  }

  async start() {
    [this.about] = await Promise.all([get("/api/project"), this.list.update()]);
    find("folder").textContent = this.about.name;
    document.title = `${this.about.name} – vad review`;
    find("model").textContent = this.about.model;
    this.labels.load(this.about);
    this.settings.load(this.about.presets);
    for (const note of this.about.notes.slice(-1)) this.status.say(note);
    this.closePanels();
    const wanted = this.list.rows.get(location.hash.slice(1)) || this.list.neighbour(0);
    if (wanted) await this.recordings.open(wanted.id);
    this.watch();
  }

  // Another model is at work: other scores, other thresholds.
  async restart() {
    this.about = await get("/api/project");
    find("model").textContent = this.about.model;
    this.settings.load(this.about.presets);
    const { recording } = this;
    this.recording = null;
    recording?.close();
    if (recording) await this.recordings.open(recording.id);
  }

  // Look for news of the list, often while scores are computed.
  async watch() {
    let busy = false;
    try {
      busy = await this.list.update();
      if (this.gone) this.status.say("the server answers again", false);
      this.gone = false;
    } catch (error) {
      this.gone = true;
      this.status.say(error.message);
    }
    setTimeout(() => this.watch(), busy ? 700 : 2500);
  }

  // Draw again: all, or less where but the cursor has moved, or the part that is shown.
  redraw(cursorOnly = false, scrolled = cursorOnly) {
    this.timeline.draw(cursorOnly);
    this.overview.draw(scrolled);
  }

  select(selection, selected = null) {
    Object.assign(model, { selection, selected });
    this.status.selected();
    this.redraw(true);
  }

  // Show or hide the list or the settings.
  show(what, shown = document.body.classList.contains(`no-${what}`)) {
    document.body.classList.toggle(`no-${what}`, !shown);
    find(`toggle-${what}`).setAttribute("aria-expanded", shown);
  }

  // In a small window, let the picture be seen.
  closePanels() {
    if (SMALL.matches) for (const what of ["list", "settings"]) this.show(what, false);
  }

  toggleList() { this.turn("list", "settings"); }
  toggleSettings() { this.turn("settings", "list"); }

  turn(what, other) {
    this.show(what);
    if (SMALL.matches && !document.body.classList.contains(`no-${what}`)) this.show(other, false);
  }

  help() { find("help").showModal(); }

  search() {
    if (document.body.classList.contains("no-list")) this.toggleList();
    find("search").focus();
  }
}

const page = new Page();
window.review = page; // for whoever looks at the page with the tools of the browser
page.start().catch((error) => page.status.say(error.message));
