// The reply composer. Drafts live per conversation and operator in sessionStorage: gone with the tab and with signing out.

import { button, el, icon, write } from "./dom.js";
import { ACCEPTED, LIMITS, makeUploads } from "./uploads.js";

const MOST = Number(document.body.dataset.messageCharacters);
const NEAR = MOST * 0.9; // from here on the count is shown
const TYPING_EVERY = 3_000;
const DRAFT = "otklik-draft";

/** Forgets all drafts. */
export function forgetDrafts() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFT)) sessionStorage.removeItem(key);
}

/**
 * Builds the composer.
 * @param {{own: string, send: (text: string, attachments: any[]) => void, typing: () => void}} traits `own` is the operator's login
 */
export function makeComposer({ own, send, typing }) {
  const field = el("textarea", {
    rows: 2,
    "aria-label": "Ответ гражданину",
    "aria-describedby": "reply-way reply-hint",
    placeholder: "Напишите ответ",
    enterKeyHint: "send",
  });
  const chooser = el("input", {
    type: "file",
    multiple: true,
    accept: ACCEPTED,
    hidden: true,
    tabIndex: -1,
    "aria-label": "Файлы к ответу",
  });
  const counter = el("span", { class: "counter" });
  const error = el("p", { class: "error", role: "alert" });
  const submit = el("button", { type: "submit", class: "button primary" }, icon("send"), "Отправить");
  const uploads = makeUploads(() => refresh());
  const hint = el("p", { id: "reply-hint", class: "hint" }, "Enter — отправить, Shift + Enter — новая строка");
  const way = el("p", { id: "reply-way", class: "reply-way" });
  const clip = button("Прикрепить файл", () => chooser.click(), { icon: "clip", bare: true, style: "quiet" });
  clip.title = `Прикрепить файл: ${LIMITS}`;
  const node = el(
    "form",
    { class: "composer" },
    ...uploads.nodes,
    error,
    way,
    el("div", { class: "composer-row" }, clip, field, submit),
    el("div", { class: "composer-foot" }, hint, counter),
    chooser,
  );
  let current = "";
  let typedAt = 0;

  const key = (id = current) => `${DRAFT}:${own}:${id}`;

  function refresh() {
    const length = field.value.length;
    write(counter, length > NEAR ? `${length} из ${MOST}` : "");
    counter.classList.toggle("over", length > MOST);
    submit.disabled = uploads.isBusy() || (!field.value.trim() && uploads.ready().length === 0);
  }

  function changed() {
    error.textContent = "";
    if (field.value) sessionStorage.setItem(key(), field.value);
    else sessionStorage.removeItem(key());
    refresh();
  }

  function fill(text) {
    field.value = text;
    changed();
    field.focus();
  }

  node.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (submit.disabled) return;
    if (text.length > MOST) {
      error.textContent = `В сообщении может быть не больше ${MOST} знаков, сейчас ${text.length}. Сократите его или разделите на два.`;
      return;
    }
    const attachments = uploads.ready();
    uploads.clear();
    fill("");
    send(text, attachments);
  });
  field.addEventListener("input", () => {
    changed();
    if (field.value && Date.now() - typedAt > TYPING_EVERY) {
      typedAt = Date.now();
      typing();
    }
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    node.requestSubmit();
  });
  field.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) {
      event.preventDefault();
      uploads.add(event.clipboardData.files);
    }
  });
  chooser.addEventListener("change", () => {
    uploads.add([...chooser.files]);
    chooser.value = "";
    field.focus();
  });

  return {
    node,
    /** Shows the draft and files of a conversation. @param {string} id */
    open(id) {
      current = id;
      field.value = sessionStorage.getItem(key()) ?? "";
      error.textContent = "";
      uploads.open(id);
      refresh();
    },
    /** Forgets the draft and files of a conversation whose data are erased: it may quote them. @param {string} id */
    forget(id) {
      sessionStorage.removeItem(key(id));
      uploads.forget(id);
      if (id === current) field.value = "";
      refresh();
    },
    focus: () => field.focus(),
    /** Says where the answer will go. @param {string} words */
    tellWay: (words) => write(way, words),
    /** Adds files, dropped anywhere on the conversation. @param {Iterable<File>} files */
    attach: (files) => uploads.add(files),
    /** Adds a text where the cursor is, on a line of its own. @param {string} text */
    insert(text) {
      const before = field.value.slice(0, field.selectionStart);
      const after = field.value.slice(field.selectionEnd);
      fill(`${before}${before && !before.endsWith("\n") ? "\n" : ""}${text}${after ? `\n${after}` : ""}`);
    },
    /** Puts a message that was not sent back. @param {string} text @param {any[]} attachments */
    restore(text, attachments) {
      fill(field.value ? `${text}\n${field.value}` : text);
      uploads.restore(attachments);
    },
  };
}
