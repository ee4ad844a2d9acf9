/** The top of the widget: the service's name, who answers now, a quiet menu, and the line about a lost connection. */

import { build, icon, setAttribute } from "./dom.js";

export class Header {
  /**
   * @param {string} name the service's
   * @param {{onRestart: () => void, onTranscript: () => void}} host
   */
  constructor(name, host) {
    this.status = build("span", { class: "status-text" }, "Подключаемся…");
    const item = (name, sign, action) =>
      build(
        "button",
        { type: "button", role: "menuitem", class: "menu-item", on: { click: () => this.#choose(action) } },
        icon(sign),
        name,
      );
    this.items = [
      item("Отправить переписку на почту", "letter", host.onTranscript),
      item("Начать новый разговор", "retry", host.onRestart),
    ];
    this.menu = build(
      "div",
      { class: "menu", id: "menu", part: "menu", role: "menu", "aria-label": "Разговор", hidden: true },
      ...this.items,
    );
    this.toggle = build(
      "button",
      {
        type: "button",
        class: "tool",
        "aria-label": "Меню разговора",
        title: "Меню разговора",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        "aria-controls": "menu",
        on: { click: () => this.#open(this.menu.hidden) },
      },
      icon("menu"),
    );
    this.connection = build("p", { class: "connection", part: "connection", role: "status" });
    const holder = build(
      "div",
      { class: "menu-holder", on: { keydown: (event) => this.#press(event), focusout: (event) => this.#leave(event) } },
      this.toggle,
      this.menu,
    );
    this.element = build(
      "header",
      { class: "header", part: "header" },
      build("span", { class: "avatar avatar-bot", "aria-hidden": "true" }, icon("mark")),
      build(
        "div",
        { class: "header-text" },
        build("h2", { class: "name" }, name),
        build("p", { class: "status", part: "status" }, build("span", { class: "dot", "aria-hidden": "true" }), this.status),
      ),
      holder,
    );
  }

  /** @param {import("./conversation.js").Conversation} conversation */
  setMode({ mode, queuePosition, operatorName }) {
    this.element.dataset.mode = mode;
    const waiting = queuePosition ? `Ждём оператора, вы ${queuePosition}-й в очереди` : "Ждём оператора";
    const operator = operatorName && operatorName !== "Оператор" ? `Оператор ${operatorName}` : "Оператор на связи";
    const words = { bot: "Бот отвечает сразу", queued: waiting, operator, closed: "Разговор закрыт" }[mode] ?? "";
    if (this.status.textContent !== words) this.status.textContent = words;
  }

  /** @param {string} words about the connection; empty while all is well */
  setConnection(words) {
    if (this.connection.textContent !== words) this.connection.textContent = words;
  }

  #open(open) {
    this.menu.hidden = !open;
    setAttribute(this.toggle, "aria-expanded", String(open));
    if (open) this.items[0].focus();
  }

  #choose(action) {
    this.#open(false);
    this.toggle.focus();
    action();
  }

  #press(event) {
    if (event.key === "Escape" && !this.menu.hidden) {
      event.stopPropagation();
      this.#open(false);
      this.toggle.focus();
    } else if (event.key === "ArrowDown" && this.menu.hidden) {
      event.preventDefault();
      this.#open(true);
    } else if (["ArrowDown", "ArrowUp"].includes(event.key) && this.items.includes(event.target)) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : this.items.length - 1;
      this.items[(this.items.indexOf(event.target) + step) % this.items.length].focus();
    }
  }

  #leave(event) {
    if (!event.currentTarget.contains(event.relatedTarget)) this.#open(false);
  }
}
