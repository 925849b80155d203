// What a mouse, a pen or fingers do in the large picture.

import { at, room } from "./changes.js";

const NEAR = 7; // pixels from an edge that still take hold of it

export class Pointer {
  // `act` has what can be done: cursor, select, selectSegment, dragEdge, dropEdge, draw.
  constructor(element, timeline, view, model, act) {
    Object.assign(this, { element, timeline, view, model, act });
    this.fingers = new Map();
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, (event) => this.up(event));
    element.addEventListener("dblclick", () => this.act.zoomSelected());
  }

  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? 30 : 1;
    if (event.ctrlKey || event.metaKey) this.view.zoom(Math.exp((-event.deltaY * pixels) / 300), event.offsetX);
    else this.view.set(this.view.start + ((event.deltaX + event.deltaY) * pixels) / this.view.scale);
  }

  // The edge of a corrected segment near the pointer: [segment, 0 or 1].
  edge(event) {
    if (this.timeline.part(event.offsetY) !== "yours") return null;
    const near = NEAR / this.view.scale;
    const time = this.view.time(event.offsetX);
    let best = null;
    for (const segment of this.model.lanes.yours) {
      for (const edge of [0, 1]) {
        const distance = Math.abs(segment[edge] - time);
        if (distance < near && (!best || distance < best.distance)) best = { segment, edge, distance };
      }
    }
    return best;
  }

  down(event) {
    this.element.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, event.offsetX);
    if (this.fingers.size === 2) {
      this.task = { kind: "pinch" };
      return;
    }
    if (event.button !== 0) return;
    const time = this.view.time(event.offsetX);
    const part = this.timeline.part(event.offsetY);
    const edge = this.edge(event);
    if (part === "ruler") this.task = { kind: "pan", x: event.offsetX, start: this.view.start };
    else if (edge) this.task = { kind: "edge", ...edge, limits: room(this.model.lanes.yours, edge.segment, edge.edge, this.view.duration) };
    else this.task = { kind: part === "yours" ? "draw" : "select", from: time, x: event.offsetX };
    if (edge) this.act.selectSegment(edge.segment);
  }

  move(event) {
    if (this.fingers.has(event.pointerId)) {
      const before = [...this.fingers.values()];
      this.fingers.set(event.pointerId, event.offsetX);
      if (this.task?.kind === "pinch") this.pinch(before, [...this.fingers.values()]);
    }
    const task = this.task;
    const time = this.view.time(event.offsetX);
    if (!task) {
      const part = this.timeline.part(event.offsetY);
      this.element.style.cursor = this.edge(event) ? "ew-resize" : part === "ruler" ? "grab" : part === "yours" ? "cell" : "text";
    } else if (task.kind === "pan") {
      this.view.set(task.start - (event.offsetX - task.x) / this.view.scale);
    } else if (task.kind === "edge") {
      task.time = Math.min(Math.max(this.act.snapped(time), task.limits[0]), task.limits[1]);
      this.act.dragEdge(task.segment, task.edge, task.time);
    } else if (task.from !== undefined && Math.abs(event.offsetX - task.x) > 3) {
      task.moved = true;
      task.to = time;
      this.act.select(Math.min(task.from, time), Math.max(task.from, time));
    }
  }

  pinch(before, now) {
    if (before.length < 2 || now.length < 2) return;
    const spread = (xs) => Math.max(Math.abs(xs[0] - xs[1]), 20);
    const middle = (xs) => (xs[0] + xs[1]) / 2;
    this.view.zoom(spread(now) / spread(before), middle(now));
    this.view.set(this.view.start - (middle(now) - middle(before)) / this.view.scale);
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    const task = this.task;
    if (this.fingers.size) return;
    this.task = null;
    if (!task) return;
    if (task.kind === "edge") {
      if (task.time !== undefined) this.act.dropEdge(task.segment, task.edge, task.time);
    } else if (task.moved && task.kind === "draw") {
      this.act.draw(Math.min(task.from, task.to), Math.max(task.from, task.to));
    } else if (!task.moved && task.from !== undefined) {
      this.act.cursor(task.from);
      this.act.selectSegment(task.kind === "draw" ? at(this.model.lanes.yours, task.from) : null);
    }
  }
}
