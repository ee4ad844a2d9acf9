// Files that wait in the composer: checked, uploaded at once, removable. They are kept per conversation.

import { upload } from "./api.js";
import { button, el, icon, write } from "./dom.js";
import { sizeWords } from "./words.js";

const MB = 1_048_576;
const PICTURE = /\.(jpe?g|png)$/i;
const DOCUMENT = /\.(pdf|docx)$/i;
// The desk's limits stand on the page (templates/console.html).
const limit = (name) => Number(document.body.dataset[name]);
const MOST = limit("mostFiles");
const PICTURE_BYTES = limit("pictureBytes");
const DOCUMENT_BYTES = limit("documentBytes");
const TOGETHER = limit("messageBytes");
const inWords = (bytes) => `${String(bytes / MB).replace(".", ",")} МБ`;

/** What the file chooser offers. */
export const ACCEPTED = ".jpg,.jpeg,.png,.pdf,.docx";

/** The limits in words. */
export const LIMITS =
  `JPG и PNG до ${inWords(PICTURE_BYTES)}, PDF и DOCX до ${inWords(DOCUMENT_BYTES)}; ` +
  `файлов не больше ${MOST}, вместе до ${inWords(TOGETHER)}.`;

/** @param {File} file @param {File[]} others @returns {string} why the file cannot be taken, or "" */
function refusal(file, others) {
  if (!PICTURE.test(file.name) && !DOCUMENT.test(file.name)) return `«${file.name}»: такой файл отправить нельзя. ${LIMITS}`;
  if (file.size === 0) return `«${file.name}»: файл пустой.`;
  const most = PICTURE.test(file.name) ? PICTURE_BYTES : DOCUMENT_BYTES;
  if (file.size > most) return `«${file.name}»: файл больше ${inWords(most)}.`;
  if (others.length >= MOST) return `К сообщению можно приложить не больше ${MOST} файлов.`;
  const size = others.reduce((sum, other) => sum + other.size, file.size);
  return size > TOGETHER ? `«${file.name}»: вместе файлы больше ${inWords(TOGETHER)}.` : "";
}

/**
 * Builds the row of chips.
 * @param {() => void} changed called when what may be sent changes
 */
export function makeUploads(changed) {
  const chips = el("ul", { class: "chips", "aria-label": "Файлы к сообщению", hidden: true });
  const error = el("p", { class: "error", role: "alert" });
  const lists = new Map();
  let current = "";

  const list = (id = current) => {
    if (!lists.has(id)) lists.set(id, []);
    return lists.get(id);
  };

  function draw() {
    chips.replaceChildren(...list().map((entry) => entry.node));
    chips.hidden = list().length === 0;
    changed();
  }

  function remove(id, entry) {
    entry.abort();
    lists.set(
      id,
      list(id).filter((other) => other !== entry),
    );
    draw();
  }

  function start(id, file) {
    const state = el("span", { class: "chip-state" }, "0 %");
    const entry = { file, attachment: null, abort: () => {}, node: null };
    const cancel = button(`Убрать файл ${file.name}`, () => remove(id, entry), { icon: "close", bare: true, style: "quiet" });
    entry.node = el("li", { class: "chip" }, icon("file"), el("span", { class: "chip-name", title: file.name }, file.name), state, cancel);
    const { done, abort } = upload(id, file, (share) => write(state, `${Math.round(share * 100)} %`));
    entry.abort = abort;
    list(id).push(entry);
    done.then(
      (attachment) => {
        entry.attachment = attachment;
        write(state, sizeWords(attachment.size ?? file.size));
        draw();
      },
      (problem) => {
        if (!list(id).includes(entry)) return;
        remove(id, entry);
        if (id === current) error.textContent = `«${file.name}»: ${problem.message}`;
      },
    );
  }

  return {
    nodes: [chips, error],
    /** @param {Iterable<File>} files */
    add(files) {
      const refusals = [];
      for (const file of files) {
        const reason = refusal(
          file,
          list().map((entry) => entry.file),
        );
        if (reason) refusals.push(reason);
        else start(current, file);
      }
      error.textContent = [...new Set(refusals)].join(" ");
      draw();
    },
    /** Shows the files of a conversation. @param {string} id */
    open(id) {
      current = id;
      error.textContent = "";
      draw();
    },
    /** Whether an upload of the open conversation is under way. */
    isBusy: () => list().some((entry) => !entry.attachment),
    /** What is uploaded and not yet sent. @returns {any[]} */
    ready: () =>
      list()
        .map((entry) => entry.attachment)
        .filter(Boolean),
    /** Takes the files out, because they were sent. */
    clear() {
      lists.delete(current);
      draw();
    },
    /** Forgets the files of a conversation. @param {string} id */
    forget(id) {
      for (const entry of list(id)) entry.abort();
      lists.delete(id);
      draw();
    },
    /** Puts files of a message that was not sent back. @param {any[]} attachments */
    restore(attachments) {
      const id = current;
      for (const attachment of attachments) {
        const entry = { file: { name: attachment.filename, size: attachment.size }, attachment, abort: () => {}, node: null };
        const cancel = button(`Убрать файл ${attachment.filename}`, () => remove(id, entry), { icon: "close", bare: true, style: "quiet" });
        const size = el("span", { class: "chip-state" }, sizeWords(attachment.size));
        entry.node = el("li", { class: "chip" }, icon("file"), el("span", { class: "chip-name" }, attachment.filename), size, cancel);
        list(id).push(entry);
      }
      draw();
    },
  };
}
