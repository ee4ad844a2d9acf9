/** The citizen's part of the HTTP API. Every failure is a Problem, whose `detail` is Russian and may be shown. */

const NO_CONNECTION = "Нет связи с сервером. Проверьте подключение к интернету.";
const SERVER_FAILED = "Сервер временно не отвечает. Попробуйте ещё раз через минуту.";

/** A failed call. `status` 0 means that the server was not reached. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.detail = detail;
  }

  /** The conversation is gone or is not ours. */
  get lost() {
    return this.status === 401 || this.status === 404;
  }

  /** Worth the same call again: the network or the server failed, the request was not judged. */
  get passing() {
    return this.status === 0 || this.status >= 500;
  }

  static fromBody(status, body) {
    const fields = (body?.errors ?? []).map((error) => error.message).filter(Boolean);
    return new Problem(status, [body?.detail || SERVER_FAILED, ...fields].join(" "));
  }
}

export class Api {
  /**
   * @param {string} endpoint origin (and prefix) of the gateway, without a slash at the end
   * @param {{id: string, token: string}|null} session the conversation and its token
   */
  constructor(endpoint, session = null) {
    this.endpoint = endpoint;
    this.session = session;
  }

  /** Begins a conversation; who called keeps it as the session. @returns {Promise<{id: string, token: string}>} */
  async createConversation() {
    const { conversation_id: id, token } = await this.#call("POST", `${this.endpoint}/api/conversations`, {});
    return { id, token };
  }

  /**
   * Messages newer than a seq, at most 200.
   * @param {number} after
   * @param {number} wait seconds to hold the call while nothing is newer, 0–30
   * @param {AbortSignal} signal
   */
  readMessages(after, wait, signal) {
    return this.#call("GET", this.#url(`/messages?after=${after}&wait=${wait}`), null, signal);
  }

  /** Sends a message; the same `client_message_id` again gives the same message. */
  sendMessage(body) {
    return this.#call("POST", this.#url("/messages"), body, AbortSignal.timeout(20000));
  }

  leaveQueue() {
    return this.#call("POST", this.#url("/leave-queue"), {});
  }

  /** Asks for what was said, by letter to the address that the conversation knows. */
  sendTranscript() {
    return this.#call("POST", this.#url("/transcript"), {});
  }

  /** The bytes of an attachment. @returns {Promise<Blob>} */
  async readAttachment(id) {
    const response = await this.#fetch(this.#url(`/attachments/${id}`), { headers: this.#headers() });
    return response.blob();
  }

  /**
   * Uploads one file. XMLHttpRequest, because fetch tells no progress.
   * @param {File} file
   * @param {(share: number) => void} onProgress 0–1
   * @param {AbortSignal} signal
   * @returns {Promise<Object>} the stored attachment
   */
  uploadAttachment(file, onProgress, signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", this.#url("/attachments"));
      for (const [name, value] of Object.entries(this.#headers())) request.setRequestHeader(name, value);
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) onProgress(event.loaded / event.total);
      });
      request.addEventListener("load", () => {
        if (request.status === 201) resolve(request.response);
        else reject(Problem.fromBody(request.status, request.response));
      });
      request.addEventListener("error", () => reject(new Problem(0, NO_CONNECTION)));
      request.addEventListener("abort", () => reject(new DOMException("upload stopped", "AbortError")));
      signal.addEventListener("abort", () => request.abort());
      const form = new FormData();
      form.append("file", file, file.name);
      request.send(form);
    });
  }

  /** The address of the conversation's socket. */
  socketUrl(after) {
    const url = new URL(this.#url(`/ws?after=${after}`), location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url.href;
  }

  #url(path) {
    return `${this.endpoint}/api/conversations/${encodeURIComponent(this.session.id)}${path}`;
  }

  #headers() {
    return this.session ? { authorization: `Bearer ${this.session.token}` } : {};
  }

  async #call(method, url, body, signal) {
    const headers = this.#headers();
    if (body) headers["content-type"] = "application/json";
    const response = await this.#fetch(url, { method, headers, body: body && JSON.stringify(body), signal });
    return response.status === 204 ? null : response.json();
  }

  async #fetch(url, options) {
    let response;
    try {
      response = await fetch(url, { ...options, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, NO_CONNECTION);
    }
    if (response.ok) return response;
    throw Problem.fromBody(response.status, await response.json().catch(() => null));
  }
}
