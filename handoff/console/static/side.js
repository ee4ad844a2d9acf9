// The side pane: the appeal, the citizen's data, earlier appeals, articles for the answer, notes.

import { makeAppeal } from "./appeal.js";
import { arrange, button, el } from "./dom.js";
import { fieldList } from "./fields.js";
import { makeNotes } from "./notes.js";
import { requestList } from "./requests.js";
import { dataRights } from "./rights.js";
import { laidOutText } from "./text.js";
import { shortDate } from "./time.js";
import { letterList } from "./undelivered.js";
import { kindWords, statusWords } from "./words.js";

/**
 * Builds the pane.
 * @param {HTMLElement} pane
 * @param {string} own the operator's login
 * @param {{insert: (text: string) => void, leave: () => void, noted: (thread: any, note: any) => void, changed: () => void}} actions
 */
export function makeSide(pane, own, { insert, leave, noted, changed }) {
  const back = el("div", { class: "side-head only-folded" }, button("К переписке", leave, { icon: "back", style: "quiet" }));
  const nothing = el("p", { class: "nothing" }, "Здесь будут сведения об обращении.");
  const appeal = section("appeal", "Обращение");
  const requests = section("requests", "Просьбы гражданина");
  const fields = section("fields", "Данные гражданина");
  const letters = section("letters", "Письма гражданину");
  const articles = section("articles", "Статьи для ответа");
  const notes = section("notes", "Внутренние заметки");
  const earlier = section("earlier", "Прежние обращения");
  const card = makeAppeal(changed);
  appeal.fill(card.node);
  let shown = null;
  let noteBook = null;
  let inserts = [];
  let asked = ""; // what the requests were made from
  let lettered = ""; // what the letters were made from
  let drawn = ""; // what the fields were made from

  function showRequests() {
    requests.node.hidden = shown.requests.length === 0;
    const state = JSON.stringify([shown.id, shown.requests]);
    if (state === asked) return;
    asked = state;
    requests.fill(requestList(shown, changed));
  }

  function showLetters() {
    letters.node.hidden = shown.deliveries.length === 0;
    const state = JSON.stringify([shown.id, shown.deliveries]);
    if (state === lettered) return;
    lettered = state;
    letters.fill(letterList(shown, changed));
  }

  function showFields() {
    // What has not changed stays: a dialog gives the focus back to the button that opened it.
    const state = JSON.stringify([shown.id, shown.mode, shown.fields, [...shown.revealed.keys()]]);
    if (state === drawn) return;
    drawn = state;
    const focused = document.activeElement?.dataset?.field;
    fields.fill(...[fieldList(shown, showFields), dataRights(shown)].filter(Boolean));
    // The pressed button was replaced by its opposite: the focus stays where it was.
    if (focused) fields.node.querySelector(`[data-field="${CSS.escape(focused)}"]`)?.focus();
  }

  function showArticles(thread) {
    const key = thread.articles.map((article) => article.slug).join(" ");
    if (articles.node.dataset.key === `${thread.id} ${key}`) return;
    articles.node.dataset.key = `${thread.id} ${key}`;
    inserts = thread.articles.map((article) =>
      button("Вставить в ответ", () => insert(article.text), { style: "small", label: `Вставить в ответ: ${article.title}` }),
    );
    const cards = thread.articles.map((article, index) =>
      el(
        "details",
        { class: "article", data: { slug: article.slug } },
        el("summary", {}, article.title),
        laidOutText(article.text),
        inserts[index],
      ),
    );
    articles.fill(...(cards.length ? cards : [el("p", { class: "empty" }, "Подходящих статей не нашлось.")]));
  }

  return {
    /** Shows that nothing is open. */
    clear() {
      shown = null;
      arrange(pane, [nothing]);
    },
    /** Shows what belongs to a thread. @param {any} thread */
    show(thread) {
      if (shown !== thread) {
        shown = thread;
        noteBook = makeNotes(thread, (note) => noted(thread, note));
        notes.fill(noteBook.node);
        pane.scrollTop = 0;
      }
      const mine = thread.isHeldBy(own);
      card.show(thread, mine);
      showRequests();
      showFields();
      showLetters();
      showArticles(thread);
      for (const press of inserts) {
        press.disabled = !mine;
        press.title = mine ? "" : "Сначала возьмите разговор в работу";
      }
      noteBook.update(mine);
      earlier.fill(earlierList(thread.earlierAppeals));
      earlier.node.hidden = thread.earlierAppeals.length === 0;
      arrange(pane, [back, appeal.node, requests.node, fields.node, letters.node, articles.node, notes.node, earlier.node]);
    },
    /** Brings the due date up to now. */
    tick() {
      if (shown) card.tick();
    },
  };
}

function section(name, title) {
  const body = el("div", { class: "side-body" });
  const node = el(
    "section",
    { class: "side-section", "aria-labelledby": `side-${name}`, data: { section: name } },
    el("h2", { id: `side-${name}` }, title),
    body,
  );
  return { node, fill: (...nodes) => body.replaceChildren(...nodes) };
}

function earlierList(appeals) {
  return el(
    "ul",
    { class: "earlier" },
    ...appeals.map((appeal) =>
      el(
        "li",
        {},
        appeal.conversation_id ? el("a", { href: `#${appeal.conversation_id}` }, appeal.number) : el("b", {}, appeal.number),
        el(
          "span",
          {},
          [
            statusWords(appeal.status),
            kindWords(appeal.kind),
            appeal.received_at && shortDate(appeal.received_at),
            appeal.shared?.includes("letter") && "названо в письме с другого адреса",
          ]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
    ),
  );
}
