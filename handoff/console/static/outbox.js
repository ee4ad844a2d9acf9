// What the operator has sent and the server has not yet confirmed. One at a time per conversation, so that the order stays; a retry
// carries the same client_message_id and so is stored once.

import { sendMessage } from "./api.js";

const RETRY_PAUSE = 1_500;

export class Outbox {
  /**
   * @param {{changed: (id: string) => void, stored: (id: string, message: any) => void}} listener
   */
  constructor(listener) {
    this.listener = listener;
    this.lists = new Map();
    this.chains = new Map();
  }

  /** Messages of a conversation on their way or refused. @param {string} id @returns {any[]} */
  pending(id) {
    return this.lists.get(id) ?? [];
  }

  /** Whether one of them is on its way: then an operator's message from the socket may be the same one. @param {string} id */
  isSending(id) {
    return this.pending(id).some((entry) => entry.state === "sending");
  }

  /** @param {string} id @param {string} text @param {any[]} attachments @param {string | null} article the slug of the one that it is from */
  send(id, text, attachments, article) {
    const entry = { key: crypto.randomUUID(), text, attachments, article, state: "sending", problem: "", created_at: new Date().toISOString() };
    this.lists.set(id, [...this.pending(id), entry]);
    this.#enqueue(id, entry);
  }

  /** @param {string} id @param {any} entry */
  retry(id, entry) {
    entry.state = "sending";
    this.#enqueue(id, entry);
  }

  /** @param {string} id @param {any} entry */
  discard(id, entry) {
    this.lists.set(
      id,
      this.pending(id).filter((other) => other !== entry),
    );
    this.listener.changed(id);
  }

  /** Forgets what was to be sent in a conversation. @param {string} id */
  forget(id) {
    this.lists.delete(id);
  }

  #enqueue(id, entry) {
    const before = this.chains.get(id) ?? Promise.resolve();
    this.chains.set(
      id,
      before.then(() => this.#deliver(id, entry)),
    );
    this.listener.changed(id);
  }

  async #deliver(id, entry) {
    const body = {
      client_message_id: entry.key,
      text: entry.text,
      attachment_ids: entry.attachments.map((attachment) => attachment.id),
      article: entry.article,
    };
    try {
      const message = await sendMessage(id, body).catch(async (problem) => {
        if (!problem.passing || problem.status === 429) throw problem;
        await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE));
        return sendMessage(id, body);
      });
      this.lists.set(
        id,
        this.pending(id).filter((other) => other !== entry),
      );
      this.listener.stored(id, message);
    } catch (problem) {
      entry.state = "failed";
      entry.problem = problem.message;
      this.listener.changed(id);
    }
  }
}
