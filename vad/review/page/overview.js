// The small picture of the whole recording, with the part that is shown; a click or drag goes there.

import { drawWaveform } from "./curves.js";
import { readColours } from "./timeline.js";

export class Overview {
  constructor(canvas, view, model) {
    Object.assign(this, { canvas, view, model, dirty: true, still: document.createElement("canvas") });
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

  // Draw again with the next frame; `frameOnly` where but the cursor or the part that is shown has moved.
  draw(frameOnly = false) {
    if (!frameOnly) this.dirty = true;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  paint() {
    const { canvas, model, view, still } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = still.width = Math.round(width * ratio);
      canvas.height = still.height = Math.round(height * ratio);
      this.dirty = true;
    }
    if (this.dirty) this.paintStill(still.getContext("2d"), ratio, width, height);
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(still, 0, 0);
    if (!model.tiles || model.problem) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const scale = width / view.duration;
    context.strokeStyle = this.colours.accent;
    context.lineWidth = 1.5;
    context.strokeRect(view.start * scale + 0.75, 0.75, Math.max((view.end - view.start) * scale - 1.5, 2), height - 1.5);
    context.fillStyle = this.colours.cursor;
    context.fillRect(Math.round(model.cursor * scale), 0, 1, height);
  }

  // What does not move: the waveform, and the segments.
  paintStill(context, ratio, width, height) {
    const { model, view } = this;
    this.dirty = false;
    this.colours = readColours();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.colours.sunk;
    context.fillRect(0, 0, width, height);
    if (!model.tiles) return;
    const whole = { start: 0, end: view.duration, width, scale: width / view.duration };
    drawWaveform(context, model.tiles.peaks, whole, { top: 0, height: height - 6 }, this.colours.wave, model);
    model.tiles.peaks.fetch();
    context.fillStyle = this.colours.yours;
    for (const [start, end] of model.lanes.yours || []) {
      context.fillRect(start * whole.scale, height - 6, Math.max((end - start) * whole.scale, 0.5), 5);
    }
  }
}
