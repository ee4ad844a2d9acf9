// Letters that did not arrive: the list in the queue pane, and a conversation's letters in the side pane with what can be done about them.

import { sendLetterAgain } from "./api.js";
import { ask } from "./dialogs.js";
import { arrange, button, el, mayDo, write } from "./dom.js";
import { fullDate, shortDate } from "./time.js";
import { deliveryWords, letterWords } from "./words.js";

/** The section of the queue pane; hidden while there is nothing in it. Rows are links to #ID with data-undelivered. */
export function makeUndelivered() {
  const count = el("span", { class: "count" }, "0");
  const list = el("ul", { class: "rows" });
  const heading = el("h2", { id: "queue-undelivered" }, "Не доставлено", " ", count);
  const node = el("section", { "aria-labelledby": heading.id, hidden: true, data: { section: "undelivered" } }, heading, list);
  const rows = new Map();

  return {
    node,
    /** @param {any[]} items newest first */
    show(items) {
      const ids = new Set(items.map((item) => item.conversation_id));
      for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
      for (const item of items) {
        const row = rows.get(item.conversation_id) ?? makeRow(item.conversation_id);
        rows.set(item.conversation_id, row);
        write(row.number, item.appeal_number ?? "Без номера");
        write(row.reason, `${letterWords(item.kind)}: ${item.failure}`);
        write(row.at, shortDate(item.created_at));
      }
      write(count, String(items.length));
      arrange(
        list,
        items.map((item) => rows.get(item.conversation_id).node),
      );
      node.hidden = items.length === 0;
    },
  };
}

function makeRow(id) {
  const number = el("b", { class: "row-number" });
  const reason = el("span", { class: "row-reason" });
  const at = el("span", { class: "row-wait" });
  const lines = [el("span", { class: "row-line" }, number), " ", reason, " ", el("span", { class: "row-line" }, at)];
  return { number, reason, at, node: el("li", {}, el("a", { class: "row", href: `#${id}`, data: { undelivered: id } }, ...lines)) };
}

/**
 * A conversation's letters, newest first.
 * @param {any} thread
 * @param {() => void} changed called when one is sent again
 */
export function letterList(thread, changed) {
  return el("ul", { class: "letters" }, ...[...thread.deliveries].reverse().map((letter) => card(thread, letter, changed)));
}

function card(thread, letter, changed) {
  const failed = letter.state === "failed";
  const moment = letter.sent_at ?? letter.created_at;
  return el(
    "li",
    { data: { letter: letter.id } },
    el(
      "p",
      { class: "tags" },
      el("span", { class: "letter-kind" }, letterWords(letter.kind)),
      el("span", { class: `tag ${failed ? "wanted" : ""}` }, deliveryWords(letter.state)),
    ),
    el("p", { class: "hint", title: fullDate(moment) }, shortDate(moment)),
    letter.failure ? el("p", {}, letter.failure) : null,
    letter.may_be_sent_again && mayDo("work")
      ? el(
          "p",
          { class: "request-deeds" },
          button("Отправить снова", () => again(thread, letter, changed), { style: "small" }),
          button("Исправить адрес", () => correct(thread, letter, changed), { style: "small" }),
        )
      : null,
  );
}

async function again(thread, letter, changed) {
  const done = await ask({
    title: "Отправить письмо снова?",
    text: "Письмо уйдёт на тот же адрес. Если адрес неверный, исправьте его.",
    submit: "Отправить",
    act: () => sendLetterAgain(thread.id, letter.id),
  });
  if (done) changed();
}

async function correct(thread, letter, changed) {
  const done = await ask({
    title: "Исправить адрес и отправить",
    text: "Узнайте адрес у гражданина. На него будут уходить и следующие письма, в них есть личные данные.",
    label: "Адрес электронной почты гражданина",
    missing: "Напишите адрес.",
    max: 320,
    submit: "Исправить и отправить",
    act: (address) => sendLetterAgain(thread.id, letter.id, address),
  });
  if (done) changed();
}
