/** Files dragged over an element: a veil shows where they go. */

import { build, icon } from "./dom.js";

export class Drop {
  #depth = 0; // dragenter and dragleave come for every child

  /**
   * @param {HTMLElement} element
   * @param {(files: FileList) => void} onFiles
   */
  constructor(element, onFiles) {
    this.veil = build(
      "div",
      { class: "veil", "aria-hidden": "true", hidden: true },
      icon("attach"),
      build("p", {}, "Отпустите файлы, чтобы приложить их"),
    );
    element.append(this.veil);
    const listen = (name, react) =>
      element.addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        react(event);
      });
    listen("dragenter", () => this.#show(this.#depth + 1));
    listen("dragover", () => {});
    listen("dragleave", () => this.#show(this.#depth - 1));
    listen("drop", (event) => {
      this.#show(0);
      onFiles(event.dataTransfer.files);
    });
  }

  #show(depth) {
    this.#depth = Math.max(0, depth);
    this.veil.hidden = this.#depth === 0;
  }
}
