/** One message as an element. What it looks like is decided by its author and its `meta.kind`. */

import { LEAVE, showCard } from "./card.js";
import { build, hiddenText, icon } from "./dom.js";
import { formatText, linkText } from "./text.js";
import { formatMoment, formatTime } from "./words.js";

const SYSTEM_LINES = ["operator_joined", "operator_left", "notice", "erased"];
const STATES = { sending: "отправляется", sent: "отправлено", failed: "не отправлено" };

/**
 * @typedef {Object} Host
 * @property {(attachment: Object) => HTMLElement} showAttachment
 * @property {(button: {title: string, payload: string}, byKeyboard: boolean) => void} onPress
 * @property {(mine: import("./conversation.js").Outgoing) => void} onRetry
 * @property {() => void} onLeaveQueue
 */

/** Whether a message is a centred line instead of a bubble: a system message that offers nothing to press or open. */
export function isLine(message) {
  const bare = !message.buttons?.length && !message.attachments?.length;
  return bare && message.author === "system" && SYSTEM_LINES.includes(message.meta?.kind);
}

/**
 * A message of the server's.
 * @param {Object} message as in the API
 * @param {Host} host
 * @returns {HTMLElement}
 */
export function showMessage(message, host) {
  const moment = new Date(message.created_at);
  const kind = message.meta?.kind ?? "text";
  const data = { seq: message.seq, author: message.author, kind };
  const label = `${message.author === "citizen" ? "Вы" : message.author_name}, ${formatTime(moment)}`;
  if (isLine(message)) {
    return build("article", { class: "line", part: "message", "aria-label": label, data }, ...formatText(message.text), showTime(moment));
  }
  const bubble = build("div", { class: "bubble" }, ...showWords(message), ...showFiles(message.attachments, host), showCard(message, host));
  return build(
    "article",
    { class: `message ${message.author}`, part: "message", "aria-label": label, data },
    message.author === "citizen" ? null : showAvatar(message),
    build(
      "div",
      { class: "column" },
      message.author === "citizen" ? null : build("p", { class: "author" }, message.author_name),
      bubble,
      build("p", { class: "facts" }, showTime(moment)),
      showButtons(message, kind, host),
    ),
  );
}

/**
 * A message of one's own that is still on its way.
 * @param {import("./conversation.js").Outgoing} mine
 * @param {Host} host
 * @returns {HTMLElement}
 */
export function showOutgoing(mine, host) {
  const facts = build("p", { class: "facts" }, STATES[mine.state]);
  if (mine.state === "failed") {
    facts.append(
      " — ",
      build(
        "button",
        { type: "button", class: "retry", on: { click: () => host.onRetry(mine) } },
        icon("retry"),
        "повторить",
        hiddenText(" отправку"),
      ),
    );
  }
  return build(
    "article",
    {
      class: "message citizen",
      part: "message",
      "aria-label": `Вы, ${STATES[mine.state]}`,
      data: { author: "citizen", kind: "text", state: mine.state },
    },
    build(
      "div",
      { class: "column" },
      build("div", { class: "bubble" }, ...showWords({ author: "citizen", text: mine.text }), ...showPendingFiles(mine.attachments)),
      facts,
    ),
  );
}

function showWords({ author, text }) {
  if (!text) return [];
  if (author === "citizen") return [build("p", { class: "as-written" }, ...linkText(text))];
  return formatText(text);
}

function showFiles(attachments, host) {
  return attachments?.length ? [build("div", { class: "files" }, ...attachments.map((one) => host.showAttachment(one)))] : [];
}

function showPendingFiles(attachments) {
  const show = (one) =>
    build(
      "div",
      { class: "file" },
      icon("file"),
      build("span", { class: "file-text" }, build("span", { class: "file-name" }, one.filename)),
    );
  return attachments.length ? [build("div", { class: "files" }, ...attachments.map(show))] : [];
}

function showTime(moment) {
  return build("time", { datetime: moment.toISOString(), title: formatMoment(moment) }, formatTime(moment));
}

/** The service's mark for the bot, initials for a person. */
function showAvatar({ author, author_name: name }) {
  const initials = name
    .split(/\s+/u)
    .slice(0, 2)
    .map((word) => word[0])
    .join("")
    .toUpperCase();
  return build("span", { class: `avatar avatar-${author}`, "aria-hidden": "true" }, author === "operator" ? initials : icon("mark"));
}

function showButtons({ buttons: offered = [] }, kind, host) {
  const buttons = kind === "handoff" ? offered.filter((button) => button.title !== LEAVE) : offered;
  if (buttons.length === 0) return null;
  const rating = buttons.length === 5 && kind === "rating";
  const show = (button) =>
    build(
      "button",
      {
        type: "button",
        class: "choice",
        "aria-label": rating && /^[1-5]$/u.test(button.title) ? `${button.title} из 5` : null,
        on: { click: (event) => host.onPress(button, event.detail === 0) },
      },
      button.title,
      kind === "suggestions" ? icon("next") : null,
    );
  return build(
    "div",
    { class: `choices choices-${rating ? "rating" : kind}`, role: "group", "aria-label": rating ? "Ваша оценка" : "Варианты ответа" },
    ...buttons.map(show),
    rating ? build("p", { class: "scale" }, build("span", {}, "плохо"), build("span", {}, "отлично")) : null,
  );
}

/**
 * Lets the buttons of a shown message be pressed, or puts them away. Suggestions stay in sight: without them the words above are idle.
 * @param {HTMLElement} element
 * @param {boolean} pressable
 */
export function setPressable(element, pressable) {
  const choices = element.querySelector(".choices");
  if (!choices) return;
  choices.hidden = !pressable && element.dataset.kind !== "suggestions";
  for (const button of choices.querySelectorAll("button")) button.disabled = !pressable;
}
