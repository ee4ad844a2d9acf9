/** The files of the message being written: uploaded at once, each a chip with its progress, removable until sent. */

import { build, hiddenText, icon } from "./dom.js";
import { refuseFile } from "./limits.js";
import { formatSize } from "./words.js";

/**
 * @typedef {Object} Item
 * @property {string} name
 * @property {number} size bytes
 * @property {number} share uploaded, 0–1
 * @property {Object|null} attachment once stored
 * @property {string|null} problem why it will not go
 */

export class Tray {
  /** @type {Item[]} */
  #items = [];
  #upload;
  #limits;
  #onChange;
  #onProblem;

  /**
   * @param {import("./limits.js").Limits} limits
   * @param {{upload: Function, onChange: () => void, onProblem: (text: string) => void}} host `upload` as in Api.uploadAttachment
   */
  constructor(limits, { upload, onChange, onProblem }) {
    this.#limits = limits;
    this.#upload = upload;
    this.#onChange = onChange;
    this.#onProblem = onProblem;
    this.element = build("ul", { class: "tray", part: "tray", "aria-label": "Приложенные файлы", hidden: true });
  }

  get busy() {
    return this.#items.some((item) => !item.attachment && !item.problem);
  }

  /** What is ready to be sent. */
  get attachments() {
    return this.#items.map((item) => item.attachment).filter(Boolean);
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) {
      const held = this.#items.filter((item) => !item.problem);
      const problem = refuseFile(file, held, this.#limits);
      if (problem) this.#onProblem(`«${file.name}» не приложен. ${problem}`);
      else this.#begin(file);
    }
    this.#changed();
  }

  /** Empties the tray. @returns {Object[]} the attachments that were in it */
  take() {
    const { attachments } = this;
    for (const item of this.#items) item.stop?.abort();
    this.#items = [];
    this.element.replaceChildren();
    this.#changed();
    return attachments;
  }

  /** Puts stored attachments back, for a message that was refused. */
  restore(attachments) {
    for (const attachment of attachments)
      this.#show({ name: attachment.filename, size: attachment.size, share: 1, attachment, problem: null });
    this.#changed();
  }

  async #begin(file) {
    const item = { name: file.name, size: file.size, share: 0, attachment: null, problem: null, stop: new AbortController() };
    this.#show(item);
    try {
      item.attachment = await this.#upload(file, (share) => this.#draw(Object.assign(item, { share })), item.stop.signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      item.problem = error.detail ?? "Файл не загрузился. Попробуйте ещё раз.";
      this.#onProblem(`«${file.name}» не приложен. ${item.problem}`);
    }
    this.#draw(item);
    this.#changed();
  }

  #show(item) {
    this.#items.push(item);
    item.status = build("span", { class: "chip-status" });
    item.progress = build("progress", { max: "1", value: "0", "aria-label": `Загрузка файла «${item.name}»` });
    const remove = build(
      "button",
      { type: "button", class: "chip-remove", on: { click: () => this.#remove(item) } },
      icon("close"),
      hiddenText(`Убрать файл «${item.name}»`),
    );
    item.chip = build(
      "li",
      { class: "chip" },
      icon(/\.(jpe?g|png)$/iu.test(item.name) ? "image" : "file"),
      build("span", { class: "chip-text" }, build("span", { class: "chip-name", title: item.name }, item.name), item.status, item.progress),
      remove,
    );
    this.element.append(item.chip);
    this.#draw(item);
  }

  #draw(item) {
    const uploading = !item.attachment && !item.problem;
    item.progress.hidden = !uploading;
    item.progress.value = item.share;
    item.chip.classList.toggle("chip-refused", Boolean(item.problem));
    item.status.textContent = item.problem ? "Не загружен" : uploading ? `${Math.round(item.share * 100)} %` : formatSize(item.size);
  }

  #remove(item) {
    const next = item.chip.nextElementSibling ?? item.chip.previousElementSibling;
    item.stop?.abort();
    this.#items = this.#items.filter((one) => one !== item);
    item.chip.remove();
    next?.querySelector("button").focus();
    this.#changed();
  }

  #changed() {
    this.element.hidden = this.#items.length === 0;
    this.#onChange();
  }
}
