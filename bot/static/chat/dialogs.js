/** The two modal windows: a question and a picture. */

import { build, hiddenText, icon } from "./dom.js";

/**
 * Asks a question. Escape and the second button mean no.
 * @param {ShadowRoot} root where the window is put
 * @param {{title: string, text: string, yes: string, no: string}} words
 * @returns {Promise<boolean>}
 */
export function ask(root, { title, text, yes, no }) {
  return new Promise((resolve) => {
    const dialog = build(
      "dialog",
      { class: "dialog", "aria-labelledby": "dialog-title", "aria-describedby": "dialog-text" },
      build(
        "form",
        { method: "dialog" },
        build("h2", { id: "dialog-title" }, title),
        build("p", { id: "dialog-text" }, text),
        build(
          "div",
          { class: "dialog-buttons" },
          build("button", { class: "plain", value: "no", autofocus: true }, no),
          build("button", { class: "primary", value: "yes" }, yes),
        ),
      ),
    );
    open(root, dialog, () => resolve(dialog.returnValue === "yes"));
  });
}

/** Shows a picture as large as the window allows, with a way to save it. */
export function showPicture(root, address, filename) {
  const dialog = build(
    "dialog",
    { class: "dialog picture", "aria-label": `Изображение «${filename}»` },
    build("img", { src: address, alt: filename }),
    build(
      "form",
      { method: "dialog", class: "dialog-buttons" },
      build("a", { class: "plain", href: address, download: filename }, "Скачать"),
      build("button", { class: "primary", autofocus: true }, icon("close"), "Закрыть", hiddenText(" изображение")),
    ),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  open(root, dialog, () => {});
}

function open(root, dialog, onClose) {
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
  root.append(dialog);
  dialog.showModal();
}
