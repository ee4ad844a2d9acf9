/** The card under a message about an appeal: its number, the date by which it is answered, the place in the queue. */

import { build, hiddenText, icon } from "./dom.js";
import { formatDeadline } from "./words.js";

/** The card has this button of its own, which asks for no message; a choice of the same name would be there twice. */
export const LEAVE = "Вернуться к боту";

/**
 * @param {Object} message of kind `handoff` or `appeal_registered`
 * @param {{onLeaveQueue: () => void}} host
 * @returns {HTMLElement|null}
 */
export function showCard({ meta }, host) {
  if (meta?.kind !== "handoff" && meta?.kind !== "appeal_registered") return null;
  const handoff = meta.kind === "handoff";
  const facts = build("dl", { class: "card-facts" });
  const add = (name, value, key) =>
    value && facts.append(build("div", { data: { fact: key } }, build("dt", {}, name), build("dd", {}, value)));
  add("Номер обращения", meta.appeal_number && showCode(meta.appeal_number, "номер обращения"), "number");
  add("Ответим до", meta.due_at && formatDeadline(new Date(meta.due_at)), "due");
  add("Код доступа", meta.access_code && showCode(meta.access_code, "код доступа"), "code");
  add("Ваше место в очереди", handoff && String(meta.queue_position ?? ""), "queue");
  return build(
    "div",
    { class: "card", part: "card", role: "group", "aria-label": handoff ? "Передано оператору" : "Обращение зарегистрировано" },
    build(
      "p",
      { class: "card-title" },
      icon(handoff ? "person" : "receipt"),
      handoff ? "Передано оператору" : "Обращение зарегистрировано",
    ),
    facts,
    handoff ? build("button", { type: "button", class: "plain leave", on: { click: () => host.onLeaveQueue() } }, LEAVE) : null,
  );
}

/**
 * Brings a handoff card up to date: while waiting it tells the place and lets the citizen go back to the bot.
 * @param {HTMLElement} element the message
 * @param {boolean} waiting
 * @param {number|null} position
 */
export function updateCard(element, waiting, position) {
  const leave = element.querySelector(".leave");
  if (!leave) return;
  leave.hidden = !waiting;
  const place = element.querySelector('[data-fact="queue"]');
  if (!place) return;
  place.hidden = !waiting;
  if (position) place.querySelector("dd").textContent = String(position);
}

/** A number or code with a button that copies it. */
function showCode(code, name) {
  const said = build("span", { class: "copied", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code);
      said.textContent = "Скопировано";
    } catch {
      said.textContent = "Не удалось скопировать";
    }
    setTimeout(() => said.replaceChildren(), 2500);
  };
  const button =
    navigator.clipboard &&
    build("button", { type: "button", class: "copy", on: { click: copy } }, icon("copy"), hiddenText(`Скопировать ${name}`));
  return build("span", { class: "code" }, build("strong", {}, code), button, said);
}
