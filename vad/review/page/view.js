// Which part of the recording is shown: start and end in seconds, scale in pixels per second.

const CLOSEST = 800; // pixels per second

export class View {
  constructor(changed) {
    Object.assign(this, { changed, start: 0, scale: 50, width: 1000, duration: 1 });
  }

  get end() {
    return this.start + this.width / this.scale;
  }

  get widest() {
    return this.width / Math.max(this.duration, 0.1);
  }

  x(time) {
    return (time - this.start) * this.scale;
  }

  time(x) {
    return Math.min(Math.max(this.start + x / this.scale, 0), this.duration);
  }

  set(start, scale = this.scale) {
    this.scale = Math.min(Math.max(scale, Math.min(this.widest, CLOSEST)), CLOSEST);
    const room = Math.max(this.duration - this.width / this.scale, 0);
    this.start = Math.min(Math.max(start, 0), room);
    this.changed();
  }

  // Zoom by a factor; what is at `x` stays there.
  zoom(factor, x = this.width / 2) {
    const time = this.start + x / this.scale;
    const scale = Math.min(Math.max(this.scale * factor, Math.min(this.widest, CLOSEST)), CLOSEST);
    this.set(time - x / scale, scale);
  }

  // Show a stretch with some room around it.
  show(start, end, room = 0.1) {
    const length = Math.max((end - start) * (1 + 2 * room), 0.2);
    this.set((start + end) / 2 - length / 2, this.width / length);
  }

  // Scroll so that a time is visible, as a page is turned.
  reveal(time, share = 0.08) {
    const seconds = this.width / this.scale;
    if (time < this.start) this.set(time - seconds * (1 - share));
    else if (time > this.end - seconds * 0.02) this.set(time - seconds * share);
  }
}

export function clock(seconds, digits = 1) {
  const rounded = Number(Math.max(seconds, 0).toFixed(digits)); // before it is divided, else 59.7 became 0:60
  const h = Math.floor(rounded / 3600);
  const m = Math.floor((rounded % 3600) / 60);
  const s = (rounded % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return h ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
}
