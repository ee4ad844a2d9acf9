/** What this browser knows of a conversation: messages by seq, one's own that are still on their way, and who answers. */

/**
 * @typedef {Object} Outgoing a message of one's own that the server has not shown yet
 * @property {string} id the client_message_id
 * @property {string} text
 * @property {string|null} payload
 * @property {Object[]} attachments
 * @property {"sending"|"sent"|"failed"} state
 * @property {number|null} seq known once accepted
 * @property {Date} createdAt
 */

const ERASED = "данные удалены";

export class Conversation {
  /** @param {() => void} onChange called after each change */
  constructor(onChange) {
    this.onChange = onChange;
    this.bySeq = new Map();
    /** @type {Outgoing[]} */
    this.outgoing = [];
    this.mode = "bot";
    this.queuePosition = null;
    this.operatorName = null;
    this.notice = null; // words of the widget itself, above the first message
    this.cursor = 0; // every seq up to it is here
  }

  /** Messages in the order of their seq. */
  get messages() {
    return [...this.bySeq.values()].sort((one, other) => one.seq - other.seq);
  }

  get last() {
    return this.messages.at(-1) ?? null;
  }

  /** Takes a message from the server. @returns {boolean} whether it was new */
  add(message) {
    if (this.bySeq.has(message.seq)) return false;
    this.bySeq.set(message.seq, message);
    while (this.bySeq.has(this.cursor + 1)) this.cursor += 1;
    if (message.author === "operator") this.operatorName = message.author_name;
    if (message.meta?.kind === "operator_joined") this.operatorName = message.meta.operator_name ?? null; // polling tells no name
    if (message.author === "citizen") this.#claim(message);
    if (message.meta?.kind === "erased") this.#forget(message.seq);
    this.onChange();
    return true;
  }

  /** What was erased stays on no screen: the server has nothing but this of the others any more. */
  #forget(seq) {
    for (const message of this.messages.filter((one) => one.seq < seq))
      this.bySeq.set(message.seq, { ...message, text: ERASED, attachments: [], buttons: [], expects: null, erased: true });
    this.outgoing = [];
  }

  /** The frame of one's own message may come before `accepted`: the oldest unaccepted one with that text is it. */
  #claim(message) {
    const same = this.outgoing.find((mine) => mine.seq === message.seq);
    const alike = this.outgoing.find((mine) => mine.seq === null && mine.text.trim() === message.text.trim());
    const mine = same ?? alike;
    if (mine) Object.assign(mine, { seq: message.seq, state: "sent" });
  }

  /** One's own messages that are to be shown beside the server's. */
  get unshown() {
    return this.outgoing.filter((mine) => mine.seq === null || !this.bySeq.has(mine.seq));
  }

  /** @param {Outgoing} mine */
  begin(mine) {
    this.outgoing.push(mine);
    this.onChange();
  }

  /** The server stored it under this seq. */
  accept(id, seq) {
    this.#change(id, { seq, state: "sent" });
  }

  fail(id) {
    this.#change(id, { state: "failed" });
  }

  retry(id) {
    this.#change(id, { state: "sending" });
  }

  /** Takes a refused message back. */
  withdraw(id) {
    this.outgoing = this.outgoing.filter((mine) => mine.id !== id);
    this.onChange();
  }

  setMode(mode, queuePosition, operatorName) {
    if (operatorName) this.operatorName = operatorName;
    Object.assign(this, { mode, queuePosition: queuePosition ?? null });
    this.onChange();
  }

  #change(id, change) {
    const mine = this.outgoing.find((one) => one.id === id);
    if (!mine) return;
    Object.assign(mine, change);
    this.onChange();
  }

  /**
   * The message whose buttons may be pressed: the last that has any, unless somebody answered or the owner changed since.
   * @returns {number|null} its seq
   */
  get pressable() {
    if (this.mode === "closed" || this.unshown.length > 0) return null;
    for (const message of this.messages.reverse()) {
      if (message.author === "citizen" || message.author === "operator") return null;
      if (message.buttons?.length) return message.seq;
      if (["handoff", "operator_joined"].includes(message.meta?.kind)) return null;
    }
    return null;
  }

  /** What the bot has just asked for. */
  get expects() {
    if (this.unshown.length > 0 || this.mode === "operator") return null;
    const asked = this.messages.filter((message) => message.meta?.kind !== "notice").at(-1);
    return asked?.expects ?? null;
  }
}
