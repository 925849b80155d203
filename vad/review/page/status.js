// What the page says about itself and about the open recording: messages, progress, facts, what is selected.

import { clock } from "./view.js";

const QUIET = 6000; // milliseconds after which a message goes away

export class Status {
  constructor(find, model) {
    Object.assign(this, { find, model });
  }

  // A message for some seconds; an error unless `bad` is false.
  say(text, bad = true) {
    const message = this.find("message");
    message.textContent = message.title = text;
    message.className = bad ? "bad" : "";
    clearTimeout(this.quieting);
    this.quieting = setTimeout(() => (message.textContent = ""), QUIET);
  }

  // Why a recording cannot be shown.
  problem(text) {
    this.find("problem").textContent = text ? `This recording cannot be read: ${text}` : "";
    this.find("problem").hidden = !text;
    this.model.problem = text;
  }

  // Whether all changes are on the disk.
  saved(recording, all) {
    this.find("saved").textContent = !recording.begun ? "" : all ? "saved" : "saving …";
  }

  // How much of the recording has been read.
  progress({ about }) {
    const share = about.duration ? `reading ${Math.round((100 * about.read) / about.duration)} %` : `reading, ${clock(about.read, 0)} so far`;
    this.find("progress").textContent = about.complete || about.error ? "" : share;
  }

  // How many segments there are, and what can be done with them.
  facts(recording) {
    const { find } = this;
    const { about, correction, begun } = recording;
    for (const button of document.querySelectorAll(".edit")) button.disabled = !about.duration || !recording.ready;
    find("undo").disabled = !correction.undo;
    find("redo").disabled = !correction.redo;
    find("play").disabled = !about.duration;
    find("done").disabled = !about.duration || !recording.ready;
    find("done").classList.toggle("is-done", correction.state === "done");
    find("done").textContent = correction.state === "done" ? "Done ✓" : "Done";
    const { yours } = this.model.lanes;
    const spoken = yours.reduce((sum, [start, end]) => sum + end - start, 0);
    const from = begun ? "" : about.reference ? ", as labelled" : ", as detected";
    const many = yours.length === 1 ? "1 segment" : `${yours.length} segments`;
    find("facts").textContent = about.duration ? `${many}, ${clock(spoken, 0)} of ${clock(about.duration, 0)}${from}` : "";
    this.places(recording);
  }

  // How many places are worth a look, and which one is selected.
  places(recording) {
    const count = recording.places().length;
    const { place } = this.model;
    const many = count === 1 ? "1 place worth a look" : `${count} places worth a look`;
    this.find("places").textContent = !count ? "" : place ? `place ${place} of ${count}` : many;
  }

  time(seconds) {
    this.find("clock").textContent = clock(seconds);
  }

  // Say what is selected, for screen readers.
  selected() {
    const { model } = this;
    const stretch = model.selected || model.selection;
    const what = model.selected ? "segment" : model.place ? `place ${model.place}` : "selection";
    this.find("described").textContent = stretch ? `${what} from ${clock(stretch[0], 2)} to ${clock(stretch[1], 2)}` : "";
  }
}
