/** Who is writing now. A frame that got lost must not leave the dots for ever: each sign has its time. */

const OPERATOR_MS = 6_000;
const BOT_MS = 60_000; // a turn may wait for an engine that restarts

export class Typing {
  #author = null;
  #timer = null;
  #onChange;

  /** @param {(author: "bot"|"operator"|null) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /**
   * Takes a frame of the connection's.
   * @param {Object} frame
   * @param {import("./conversation.js").Conversation} conversation
   */
  take(frame, { mode, last }) {
    if (frame.type === "typing" && frame.author !== "citizen") this.#set(frame.author);
    else if (frame.type === "accepted" && mode === "bot" && (last?.seq ?? 0) <= frame.seq) this.#set("bot");
    else if (frame.type === "answering") this.#set(frame.answering ? "bot" : this.#author === "bot" ? null : this.#author);
    else if (frame.type === "message" && endsTyping(frame.message)) this.clear();
    else if (frame.type === "mode" && frame.mode !== this.#author) this.clear();
    else if (frame.type === "answered" || frame.type === "closed") this.clear();
  }

  clear() {
    this.#set(null);
  }

  #set(author) {
    clearTimeout(this.#timer);
    if (author) this.#timer = setTimeout(() => this.clear(), author === "operator" ? OPERATOR_MS : BOT_MS);
    if (author === this.#author) return;
    this.#author = author;
    this.#onChange(author);
  }
}

/** A notice («подождите») comes in the middle of a turn. */
function endsTyping({ author, meta }) {
  return author !== "citizen" && meta?.kind !== "notice";
}
