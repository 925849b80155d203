// The dialog that writes the corrections as label files of any format.

import { post } from "./api.js";

export class Labels {
  constructor(find) {
    Object.assign(this, { find });
    find("open-labels").addEventListener("click", () => this.open());
    find("write-labels").addEventListener("click", () => this.write());
  }

  load({ home, formats, format }) {
    const { find } = this;
    find("home").textContent = `${home}/labels`;
    find("format").replaceChildren(...formats.map((name) => new Option(name, name)));
    find("format").value = format;
  }

  open() {
    this.find("written").textContent = "";
    this.find("labels").showModal();
  }

  async write() {
    const { find } = this;
    const wish = { format: find("format").value, beside: find("beside").checked, overwrite: find("overwrite").checked };
    try {
      const { files, folder } = await post("/api/labels", wish);
      find("written").textContent = files ? `${files === 1 ? "1 file" : `${files} files`} written to ${folder}` : "nothing is corrected yet";
    } catch (error) {
      find("written").textContent = error.message;
    }
  }
}
