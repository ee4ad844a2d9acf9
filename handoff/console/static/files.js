// Files inside messages: pictures as thumbnails, the rest as rows. What was not scanned is opened only after a reason is given.

import { fileAddress, readFile, releaseFile } from "./api.js";
import { askWhy, showPicture } from "./dialogs.js";
import { el, icon, mayDo, write } from "./dom.js";
import { sizeWords } from "./words.js";

const NOT_SCANNED = 409;
const NOT_MINE_TO_RELEASE = "Файл не проверен на вирусы. Открыть его может старший оператор, руководитель или администратор.";

/**
 * The files of a message.
 * @param {any[]} attachments
 */
export function fileList(attachments) {
  return el(
    "ul",
    { class: "files", "aria-label": "Файлы" },
    ...attachments.map((file) => el("li", {}, isPicture(file) ? thumbnail(file) : row(file), file.text ? textOfPicture(file) : null)),
  );
}

function textOfPicture(file) {
  const title = el("summary", {}, "Текст на снимке", el("span", { class: "unseen" }, ` ${file.filename}`));
  return el("details", { class: "picture-text" }, title, el("p", {}, file.text));
}

const isPicture = (file) => file.content_type.startsWith("image/") && file.scan !== "refused";

function thumbnail(file) {
  const address = fileAddress(file.id);
  const image = el("img", { src: address, alt: "", loading: "lazy" });
  const open = el(
    "button",
    {
      type: "button",
      class: "thumbnail",
      "aria-label": `Открыть изображение ${file.filename}`,
      on: { click: () => showPicture(address, file.filename) },
    },
    image,
  );
  image.addEventListener("error", () => open.replaceWith(row(file)));
  return open;
}

function row(file) {
  const state = el("span", { class: "file-state" });
  const error = el("p", { class: "error", role: "alert" });
  const describe = (words) => write(state, [sizeWords(file.size), words].filter(Boolean).join(" · "));
  const download = async () => {
    error.textContent = "";
    try {
      save(await readFile(file.id), file.filename);
      describe("");
    } catch (problem) {
      if (problem.status === NOT_SCANNED && mayDo("release")) await release();
      else if (problem.status === NOT_SCANNED) error.textContent = NOT_MINE_TO_RELEASE;
      else error.textContent = problem.message;
    }
  };
  const release = async () => {
    const released = await askWhy({
      title: "Открыть непроверенный файл",
      text: `Файл «${file.filename}» не проверен на вирусы. Открывайте его, если без него не ответить. Причина записывается в журнал.`,
      label: "Зачем нужен файл",
      missing: "Укажите причину: без неё файл открыть нельзя.",
      submit: "Открыть файл",
      act: async (reason) => {
        await releaseFile(file.id, reason);
        save(await readFile(file.id), file.filename);
      },
    });
    if (released) describe("открыт под вашу ответственность");
  };
  const refused = file.scan === "refused";
  describe(refused ? "не принят: небезопасный файл" : file.scan === "unscanned" ? "не проверен на вирусы" : "");
  const about = [icon(refused ? "lock" : "file"), el("span", { class: "file-name" }, file.filename), " ", state];
  const main = refused
    ? el("div", { class: "file refused" }, ...about)
    : el("button", { type: "button", class: "file", on: { click: download } }, el("span", { class: "unseen" }, "Скачать файл "), ...about);
  return el("div", {}, main, error);
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = el("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
