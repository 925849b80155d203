// Sliders of the segmentation: they ask the server, whose segmenter is the package's own, for segments.

import { post } from "./api.js";
import { tableRow } from "./elements.js";

const SLIDERS = [
  ["onset", "Onset", 0.01, 0.99, 0.01],
  ["offset", "Offset", 0.01, 0.99, 0.01],
  ["min_speech", "Shortest speech", 0, 2, 0.01],
  ["min_silence", "Shortest pause", 0, 3, 0.01],
  ["pad_start", "Padding before", 0, 1, 0.01],
  ["pad_end", "Padding after", 0, 1, 0.01],
  ["max_speech", "Longest segment", 1, 121, 1],
];
const PAGE = String(Math.random()); // not to be taken for another tab
const NO_LIMIT = 121; // of the last slider: its right end
const METRICS = [
  ["deter", "DetER"],
  ["miss", "Miss"],
  ["false_alarm", "False alarm"],
  ["dcf", "DCF"],
  ["f1", "F1"],
];

export class Settings {
  constructor(find, changed, failed) {
    Object.assign(this, { find, changed, failed, inputs: {}, values: {} });
    this.preset = find("preset");
    this.preset.addEventListener("change", () => this.choose(this.preset.value));
    for (const [name, title, low, high, step] of SLIDERS) this.addSlider(name, title, low, high, step);
    for (const [name, title] of METRICS) this.addMetric(name, title);
    find("copy").addEventListener("click", () => this.copy());
    find("write-weights").addEventListener("click", () => this.write());
  }

  addSlider(name, title, low, high, step) {
    const label = document.createElement("label");
    label.className = "slider";
    const text = document.createElement("span");
    text.textContent = title;
    const value = document.createElement("output");
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: low, max: high, step, id: `set-${name}` });
    label.htmlFor = value.htmlFor = input.id; // the first thing in a label that can be labelled is the output
    label.append(text, value, input);
    this.find("sliders").append(label);
    this.inputs[name] = { input, value, label };
    input.addEventListener("input", () => this.set(name, Number(input.value)));
  }

  addMetric(name, title) {
    const row = tableRow(title, "–", "–");
    row.id = `metric-${name}`;
    this.find("metrics").tBodies[0].append(row);
  }

  // What the presets of the model at work stand for.
  load(presets) {
    this.presets = presets;
    this.preset.replaceChildren(...Object.keys(presets).map((name) => new Option(name, name)));
    this.choose("default");
  }

  choose(name) {
    this.preset.value = name;
    this.values = { ...this.presets[name] };
    this.show();
    this.changed();
  }

  set(name, value) {
    this.values[name] = name === "max_speech" && value >= NO_LIMIT ? null : value;
    if (name === "onset" && this.values.offset > value) this.values.offset = value;
    if (name === "offset" && this.values.onset < value) this.values.onset = value;
    this.show();
    this.changed();
  }

  show() {
    for (const [name, { input, value, label }] of Object.entries(this.inputs)) {
      const number = this.values[name];
      input.value = number ?? NO_LIMIT;
      const seconds = name !== "onset" && name !== "offset";
      value.textContent = number === null ? "no limit" : seconds ? `${number.toFixed(2)} s` : number.toFixed(2);
      input.setAttribute("aria-valuetext", value.textContent);
      label.classList.toggle("changed", number !== this.presets[this.preset.value][name]);
    }
  }

  // As the server takes them: the preset, and what differs from it.
  get given() {
    const base = this.presets[this.preset.value];
    const changes = Object.entries(this.values).filter(([name, value]) => value !== base[name]);
    const settings = Object.fromEntries(changes.map(([name, value]) => [name, value ?? 1000000]));
    return { preset: this.preset.value, settings };
  }

  showMetrics(column, metrics) {
    for (const [name] of METRICS) {
      const value = metrics?.[name];
      const shown = value === null || value === undefined ? "–" : `${(100 * value).toFixed(1)} %`;
      this.find(`metric-${name}`).cells[column].textContent = shown;
    }
  }

  // The metrics of all recordings; the last wish counts.
  async evaluate() {
    const wish = (this.wish = (this.wish || 0) + 1);
    const { recordings, metrics } = await post("/api/evaluate", { ...this.given, page: PAGE });
    if (wish !== this.wish) return;
    this.showMetrics(2, metrics);
    const many = recordings === 1 ? "1 recording" : `${recordings} recordings`;
    this.find("scope").textContent = recordings ? `“all” pools ${many} with corrections or labels` : "no recording has labels or corrections yet";
  }

  showCommand(options) {
    this.find("command").textContent = ["vad detect", options].filter(Boolean).join(" ");
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.find("command").textContent);
      this.failed("copied", false);
    } catch {
      getSelection().selectAllChildren(this.find("command"));
      this.failed("the browser does not let the page copy; the line is selected, press Ctrl+C");
    }
  }

  async write() {
    try {
      const { path } = await post("/api/weights", this.given);
      this.failed(`written: ${path}; use it as vad detect --model`, false);
    } catch (error) {
      this.failed(error.message);
    }
  }
}
