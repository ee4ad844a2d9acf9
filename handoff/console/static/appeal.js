// The appeal beside its conversation: how it stands, what its date was moved by, what happened, and what an operator changes of it.

import { changeAppeal, logCall, readColleagues } from "./api.js";
import { ask } from "./dialogs.js";
import { button, el, icon, mayDo } from "./dom.js";
import { fullDate, lengthWords, shortDate, urgency } from "./time.js";
import { eventWords, kindChoices, kindWords, statusWords } from "./words.js";

const MOST_PRIORITY = 100;

/**
 * Builds the card.
 * @param {() => void} changed called when something was changed
 */
export function makeAppeal(changed) {
  const facts = el("div");
  const deeds = el("p", { class: "appeal-deeds" });
  const history = el("details", { class: "appeal-history" });
  let shown = null;
  let drawn = "";
  return {
    node: el("div", { class: "appeal-card" }, facts, deeds, history),
    /** @param {any} thread @param {boolean} mine whether the operator has the conversation */
    show(thread, mine) {
      shown = thread.appeal;
      facts.replaceChildren(card(shown));
      // What has not changed stays: a dialog gives the focus back to the button that opened it, an open history stays open.
      const state = JSON.stringify([thread.id, shown, mine, thread.mode]);
      if (state === drawn) return;
      drawn = state;
      const steps = shown ? stepsOf(thread, mine, changed) : [];
      deeds.replaceChildren(...steps);
      deeds.hidden = steps.length === 0;
      history.hidden = !shown?.events?.length;
      if (!history.hidden) history.replaceChildren(el("summary", {}, "История обращения"), events(shown.events));
    },
    /** Brings the due date up to now. */
    tick() {
      facts.replaceChildren(card(shown));
    },
  };
}

function card(appeal) {
  if (!appeal) return el("p", { class: "empty" }, "Открытого обращения нет.");
  const near = urgency(appeal);
  const waits = appeal.waits ?? [];
  const waiting = waits.find((wait) => !wait.ended_at);
  const moved = waits.filter((wait) => wait.ended_at).reduce((sum, wait) => sum + Date.parse(wait.ended_at) - Date.parse(wait.began_at), 0);
  return el(
    "div",
    { class: "appeal" },
    el("p", { class: "appeal-number" }, appeal.number),
    el(
      "p",
      { class: "tags" },
      el("span", { class: `tag ${appeal.status === "waiting" ? "wanted" : ""}`, data: { status: appeal.status } }, statusWords(appeal.status)),
      el("span", { class: "tag" }, kindWords(appeal.kind)),
      appeal.urgent_confirmed ? el("span", { class: "tag" }, "Срочность подтверждена") : null,
      appeal.parent ? el("span", { class: "tag" }, "Повторное") : null,
    ),
    appeal.parent
      ? el("p", { class: "parent" }, "Прежнее: ", el("a", { href: `#${appeal.parent.conversation_id}` }, appeal.parent.number))
      : null,
    near && near.level !== "calm" ? el("p", { class: `due ${near.level}` }, icon(near.icon), near.words) : null,
    el(
      "dl",
      { class: "facts" },
      appeal.received_at ? moment("Получено", appeal.received_at) : null,
      moment(waiting ? "Срок был" : "Ответить до", appeal.due_at),
      waiting ? moment("Ждём с", waiting.began_at) : null,
      moved ? fact("Срок сдвинут", `ждали заявителя: ${lengthWords(moved)}`) : null,
      fact("Отдел", appeal.department),
      appeal.priority ? fact("Приоритет", String(appeal.priority)) : null,
      appeal.answered_at ? moment("Ответ дан", appeal.answered_at) : null,
      appeal.closed_at ? moment("Завершено", appeal.closed_at) : null,
    ),
  );
}

const fact = (term, words, title) => el("div", {}, el("dt", {}, term), el("dd", { title }, words));
const moment = (term, at) => fact(term, shortDate(at), fullDate(at));

function events(list) {
  return el(
    "ol",
    {},
    ...list.map((event) =>
      el(
        "li",
        { data: { event: event.kind } },
        el("b", {}, eventWords(event.kind)),
        event.note ? el("span", { class: "event-note" }, event.note) : null,
        el("span", { class: "event-about", title: fullDate(event.created_at) }, [shortDate(event.created_at), event.operator].filter(Boolean).join(" · ")),
      ),
    ),
  );
}

/** The buttons for what may be done with the appeal now. */
function stepsOf(thread, mine, changed) {
  const { appeal } = thread;
  const does = (question) => async () => (await question()) && changed();
  const small = (title, question) => button(title, does(question), { style: "small" });
  const may = (status) => mayDo("work") && appeal.steps?.includes(status);
  return [
    may("waiting") && small("Ждать ответа", () => askToWait(appeal, mine)),
    appeal.status === "waiting" && may("in_progress") && small("Ответ получен", () => askToGoOn(appeal)),
    may("answered") && small("Ответ дан", () => askAnswered(appeal)),
    may("reopened") && small("Открыть снова", () => askToReopen(appeal)),
    may("closed") && thread.mode === "bot" && small("Закрыть обращение", () => askToClose(appeal)),
    mayDo("decide") && !["answered", "closed"].includes(appeal.status) && small("Изменить", () => askToChange(appeal)),
    mayDo("work") && thread.mode !== "closed" && small("Записать звонок", () => askForCall(appeal)),
  ].filter(Boolean);
}

const change = (appeal, given) => changeAppeal(appeal.number, given);

const askToWait = (appeal, mine) =>
  ask({
    title: "Ждать ответа заявителя",
    text: mine
      ? "Вопрос уйдёт заявителю. Пока он не ответит, срок стоит; потом сдвинется на время ожидания."
      : "Пока заявитель не ответит, срок стоит; потом сдвинется на время ожидания. Заявителю напишут, что мы ждём данных, о которых вы спросили.",
    ...(mine ? { label: "Что нужно от заявителя", missing: "Напишите, о чём спрашиваете.", max: 2000 } : {}),
    submit: "Ждать ответа",
    act: (question) => change(appeal, { status: "waiting", question: question || "" }),
  });

const askToGoOn = (appeal) =>
  ask({
    title: "Заявитель ответил?",
    text: "Отметьте это, если ответ пришёл не в переписке, например по телефону. Срок снова пойдёт и сдвинется на время ожидания.",
    submit: "Ответ получен",
    act: () => change(appeal, { status: "in_progress" }),
  });

const askAnswered = (appeal) =>
  ask({
    title: "Ответ дан?",
    text: "Обращение уйдёт из списка, заявителю об этом сообщат. Если он напишет ещё, обращение откроется снова.",
    submit: "Ответ дан",
    act: () => change(appeal, { status: "answered" }),
  });

const askToReopen = (appeal) =>
  ask({
    title: "Открыть обращение снова?",
    text: "Номер останется прежним, срок будет отсчитан заново. Заявителю об этом сообщат.",
    submit: "Открыть снова",
    act: () => change(appeal, { status: "reopened" }),
  });

const askToClose = (appeal) =>
  ask({
    title: "Закрыть обращение",
    text: "Заявителю об этом сообщат.",
    label: "Чем всё закончилось",
    missing: "Напишите, чем всё закончилось: это останется в истории обращения.",
    max: 2000,
    submit: "Закрыть обращение",
    act: (reason) => change(appeal, { status: "closed", reason }),
  });

async function askToChange(appeal) {
  const { departments } = await readColleagues().catch(() => ({ departments: [] }));
  const slugs = [...new Set([appeal.department, ...departments])].sort();
  return ask({
    title: "Изменить обращение",
    text: "С другим видом срок может стать раньше, но не позже. Чем больше приоритет, тем выше обращение в списке.",
    choices: [
      { name: "kind", label: "Вид", options: kindChoices(), value: appeal.kind },
      { name: "department", label: "Подразделение", options: slugs.map((slug) => [slug, slug]), value: appeal.department },
      { name: "priority", label: "Приоритет, от 0 до 100", value: String(appeal.priority), max: MOST_PRIORITY },
    ],
    submit: "Сохранить",
    act: (_, chosen) => {
      const given = { ...chosen, priority: Number(chosen.priority) };
      const changed = Object.entries(given).filter(([name, value]) => value !== appeal[name]);
      return changed.length ? change(appeal, Object.fromEntries(changed)) : Promise.resolve();
    },
  });
}

const askForCall = (appeal) =>
  ask({
    title: "Записать звонок",
    text: "Запись останется в истории обращения, заявитель её не увидит.",
    label: "О чём был звонок",
    missing: "Напишите, о чём был звонок.",
    max: 2000,
    submit: "Записать звонок",
    act: (note) => logCall(appeal.number, note),
  });
