// Internal notes: the citizen never sees them.

import { sendMessage } from "./api.js";
import { arrange, el } from "./dom.js";
import { plainText } from "./text.js";
import { clock, dayWords, fullDate } from "./time.js";

const MOST = 4000;

/**
 * Builds the notes of one conversation.
 * @param {any} thread
 * @param {(note: any) => void} stored called with a note that the server has taken
 */
export function makeNotes(thread, stored) {
  const list = el("ul", { class: "notes" });
  const empty = el("p", { class: "empty" }, "Заметок пока нет.");
  const field = el("textarea", { id: "note", rows: 2, maxLength: MOST, "aria-describedby": "note-error note-hint" });
  const error = el("p", { id: "note-error", class: "error", role: "alert" });
  const hint = el("p", { id: "note-hint", class: "hint" }, "Заметки видят только операторы.");
  const submit = el("button", { type: "submit", class: "button" }, "Сохранить заметку");
  const form = el("form", { class: "note-form" }, el("label", { for: "note" }, "Новая заметка"), field, hint, error, submit);
  const closed = el("p", { class: "hint" }, "Заметку может оставить тот, кто ведёт разговор.");
  const root = el("div", {});
  const made = new Map();
  let key = crypto.randomUUID(); // one per note: a repeated call stores it once

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    error.textContent = text ? "" : "Напишите текст заметки.";
    if (!text) return field.focus();
    submit.disabled = true;
    try {
      const note = await sendMessage(thread.id, { client_message_id: key, text, internal: true });
      field.value = "";
      key = crypto.randomUUID();
      if (note?.id) stored(note);
    } catch (problem) {
      error.textContent = problem.message;
    }
    submit.disabled = false;
  });

  return {
    node: root,
    /** @param {boolean} mine whether the operator holds the conversation */
    update(mine) {
      const notes = [...thread.notes.values()].sort((one, other) => one.created_at.localeCompare(other.created_at));
      for (const note of notes) if (!made.has(note.id)) made.set(note.id, makeNote(note));
      arrange(
        list,
        notes.map((note) => made.get(note.id)),
      );
      arrange(root, [notes.length ? list : empty, mine ? form : closed]);
    },
  };
}

function makeNote(note) {
  const when = el(
    "time",
    { dateTime: note.created_at, title: fullDate(note.created_at) },
    `${dayWords(note.created_at)}, ${clock(note.created_at)}`,
  );
  return el("li", { data: { note: note.id } }, el("p", { class: "note-head" }, el("b", {}, note.author_name), when), plainText(note.text));
}
