// The queue pane: who waits, who is being helped, which appeals are open. Rows are links to #ID and are kept between updates.

import { makeFilter } from "./filter.js";
import { arrange, el, icon, initials, write } from "./dom.js";
import { fullDate, urgency, waitWords } from "./time.js";
import { makeUndelivered } from "./undelivered.js";
import { channelIcon, channelWords, reasonWords, requestWords, statusWords } from "./words.js";

const SECTIONS = [
  { key: "waiting", title: "Ждут", empty: "Никто не ждёт.", holds: (item) => item.mode === "queued" },
  { key: "work", title: "В работе", empty: "Разговоров в работе нет.", holds: (item) => item.mode === "operator" },
  {
    key: "appeals",
    title: "Обращения",
    empty: "Открытых обращений нет.",
    holds: (item) => item.mode !== "queued" && item.mode !== "operator",
  },
];

/**
 * Builds the pane.
 * @param {HTMLElement} pane
 * @param {string} own the operator's login
 */
export function makeQueue(pane, own) {
  const rows = new Map();
  let listed = [];
  const filter = makeFilter(() => show(listed));
  pane.append(filter.node);
  const sections = SECTIONS.map((section) => {
    const count = el("span", { class: "count" }, "0");
    const list = el("ul", { class: "rows" });
    const empty = el("p", { class: "empty" }, section.empty);
    const heading = el("h2", { id: `queue-${section.key}` }, section.title, " ", count);
    pane.append(el("section", { "aria-labelledby": heading.id, data: { section: section.key } }, heading, list, empty));
    return { ...section, count, list, empty, none: section.empty };
  });
  const undelivered = makeUndelivered();
  pane.append(
    undelivered.node,
    el(
      "p",
      { class: "queue-hint" },
      el("kbd", {}, "j"),
      " ",
      el("kbd", {}, "k"),
      " или стрелки — по списку, ",
      el("kbd", {}, "Enter"),
      " — открыть",
    ),
  );
  pane.addEventListener("keydown", (event) => moveFocus(pane, event));

  function show(items) {
    listed = items;
    const ids = new Set(items.map((item) => item.conversation_id));
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    for (const item of items) {
      const row = rows.get(item.conversation_id) ?? makeRow(item.conversation_id);
      rows.set(item.conversation_id, row);
      row.update(item, own);
    }
    const chosen = filter.choose(items);
    for (const { count, list, empty, none, holds } of sections) {
      const held = chosen.filter(holds);
      write(count, String(held.length));
      arrange(
        list,
        held.map((item) => rows.get(item.conversation_id).node),
      );
      empty.hidden = held.length > 0;
      write(empty, filter.isOn ? "По этому отбору ничего нет." : none);
    }
  }

  return {
    /** Shows letters that did not arrive. @param {any[]} items */
    showUndelivered: undelivered.show,
    /** Shows the items in the order given. @param {any[]} items */
    show,
    /** Brings waits and due dates up to now. */
    tick() {
      for (const row of rows.values()) row.tick();
    },
    /** Marks the open conversation. @param {string|null} id */
    select(id) {
      for (const [other, row] of rows) row.select(other === id);
    },
    /** Shows how many messages were not seen. @param {string} id @param {number} unread */
    mark(id, unread) {
      rows.get(id)?.mark(unread);
    },
    /** Puts the focus on a conversation's row, or on the first one. @param {string|null} id */
    focus(id) {
      (rows.get(id)?.link ?? pane.querySelector("a"))?.focus();
    },
  };
}

function makeRow(id) {
  const number = el("b", { class: "row-number" });
  const reason = el("span", { class: "row-reason" });
  const flags = el("span", { class: "tags" });
  const unread = el("span", { class: "badge", hidden: true });
  const channel = el("span", { class: "row-channel" });
  const wait = el("span", { class: "row-wait" });
  const holder = el("span", { class: "row-holder" });
  const due = el("span", { class: "row-due" });
  const lines = [
    el("span", { class: "row-line" }, number, " ", unread, " ", channel),
    " ",
    reason,
    " ",
    flags,
    " ",
    el("span", { class: "row-line" }, wait, " ", holder, " ", due),
  ];
  const link = el("a", { class: "row", href: `#${id}`, data: { conversation: id } }, ...lines);
  let item = null;

  function tick() {
    wait.hidden = item.mode !== "queued" || !item.waiting_since;
    if (!wait.hidden) write(wait, waitWords(item.waiting_since));
    const near = urgency(item);
    due.hidden = !near;
    if (!near) return;
    due.className = `row-due due ${near.level}`;
    due.title = `Ответить до ${fullDate(item.due_at)}`;
    if (due.textContent !== near.words) due.replaceChildren(icon(near.icon), near.words);
  }

  return {
    node: el("li", {}, link),
    link,
    tick,
    update(next, own) {
      item = next;
      write(number, item.appeal_number ?? "Без номера");
      write(reason, reasonWords(item));
      showFlags(flags, item);
      const words = channelWords(item.channel);
      if (channel.textContent !== words) channel.replaceChildren(icon(channelIcon(item.channel)), words);
      const mine = item.operator?.login === own;
      holder.hidden = item.mode !== "operator";
      const name = mine ? "У вас" : (item.operator?.name ?? "У оператора");
      if (holder.dataset.name !== name) {
        holder.dataset.name = name;
        holder.replaceChildren(
          mine || !item.operator ? icon("person") : el("span", { class: "avatar tiny", "aria-hidden": "true" }, initials(name)),
          name,
        );
      }
      link.classList.toggle("mine", mine);
      link.dataset.mode = item.mode;
      tick();
    },
    select(selected) {
      if (selected) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    },
    mark(count) {
      unread.hidden = count === 0;
      write(unread, count ? `${count} нов.` : "");
    },
  };
}

/** What sets an appeal apart: its citizen is waited for, it repeats an earlier one, something is asked. Refused requests are history. */
function showFlags(node, { repeats, requests, status, waiting_for_citizen: waiting }) {
  const told = requests.filter(({ state }) => state !== "refused");
  const words = [
    waiting || ["answered", "reopened"].includes(status) ? [statusWords(status), ""] : null,
    repeats ? ["Повторное", ""] : null,
    ...told.map((one) => [one.overdue ? `${requestWords(one)}: не проверено в срок` : requestWords(one), one.state === "requested" ? "wanted" : ""]),
  ].filter(Boolean);
  const key = JSON.stringify(words);
  node.hidden = words.length === 0;
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.replaceChildren(...words.map(([text, style]) => el("span", { class: `tag ${style}` }, text)));
}

function moveFocus(pane, event) {
  const step = { j: 1, о: 1, ArrowDown: 1, k: -1, л: -1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...pane.querySelectorAll("a.row")];
  const next = links[links.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
