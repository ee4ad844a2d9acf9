/** Files in messages. They need the conversation's token, so pictures are fetched and shown from blob addresses. */

import { build, hiddenText, icon } from "./dom.js";
import { showPicture } from "./dialogs.js";
import { formatSize } from "./words.js";

const SCANS = { unscanned: "проверяется", refused: "не прошёл проверку" };

export class Attachments {
  #read;
  #blobs = new Map(); // id → promise of a blob address
  #watcher = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      this.#watcher.unobserve(entry.target);
      entry.target.dispatchEvent(new Event("near"));
    }
  });

  /** @param {(id: string) => Promise<Blob>} read */
  constructor(read) {
    this.#read = read;
  }

  /**
   * Shows an attachment: a thumbnail for a picture, a row for anything else.
   * @param {Object} attachment as in the API
   * @returns {HTMLElement}
   */
  show(attachment) {
    const picture = attachment.content_type?.startsWith("image/") && attachment.scan !== "refused";
    return picture ? this.#showThumbnail(attachment) : this.#showRow(attachment);
  }

  /** Gives the memory of all pictures back. */
  clear() {
    this.#watcher.disconnect();
    for (const address of this.#blobs.values()) address.then(URL.revokeObjectURL, () => {});
    this.#blobs.clear();
  }

  #address(attachment) {
    if (!this.#blobs.has(attachment.id)) {
      const address = this.#read(attachment.id).then(URL.createObjectURL);
      address.catch(() => this.#blobs.delete(attachment.id)); // the next press tries again
      this.#blobs.set(attachment.id, address);
    }
    return this.#blobs.get(attachment.id);
  }

  #showThumbnail(attachment) {
    const image = build("img", { alt: attachment.filename });
    const button = build(
      "button",
      { type: "button", class: "thumbnail", "aria-label": `Открыть изображение «${attachment.filename}»`, title: attachment.filename },
      image,
      icon("image"),
    );
    button.addEventListener("near", async () => {
      try {
        image.src = await this.#address(attachment);
        button.classList.add("thumbnail-loaded");
      } catch {
        button.replaceWith(this.#showRow(attachment));
      }
    });
    button.addEventListener("click", async () => {
      try {
        showPicture(button.getRootNode(), await this.#address(attachment), attachment.filename);
      } catch {
        button.replaceWith(this.#showRow(attachment));
      }
    });
    this.#watcher.observe(button);
    return button;
  }

  #showRow(attachment) {
    const refused = attachment.scan === "refused";
    const facts = [formatSize(attachment.size), SCANS[attachment.scan]].filter(Boolean).join(", ");
    const status = build("span", { class: "file-facts" }, facts);
    const open = async () => {
      try {
        save(await this.#address(attachment), attachment.filename);
        status.textContent = facts;
      } catch (problem) {
        status.textContent = problem.detail ?? "Файл не загрузился. Попробуйте ещё раз.";
      }
    };
    return build(
      refused ? "div" : "button",
      { type: refused ? null : "button", class: "file", on: refused ? {} : { click: open } },
      icon("file"),
      build(
        "span",
        { class: "file-text" },
        refused ? null : hiddenText("Скачать файл "),
        build("span", { class: "file-name" }, attachment.filename),
        hiddenText(", "),
        status,
      ),
    );
  }
}

/** Saves what lies at a blob address under a name. */
export function save(address, filename) {
  build("a", { href: address, download: filename }).click();
}
