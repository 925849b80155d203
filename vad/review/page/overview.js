// The small picture of the whole recording, with the part that is shown; a click or drag goes there.

import { drawWaveform } from "./curves.js";
import { readColours } from "./timeline.js";

export class Overview {
  constructor(canvas, view, model) {
    Object.assign(this, { canvas, view, model, whole: null });
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.go(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && this.go(event));
  }

  go(event) {
    const seconds = this.view.width / this.view.scale;
    this.view.set((event.offsetX / this.canvas.clientWidth) * this.view.duration - seconds / 2);
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  paint() {
    const { canvas, model, view } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const colours = readColours();
    context.fillStyle = colours.sunk;
    context.fillRect(0, 0, width, height);
    if (!model.tiles) return;
    const whole = { start: 0, end: view.duration, width, scale: width / view.duration };
    drawWaveform(context, model.tiles.peaks, whole, { top: 0, height: height - 6 }, colours.wave, model.loudest);
    model.tiles.peaks.fetch();
    const rows = [[model.lanes.yours || model.lanes.labels || model.lanes.detected || [], colours.yours, height - 6]];
    for (const [segments, colour, top] of rows) {
      context.fillStyle = colour;
      for (const [start, end] of segments) context.fillRect(start * whole.scale, top, Math.max((end - start) * whole.scale, 0.5), 5);
    }
    context.strokeStyle = colours.accent;
    context.lineWidth = 1.5;
    const left = view.start * whole.scale;
    context.strokeRect(left + 0.75, 0.75, Math.max((view.end - view.start) * whole.scale - 1.5, 2), height - 1.5);
    context.fillStyle = colours.cursor;
    context.fillRect(Math.round(model.cursor * whole.scale), 0, 1, height);
  }
}
