// What is done with a citizen's data at their request: sending all of it to them, erasing it. For who may (handoff/rights.py).

import { erase, sendExport } from "./api.js";
import { ask, askWhy } from "./dialogs.js";
import { button, el, mayDo } from "./dom.js";

const REASONS = ["Письменная просьба гражданина", "Данные другого человека", "Отозвано согласие"];

/**
 * Its buttons, or null for who may not press them and where nothing is left.
 * @param {any} thread
 */
export function dataRights(thread) {
  if (thread.mode === "closed") return null;
  const allowed = [
    mayDo("export") ? button("Отправить гражданину его данные", () => askExport(thread), { style: "small" }) : null,
    mayDo("erase") ? button("Удалить данные", () => askErasure(thread), { style: "small danger" }) : null,
  ].filter(Boolean);
  return allowed.length ? el("div", { class: "data-rights" }, ...allowed) : null;
}

function askExport(thread) {
  return ask({
    title: "Отправить гражданину его данные?",
    text: "Переписка, обращения, согласия и файлы придут ему в этот разговор архивом. Вам архив не виден.",
    submit: "Отправить",
    act: () => sendExport(thread.id),
  });
}

async function askErasure(thread) {
  const done = await askWhy({
    title: "Удалить данные гражданина?",
    text: "Сообщения, файлы, имена и номера будут уничтожены, восстановить их нельзя. Открытое обращение закроется как отозванное: предупредите об этом гражданина.",
    label: "Причина",
    missing: "Напишите причину.",
    suggestions: REASONS,
    submit: "Удалить",
    act: (reason) => erase(thread.id, reason),
  });
  if (done) location.reload(); // without waiting for the socket's word; drafts go when the closed conversation is read
}
