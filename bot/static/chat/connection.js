/**
 * Keeps a conversation up to date: catches up by GET, then holds a WebSocket; after three sockets in a row that would not open,
 * long polling. A lost connection is tried again after growing, jittered delays.
 */

const SOCKET_ATTEMPTS = 3;
const POLLING_MS = 120_000; // then the socket is tried once more
const POLL_WAIT_SECONDS = 25;
const ANSWERING_WAIT_SECONDS = 2; // a turn's end is no message: while one is under way, ask more often
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const TOO_MANY_DELAY_MS = 10_000;
const STEADY_MS = 5_000;

export class Connection {
  #api;
  #conversation;
  #events;
  #stop = new AbortController();
  #socket = null;
  #refusals = 0; // sockets in a row that would not open
  #failures = 0; // for the growing delay
  #wake = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./conversation.js").Conversation} conversation takes the messages and modes
   * @param {{onState: (state: "online"|"offline") => void, onFrame: (frame: Object) => void, onLost: () => void}} events
   *   onFrame gets every frame, `{type: "answering", answering}` from catching up and `{type: "closed"}` when a socket is gone
   */
  constructor(api, conversation, events) {
    this.#api = api;
    this.#conversation = conversation;
    this.#events = events;
  }

  start() {
    const { signal } = this.#stop;
    addEventListener("online", () => this.#wake?.(), { signal });
    addEventListener("offline", () => this.#socket?.close(), { signal });
    document.addEventListener("visibilitychange", () => !document.hidden && this.#wake?.(), { signal });
    this.#run();
  }

  stop() {
    this.#stop.abort();
    this.#socket?.close();
    this.#wake?.();
  }

  /** Sends a frame if there is a socket. @returns {boolean} whether there was */
  send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Gives up a socket that does not answer. */
  drop() {
    this.#socket?.close();
  }

  get #stopped() {
    return this.#stop.signal.aborted;
  }

  async #run() {
    while (!this.#stopped) {
      let delay = null;
      try {
        await this.#catchUp();
        if (this.#refusals >= SOCKET_ATTEMPTS) await this.#poll();
        else delay = await this.#holdSocket();
        if (delay === null) continue;
      } catch (error) {
        if (this.#stopped) return;
        if (error.lost) return this.#events.onLost();
        if (error.status === 429) delay = TOO_MANY_DELAY_MS;
      }
      if (this.#stopped) return;
      this.#events.onState("offline");
      await this.#pause(delay ?? 0);
    }
  }

  /** Reads every page that is newer than the cursor. */
  async #catchUp(wait = 0) {
    let page;
    do {
      page = await this.#api.readMessages(this.#conversation.cursor, wait, this.#stop.signal);
      if (this.#stopped) return page;
      for (const message of page.messages) this.#conversation.add(message);
    } while (page.more && page.messages.length > 0);
    this.#conversation.setMode(page.mode, page.queue_position, page.operator_name);
    this.#events.onFrame({ type: "answering", answering: page.answering });
    return page;
  }

  async #poll() {
    const until = Date.now() + POLLING_MS;
    let page = null;
    while (!this.#stopped && Date.now() < until) {
      this.#events.onState("online");
      this.#failures = 0;
      page = await this.#catchUp(page?.answering ? ANSWERING_WAIT_SECONDS : POLL_WAIT_SECONDS);
    }
    this.#refusals = SOCKET_ATTEMPTS - 1;
  }

  /** Resolves when the socket has closed: the least delay before the next try in ms, or null to go straight to polling. */
  #holdSocket() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#api.socketUrl(this.#conversation.cursor));
      let openedAt = null;
      let heard = false;
      this.#socket = socket;
      socket.addEventListener("open", () => {
        openedAt = Date.now();
        socket.send(JSON.stringify({ token: this.#api.session.token }));
        this.#events.onState("online");
      });
      socket.addEventListener("message", (event) => {
        heard = true;
        this.#refusals = this.#failures = 0;
        this.#take(JSON.parse(event.data));
      });
      socket.addEventListener("close", (event) => {
        this.#socket = null;
        this.#events.onFrame({ type: "closed" });
        if (event.code === 4401 || event.code === 4404) return reject(Object.assign(new Error("conversation lost"), { lost: true }));
        const steady = heard || (openedAt !== null && Date.now() - openedAt > STEADY_MS);
        this.#refusals = steady ? 0 : this.#refusals + 1;
        if (this.#refusals >= SOCKET_ATTEMPTS) return resolve(null);
        resolve(event.code === 4429 ? TOO_MANY_DELAY_MS : 0);
      });
    });
  }

  #take(frame) {
    if (this.#stopped) return;
    if (frame.type === "message") this.#conversation.add(frame.message);
    else if (frame.type === "mode") this.#conversation.setMode(frame.mode, frame.queue_position, frame.operator_name);
    this.#events.onFrame(frame);
  }

  /** Waits half to all of the growing delay; the network's or the page's coming back ends it. */
  #pause(least) {
    const grown = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, LONGEST_DELAY_MS);
    this.#failures += 1;
    const delay = Math.max(least, grown * (0.5 + Math.random() / 2));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }
}
