// The large picture: ruler, waveform, spectrogram, scores, and a lane for each list of segments.

import { drawScores, drawWaveform } from "./curves.js";
import { drawSpectrogram } from "./spectrogram.js";
import { clock } from "./view.js";

const RULER = 22;
const GAP = 6;
const LARGE = 1500; // pixels of width from which on letters and lanes are larger
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const LANES = { yours: matchMedia("(pointer: coarse)").matches ? 52 : 34, labels: 18, detected: 18, differs: 12 };
const NAMES = { yours: "Corrected", labels: "Labels", detected: "Detected", differs: "Differences" };

export class Timeline {
  // `model` is what is drawn: tiles, segments, settings, selection; it is read, never changed.
  constructor(canvas, overlay, view, model) {
    Object.assign(this, { canvas, overlay, view, model, dirty: false, moved: false });
    this.colours = readColours();
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.overlay]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.height = height;
    const middle = this.view.start + this.view.width / this.view.scale / 2;
    const seconds = this.view.width / this.view.scale;
    this.view.width = width;
    this.view.set(middle - seconds / 2, width / seconds);
    this.draw();
  }

  // Draw again with the next frame; `overlayOnly` where but the cursor or the selection has moved.
  draw(overlayOnly = false) {
    if (!this.moved) requestAnimationFrame(() => this.frame());
    this.moved = true;
    if (!overlayOnly) this.dirty = true;
  }

  frame() {
    if (this.dirty) this.paint();
    this.paintOverlay();
    this.dirty = this.moved = false;
  }

  // Where each part lies, from top to bottom: {name: {top, height}}.
  boxes() {
    const size = this.view.width > LARGE ? 1.35 : 1;
    const lanes = Object.keys(LANES).filter((name) => this.model.lanes[name]);
    const taken = RULER + lanes.reduce((sum, name) => sum + Math.round(LANES[name] * size) + 2, 0) + 3 * GAP;
    const free = Math.max(this.height - taken, 90);
    const boxes = { ruler: { top: 0, height: RULER } };
    let top = RULER;
    for (const [name, share] of [["waveform", 0.26], ["spectrogram", 0.5], ["scores", 0.24]]) {
      boxes[name] = { top, height: Math.floor(free * share) };
      top += boxes[name].height + GAP;
    }
    for (const name of lanes) {
      boxes[name] = { top, height: Math.round(LANES[name] * size) };
      top += boxes[name].height + 2;
    }
    return boxes;
  }

  part(y) {
    const found = Object.entries(this.boxes()).find(([, box]) => y >= box.top && y < box.top + box.height);
    return found ? found[0] : null;
  }

  paint() {
    const context = this.canvas.getContext("2d");
    const { view, model, colours } = this;
    const boxes = this.boxes();
    context.fillStyle = colours.ground;
    context.fillRect(0, 0, view.width, this.height);
    context.font = `${view.width > LARGE ? 13 : 11}px system-ui, sans-serif`;
    if (!model.tiles || model.problem) return;
    this.paintRuler(context, boxes.ruler);
    context.fillStyle = colours.sunk;
    for (const name of ["waveform", "spectrogram", "scores"]) {
      context.fillRect(0, boxes[name].top, view.width, boxes[name].height);
    }
    drawWaveform(context, model.tiles.peaks, view, boxes.waveform, colours.wave, model);
    drawSpectrogram(context, model.tiles.mel, view, boxes.spectrogram);
    if (model.tiles.scores.counts.length) {
      drawScores(context, model.tiles.scores, view, boxes.scores, colours, model.settings.onset, model.settings.offset);
    } else {
      context.fillStyle = colours.muted;
      context.fillText("scores are being computed", 8, boxes.scores.top + boxes.scores.height / 2 + 4);
    }
    for (const name of Object.keys(LANES)) if (boxes[name]) this.paintLane(context, name, boxes[name]);
    for (const tiles of Object.values(model.tiles)) tiles.fetch();
  }

  paintRuler(context, box) {
    const { view, colours } = this;
    const step = STEPS.find((s) => s * view.scale >= 80) || 7200;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    context.fillStyle = colours.muted;
    for (let n = Math.floor(view.start / step); n * step <= Math.min(view.end, view.duration); n++) {
      const x = Math.round(view.x(n * step));
      context.fillRect(x, box.height - 6, 1, 6);
      context.fillText(clock(n * step, digits), x + 4, box.height - 8);
      for (let part = 1; part < 5; part++) context.fillRect(Math.round(view.x((n + part / 5) * step)), box.height - 3, 1, 3);
    }
  }

  paintLane(context, name, box) {
    const { view, model, colours } = this;
    context.fillStyle = colours.sunk;
    context.fillRect(0, box.top, view.width, box.height);
    if (name === "differs") {
      for (const { kind, start, end } of model.lanes.differs) this.bar(context, [start, end], box, colours[kind], kind);
    } else {
      for (const segment of model.lanes[name]) this.bar(context, segment, box, colours[name], name);
    }
    if (name === "yours") for (const segment of model.unsure) this.bar(context, segment, box, colours.unsure, "unsure");
    context.fillStyle = colours.ground;
    const width = context.measureText(NAMES[name]).width;
    context.globalAlpha = 0.75;
    context.fillRect(0, box.top, width + 12, Math.min(box.height, 16));
    context.globalAlpha = 1;
    context.fillStyle = colours.text;
    context.fillText(NAMES[name], 6, box.top + Math.min(box.height, 16) - 4);
  }

  // One stretch; misses and what is unsure are hatched, so that colour is not all that tells them apart.
  bar(context, [start, end], box, colour, kind) {
    const { view } = this;
    if (end < view.start || start > view.end) return;
    const left = Math.max(view.x(start), -5);
    const width = Math.max(Math.min(view.x(end), view.width + 5) - left, 1);
    const [top, height] = [box.top + 1, box.height - 2];
    if (kind === "miss" || kind === "unsure") {
      context.save();
      context.beginPath();
      context.rect(left, top, width, height);
      context.clip();
      context.strokeStyle = colour;
      context.lineWidth = 2;
      context.beginPath();
      const lean = kind === "miss" ? height : -height;
      for (let x = left - height - ((left - height) % 7); x < left + width + height; x += 7) {
        context.moveTo(x, top + height);
        context.lineTo(x + lean, top);
      }
      context.stroke();
      context.restore();
    } else {
      context.fillStyle = colour;
      context.fillRect(left, top, width, height);
    }
    if (kind === "yours" && width > 3) {
      context.fillStyle = this.colours.edge;
      context.fillRect(left, top, 2, height);
      context.fillRect(left + width - 2, top, 2, height);
    }
  }

  // In the ruler: from when to when a stretch is, and how long.
  paintTimes(context, stretch) {
    if (!stretch) return;
    const { view, colours } = this;
    const [start, end] = stretch;
    const text = `${clock(start, 2)} – ${clock(end, 2)}   ${(end - start).toFixed(2)} s`;
    context.font = `${view.width > LARGE ? 13 : 11}px system-ui, sans-serif`;
    const width = context.measureText(text).width + 12;
    const left = Math.min(Math.max((view.x(start) + view.x(end) - width) / 2, 0), view.width - width);
    context.fillStyle = colours.ground;
    context.fillRect(left, 0, width, RULER - 4);
    context.fillStyle = colours.text;
    context.fillText(text, left + 6, RULER - 8);
  }

  paintOverlay() {
    const context = this.overlay.getContext("2d");
    const { view, model, colours } = this;
    context.clearRect(0, 0, view.width, this.height);
    const boxes = this.boxes();
    if (model.selection) {
      const [start, end] = model.selection;
      const left = view.x(start);
      const width = Math.max(view.x(end) - left, 1);
      context.fillStyle = colours.selection;
      context.fillRect(left, RULER, width, this.height - RULER);
      context.fillStyle = colours.accent;
      context.fillRect(left, RULER, 1, this.height - RULER);
      context.fillRect(left + width, RULER, 1, this.height - RULER);
    }
    if (model.selected && boxes.yours) {
      const [start, end] = model.selected;
      context.strokeStyle = colours.accent;
      context.lineWidth = 2;
      context.strokeRect(view.x(start), boxes.yours.top, Math.max((end - start) * view.scale, 2), boxes.yours.height);
    }
    if (!model.tiles || model.problem) return;
    this.paintTimes(context, model.selected || model.selection);
    const x = Math.round(view.x(model.cursor));
    context.fillStyle = colours.cursor;
    context.fillRect(x, 0, 1, this.height);
    context.beginPath();
    context.moveTo(x - 5, 0);
    context.lineTo(x + 6, 0);
    context.lineTo(x + 0.5, 7);
    context.fill();
  }
}

// The colours of the style sheet, by the names used here.
export function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = "ground sunk text muted line accent wave score yours edge labels detected miss alarm unsure selection cursor";
  return Object.fromEntries(names.split(" ").map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}
