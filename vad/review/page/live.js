// The microphone of the machine as a moving picture: what has come is asked for, and drawn on.

import { get, post } from "./api.js";
import { contrast, palette, stretched } from "./spectrogram.js";
import { readColours } from "./timeline.js";
import { clock } from "./view.js";

const POLL = 90; // milliseconds
const SECONDS = 12; // shown

export class Live {
  // `recorded` is called with the id of a new recording.
  constructor(find, settings, recorded) {
    Object.assign(this, { find, settings, recorded, dialog: find("live") });
    find("open-live").addEventListener("click", () => this.open());
    find("live-start").addEventListener("click", () => this.start());
    find("live-stop").addEventListener("click", () => this.stop());
    this.dialog.addEventListener("close", () => this.running && this.stop());
  }

  async open() {
    this.dialog.showModal();
    this.say("");
    const system = new Option("the system's microphone", "");
    this.find("live-device").replaceChildren(system);
    try {
      const { devices } = await get("/api/live/devices");
      const options = devices.map((d) => new Option(d.name, d.index, d.default, d.default));
      this.find("live-device").replaceChildren(system, ...options);
    } catch (error) {
      this.say(error.message);
    }
  }

  say(text) {
    this.find("live-error").textContent = text;
  }

  async start() {
    const device = this.find("live-device").value;
    try {
      await post("/api/live/start", { device: device === "" ? null : Number(device), ...this.settings() });
    } catch (error) {
      this.say(error.message);
      return;
    }
    this.say("");
    Object.assign(this, { running: true, columns: [], scores: [], events: [], next: 0, first: 0, adapted: -1 });
    this.colours = readColours();
    this.base = palette(matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
    this.buttons();
    if (this.dialog.open) this.look();
    else this.stop(); // it was closed meanwhile
  }

  async stop() {
    this.running = false;
    this.buttons();
    try {
      const { id } = await post("/api/live/stop", {});
      if (id) {
        this.dialog.close();
        this.recorded(id);
      }
    } catch (error) {
      this.say(error.message);
    }
  }

  buttons() {
    this.find("live-start").disabled = this.running;
    this.find("live-stop").disabled = !this.running;
  }

  async look() {
    if (!this.running) return;
    const { columns } = this;
    try {
      const status = await get(`/api/live?since=${this.next}&scored=${this.scores.length}`);
      if (columns !== this.columns) return; // the microphone was opened again since
      this.take(status);
      requestAnimationFrame(() => this.paint());
    } catch (error) {
      this.say(error.message);
    }
    setTimeout(() => this.look(), POLL);
  }

  take(status) {
    const data = Uint8Array.from(atob(status.mel), (letter) => letter.charCodeAt(0));
    for (let at = 0; at < data.length; at += status.bands) this.columns.push(data.subarray(at, at + status.bands));
    const held = Math.round(SECONDS / status.frame);
    this.next = status.first + data.length / status.bands;
    this.first = this.next - this.columns.length;
    if (this.columns.length > held) {
      this.first += this.columns.length - held;
      this.columns.splice(0, this.columns.length - held);
    }
    const from = status.scored - status.scores.length; // frame of the first score that came
    status.scores.forEach((score, index) => (this.scores[from + index] = score));
    Object.assign(this, { events: status.events, frame: status.frame, bands: status.bands });
    const open = status.events.at(-1)?.event === "start";
    this.find("live-state").textContent = open ? "speech" : "silence";
    this.find("live-state").classList.toggle("speaking", open);
    this.find("live-clock").textContent = clock(status.seconds);
    if (status.error) this.say(status.error);
    if (!status.running && this.running) this.stop();
  }

  // Colours by what was heard last, about once per second.
  adapt() {
    if (this.adapted + 1 > this.next * this.frame) return;
    this.adapted = this.next * this.frame;
    const data = new Uint8Array(this.columns.length * this.bands);
    this.columns.forEach((column, index) => data.set(column, index * this.bands));
    this.palette = stretched(this.base, contrast(data));
  }

  paint() {
    const canvas = this.find("live-picture");
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !this.columns.length) return;
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    this.adapt();
    const held = SECONDS / this.frame;
    const picture = document.createElement("canvas");
    Object.assign(picture, { width: this.columns.length, height: this.bands });
    const image = picture.getContext("2d").createImageData(picture.width, this.bands);
    const pixels = new Uint32Array(image.data.buffer);
    this.columns.forEach((column, x) => {
      for (let band = 0; band < this.bands; band++) pixels[(this.bands - 1 - band) * picture.width + x] = this.palette[column[band]];
    });
    picture.getContext("2d").putImageData(image, 0, 0);
    const step = width / held;
    const left = width - this.columns.length * step;
    const low = height - 26;
    const middle = Math.round(low * 0.68);
    context.fillStyle = this.colours.sunk;
    context.fillRect(0, 0, width, height);
    context.drawImage(picture, left, 0, this.columns.length * step, middle);
    const x = (frame) => left + (frame - this.first) * step;
    context.strokeStyle = this.colours.score;
    context.beginPath();
    for (let frame = Math.max(this.first, 0); frame < this.scores.length; frame++) {
      if (this.scores[frame] !== undefined) context.lineTo(x(frame), middle + 6 + (1 - this.scores[frame]) * (low - middle - 12));
    }
    context.stroke();
    context.fillStyle = this.colours.yours;
    let begun = null;
    for (const event of [...this.events, { event: "now" }]) {
      if (event.event === "start") begun = event.time;
      const end = event.event === "end" ? event.end : event.event === "now" ? this.next * this.frame : null;
      if (end === null || (event.event === "now" && begun === null)) continue;
      const start = event.event === "end" ? event.start : begun;
      context.fillRect(x(start / this.frame), low + 2, ((end - start) / this.frame) * step, 22);
      begun = null;
    }
  }
}
