// Training on what is corrected: start, follow, compare, and go on with the new model.

import { get, post } from "./api.js";
import { tableRow } from "./elements.js";

const POLL = 1000; // milliseconds
const METRICS = [["deter", "DetER"], ["miss", "Miss"], ["false_alarm", "False alarm"], ["dcf", "DCF"]];
const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`);

export class Teach {
  // `changed` is called when another model is at work.
  constructor(find, changed) {
    Object.assign(this, { find, changed });
    find("open-teach").addEventListener("click", () => this.open());
    find("teach-start").addEventListener("click", () => this.ask("start", { steps: Number(find("teach-steps").value) }));
    find("teach-stop").addEventListener("click", () => this.ask("stop", {}));
    find("teach-use").addEventListener("click", () => this.use(false));
    find("teach-back").addEventListener("click", () => this.use(true));
  }

  async open() {
    this.find("teach").showModal();
    await this.look();
  }

  async ask(what, given) {
    try {
      this.find("teach-error").textContent = "";
      await post(`/api/teach/${what}`, given);
      await this.look();
      return true;
    } catch (error) {
      this.find("teach-error").textContent = error.message;
      return false;
    }
  }

  async use(before) {
    if (!(await this.ask("use", { before }))) return;
    this.find("teach").close();
    this.changed();
  }

  async look() {
    clearTimeout(this.later);
    let status;
    try {
      status = await get("/api/teach");
    } catch (error) {
      this.find("teach-error").textContent = error.message;
      this.later = setTimeout(() => this.look(), POLL);
      return;
    }
    this.show(status);
    if (status.running) this.later = setTimeout(() => this.look(), POLL);
  }

  show(status) {
    const { find } = this;
    find("teach-done").textContent = status.done === 1 ? "1 recording is done" : `${status.done} recordings are done`;
    find("teach-start").disabled = status.running || status.done < 2;
    find("teach-stop").hidden = !status.running;
    find("teach-progress").hidden = !status.running;
    find("teach-progress").max = status.steps;
    find("teach-progress").value = status.step || 0;
    find("open-teach").textContent = status.running ? `Teaching ${Math.round((100 * status.step) / status.steps)} %` : "Teach";
    find("teach-lines").textContent = (status.lines || []).join("\n");
    if (status.error) find("teach-error").textContent = status.error;
    const { verdict } = status;
    find("teach-verdict").hidden = !verdict;
    if (!verdict) return;
    find("teach-summary").textContent = summary(verdict);
    const rows = METRICS.map(([name, title]) => tableRow(title, percent(verdict.before[name]), percent(verdict.after[name])));
    rows.push(tableRow("Decisions changed elsewhere", ...verdict.general.map(percent)));
    find("teach-metrics").tBodies[0].replaceChildren(...rows);
    find("teach-use").textContent = verdict.better ? "Use the new model" : "Use the new model all the same";
    find("teach-model").textContent = status.model;
  }
}

// What vad train says of the model, in a sentence.
function summary({ better, gain, low, high, recordings, minutes }) {
  const points = (share) => (Math.round(1000 * share) / 10).toFixed(1); // never -0.0
  const interval = `(95 %: ${points(low)} to ${points(high)})`;
  const found = better
    ? `The new model is better by ${points(gain)} points of detection cost ${interval}`
    : `The new model is not better: a gain of ${points(gain)} points of detection cost ${interval}. The model before stays the better one`;
  return `${found}. Measured on ${recordings} recordings (${minutes.toFixed(1)} min), each by a training that left it out.`;
}
