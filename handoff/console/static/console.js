/**
 * The operator's console: wires the panes, the socket and the calls together.
 *
 * Hooks that tests may rely on:
 * - queue rows: `[data-conversation="ID"]` (links; the open one has aria-current="true"; data-mode is the conversation's mode), inside
 *   `[data-section="waiting"|"work"|"appeals"]`; letters that did not arrive: `[data-undelivered="ID"]`;
 * - messages: `[data-seq="N"][data-author="citizen|bot|operator|system"]`, with data-kind where meta.kind is given; a message on its way:
 *   `[data-pending]`;
 * - reply: the textarea with aria-label «Ответ гражданину», the button «Отправить», the file input with aria-label «Файлы к ответу»;
 * - buttons by name: «Взять в работу», «Завершить», «Вернуть боту», «Передать», «Показать: …», «Вставить в ответ: …», «Сохранить заметку», «Выйти»;
 * - dialogs: one <dialog> at a time, its submit button named after the deed, its only textarea the reason or the resolution;
 * - side pane: `#pane-side [data-section="appeal"|"fields"|"letters"|"articles"|"notes"|"earlier"]`, notes `[data-note]`,
 *   letters `[data-letter]`;
 * - refusals: `.banner[role=alert]`; the open conversation's id is location.hash.
 */

import * as api from "./api.js";
import { announce, countWaiting, hush } from "./announcer.js";
import { readyBar, showConnection, showPresence } from "./bar.js";
import { makeConversation } from "./conversation.js";
import { askClosing, askReturning, askTransfer } from "./endings.js";
import { Outbox } from "./outbox.js";
import { makeQueue } from "./queue.js";
import { makeSide } from "./side.js";
import { quotedArticle } from "./quoted.js";
import { openSocket } from "./socket.js";
import { Thread } from "./thread.js";
import { reasonWords } from "./words.js";

const TICK = 15_000;
const POLL = 15_000; // while there is no socket
const REREAD_PAUSE = 800;

const { login: own, name } = document.body.dataset;
const threads = new Map();
const held = new Map(); // operators' messages from the socket that may be the ones being sent: id → messages
let items = [];
let known = null; // ids that waited at the last look; null before the first
let current = null;
let connected = false;
let rereadTimer = 0;

const queue = makeQueue(document.getElementById("pane-queue"), own);
const outbox = new Outbox({
  changed: (id) => {
    releaseHeld(id);
    if (id === current?.id) draw();
  },
  stored: (id, message) => {
    if (threads.get(id)?.mode !== "closed") take(id, message); // else erased meanwhile
    releaseHeld(id);
  },
});
const conversation = makeConversation(document.getElementById("pane-conversation"), own, {
  claim: () => act(api.claim, () => conversation.composer.focus()),
  close: () => end(askClosing),
  giveBack: () => end(askReturning),
  pass: () => end((thread) => askTransfer(thread, own)),
  leave: leaveConversation,
  toggleSide: () => showPane(document.body.dataset.pane === "side" ? "conversation" : "side"),
  typing: () => socket.send({ type: "typing", conversation_id: current.id }),
  send: (text, attachments) => outbox.send(current.id, text, attachments, quotedArticle(current.seenArticles.values(), text)),
  retry: (entry) => outbox.retry(current.id, entry),
  discard: (entry) => outbox.discard(current.id, entry),
});
const side = makeSide(document.getElementById("pane-side"), own, {
  insert: (text) => {
    showPane("conversation");
    conversation.composer.insert(text);
  },
  leave: () => showPane("conversation"),
  changed: () => current && read(current).catch(() => {}),
  noted: (thread, note) => {
    thread.notes.set(note.id, note);
    draw();
  },
});

const rowOf = (id) => items.find((item) => item.conversation_id === id);

function showPane(pane) {
  document.body.dataset.pane = pane;
  conversation.markSide(pane === "side");
  if (pane === "side") document.getElementById("pane-side").focus({ preventScroll: true });
}

function draw() {
  if (!current?.loaded) return;
  conversation.show(current, rowOf(current.id), outbox.pending(current.id));
  side.show(current);
}

function showQueue({ items: next, undelivered = [] }) {
  items = next;
  queue.show(items);
  queue.showUndelivered(undelivered);
  queue.select(current?.id ?? null);
  for (const thread of threads.values()) queue.mark(thread.id, thread.unread);
  const waiting = items.filter((item) => item.mode === "queued");
  countWaiting(waiting.length);
  const fresh = known ? waiting.filter((item) => !known.has(item.conversation_id)) : [];
  if (fresh.length === 1) announce(`Новый разговор ждёт оператора: ${reasonWords(fresh[0])}.`);
  else if (fresh.length) announce(`Новых разговоров ждут оператора: ${fresh.length}.`);
  known = new Set(waiting.map((item) => item.conversation_id));
  if (current?.loaded) conversation.tick(current, rowOf(current.id));
}

function watch(thread) {
  socket.send({ type: "watch", conversation_id: thread.id, after: thread.lastSeq });
}

/** Reads a transcript again: after opening, after a reconnection, and when what the side pane shows may have changed. */
async function read(thread) {
  const transcript = await api.readConversation(thread.id);
  if (transcript.mode === "closed" && forget(thread.id)) return;
  if (outbox.isSending(thread.id)) transcript.messages = transcript.messages.filter((message) => !hold(thread.id, message));
  thread.load(transcript);
  if (thread === current) draw();
}

/** What was erased stays on no screen and in no draft; what is left is read anew. True if it was here. @param {string} id */
function forget(id) {
  conversation.composer.forget(id);
  const thread = threads.get(id);
  if (!thread?.loaded || thread.mode === "closed") return false;
  thread.revealed.clear();
  threads.delete(id);
  outbox.forget(id);
  held.delete(id);
  hush();
  socket.send({ type: "unwatch", conversation_id: id });
  if (thread !== current) return true;
  current = new Thread(id);
  threads.set(id, current);
  conversation.wait();
  side.clear();
  readAndWatch(current);
  return true;
}

function rereadSoon() {
  clearTimeout(rereadTimer);
  const thread = current;
  rereadTimer = setTimeout(() => thread === current && read(thread).catch(() => {}), REREAD_PAUSE);
}

async function openFromAddress() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id === (current?.id ?? "")) return;
  const left = current;
  current = null;
  if (left) {
    left.revealed.clear();
    // What the operator holds is followed on, to count what comes in meanwhile.
    if (!left.isHeldBy(own)) {
      socket.send({ type: "unwatch", conversation_id: left.id });
      threads.delete(left.id);
    }
  }
  queue.select(id || null);
  showPane(id ? "conversation" : "queue");
  if (!id) {
    conversation.clear();
    side.clear();
    queue.focus(left?.id ?? null);
    return;
  }
  const thread = threads.get(id) ?? new Thread(id);
  threads.set(id, thread);
  current = thread;
  thread.unread = 0;
  queue.mark(id, 0);
  if (thread.loaded) draw();
  else {
    conversation.wait();
    side.clear();
  }
  await readAndWatch(thread);
}

async function readAndWatch(thread) {
  try {
    await read(thread);
    if (threads.get(thread.id) === thread) watch(thread);
  } catch (problem) {
    if (thread !== current) return;
    if (thread.loaded) conversation.tell(problem.message);
    else conversation.fail([404, 422].includes(problem.status) ? "Такого разговора нет." : problem.message, () => readAndWatch(thread));
  }
}

function leaveConversation() {
  location.hash = "";
}

async function act(deed, then = () => {}) {
  const thread = current;
  conversation.tell("");
  try {
    await deed(thread.id);
  } catch (problem) {
    if (thread === current) conversation.tell(problem.message);
    then = () => {};
  }
  await read(thread).catch(() => {});
  if (thread === current) then();
}

async function end(ask, thread = current) {
  if (await ask(thread)) await read(thread).catch(() => {});
}

function hold(id, message) {
  if (message.author !== "operator" || threads.get(id)?.messages.has(message.seq)) return false;
  held.set(id, [...(held.get(id) ?? []), message]);
  return true;
}

function releaseHeld(id) {
  if (outbox.isSending(id)) return;
  const messages = held.get(id) ?? [];
  held.delete(id);
  for (const message of messages) take(id, message);
}

function take(id, message) {
  const thread = threads.get(id);
  if (!thread?.add(message)) return thread === current ? draw() : undefined;
  if (thread !== current) {
    if (message.author !== "citizen") return;
    thread.unread += 1;
    queue.mark(id, thread.unread);
    announce(`Новое сообщение: ${rowOf(id)?.appeal_number ?? "разговор без обращения"}.`);
    return;
  }
  if (message.author === "citizen") {
    conversation.stopTyping();
    announce(`Гражданин: ${message.text.slice(0, 200) || "прислал файл"}`);
  }
  if (message.author !== "operator") rereadSoon();
  draw();
}

const FRAMES = {
  queue: (frame) => showQueue(frame),
  presence: ({ operators }) => showPresence(operators, own),
  message: ({ conversation_id: id, message }) => {
    if (message.meta?.kind === "erased") forget(id);
    else if (!(outbox.isSending(id) && hold(id, message))) take(id, message);
  },
  note: ({ conversation_id: id, note }) => {
    threads.get(id)?.notes.set(note.id, note);
    if (id === current?.id) draw();
  },
  mode: (frame) => {
    if (frame.mode === "closed") forget(frame.conversation_id);
    threads.get(frame.conversation_id)?.setMode(frame);
    if (frame.conversation_id !== current?.id) return;
    draw();
    rereadSoon();
  },
  typing: ({ conversation_id: id, author }) => {
    if (id === current?.id && author === "citizen") conversation.startTyping();
  },
  read: ({ conversation_id: id, seq }) => {
    const thread = threads.get(id);
    if (thread) thread.readSeq = Math.max(thread.readSeq, seq);
    if (id === current?.id) draw();
  },
};

const socket = openSocket({
  frame: (frame) => FRAMES[frame.type]?.(frame),
  opened: () => {
    connected = true;
    showConnection(true);
    for (const thread of threads.values()) readAndWatch(thread);
  },
  lost: () => {
    connected = false;
    showConnection(false);
  },
});

async function poll() {
  try {
    showQueue(await api.readQueue());
    if (!connected && current) await read(current);
  } catch {
    // The bar already says that the connection is lost; the next round tries again.
  }
}

readyBar(name);
conversation.clear();
side.clear();
window.addEventListener("hashchange", openFromAddress);
setInterval(() => {
  queue.tick();
  if (current?.loaded) conversation.tick(current, rowOf(current.id));
  side.tick();
}, TICK);
setInterval(() => !connected && poll(), POLL);
poll();
openFromAddress();
