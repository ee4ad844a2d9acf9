// The operator's HTTP API. Every refusal is a Problem with words for a person; a lost session leads to the login page.

const ROOT = "/api/operator";

/** A refusal or a failure of a call. `message` is Russian; `status` 0 means that no answer came. */
export class Problem extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  /** Whether the same call may succeed when it is simply repeated. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Leaves for the login page, which the server shows where there is no session. */
export function leaveForLogin() {
  location.replace("/operator");
}

/**
 * Words for an answer that is not a success.
 * @param {number} status
 * @param {any} body the parsed problem+json, or null
 */
export function problemOf(status, body) {
  const fields = (body?.errors ?? []).map((error) => error.message).filter(Boolean);
  const fallback = status === 413 ? "Файл слишком большой." : `Сервер не выполнил действие (код ${status}). Повторите позже.`;
  const words = new Set([body?.detail, ...fields].filter(Boolean)); // a field's message is often the detail again
  return new Problem(status, [...words].join(" ") || body?.title || fallback);
}

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(ROOT + path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Problem(0, "Нет связи с сервером. Проверьте подключение и повторите.");
  }
  if (answer.ok) return answer;
  if (answer.status === 401 && path !== "/login") leaveForLogin();
  throw problemOf(answer.status, await answer.json().catch(() => null));
}

async function readJson(path) {
  return (await send(path, { headers: { Accept: "application/json" } })).json();
}

async function post(path, body = {}, method = "POST") {
  const answer = await send(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return answer.json().catch(() => null);
}

const conversation = (id) => `/conversations/${encodeURIComponent(id)}`;

/** @param {string} login @param {string} password */
export const signIn = (login, password) => post("/login", { login, password });
export const signOut = () => post("/logout");
export const readQueue = () => readJson("/queue");
/** @param {string} id */
export const readConversation = (id) => readJson(conversation(id));
/** @param {string} id */
export const claim = (id) => post(`${conversation(id)}/claim`);
/** @param {string} id */
export const returnToBot = (id) => post(`${conversation(id)}/return-to-bot`);
/** @param {string} id @param {string} resolution */
export const close = (id, resolution) => post(`${conversation(id)}/close`, { resolution });
/** @param {string} id @param {string} field @param {string} reason @returns {Promise<{value: string}>} */
export const reveal = (id, field, reason) => post(`${conversation(id)}/reveal`, { field, reason });
/** Destroys the citizen's data. @param {string} id @param {string} reason */
export const erase = (id, reason) => post(`${conversation(id)}/erase`, { reason });
/** Has the citizen's data sent to them. @param {string} id */
export const sendExport = (id) => post(`${conversation(id)}/export`);
/** @param {string} id @param {{client_message_id: string, text: string, attachment_ids?: string[], internal?: boolean, article?: string | null}} message */
export const sendMessage = (id, message) => post(`${conversation(id)}/messages`, message);
/** Sends a letter that did not arrive once more. @param {string} id @param {string} letter @param {string} [email] the right address */
export const sendLetterAgain = (id, letter, email) =>
  post(`${conversation(id)}/letters/${encodeURIComponent(letter)}/send`, email ? { email } : {});
/** Changes an appeal, or decides on what was asked of it. @param {string} number @param {Record<string, any>} change */
export const changeAppeal = (number, change) => post(`/appeals/${encodeURIComponent(number)}`, change, "PATCH");
/** Logs a telephone call on an appeal. @param {string} number @param {string} note */
export const logCall = (number, note) => post(`/appeals/${encodeURIComponent(number)}/calls`, { note });
/** @returns {Promise<{departments: string[], operators: {login: string, name: string}[]}>} to whom a conversation may be passed */
export const readColleagues = () => readJson("/colleagues");
/** @param {string} id @param {{department?: string, operator?: string, note: string}} target */
export const transfer = (id, target) => post(`${conversation(id)}/transfer`, target);
/** @param {string} file @param {string} reason */
export const releaseFile = (file, reason) => post(`/attachments/${encodeURIComponent(file)}/release`, { reason });
/** @param {string} file */
export const fileAddress = (file) => `${ROOT}/attachments/${encodeURIComponent(file)}`;
/** @param {string} file @returns {Promise<Blob>} */
export const readFile = async (file) => (await send(`/attachments/${encodeURIComponent(file)}`, {})).blob();

/**
 * Uploads a file. XMLHttpRequest, because fetch tells nothing of progress.
 * @param {string} id the conversation
 * @param {File} file
 * @param {(share: number) => void} progress called with 0…1
 * @returns {{done: Promise<any>, abort: () => void}} `done` gives the attachment or fails with a Problem
 */
export function upload(id, file, progress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open("POST", `${ROOT}${conversation(id)}/attachments`);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 401) leaveForLogin();
      if (request.status >= 200 && request.status < 300) resolve(request.response);
      else reject(problemOf(request.status, request.response));
    };
    request.onerror = () => reject(new Problem(0, "Нет связи с сервером. Файл не загружен."));
    request.onabort = () => reject(new Problem(0, "Загрузка отменена."));
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
  return { done, abort: () => request.abort() };
}
