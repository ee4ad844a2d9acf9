/** What a message may hold, and words for what it may not. The server judges again; this only spares a vain upload. */

import { choosePlural, formatSize } from "./words.js";

const PICTURES = ["jpg", "jpeg", "png"];
const DOCUMENTS = ["pdf", "docx"];
const MB = 1_048_576;

/** For `<input accept>`. */
export const ACCEPTED = [...PICTURES, ...DOCUMENTS].map((extension) => `.${extension}`).join(",");

/**
 * @typedef {Object} Limits sizes in bytes
 * @property {number} characters
 * @property {number} files
 * @property {number} picture
 * @property {number} document
 * @property {number} together
 */

/** The limits that the element's attributes set, else those of the API. @returns {Limits} */
export function readLimits(element) {
  const read = (name, otherwise) => Number.parseInt(element.getAttribute(name), 10) || otherwise;
  return {
    characters: read("max-characters", 4000),
    files: read("max-files", 10),
    picture: read("max-picture-bytes", 5 * MB),
    document: read("max-document-bytes", 10 * MB),
    together: read("max-message-bytes", 10 * MB),
  };
}

/** One line about what may be attached. */
export function describeLimits(limits) {
  const files = choosePlural(limits.files, "файла", "файлов", "файлов");
  return (
    `JPG и PNG до ${formatSize(limits.picture)}, PDF и DOCX до ${formatSize(limits.document)}; ` +
    `не больше ${limits.files} ${files} и ${formatSize(limits.together)} вместе.`
  );
}

/**
 * Why a file cannot be attached, or null.
 * @param {File} file
 * @param {{size: number}[]} attached what the message has already
 * @param {Limits} limits
 * @returns {string|null}
 */
export function refuseFile(file, attached, limits) {
  const extension = file.name.split(".").pop().toLowerCase();
  const picture = PICTURES.includes(extension);
  if (!picture && !DOCUMENTS.includes(extension)) return "Такой тип файла не принимается. Подойдут JPG, PNG, PDF и DOCX.";
  if (file.size === 0) return "Файл пуст.";
  const most = picture ? limits.picture : limits.document;
  if (file.size > most) return `Файл больше ${formatSize(most)}: его размер — ${formatSize(file.size)}.`;
  if (attached.length >= limits.files) return `К одному сообщению можно приложить не больше ${limits.files} файлов.`;
  const together = attached.reduce((sum, one) => sum + one.size, file.size);
  if (together > limits.together) return `Вместе файлы больше ${formatSize(limits.together)}. Пришлите их несколькими сообщениями.`;
  return null;
}
