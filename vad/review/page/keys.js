// The keys: one table, from which they work and from which the help is made.

export const KEYS = [
  ["Hear", [
    ["Space", "play", "Play from the cursor, or stop"],
    ["Shift+Space", "playSelected", "Play the segment or selection"],
    ["O", "nextMode", "All, only speech, only silences"],
    ["<", "slower", "Slower"],
    [">", "faster", "Faster"],
  ]],
  ["Move", [
    ["N", "nextPlace", "To the next place worth a look"],
    ["P", "previousPlace", "To the previous one"],
    ["ArrowLeft", "left", "Cursor back by a tenth of a second"],
    ["ArrowRight", "right", "Cursor on by a tenth of a second"],
    ["Shift+ArrowLeft", "leftMore", "Back by a second"],
    ["Shift+ArrowRight", "rightMore", "On by a second"],
    ["Alt+ArrowLeft", "previousEdge", "To the edge before"],
    ["Alt+ArrowRight", "nextEdge", "To the edge behind"],
    ["PageUp", "pageBack", "A screen back"],
    ["PageDown", "pageOn", "A screen on"],
    ["Home", "home", "To the beginning"],
    ["End", "end", "To the end"],
    ["+", "zoomIn", "Zoom in (or Ctrl+wheel)"],
    ["-", "zoomOut", "Zoom out"],
    ["Z", "zoomSelected", "Zoom to the selection"],
    ["F", "zoomAll", "All of the recording"],
    ["W", "faint", "Faint sound in the waveform larger, or not"],
  ]],
  ["Correct", [
    ["T", "toggle", "The selected place is speech, or is not"],
    ["A", "takeDetected", "Take what is detected in the selected place"],
    ["I", "insert", "The selection becomes speech"],
    ["Delete", "remove", "The segment or selection is no speech"],
    ["S", "split", "Split the segment at the cursor"],
    ["M", "merge", "Merge the segment with the next one"],
    ["[", "startHere", "The segment starts at the cursor"],
    ["]", "endHere", "The segment ends at the cursor"],
    ["U", "unsure", "The selection is unsure, or is not any more"],
    ["G", "snap", "Edges snap to turns of the score, or do not"],
    ["Ctrl+Z", "undo", "Undo"],
    ["Ctrl+Shift+Z", "redo", "Redo (or Ctrl+Y)"],
    ["Escape", "deselect", "Select nothing"],
  ]],
  ["Recordings", [
    ["D", "done", "This recording is done; to the next one"],
    ["J", "nextRecording", "Next recording"],
    ["K", "previousRecording", "Previous recording"],
    ["/", "search", "Search the list"],
    ["L", "toggleList", "Show or hide the list"],
    ["E", "toggleSettings", "Show or hide the settings"],
    ["?", "help", "These keys"],
  ]],
];

const ALIASES = { "Ctrl+Y": "redo", Backspace: "remove", "=": "zoomIn", "Shift+ +": "zoomIn" };

// How a key event is called in the table.
function nameOf(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const letter = /^[A-Z]$/.test(key);
  const named = key.length > 1;
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey && named) parts.push("Alt");
  if (event.shiftKey && (letter || named)) parts.push("Shift");
  return [...parts, key].join("+");
}

// Let keys work: `does` gives what an action's name stands for.
export function listen(does) {
  const table = new Map(Object.entries(ALIASES));
  for (const [, rows] of KEYS) for (const [key, action] of rows) table.set(key, action);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=range]):not([type=checkbox]), select, textarea, dialog *");
    const control = event.target.matches("button, summary, input, a") && ["Space", "Enter"].includes(nameOf(event));
    const slider = event.target.matches("input[type=range]") && /Arrow|Page|Home|End/.test(event.key);
    if (typing || control || slider || document.querySelector("dialog[open]")) return;
    const action = does(table.get(nameOf(event)));
    if (!action) return;
    event.preventDefault();
    action();
  });
}

const SHOWN = { ArrowLeft: "←", ArrowRight: "→", Delete: "Del" };

export function fillHelp(place) {
  for (const [title, rows] of KEYS) {
    const section = document.createElement("section");
    const heading = document.createElement("h3");
    heading.textContent = title;
    const list = document.createElement("dl");
    for (const [key, , meaning] of rows) {
      const term = document.createElement("dt");
      for (const part of key === "+" ? [key] : key.split("+")) {
        const mark = document.createElement("kbd");
        mark.textContent = SHOWN[part] || part;
        term.append(mark);
      }
      const text = document.createElement("dd");
      text.textContent = meaning;
      list.append(term, text);
    }
    section.append(heading, list);
    place.append(section);
  }
}
