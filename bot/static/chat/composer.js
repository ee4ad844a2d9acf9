/** Where the citizen writes: text that grows, files, a counter near the limit, and why something could not be sent. */

import { build, icon, setAttribute } from "./dom.js";
import { ACCEPTED, describeLimits } from "./limits.js";
import { choosePrompt } from "./prompts.js";
import { Tray } from "./tray.js";
import { choosePlural } from "./words.js";

const TYPING_MS = 3_000;
const COUNTED_SHARE = 0.9;

export class Composer {
  #host;
  #limits;
  #typedAt = 0;
  #expects; // undefined: nothing set yet

  /**
   * @param {import("./limits.js").Limits} limits
   * @param {{onSend: (text: string, attachments: Object[]) => void, onTyping: () => void, onRestart: () => void, upload: Function}} host
   */
  constructor(limits, host) {
    this.#host = host;
    this.#limits = limits;
    this.tray = new Tray(limits, { upload: host.upload, onChange: () => this.#refresh(), onProblem: (text) => this.#addProblem(text) });
    this.input = build("textarea", {
      id: "message",
      class: "input",
      rows: "1",
      "aria-label": "Ваше сообщение",
      "aria-describedby": "composer-hint composer-count",
      enterkeyhint: "send",
      on: { input: () => this.#write(), keydown: (event) => this.#press(event), paste: (event) => this.#paste(event) },
    });
    this.picker = build("input", {
      type: "file",
      multiple: true,
      accept: ACCEPTED,
      hidden: true,
      "aria-hidden": "true",
      tabindex: "-1",
      on: { change: () => this.#pick() },
    });
    this.attach = build(
      "button",
      {
        type: "button",
        class: "tool",
        "aria-label": "Приложить файл",
        title: `Приложить файл. ${describeLimits(limits)}`,
        on: { click: () => this.picker.click() },
      },
      icon("attach"),
    );
    this.button = build("button", { type: "submit", class: "send", "aria-label": "Отправить", title: "Отправить" }, icon("send"));
    this.problem = build("p", { class: "problem", part: "problem", role: "alert" });
    this.count = build("p", { class: "count", id: "composer-count" });
    this.hint = build("p", { class: "hint", id: "composer-hint" });
    this.form = build(
      "form",
      { class: "composer-form", on: { submit: (event) => this.#submit(event) } },
      this.tray.element,
      build("div", { class: "field" }, this.attach, this.picker, this.input, this.button),
      build("div", { class: "below" }, this.hint, this.count),
    );
    this.closed = build(
      "div",
      { class: "closed", hidden: true },
      build(
        "p",
        {},
        "Разговор закрыт: срок его хранения истёк или данные удалены. Прочитать его можно, написать — только в новом разговоре.",
      ),
      build("button", { type: "button", class: "plain", on: { click: () => host.onRestart() } }, "Начать новый разговор"),
    );
    this.element = build("div", { class: "composer", part: "composer" }, this.problem, this.form, this.closed);
    this.setExpects(null);
  }

  /** Fits keyboard, autofill and example to what the bot asked for. */
  setExpects(expects) {
    if (expects === this.#expects) return;
    this.#expects = expects;
    const { placeholder, inputmode, autocomplete } = choosePrompt(expects);
    setAttribute(this.input, "placeholder", placeholder);
    setAttribute(this.input, "inputmode", inputmode);
    setAttribute(this.input, "autocomplete", autocomplete);
    const touch = matchMedia("(pointer: coarse)").matches; // its keyboard has no Shift + Enter
    const keys = touch ? "" : "Enter — отправить, Shift + Enter — новая строка";
    this.hint.textContent = expects === "screenshots" ? describeLimits(this.#limits) : keys;
    this.#refresh();
  }

  /** A closed conversation can only be read. */
  setClosed(closed) {
    this.form.hidden = closed;
    this.closed.hidden = !closed;
    this.input.disabled = closed;
  }

  /** Puts words into an empty field and goes there. */
  compose(text) {
    if (this.input.value.trim() === "") this.input.value = text;
    this.#refresh();
    this.focus();
    this.input.setSelectionRange(this.input.value.length, this.input.value.length);
  }

  /** Gives back what was refused, before anything written since. */
  restore(text, attachments) {
    this.input.value = [text, this.input.value].filter(Boolean).join("\n");
    this.tray.restore(attachments);
    this.#refresh();
  }

  showProblem(text) {
    this.problem.textContent = text;
  }

  /** Several files may be refused at once: each says why. */
  #addProblem(text) {
    this.showProblem([this.problem.textContent, text].filter(Boolean).join("\n"));
  }

  focus() {
    this.input.focus({ preventScroll: true });
  }

  /** Forgets the draft: another conversation begins. */
  clear() {
    this.input.value = "";
    this.tray.take();
    this.showProblem("");
    this.#refresh();
  }

  #write() {
    this.showProblem("");
    this.#refresh();
    if (this.input.value !== "" && Date.now() - this.#typedAt > TYPING_MS) {
      this.#typedAt = Date.now();
      this.#host.onTyping();
    }
  }

  #press(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  #paste(event) {
    const { files } = event.clipboardData;
    if (files.length === 0) return;
    event.preventDefault();
    this.tray.add(files);
  }

  #pick() {
    this.showProblem("");
    this.tray.add(this.picker.files);
    this.picker.value = "";
    this.focus();
  }

  #submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (this.tray.busy) return this.showProblem("Файлы ещё загружаются. Отправьте сообщение, когда загрузка закончится.");
    if (this.#left(text) < 0)
      return this.showProblem(
        `Сообщение длиннее ${this.#limits.characters.toLocaleString("ru")} знаков. Сократите его или разделите на два.`,
      );
    if (text === "" && this.tray.attachments.length === 0) return;
    this.showProblem("");
    this.input.value = "";
    this.#typedAt = 0;
    this.#host.onSend(text, this.tray.take());
    this.focus();
  }

  /** How many characters are left: code points, as the server counts. */
  #left(text) {
    return this.#limits.characters - [...text].length;
  }

  #refresh() {
    const left = this.#left(this.input.value.trim());
    const near = left < this.#limits.characters * (1 - COUNTED_SHARE);
    const characters = choosePlural(Math.abs(left), "знак", "знака", "знаков");
    this.count.textContent = !near ? "" : left < 0 ? `Лишних: ${-left} ${characters}` : `Осталось ${left} ${characters}`;
    this.count.classList.toggle("count-over", left < 0);
    setAttribute(this.input, "aria-invalid", left < 0 ? "true" : null);
    const empty = this.input.value.trim() === "" && this.tray.attachments.length === 0;
    setAttribute(this.button, "aria-disabled", empty || this.tray.busy || left < 0 ? "true" : null);
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 160)}px`;
  }
}
