// Modal questions. A dialog stays open until its deed is done or given up, and shows why the deed was refused.

import { button, el } from "./dom.js";

let count = 0;

/**
 * Asks before doing.
 * @param {object} question
 * @param {string} question.title
 * @param {string} [question.text] an explanation above the field
 * @param {string} [question.label] the label of a required text field; without it the dialog only confirms
 * @param {string} [question.missing] what to say when the field is empty
 * @param {string[]} [question.suggestions] ready texts for the field
 * @param {number} [question.max] the longest text allowed
 * @param {{name: string, label: string, value: string, options?: [string, string][], max?: number}[]} [question.choices] lists to choose
 *   from, above the field; one without options is a number from 0 to `max`
 * @param {string} question.submit the name of the button that does it
 * @param {(text: string, chosen: Record<string, string>) => Promise<unknown>} question.act fails with an Error whose message is shown
 * @returns {Promise<boolean>} true when it was done, false when given up
 */
export function ask({ title, text, label, missing = "Заполните это поле.", suggestions = [], max = 1000, choices = [], submit, act }) {
  const id = `dialog-${++count}`;
  const field = label
    ? el("textarea", { id: `${id}-field`, rows: 3, maxLength: max, "aria-describedby": `${id}-error`, "aria-required": "true" })
    : null;
  const chosen = new Map(choices.map((one) => [one.name, chooser(`${id}-${one.name}`, one)]));
  const error = el("p", { id: `${id}-error`, class: "error", role: "alert" });
  const doer = el("button", { type: "submit", class: "button primary" }, submit);
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: `${id}-title` }, title),
    text ? el("p", { id: `${id}-text`, class: "dialog-text" }, text) : null,
    ...choices.map((one) => {
      const node = chosen.get(one.name);
      return el("div", { class: "field" }, el("label", { for: node.id }, one.label), node);
    }),
    field ? el("div", { class: "field" }, el("label", { for: field.id }, label), field) : null,
    suggestions.length
      ? el(
          "div",
          { class: "suggestions", role: "group", "aria-label": "Готовые варианты" },
          ...suggestions.map((words) => choice(words, field)),
        )
      : null,
    error,
    el(
      "div",
      { class: "dialog-actions" },
      button("Отмена", () => dialog.close()),
      doer,
    ),
  );
  const dialog = el(
    "dialog",
    { class: "dialog", "aria-labelledby": `${id}-title`, "aria-describedby": text ? `${id}-text` : undefined },
    form,
  );

  return new Promise((resolve) => {
    let done = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const words = field ? field.value.trim() : "";
      error.textContent = "";
      field?.removeAttribute("aria-invalid");
      if (field && !words) {
        error.textContent = missing;
        field.setAttribute("aria-invalid", "true");
        field.focus();
        return;
      }
      doer.disabled = true;
      try {
        await act(words, Object.fromEntries([...chosen].map(([name, node]) => [name, node.value])));
        done = true;
        dialog.close();
      } catch (problem) {
        error.textContent = problem.message;
        doer.disabled = false;
      }
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    document.body.append(dialog);
    dialog.showModal();
    ([...chosen.values()][0] ?? field ?? doer).focus();
  });
}

/** Asks for a reason, which goes to the audit log, as long as the server takes it. @param {Parameters<typeof ask>[0]} question */
export const askWhy = (question) => ask({ ...question, max: Number(document.body.dataset.reasonCharacters) });

function chooser(id, { options, value, max }) {
  if (!options) return el("input", { id, type: "number", min: "0", max: String(max), required: true, value });
  return el("select", { id }, ...options.map(([code, words]) => el("option", { value: code, selected: code === value }, words)));
}

function choice(words, field) {
  const press = () => {
    field.value = words;
    field.focus();
  };
  return button(words, press, { style: "quiet small" });
}

/**
 * Shows a picture large.
 * @param {string} address
 * @param {string} name
 */
export function showPicture(address, name) {
  const dialog = el(
    "dialog",
    { class: "dialog picture", "aria-label": `Изображение ${name}` },
    el("img", { src: address, alt: name }),
    el(
      "div",
      { class: "dialog-actions" },
      el("a", { class: "button", href: address, download: name }, "Скачать"),
      button("Закрыть", () => dialog.close(), { style: "primary" }),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
