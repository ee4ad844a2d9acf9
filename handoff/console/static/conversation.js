// The middle pane: head with the actions, transcript, and the composer or the words why there is none.

import { makeComposer } from "./composer.js";
import { arrange, button, el, icon, mayDo, write } from "./dom.js";
import { makeTranscript } from "./transcript.js";
import { urgency } from "./time.js";
import { channelIcon, channelWords, modeWords } from "./words.js";

/**
 * Builds the pane.
 * @param {HTMLElement} pane
 * @param {string} own the operator's login
 * @param {object} actions
 * @param {() => void} actions.claim
 * @param {() => void} actions.close
 * @param {() => void} actions.giveBack
 * @param {() => void} actions.pass to a department or a colleague
 * @param {() => void} actions.leave back to the queue, on a narrow screen
 * @param {() => void} actions.toggleSide
 * @param {() => void} actions.typing
 * @param {(text: string, attachments: any[]) => void} actions.send
 * @param {(entry: any) => void} actions.retry
 * @param {(entry: any) => void} actions.discard
 */
export function makeConversation(pane, own, actions) {
  const title = el("h2", { id: "conversation-title" });
  const about = el("p", { class: "head-about" });
  const take = button("Взять в работу", actions.claim, { style: "primary" });
  const give = button("Вернуть боту", actions.giveBack);
  const pass = button("Передать", actions.pass);
  const finish = button("Завершить", actions.close, { style: "primary" });
  const back = button("К очереди", actions.leave, { icon: "back", bare: true, style: "quiet only-narrow" });
  const toggle = button("Сведения", actions.toggleSide, { icon: "info", bare: true, style: "only-folded" });
  toggle.setAttribute("aria-controls", "pane-side");
  const deeds = el("div", { class: "head-actions" });
  const head = el("header", { class: "head" }, back, el("div", { class: "head-title" }, title, about), deeds, toggle);
  const notice = el("p", { class: "banner error", role: "alert" });
  const transcript = makeTranscript({
    retry: actions.retry,
    edit: (entry) => {
      actions.discard(entry);
      composer.restore(entry.text, entry.attachments);
    },
  });
  const composer = makeComposer({ own, send: actions.send, typing: actions.typing });
  const reason = el("p", { class: "no-composer" });
  const foot = el("footer", { class: "foot" });
  const nothing = el(
    "div",
    { class: "nothing" },
    icon("chat"),
    el("p", {}, el("b", {}, "Выберите разговор в очереди")),
    el("p", {}, "Здесь появится переписка гражданина с ботом и операторами."),
  );
  const loading = el("p", { class: "nothing", role: "status" }, "Загружаем переписку…");
  let shown = "";

  for (const event of ["dragover", "drop"]) {
    pane.addEventListener(event, (drag) => {
      if (!drag.dataTransfer?.types.includes("Files")) return;
      drag.preventDefault();
      if (event === "drop" && foot.contains(composer.node)) composer.attach(drag.dataTransfer.files);
    });
  }

  function showHead(thread, row) {
    const number = thread.appeal?.number ?? row?.appeal_number;
    const mine = thread.isHeldBy(own);
    const words = number ? `Обращение ${number}` : "Разговор с гражданином";
    if (title.textContent !== words) title.replaceChildren(...(number ? ["Обращение ", el("span", { class: "whole" }, number)] : [words]));
    const channel = thread.channel || row?.channel;
    const parts = [];
    if (channel) parts.push(el("span", {}, icon(channelIcon(channel)), channelWords(channel)));
    parts.push(el("span", { class: `mode ${mine ? "mine" : thread.mode}` }, modeWords(thread, mine)));
    const near = urgency(thread.appeal ?? row);
    if (near) parts.push(el("span", { class: `due ${near.level}` }, icon(near.icon), near.words));
    about.replaceChildren(...parts);
    const allowed = !mayDo("work") ? [] : mine ? [pass, give, finish] : thread.mode === "bot" || thread.mode === "queued" ? [take] : [];
    arrange(deeds, allowed);
    deeds.hidden = allowed.length === 0;
  }

  function showFoot(thread) {
    const mine = thread.isHeldBy(own);
    write(reason, mine ? "" : whyNot(thread));
    composer.tellWay(mine ? thread.replyWay : "");
    arrange(foot, [mine ? composer.node : reason]);
  }

  return {
    composer,
    /** Shows that nothing is open. */
    clear() {
      shown = "";
      arrange(pane, [nothing]);
    },
    /** Shows that a conversation is being read. */
    wait() {
      shown = "";
      arrange(pane, [back, loading]);
    },
    /** Shows why a conversation cannot be read. @param {string} words @param {() => void} again */
    fail(words, again) {
      shown = "";
      arrange(pane, [back, el("div", { class: "nothing" }, icon("alert"), el("p", { role: "alert" }, words), button("Повторить", again))]);
    },
    /**
     * Shows a thread.
     * @param {any} thread
     * @param {any} row its row in the queue, if it has one
     * @param {any[]} pending what is on its way in it
     */
    show(thread, row, pending) {
      if (shown !== thread.id) {
        shown = thread.id;
        write(notice, "");
        composer.open(thread.id);
        transcript.forget();
        head.prepend(back);
        arrange(pane, [head, notice, transcript.node, foot]);
      }
      showHead(thread, row);
      showFoot(thread);
      transcript.show(thread, pending);
    },
    /** Brings the due date up to now. @param {any} thread @param {any} row */
    tick: showHead,
    /** Says why a deed was refused; "" takes the words away. @param {string} words */
    tell: (words) => write(notice, words),
    /** Marks whether the side pane is open in place of the conversation. @param {boolean} open */
    markSide: (open) => toggle.setAttribute("aria-expanded", String(open)),
    startTyping: () => transcript.startTyping(),
    stopTyping: () => transcript.stopTyping(),
  };
}

function whyNot({ mode, operator }) {
  if (!mayDo("work")) return "Ваша роль позволяет только читать. Ответить может оператор.";
  if (mode === "closed") return "Разговор закрыт: его можно прочитать, но нельзя продолжить.";
  if (mode === "operator") return `Разговор ведёт ${operator?.name ?? "другой оператор"}. Ответить может только он.`;
  if (mode === "queued") return "Человек ждёт ответа. Чтобы написать ему, возьмите разговор в работу.";
  return "Сейчас отвечает бот. Чтобы написать самому, возьмите разговор в работу.";
}
