// What a mouse, a pen or fingers do in the large picture.

import { at, room } from "./changes.js";

const NEAR = { mouse: 7, pen: 12, touch: 24 }; // pixels from an edge that still take hold of it
const STILL = { mouse: 3, pen: 5, touch: 9 }; // pixels that a pointer moves without meaning it

export class Pointer {
  // `page` has timeline, view, model, editing, navigation, select.
  constructor(element, page) {
    Object.assign(this, { element, page, task: null });
    this.fingers = new Map(); // by their ids, where they are: [x, y]
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointercancel", (event) => this.cancel(event));
    element.addEventListener("dblclick", () => page.navigation.zoomSelected());
  }

  wheel(event) {
    event.preventDefault();
    const { view } = this.page;
    const pixels = event.deltaMode === 1 ? 30 : 1;
    if (event.ctrlKey || event.metaKey) view.zoom(Math.exp((-event.deltaY * pixels) / 300), event.offsetX);
    else view.set(view.start + ((event.deltaX + event.deltaY) * pixels) / view.scale);
  }

  // The edge of a corrected segment near the pointer: {segment, edge: 0 or 1}.
  edge(event) {
    const { timeline, view, model } = this.page;
    if (timeline.part(event.offsetY) !== "yours") return null;
    const near = NEAR[event.pointerType || "mouse"] / view.scale;
    const time = view.time(event.offsetX);
    let best = null;
    for (const segment of model.lanes.yours || []) {
      for (const edge of [0, 1]) {
        const distance = Math.abs(segment[edge] - time);
        if (distance < near && (!best || distance < best.distance)) best = { segment, edge, distance };
      }
    }
    return best;
  }

  down(event) {
    if (event.button !== 0 || !this.page.recording?.about?.duration) return;
    this.element.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.fingers.size > 1) {
      this.giveUp();
      this.task = { kind: "pinch" };
      return;
    }
    const { timeline, view, model } = this.page;
    const part = timeline.part(event.offsetY);
    const edge = this.edge(event);
    const begun = { x: event.offsetX, from: view.time(event.offsetX), moved: false };
    if (part === "ruler") this.task = { kind: "pan", ...begun, start: view.start };
    else if (edge) this.task = { kind: "edge", ...begun, ...edge, limits: room(model.lanes.yours, edge.segment, edge.edge, view.duration) };
    else this.task = { kind: part === "yours" ? "draw" : "select", ...begun };
    if (edge) this.page.select(null, edge.segment);
  }

  move(event) {
    const { task } = this;
    if (!task) this.hover(event);
    else if (this.fingers.has(event.pointerId)) {
      const before = [...this.fingers.values()];
      this.fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (task.kind === "pinch") this.pinch(before, [...this.fingers.values()]);
      else this.drag(task, event);
    }
  }

  hover(event) {
    const part = this.page.timeline.part(event.offsetY);
    this.element.style.cursor = this.edge(event) ? "ew-resize" : part === "ruler" ? "grab" : part === "yours" ? "cell" : "text";
  }

  drag(task, event) {
    const { view, editing, select } = this.page;
    if (!task.moved && Math.abs(event.offsetX - task.x) <= STILL[event.pointerType || "mouse"]) return;
    task.moved = true;
    const time = view.time(event.offsetX);
    if (task.kind === "pan") {
      view.set(task.start - (event.offsetX - task.x) / view.scale);
    } else if (task.kind === "edge") {
      const moved = editing.snapped(task.segment[task.edge] + time - task.from); // where it was taken hold of does not matter
      task.time = Math.min(Math.max(moved, task.limits[0]), task.limits[1]);
      editing.dragEdge(task.segment, task.edge, task.time);
    } else {
      task.to = time;
      this.page.select([Math.min(task.from, time), Math.max(task.from, time)]);
    }
  }

  // Two fingers: what is between them stays between them.
  pinch(before, now) {
    if (before.length !== 2) return;
    const { view } = this.page;
    const spread = ([a, b]) => Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 20);
    const middle = ([a, b]) => (a[0] + b[0]) / 2;
    view.zoom(spread(now) / spread(before), middle(before));
    view.set(view.start - (middle(now) - middle(before)) / view.scale);
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId) || this.fingers.size) return;
    const { task } = this;
    this.task = null;
    const { editing, navigation, model } = this.page;
    if (task.kind === "edge") {
      if (task.moved) editing.dropEdge(task.segment, task.edge, task.time);
    } else if (task.kind === "draw" && task.moved) {
      editing.draw(Math.min(task.from, task.to), Math.max(task.from, task.to));
    } else if (task.kind !== "pinch" && !task.moved) {
      navigation.go(task.from);
      this.page.select(null, task.kind === "draw" ? at(model.lanes.yours, task.from) : null);
    }
  }

  // The system has taken the pointer away.
  cancel(event) {
    this.fingers.delete(event.pointerId);
    this.giveUp();
  }

  // What was begun is not meant: nothing changes.
  giveUp() {
    const { task } = this;
    this.task = null;
    if (task?.kind === "edge" && task.moved) this.page.editing.releaseEdge(task.segment);
    if (task?.kind === "draw" || task?.kind === "select") this.page.select(null);
  }
}
