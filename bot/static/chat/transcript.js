/** The messages on the screen: kept in order, grouped by author and day, scrolled to the newest, and read out without chatter. */

import { updateCard } from "./card.js";
import { build, hiddenText, icon } from "./dom.js";
import { isLine, setPressable, showMessage, showOutgoing } from "./message.js";
import { formatDay } from "./words.js";

const GROUP_MS = 5 * 60 * 1000;
const ABOVE_PX = 12; // what is seen above a long answer
const NEAR_END_PX = 80;
const READ_OUT_MS = 400; // messages that come together are read out together

export class Transcript {
  #host;
  #shown = new Map(); // key → {element, state}
  #announced = null; // the last seq that was there at first, or was read out
  #words = [];
  #timer = null;

  /** @param {import("./message.js").Host & {onSeen: () => void}} host */
  constructor(host) {
    this.#host = host;
    this.list = build("div", { class: "list" });
    this.typing = build("div", { class: "typing", part: "typing", hidden: true });
    // The log itself is silent: replaced nodes and one's own words would be read out. `speech` reads what others say, once.
    this.log = build(
      "div",
      {
        class: "log",
        part: "log",
        role: "log",
        "aria-live": "off",
        "aria-label": "Сообщения",
        tabindex: "0",
        on: { scroll: () => this.#scrolled() },
      },
      this.list,
      this.typing,
    );
    this.speech = build("div", { class: "visually-hidden", "aria-live": "polite", part: "speech" });
    this.newer = build(
      "button",
      { type: "button", class: "newer", hidden: true, on: { click: () => this.scrollToEnd(true) } },
      icon("down"),
      "Новые сообщения",
    );
    this.element = build("div", { class: "transcript" }, this.log, this.newer, this.speech);
    new ResizeObserver(() => this.#stuck && this.scrollToEnd()).observe(this.log);
    new ResizeObserver(() => this.#stuck && this.scrollToEnd()).observe(this.list);
  }

  #stuck = true; // the reader is at the end, and stays there

  /** @param {import("./conversation.js").Conversation} conversation */
  render(conversation) {
    const { messages, unshown, pressable, mode } = conversation;
    const handoff = messages.findLast((message) => message.meta?.kind === "handoff")?.seq;
    const items = [];
    if (conversation.notice)
      items.push(
        this.#item("notice", conversation.notice, () =>
          build("p", { class: "line", data: { kind: "widget_notice" } }, conversation.notice),
        ),
      );
    let before = null;
    for (const message of messages) {
      const moment = new Date(message.created_at);
      const day = formatDay(moment);
      if (day !== before?.day) items.push(this.#item(`day-${day}`, day, () => build("p", { class: "day" }, build("span", {}, day))));
      const element = this.#item(message.seq, message.erased ? "erased" : "shown", () => showMessage(message, this.#host));
      const grouped =
        before?.day === day && before.author === message.author && before.name === message.author_name && moment - before.moment < GROUP_MS;
      before = { day, moment, author: isLine(message) ? null : message.author, name: message.author_name };
      element.classList.toggle("grouped", grouped);
      setPressable(element, message.seq === pressable);
      updateCard(element, mode === "queued" && message.seq === handoff, conversation.queuePosition);
      items.push(element);
    }
    for (const mine of unshown) items.push(this.#item(mine.id, mine.state, () => showOutgoing(mine, this.#host)));
    this.#place(items);
    this.#readOut(messages);
    const own = unshown.some((mine) => mine.state === "sending");
    if (own || this.#stuck) this.scrollToEnd();
    else this.newer.hidden = false;
  }

  /** Shows who is writing, or nobody with null. */
  setTyping(name) {
    this.typing.hidden = !name;
    if (name)
      this.typing.replaceChildren(
        hiddenText(`${name} печатает…`),
        build("span", { class: "dots", "aria-hidden": "true" }, ...[1, 2, 3].map(() => build("i"))),
      );
    if (this.#stuck) this.scrollToEnd();
  }

  /** From here on, messages are new: they are read out. */
  beginSpeech(last) {
    this.#announced = last;
  }

  /** Reads a line out that is not a message. */
  say(words) {
    this.#words.push(words);
    this.#timer ??= setTimeout(() => {
      this.speech.replaceChildren(...this.#words.map((one) => build("p", {}, one)));
      this.#words = [];
      this.#timer = null;
    }, READ_OUT_MS);
  }

  scrollToEnd(focus = false) {
    this.#stuck = true;
    this.newer.hidden = true;
    const place = this.#restingPlace();
    if (this.log.scrollTop < place) this.log.scrollTop = place;
    if (focus) this.log.focus({ preventScroll: true });
    this.#host.onSeen();
  }

  /** Where the reader is taken, px: the end, but a long answer is shown from its beginning. */
  #restingPlace() {
    const end = this.log.scrollHeight - this.log.clientHeight;
    const newest = this.list.lastElementChild;
    if (!newest || newest.dataset.author === "citizen") return end;
    const top = newest.getBoundingClientRect().top - this.log.getBoundingClientRect().top + this.log.scrollTop;
    return Math.min(end, top - ABOVE_PX);
  }

  /** Whether the newest message is in view. */
  get atEnd() {
    return this.#stuck;
  }

  clear() {
    this.#shown.clear();
    this.list.replaceChildren();
    this.speech.replaceChildren();
    this.#announced = null;
    this.setTyping(null);
  }

  /** The element for a key, built again only when its state is another. */
  #item(key, state, make) {
    const known = this.#shown.get(key);
    if (known?.state === state) return known.element;
    const element = make();
    this.#shown.set(key, { element, state });
    return element;
  }

  /** Puts the elements in order and moves no one that stands right: focus and selection stay. */
  #place(items) {
    const kept = new Set(items);
    for (const [key, { element }] of this.#shown) if (!kept.has(element)) this.#shown.delete(key);
    for (const child of [...this.list.children]) if (!kept.has(child)) child.remove();
    items.forEach((element, index) => {
      if (this.list.children[index] !== element) this.list.insertBefore(element, this.list.children[index] ?? null);
    });
  }

  #readOut(messages) {
    if (this.#announced === null) return;
    for (const message of messages.filter((one) => one.seq > this.#announced)) {
      this.#announced = message.seq;
      if (message.author !== "citizen") this.say(`${message.author_name}: ${message.text}`);
    }
  }

  #scrolled() {
    const wasStuck = this.#stuck;
    this.#stuck = this.log.scrollTop > this.#restingPlace() - NEAR_END_PX;
    if (!this.#stuck || wasStuck) return;
    this.newer.hidden = true;
    this.#host.onSeen();
  }
}
