// The list of recordings: sorted, searched, and only as many rows made as can be seen.

import { get } from "./api.js";
import { fact, part, percent } from "./elements.js";
import { clock } from "./view.js";

const STATES = { unseen: "not corrected yet", corrected: "corrected in part", done: "done" };
const MARKS = { unseen: "○", corrected: "●", done: "✓" };
const MORE = 6; // rows made above and below those that can be seen

// The most instructive first: what differs from labels counts with what the detector is unsure of.
const worth = (row) => (row.state === "done" ? -10 : 0) + (row.unsure ?? 0) + (row.differs ?? 0);
const ORDERS = {
  worth: (a, b) => worth(b) - worth(a),
  name: (a, b) => NAMES.compare(a.name, b.name),
  duration: (a, b) => b.duration - a.duration,
  speech: (a, b) => (b.speech ?? -1) - (a.speech ?? -1),
  state: (a, b) => Object.keys(STATES).indexOf(a.state) - Object.keys(STATES).indexOf(b.state),
};
const NAMES = new Intl.Collator(undefined, { numeric: true });

export class List {
  constructor(element, search, order, summary, open) {
    Object.assign(this, { element, search, order, summary, open, rows: new Map(), sorted: [], items: new Map() });
    this.frame = element.parentElement; // which scrolls
    Object.assign(this, { revision: 0, current: null });
    search.addEventListener("input", () => this.show());
    search.addEventListener("keydown", (event) => this.searched(event));
    order.addEventListener("change", () => this.show());
    this.frame.addEventListener("scroll", () => this.fill());
    new ResizeObserver(() => this.fill()).observe(this.frame);
    element.addEventListener("keydown", (event) => this.walk(event));
    element.addEventListener("click", (event) => {
      const item = event.target.closest("[data-id]");
      if (item) this.open(item.dataset.id);
    });
  }

  // Ask what has changed; true while the server still works on some.
  async update() {
    const { recordings, revision } = await get(`/api/recordings?since=${this.revision}`);
    const newer = recordings.filter((row) => row.revision >= (this.rows.get(row.id)?.revision ?? 0));
    for (const row of newer) this.rows.set(row.id, row);
    this.revision = Math.max(this.revision, revision);
    if (recordings.length) this.show();
    return [...this.rows.values()].some((row) => row.unsure === null && !row.error);
  }

  // The recording `step` rows after the current one.
  neighbour(step) {
    const at = this.sorted.findIndex((row) => row.id === this.current);
    return this.sorted[Math.min(Math.max(at + step, 0), this.sorted.length - 1)];
  }

  select(id) {
    this.current = id;
    this.show();
    this.reveal(this.sorted.findIndex((row) => row.id === id));
  }

  // Sort and search again. The order stays while somebody points at it: a row shall not run away from a click.
  show() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = [...this.rows.values()];
    const rows = all.filter((row) => words.every((word) => row.name.toLowerCase().includes(word)));
    const wish = `${this.order.value} ${this.search.value}`;
    if (wish !== this.wish || rows.length !== this.sorted.length || !this.element.matches(":hover")) {
      this.sorted = rows.sort((a, b) => ORDERS[this.order.value](a, b) || ORDERS.name(a, b));
    } else {
      this.sorted = this.sorted.map((row) => this.rows.get(row.id));
    }
    this.wish = wish;
    this.fill();
    const done = all.filter((row) => row.state === "done").length;
    const seconds = all.reduce((sum, row) => sum + row.duration, 0);
    const many = all.length === 1 ? "1 recording" : `${all.length} recordings`;
    const found = rows.length < all.length ? `${rows.length} of ${many}` : many;
    this.summary.textContent = `${found}, ${clock(seconds, 0)}, ${done} done`;
  }

  // Make the rows that can be seen.
  fill() {
    const { element, frame, sorted } = this;
    const height = this.height();
    const first = Math.max(0, Math.floor(frame.scrollTop / height) - MORE);
    const last = Math.ceil((frame.scrollTop + frame.clientHeight) / height) + MORE;
    const items = new Map();
    for (const [index, row] of sorted.slice(first, last).entries()) items.set(row.id, this.item(row, first + index));
    const focused = document.activeElement?.dataset?.id;
    const made = [...items.values()];
    if (made.length !== element.children.length || made.some((item, index) => element.children[index] !== item)) {
      element.replaceChildren(...made);
      if (focused) items.get(focused)?.firstChild.focus({ preventScroll: true });
    }
    this.items = items;
    for (const item of made) item.style.top = `${item.index * height}px`;
    element.style.height = `${sorted.length * height}px`;
  }

  height() {
    return parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 46;
  }

  // Scroll so that a row can be seen.
  reveal(index) {
    const { frame } = this;
    const [top, height] = [index * this.height(), this.height()];
    if (index < 0) return;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (top + height > frame.scrollTop + frame.clientHeight) frame.scrollTop = top + height - frame.clientHeight;
    this.fill();
  }

  // From row to row, by the arrows.
  walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const id = event.target.dataset?.id;
    if (!step || !id) return;
    event.preventDefault();
    event.stopPropagation();
    const at = this.sorted.findIndex((row) => row.id === id);
    this.focus(Math.min(Math.max(at + step, 0), this.sorted.length - 1));
  }

  focus(index) {
    this.reveal(index);
    this.items.get(this.sorted[index]?.id)?.firstChild.focus({ preventScroll: true });
  }

  // Enter in the search opens the first that is found, an arrow goes to it, Escape ends the search.
  searched(event) {
    if (event.key === "Enter" && this.sorted.length) this.open(this.sorted[0].id);
    else if (event.key === "ArrowDown") this.focus(0);
    else if (event.key !== "Escape") return;
    if (event.key === "Escape") {
      this.search.value = "";
      this.show();
    }
    if (event.key !== "ArrowDown") document.getElementById("stage").focus();
    event.preventDefault();
  }

  // The row of a recording, made again only if it has changed.
  item(row, index) {
    const current = row.id === this.current;
    const kept = this.items.get(row.id);
    if (kept?.row === row && kept.current === current && kept.index === index) return kept;
    const item = document.createElement("li");
    Object.assign(item, { row, current, index });
    item.setAttribute("aria-setsize", this.sorted.length);
    item.setAttribute("aria-posinset", index + 1);
    const button = document.createElement("button");
    item.append(button);
    button.dataset.id = row.id;
    button.className = `row ${row.state}`;
    button.tabIndex = current || (index === 0 && !this.rows.has(this.current)) ? 0 : -1;
    if (current) button.setAttribute("aria-current", "true");
    const mark = part("span", "mark", MARKS[row.state]);
    mark.title = STATES[row.state];
    mark.role = "img";
    mark.setAttribute("aria-label", STATES[row.state]);
    const name = part("span", "name", row.name);
    name.title = row.name;
    button.append(mark, name, facts(row));
    return item;
  }
}

function facts(row) {
  const line = part("span", "facts", "");
  if (row.error) {
    const error = part("span", "error", row.error);
    error.title = row.error;
    line.append(error);
    return line;
  }
  line.append(
    fact(row.duration ? clock(row.duration, 0) : "", "length"),
    fact(percent(row.speech), "share of speech"),
    fact(row.unsure === null ? row.busy || "waiting" : `±${percent(row.unsure)}`, "how unsure the detector is"),
    fact(row.differs === null ? "" : `≠${percent(row.differs)}`, "share of the time in which the detector differs"),
  );
  return line;
}
