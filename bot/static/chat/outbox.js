/** Sends messages: over the socket, else by POST. A client_message_id makes every repetition harmless. */

import { Problem } from "./api.js";

const ANSWER_MS = 8_000; // how long a socket may take to say accepted or refused

export class Outbox {
  #api;
  #conversation;
  #connection;
  #ready;
  #waiting = new Map(); // client_message_id → what settles it

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./conversation.js").Conversation} conversation
   * @param {import("./connection.js").Connection} connection
   * @param {Promise<void>} ready the conversation exists on the server; until then messages wait
   */
  constructor(api, conversation, connection, ready) {
    this.#api = api;
    this.#conversation = conversation;
    this.#connection = connection;
    this.#ready = ready;
  }

  /**
   * Shows a message at once and sends it.
   * @param {string} text
   * @param {{payload?: string|null, attachments?: Object[]}} more
   * @returns {Promise<Problem|null>} why it was refused, else null; a message that could not be delivered stays as failed
   */
  send(text, { payload = null, attachments = [] } = {}) {
    const mine = { id: newId(), text, payload, attachments, state: "sending", seq: null, createdAt: new Date() };
    this.#conversation.begin(mine);
    return this.#deliver(mine);
  }

  /** Sends a failed message again under the same id. */
  retry(mine) {
    this.#conversation.retry(mine.id);
    return this.#deliver(mine);
  }

  /** Takes an `accepted` or `refused` frame. */
  settle(frame) {
    const settle = this.#waiting.get(frame.client_message_id);
    if (frame.type === "accepted") this.#conversation.accept(frame.client_message_id, frame.seq);
    settle?.(frame.type === "accepted" ? null : Problem.fromBody(frame.problem?.status ?? 422, frame.problem));
  }

  /** The socket is gone: what it had not answered goes by POST. */
  release() {
    for (const settle of this.#waiting.values()) settle(undefined);
  }

  async #deliver(mine) {
    const body = { client_message_id: mine.id, text: mine.text };
    if (mine.payload) body.payload = mine.payload;
    if (mine.attachments.length > 0) body.attachment_ids = mine.attachments.map((attachment) => attachment.id);
    await this.#ready;
    let problem = await this.#sendFrame(body);
    if (problem === undefined) problem = await this.#post(body);
    if (!problem) return null;
    if (problem.passing) {
      this.#conversation.fail(mine.id);
      return null;
    }
    this.#conversation.withdraw(mine.id);
    return problem;
  }

  /** @returns {Promise<Problem|null|undefined>} undefined: no socket, or it did not answer */
  async #sendFrame(body) {
    if (!this.#connection.send({ type: "message", ...body })) return undefined;
    let timer;
    const outcome = await new Promise((resolve) => {
      this.#waiting.set(body.client_message_id, resolve);
      timer = setTimeout(() => {
        resolve(undefined);
        this.#connection.drop();
      }, ANSWER_MS);
    });
    clearTimeout(timer);
    this.#waiting.delete(body.client_message_id);
    return outcome;
  }

  async #post(body) {
    try {
      const message = await this.#api.sendMessage(body);
      this.#conversation.accept(body.client_message_id, message.seq);
      this.#conversation.add(message);
      return null;
    } catch (problem) {
      return problem instanceof Problem ? problem : new Problem(0, String(problem));
    }
  }
}

/** A random UUID; crypto.randomUUID exists on secure pages only. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, "$1-$2-$3-$4-$5");
}
