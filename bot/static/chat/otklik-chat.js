/**
 * `<otklik-chat>`: the chat as a custom element with an open shadow root.
 *
 *   <script type="module" src="/static/chat/otklik-chat.js"></script>
 *   <otklik-chat service-name="Отклик" max-characters="4000"></otklik-chat>
 *
 * Attributes: `service-name`, `endpoint` (the gateway's origin; default: the page's), `max-characters`, `max-files`,
 * `max-picture-bytes`, `max-document-bytes`, `max-message-bytes`. Method: `compose(text)` puts words into an empty field.
 *
 * Hooks that tests may rely on, all inside the shadow root:
 *   messages           [data-seq][data-author][data-kind]; one's own on the way: [data-state=sending|sent|failed], no data-seq
 *   the log            [role=log], aria-label «Сообщения»
 *   the text           textarea, aria-label «Ваше сообщение»; the buttons «Отправить» and «Приложить файл»; input[type=file]
 *   choices            .choices button (disabled or hidden when they are of the past)
 *   an appeal's card   [part=card] with [data-fact=number|due|code|queue]; the button «Вернуться к боту»
 *   state              host attribute data-state=connecting|online|offline; header[data-mode]; [part=status], [part=connection]
 *   a failure          [part=problem] (role=alert); the button «повторить отправку»
 *   typing             [part=typing], hidden when nobody writes
 *   menu               the buttons «Меню разговора», «Отправить переписку на почту», «Начать новый разговор»; a <dialog> asks before the
 *                      last
 */

import { Api } from "./api.js";
import { Attachments } from "./attachment.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { ask } from "./dialogs.js";
import { build } from "./dom.js";
import { Drop } from "./drop.js";
import { Header } from "./header.js";
import { readLimits } from "./limits.js";
import { Outbox } from "./outbox.js";
import { forgetSession, recallSession, rememberSession, watchSession } from "./session.js";
import { Transcript } from "./transcript.js";
import { Typing } from "./typing.js";

const BROKEN = "Связь прервалась, восстанавливаем…";
const REPLACED = "Прежний разговор больше недоступен: срок его хранения истёк или он удалён. Мы начали новый.";
const SHEETS = ["../palette.css", "./otklik-chat.css", "./messages.css", "./cards.css", "./composer.css"];
const CREATE_AGAIN_MS = 5_000;

class OtklikChat extends HTMLElement {
  #stop = null;
  #connection = null;

  connectedCallback() {
    if (!this.shadowRoot) this.#furnish();
    this.#stop = new AbortController();
    watchSession(() => this.#begin(), this.#stop.signal);
    document.addEventListener("visibilitychange", () => this.#see(), { signal: this.#stop.signal });
    this.#begin();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#connection?.stop();
  }

  /** Puts words into the empty field and goes there. */
  compose(text) {
    this.composer.compose(text);
  }

  #furnish() {
    const root = this.attachShadow({ mode: "open" });
    this.api = new Api((this.getAttribute("endpoint") ?? "").replace(/\/$/u, ""));
    this.attachments = new Attachments((id) => this.api.readAttachment(id));
    this.header = new Header(this.getAttribute("service-name") ?? "Отклик", {
      onRestart: () => this.#restart(),
      onTranscript: () => this.#try(() => this.api.sendTranscript()),
    });
    this.transcript = new Transcript({
      showAttachment: (attachment) => this.attachments.show(attachment),
      onPress: (button, byKeyboard) => this.#press(button, byKeyboard),
      onRetry: (mine) => this.#report(this.outbox.retry(mine)),
      onLeaveQueue: () => this.#leaveQueue(),
      onSeen: () => this.#see(),
    });
    this.composer = new Composer(readLimits(this), {
      onSend: (text, attachments) => this.#send(text, attachments),
      onTyping: () => this.#connection?.send({ type: "typing" }),
      onRestart: () => this.#restart(),
      upload: (file, onProgress, signal) => this.#ready.then(() => this.api.uploadAttachment(file, onProgress, signal)),
    });
    this.typing = new Typing((author) => this.transcript.setTyping(author && this.#nameOf(author)));
    const frame = build(
      "section",
      { class: "frame", part: "frame", "aria-label": "Чат поддержки", hidden: true },
      this.header.element,
      this.header.connection,
      this.transcript.element,
      this.composer.element,
    );
    new Drop(frame, (files) => this.composer.tray.add(files));
    for (const sheet of SHEETS) {
      const link = build("link", { rel: "stylesheet", href: new URL(sheet, import.meta.url).href });
      link.addEventListener("load", () => (frame.hidden = ++this.#sheets < SHEETS.length));
      root.append(link);
    }
    root.append(frame);
  }

  #sheets = 0; // loaded: without them the widget would flash up bare
  #ready = Promise.resolve(); // a conversation is there

  /** Takes up the remembered conversation, or begins one. */
  #begin(notice = null) {
    this.#connection?.stop();
    this.attachments.clear();
    this.transcript.clear();
    this.typing.clear();
    this.dataset.state = "connecting";
    this.#seen = 0;
    const conversation = new Conversation(() => this.#drawSoon());
    this.conversation = conversation;
    this.conversation.notice = notice;
    this.api.session = recallSession();
    this.#ready = this.api.session ? Promise.resolve() : this.#create(conversation);
    this.#connect(conversation);
  }

  async #create(conversation) {
    while (conversation === this.conversation && !this.#stop.signal.aborted) {
      try {
        const session = await this.api.createConversation();
        if (conversation !== this.conversation) return;
        this.api.session = session;
        rememberSession(session);
        return;
      } catch (problem) {
        this.#setState("offline", problem.passing ? BROKEN : problem.detail);
        await new Promise((resolve) => setTimeout(resolve, CREATE_AGAIN_MS * (0.5 + Math.random() / 2)));
      }
    }
  }

  #connect(conversation) {
    const connection = new Connection(this.api, conversation, {
      onState: (state) => this.#setState(state, state === "offline" ? BROKEN : ""),
      onFrame: (frame) => this.#take(frame, conversation),
      onLost: () => {
        forgetSession();
        this.#begin(REPLACED);
      },
    });
    this.#connection = connection;
    this.outbox = new Outbox(this.api, conversation, connection, this.#ready);
    this.#ready.then(() => conversation === this.conversation && connection.start());
  }

  #take(frame, conversation) {
    if (conversation !== this.conversation) return;
    this.typing.take(frame, conversation);
    if (frame.type === "accepted" || frame.type === "refused") this.outbox.settle(frame);
    if (frame.type === "closed") this.outbox.release();
    if (frame.type === "answering") this.transcript.beginSpeech(conversation.last?.seq ?? 0);
  }

  #setState(state, words) {
    this.dataset.state = state;
    this.header.setConnection(words);
  }

  #due = false;

  /** A page of history is drawn once, not once a message. */
  #drawSoon() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#draw(this.conversation);
    });
  }

  #draw(conversation) {
    this.transcript.render(conversation);
    this.header.setMode(conversation);
    this.composer.setExpects(conversation.expects);
    this.composer.setClosed(conversation.mode === "closed");
  }

  async #send(text, attachments) {
    this.transcript.scrollToEnd();
    const refused = await this.#report(this.outbox.send(text, { attachments }));
    if (refused) this.composer.restore(text, attachments);
  }

  #press(button, byKeyboard) {
    this.#report(this.outbox.send(button.title, { payload: button.payload }));
    // The pressed button goes away: the keyboard goes on in the field, a finger does not want its keyboard.
    if (byKeyboard) this.composer.focus();
    else this.transcript.log.focus({ preventScroll: true });
  }

  /** Says why a message was refused. @returns {Promise<import("./api.js").Problem|null>} */
  async #report(sending) {
    const problem = await sending;
    this.composer.showProblem(problem?.detail ?? "");
    return problem;
  }

  async #leaveQueue() {
    this.composer.focus();
    await this.#try(() => this.api.leaveQueue());
  }

  /** Does what the server answers with a message, or says why it does not. */
  async #try(deed) {
    try {
      await this.#ready;
      await deed();
      this.composer.showProblem("");
    } catch (problem) {
      this.composer.showProblem(problem.detail);
    }
  }

  async #restart() {
    const sure = await ask(this.shadowRoot, {
      title: "Начать новый разговор?",
      text: "Эта переписка исчезнет из окна чата. Зарегистрированные обращения остаются в работе.",
      yes: "Начать новый",
      no: "Остаться",
    });
    if (!sure) return;
    forgetSession();
    this.composer.clear();
    this.#begin();
    this.composer.focus();
  }

  #seen = 0; // the last seq told as read

  /** Tells that the newest message was seen, if it was. */
  #see() {
    const last = this.conversation?.last?.seq ?? 0;
    if (document.hidden || !this.transcript.atEnd || last <= this.#seen) return;
    if (this.#connection?.send({ type: "read", seq: last })) this.#seen = last;
  }

  #nameOf(author) {
    return author === "operator" ? (this.conversation.operatorName ?? "Оператор") : (this.getAttribute("service-name") ?? "Отклик");
  }
}

customElements.define("otklik-chat", OtklikChat);
