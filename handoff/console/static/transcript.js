// The conversation's messages as nodes, in order of seq, with days between them and what is on its way at the end.

import { fileList } from "./files.js";
import { arrange, button, el, icon, initials, write } from "./dom.js";
import { laidOutText, plainText } from "./text.js";
import { clock, dayKey, dayWords, fullDate } from "./time.js";

const NEAR_BOTTOM = 80;
const TOGETHER = 5 * 60_000;
const TYPING_LASTS = 6_000;
const CENTRED = new Set(["handoff", "operator_joined", "operator_left", "notice", "erased", "rating", "appeal_registered", "status"]);
const KIND_WORDS = {
  answer: "Ответ из базы знаний",
  suggestions: "Предложены статьи",
  no_answer: "Ответа в базе нет",
  apology: "Сбой бота",
};

/**
 * Builds the scrolling transcript.
 * @param {{retry: (entry: any) => void, edit: (entry: any) => void}} actions for messages that were not sent
 */
export function makeTranscript({ retry, edit }) {
  const list = el("div", { class: "messages", role: "log", "aria-live": "off", "aria-label": "Переписка", tabIndex: 0 });
  const typing = el(
    "p",
    { class: "typing", hidden: true },
    el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
    " Гражданин печатает…",
  );
  const jump = button("Новые сообщения", () => scrollDown(), { style: "primary small jump", icon: "down" });
  const node = el("div", { class: "transcript" }, list, typing, jump);
  const atBottom = () => list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_BOTTOM;
  let cache = new Map();
  let thread = null;
  let typingTimer = 0;
  let followed = true;
  let lastExtent = "";
  jump.hidden = true;

  function scrollDown() {
    list.scrollTop = list.scrollHeight;
    lastExtent = `${list.scrollHeight} ${list.clientHeight}`;
    followed = true;
    jump.hidden = true;
  }

  function follow() {
    // A change of size scrolls too; only a person's own scrolling decides whether the end is followed.
    const extent = `${list.scrollHeight} ${list.clientHeight}`;
    if (extent === lastExtent) followed = atBottom();
    lastExtent = extent;
    if (followed) jump.hidden = true;
  }

  function once(key, make) {
    if (!cache.has(key)) cache.set(key, make());
    return cache.get(key);
  }

  list.addEventListener("scroll", follow, { passive: true });
  // The composer grows, the pane is unfolded, a picture loads: who was at the end stays there.
  new ResizeObserver(() => followed && scrollDown()).observe(list);

  return {
    node,
    /** Shows a thread and what is on its way in it. @param {any} next @param {any[]} pending */
    show(next, pending) {
      const opened = next !== thread;
      if (opened) {
        cache = new Map();
        thread = next;
        this.stopTyping();
      }
      followed ||= opened;
      const size = list.childElementCount;
      const nodes = [];
      let before = null;
      for (const message of thread.ordered) {
        const day = dayKey(message.created_at);
        if (!before || dayKey(before.created_at) !== day) {
          nodes.push(once(`day ${day}`, () => el("p", { class: "day" }, dayWords(message.created_at))));
          before = null;
        }
        // A picture's text comes later than the picture.
        const made = once(`message ${message.seq} ${picturesRead(message)}`, () => makeMessage(message));
        made.classList.toggle("follows", continues(before, message));
        made.querySelector(".read")?.remove();
        nodes.push(made);
        before = message;
      }
      markRead(nodes, thread);
      for (const entry of pending) {
        const made = once(entry.key, () =>
          makePending(
            entry,
            () => retry(entry),
            () => edit(entry),
          ),
        );
        made.update();
        nodes.push(made.node);
      }
      arrange(list, nodes);
      if (followed || pending.some((entry) => entry.state === "sending")) scrollDown();
      else if (list.childElementCount > size) jump.hidden = false;
    },
    /** Makes the next thread shown start at its end, even the same one. */
    forget() {
      thread = null;
    },
    /** Shows for a few seconds that the citizen is typing. */
    startTyping() {
      typing.hidden = false;
      clearTimeout(typingTimer);
      typingTimer = setTimeout(() => this.stopTyping(), TYPING_LASTS);
      if (followed) scrollDown();
    },
    stopTyping() {
      clearTimeout(typingTimer);
      typing.hidden = true;
    },
  };
}

const picturesRead = ({ attachments = [] }) => attachments.filter(({ text }) => text).length;

function continues(before, message) {
  if (!before || before.author !== message.author || before.author_name !== message.author_name || isCentred(message)) return false;
  return !isCentred(before) && Date.parse(message.created_at) - Date.parse(before.created_at) < TOGETHER;
}

const isCentred = (message) => message.author === "system" || CENTRED.has(message.meta?.kind);

/** The words for a message's author. @param {any} message */
export function authorWords(message) {
  if (message.author === "citizen") return "Гражданин";
  return message.author_name || { bot: "Бот", operator: "Оператор", system: "Система" }[message.author];
}

function makeMessage(message) {
  const kind = message.meta?.kind;
  const content = message.author === "bot" ? laidOutText(message.text) : plainText(message.text);
  const body = [
    message.text ? content : null,
    message.attachments?.length ? fileList(message.attachments) : null,
    message.buttons?.length ? offeredButtons(message.buttons) : null,
  ];
  const time = el("time", { dateTime: message.created_at, title: fullDate(message.created_at) }, clock(message.created_at));
  const data = { seq: message.seq, author: message.author, ...(kind ? { kind } : {}) };
  if (isCentred(message)) return el("article", { class: "message centred", data, "aria-label": "Системное сообщение" }, ...body, time);
  const name = authorWords(message);
  return el(
    "article",
    { class: `message ${message.author}`, data, "aria-label": `${name}, ${clock(message.created_at)}` },
    avatar(message, name),
    el("p", { class: "author" }, el("b", {}, name), KIND_WORDS[kind] ? el("span", {}, KIND_WORDS[kind]) : null),
    el("div", { class: "bubble" }, ...body),
    el("p", { class: "meta" }, time),
  );
}

function avatar(message, name) {
  const mark = message.author === "operator" ? initials(name) : icon(message.author === "bot" ? "bot" : "person");
  return el("span", { class: `avatar ${message.author}`, "aria-hidden": "true" }, mark);
}

function offeredButtons(buttons) {
  return el(
    "ul",
    { class: "offered", "aria-label": "Кнопки, которые видел гражданин" },
    ...buttons.map(({ title }) => el("li", {}, title)),
  );
}

function markRead(nodes, { readSeq }) {
  const sent = nodes.filter((node) => node.dataset.author === "operator").at(-1);
  if (sent && Number(sent.dataset.seq) <= readSeq)
    sent.querySelector(".meta")?.append(el("span", { class: "read" }, icon("check"), "Прочитано"));
}

function makePending(entry, retry, edit) {
  const state = el("span", { class: "sending" }, "Отправляется…");
  const problem = el("span", { class: "problem" });
  const failure = el(
    "div",
    { class: "failure" },
    icon("alert"),
    problem,
    button("не отправлено — повторить", retry, { style: "link" }),
    button("изменить", edit, { style: "link" }),
  );
  const files = entry.attachments.length ? fileList(entry.attachments) : null;
  const node = el(
    "article",
    { class: "message operator pending", data: { pending: entry.key, author: "operator" }, "aria-label": "Ваше сообщение" },
    el("div", { class: "bubble" }, entry.text ? plainText(entry.text) : null, files),
    el("p", { class: "meta" }, state),
    failure,
  );
  return {
    node,
    update() {
      const failed = entry.state === "failed";
      node.classList.toggle("failed", failed);
      state.parentElement.hidden = failed;
      failure.hidden = !failed;
      write(problem, entry.problem);
    },
  };
}
