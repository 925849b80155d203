// The list of recordings: rows that are updated in place, sorted and searched.

import { get } from "./api.js";
import { clock } from "./view.js";

const percent = (share) => (share === null || share === undefined ? "" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`);
const STATES = { unseen: "not corrected yet", corrected: "corrected in part", done: "done" };

// The most instructive first: what differs from labels counts with what the detector is unsure of.
const worth = (row) => (row.state === "done" ? -10 : 0) + (row.unsure ?? 0) + (row.differs ?? 0);
const ORDERS = {
  worth: (a, b) => worth(b) - worth(a),
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  duration: (a, b) => b.duration - a.duration,
  speech: (a, b) => (b.speech ?? -1) - (a.speech ?? -1),
  state: (a, b) => Object.keys(STATES).indexOf(a.state) - Object.keys(STATES).indexOf(b.state),
};
const SHOWN_AT_ONCE = 500;

export class List {
  constructor(element, search, order, summary, open) {
    Object.assign(this, { element, search, order, summary, open, rows: new Map(), revision: 0, current: null });
    search.addEventListener("input", () => this.show());
    order.addEventListener("change", () => this.show());
    element.addEventListener("click", (event) => {
      const item = event.target.closest("[data-id]");
      if (item) this.open(item.dataset.id);
    });
  }

  // Ask what has changed; true while the server still works on some.
  async update() {
    const { recordings } = await get(`/api/recordings?since=${this.revision}`);
    for (const row of recordings) {
      this.rows.set(row.id, row);
      this.revision = Math.max(this.revision, row.revision);
    }
    if (recordings.length) this.show();
    return [...this.rows.values()].some((row) => row.unsure === null && !row.error);
  }

  sorted() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...this.rows.values()].filter((row) => words.every((word) => row.name.toLowerCase().includes(word)));
    return rows.sort((a, b) => ORDERS[this.order.value](a, b) || ORDERS.name(a, b));
  }

  // The recording `step` rows after the current one.
  neighbour(step) {
    const rows = this.sorted();
    const at = rows.findIndex((row) => row.id === this.current);
    return rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  }

  select(id) {
    this.current = id;
    this.show();
    this.element.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  show() {
    const rows = this.sorted();
    this.element.replaceChildren(...rows.slice(0, SHOWN_AT_ONCE).map((row) => this.item(row)));
    const all = [...this.rows.values()];
    const done = all.filter((row) => row.state === "done").length;
    const hours = all.reduce((sum, row) => sum + row.duration, 0);
    const more = rows.length > SHOWN_AT_ONCE ? `, ${rows.length - SHOWN_AT_ONCE} more: search` : "";
    this.summary.textContent = `${all.length} recordings, ${clock(hours, 0)}, ${done} done${more}`;
  }

  item(row) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    item.append(button);
    button.dataset.id = row.id;
    button.className = `row ${row.state}`;
    if (row.id === this.current) button.setAttribute("aria-current", "true");
    const name = part("span", "name", row.name);
    name.title = row.name;
    const mark = part("span", "mark", row.state === "done" ? "✓" : row.state === "corrected" ? "●" : "○");
    mark.title = STATES[row.state];
    mark.setAttribute("aria-label", STATES[row.state]);
    const facts = part("span", "facts", "");
    if (row.error) {
      facts.append(part("span", "error", row.error));
    } else {
      facts.append(
        fact(row.duration ? clock(row.duration, 0) : "", "length"),
        fact(percent(row.speech), "speech, of the time"),
        fact(row.unsure === null ? row.busy || "waiting" : `±${percent(row.unsure)}`, "how unsure the detector is"),
        fact(row.differs === null ? "" : `≠${percent(row.differs)}`, "time in which the detector differs"),
      );
    }
    button.append(mark, name, facts);
    return item;
  }
}

function part(tag, kind, text) {
  const element = document.createElement(tag);
  element.className = kind;
  element.textContent = text;
  return element;
}

function fact(text, meaning) {
  const element = part("span", "fact", text);
  element.title = meaning;
  return element;
}
