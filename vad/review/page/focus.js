// Where the keys go: whoever uses the mouse or a finger keeps the keys of the timeline.

export function keepKeys(stage) {
  let pointing = false; // whether what was done last was done by a pointer
  const free = (element) => element && !element.closest("dialog");
  document.addEventListener("keydown", () => (pointing = false), true);
  document.addEventListener("pointerdown", () => (pointing = true), true);
  // A button that is pressed takes no focus: the next Space shall play, not press it again.
  document.addEventListener("mousedown", (event) => {
    if (free(event.target.closest("button"))) event.preventDefault();
  });
  // A list or slider gives the focus back once it is set.
  document.addEventListener("change", (event) => {
    if (pointing && free(event.target) && event.target.matches("select, input[type=range], input[type=checkbox]")) stage.focus();
  });
}
