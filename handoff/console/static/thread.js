// One conversation as the console knows it: messages by seq, whatever order and however often they come.

export class Thread {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.messages = new Map();
    this.notes = new Map();
    this.fields = {};
    this.revealed = new Map(); // field → value, only while this page lives
    this.appeal = null;
    this.requests = [];
    this.earlierAppeals = [];
    this.articles = [];
    this.seenArticles = new Map(); // slug → article: what was suggested earlier may be what an answer quotes
    this.mode = "";
    this.operator = null;
    this.queue_position = null;
    this.replyWay = ""; // where an answer goes, in words
    this.deliveries = [];
    this.channel = "";
    this.readSeq = 0;
    this.unread = 0;
    this.loaded = false;
  }

  /** Takes in the transcript as the server gives it; what is known already stays. @param {any} transcript */
  load(transcript) {
    for (const message of transcript.messages) this.add(message);
    for (const note of transcript.notes ?? []) this.notes.set(note.id, note);
    this.fields = transcript.fields ?? {};
    this.appeal = transcript.appeal ?? null;
    this.requests = transcript.requests ?? [];
    this.earlierAppeals = transcript.earlier_appeals ?? [];
    this.articles = transcript.suggested_articles ?? [];
    for (const article of this.articles) this.seenArticles.set(article.slug, article);
    this.deliveries = transcript.deliveries ?? [];
    this.channel = transcript.channel ?? "";
    this.setMode(transcript);
    this.loaded = true;
  }

  /** @param {{mode: string, operator?: any, queue_position?: number|null, reply_way?: string|null}} state */
  setMode({ mode, operator, queue_position: position, reply_way: replyWay }) {
    this.mode = mode;
    this.operator = operator ?? null;
    this.queue_position = position ?? null;
    this.replyWay = replyWay ?? "";
  }

  /** Adds or replaces a message, of which more may be known now; true when it is new. @param {any} message */
  add(message) {
    const fresh = !this.messages.has(message.seq);
    this.messages.set(message.seq, message);
    return fresh;
  }

  /** The cursor for catching up. */
  get lastSeq() {
    return Math.max(0, ...this.messages.keys());
  }

  get ordered() {
    return [...this.messages.values()].sort((one, other) => one.seq - other.seq);
  }

  /** @param {string} login */
  isHeldBy(login) {
    return this.mode === "operator" && this.operator?.login === login;
  }
}
