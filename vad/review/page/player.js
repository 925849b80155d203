// Playing: from the cursor, one stretch, or only what is speech or silence; the page draws the cursor where it is.

export class Player {
  constructor(audio, moved) {
    Object.assign(this, { audio, moved });
    this.until = Infinity; // where to stop
    this.mode = "all"; // or "speech", "silence"
    this.stretches = () => []; // of speech
    audio.preservesPitch = true;
    for (const name of ["play", "pause", "seeked", "ended"]) audio.addEventListener(name, () => this.follow());
  }

  load(address) {
    this.audio.pause();
    this.duration = 0; // until it is known
    this.audio.preload = "none"; // the picture comes first
    this.audio.src = address;
    this.audio.playbackRate = this.rate || 1;
  }

  // Let the browser, and the server that may have to convert the sound, get ready.
  prepare() {
    this.audio.preload = "metadata";
  }

  get playing() {
    return !this.audio.paused;
  }

  get time() {
    return this.audio.currentTime;
  }

  set time(seconds) {
    this.audio.currentTime = Math.max(0, seconds);
  }

  set speed(rate) {
    this.rate = rate;
    this.audio.playbackRate = rate;
    this.audio.defaultPlaybackRate = rate;
  }

  play(from, until = Infinity) {
    this.until = until;
    this.time = from;
    this.skip();
    return this.audio.play();
  }

  stop() {
    this.audio.pause();
  }

  // Jump over what shall not be heard; true at the end of all.
  skip() {
    if (this.mode === "all" || this.until < Infinity) return;
    const time = this.time;
    const speech = this.stretches();
    const inside = speech.find(([start, end]) => start - 0.02 <= time && time < end);
    if (this.mode === "speech" && !inside) {
      const next = speech.find(([start]) => start > time);
      if (next) this.time = next[0];
      else this.stop();
    } else if (this.mode === "silence" && inside) {
      if (inside[1] >= this.duration - 0.05) this.stop();
      else this.time = inside[1];
    }
  }

  follow() {
    this.moved(this.time);
    if (!this.playing || this.watching) return;
    const step = () => {
      this.watching = this.playing;
      if (!this.playing) return;
      if (this.time >= this.until) {
        this.stop();
        this.time = this.until;
      } else if (!this.audio.seeking) {
        this.skip();
      }
      this.moved(this.time);
      if (this.playing) requestAnimationFrame(step);
      else this.watching = false;
    };
    this.watching = true;
    requestAnimationFrame(step);
  }
}
