"use strict";
// Shows the position of each player on its pictures; a click into the pictures plays from there.
for (const figure of document.querySelectorAll(".stretch")) {
  const player = figure.querySelector("audio");
  if (!player) continue;
  const lanes = figure.querySelector(".lanes"), cursor = figure.querySelector(".cursor");
  const follow = () => {
    cursor.hidden = false;
    cursor.style.setProperty("--at", player.currentTime / player.duration || 0);
    if (!player.paused) requestAnimationFrame(follow);
  };
  player.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== player) other.pause();
    follow();
  });
  player.addEventListener("seeked", follow);
  lanes.addEventListener("click", (event) => {
    const box = figure.querySelector(".strip").getBoundingClientRect();
    player.currentTime = player.duration * Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.999);
    player.play();
  });
}
