// What keys and buttons do with the player, and how the cursor follows it.

export class Playback {
  // `page` has view, model, player, and what to show.
  constructor(page) {
    this.page = page;
    const { find, player } = page;
    find("mode").addEventListener("change", () => (player.mode = find("mode").value));
    find("speed").addEventListener("change", () => (player.speed = Number(find("speed").value)));
  }

  play() {
    const { player, model } = this.page;
    if (player.playing) player.stop();
    else this.start(model.cursor);
  }

  playSelected() {
    const { player, editing, status } = this.page;
    const stretch = editing.stretch();
    if (player.playing) player.stop();
    else if (stretch) this.start(...stretch);
    else status.say("select a place first: N goes to the next one, a drag selects", false);
  }

  start(from, until) {
    const { player, view, recording, status } = this.page;
    if (!recording?.about?.duration) return;
    player.play(from >= view.duration - 0.01 ? 0 : from, until).catch((error) => {
      if (error.name !== "AbortError") status.say(`the sound cannot be played: ${error.message}`);
    });
  }

  // The player has moved, begun or stopped.
  moved(time) {
    const { find, player, model, view, status } = this.page;
    find("play").textContent = player.playing ? "❚❚" : "▶";
    if (!player.playing && player.until === Infinity && Math.abs(time - model.cursor) > 0.3) return;
    model.cursor = time;
    status.time(time);
    if (player.playing) view.reveal(time);
    this.page.redraw(true);
  }

  nextMode() {
    this.step("mode", 1, true);
  }

  slower() {
    this.step("speed", -1);
  }

  faster() {
    this.step("speed", 1);
  }

  step(id, by, around = false) {
    const select = this.page.find(id);
    const count = select.options.length;
    const next = select.selectedIndex + by;
    select.selectedIndex = around ? (next + count) % count : Math.min(Math.max(next, 0), count - 1);
    select.dispatchEvent(new Event("change"));
  }
}
