// Pieces of the pictures of one recording: fetched when they are looked at, the newest wish first, and kept.

import { bytes } from "./api.js";

export const FACTOR = 4; // bins of one level that make a bin of the next
export const TILE = 1024; // bins of a tile
const KEPT = 240; // tiles
const AT_ONCE = 4; // requests
const PAUSE = 2000; // milliseconds until what has failed is asked for again

export class Tiles {
  // `rate` is the bins per second of level 0, `make` turns bytes into what is drawn.
  constructor(address, values, rate, make, arrived) {
    Object.assign(this, { address, values, rate, make, arrived });
    this.counts = [];
    this.kept = new Map(); // "level/tile" -> {bins, drawn}
    this.wanted = [];
    this.asking = new Map();
  }

  // The level whose bins are between a half and two pixels wide at `scale` pixels per second.
  level(scale) {
    const level = Math.ceil(Math.log(this.rate / (2 * scale)) / Math.log(FACTOR));
    return Math.min(Math.max(level, 0), Math.max(this.counts.length - 1, 0));
  }

  // Call `draw(tile, start, seconds)` for the pieces between two times, coarser ones where the right ones are not there.
  visit(level, from, to, draw) {
    const rate = this.rate / FACTOR ** level;
    const last = Math.ceil((this.counts[level] || 0) / TILE) - 1;
    const stop = Math.min(Math.floor((to * rate) / TILE), last);
    for (let tile = Math.max(0, Math.floor((from * rate) / TILE)); tile <= stop; tile++) {
      const found = this.find(level, tile);
      if (found) draw(found, (tile * TILE) / rate, found.bins / rate);
      else this.coarser(level, tile, draw);
    }
  }

  coarser(level, tile, draw) {
    for (let up = level + 1; up < this.counts.length; up++) {
      const found = this.kept.get(`${up}/${Math.floor(tile / FACTOR ** (up - level))}`);
      if (!found) continue;
      const rate = this.rate / FACTOR ** up;
      const whole = Math.floor(tile / FACTOR ** (up - level));
      const bins = TILE / FACTOR ** (up - level);
      const first = (tile % FACTOR ** (up - level)) * bins;
      const count = Math.min(bins, found.bins - first);
      if (count > 0) draw(found, (whole * TILE + first) / rate, count / rate, first, count);
      return;
    }
  }

  find(level, tile) {
    const key = `${level}/${tile}`;
    const found = this.kept.get(key);
    const full = Math.min(TILE, this.counts[level] - tile * TILE);
    if (!found || found.bins < full) this.wanted.push([key, level, tile]);
    if (found) {
      this.kept.delete(key); // to the end: the least recently used are dropped
      this.kept.set(key, found);
    }
    return found;
  }

  // Ask for what `visit` has missed since the last call; what is no longer looked at is not asked for.
  fetch() {
    const wanted = this.wanted;
    this.wanted = [];
    for (const [key, level, tile] of wanted) {
      if (this.asking.size >= AT_ONCE) return;
      if (this.asking.has(key)) continue;
      this.asking.set(
        key,
        bytes(`${this.address}/${level}/${tile}`).then(
          (data) => this.keep(key, data),
          () => setTimeout(() => this.again(key), PAUSE),
        ),
      );
    }
  }

  // What has failed may be wanted still.
  again(key) {
    this.asking.delete(key);
    this.arrived();
  }

  keep(key, data) {
    this.asking.delete(key);
    this.kept.set(key, { bins: data.length / this.values, drawn: this.make(data), data });
    for (const old of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(old);
    }
    this.arrived();
  }
}
