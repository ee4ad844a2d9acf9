// What the citizen asked for about an appeal: an expedited review, the higher instance; decided here by who may.

import { changeAppeal } from "./api.js";
import { ask } from "./dialogs.js";
import { button, el, mayDo } from "./dom.js";
import { fullDate, shortDate } from "./time.js";
import { groundWords, requestWords } from "./words.js";

const RIGHTS = { expedite: "decide", higher_instance: "decide_higher" };
const CONFIRMING = {
  expedite: ["Подтвердить ускоренное рассмотрение?", "Срок ответа сократится, обращение станет первым в списке. Гражданину об этом сообщат."],
  higher_instance: ["Принять обращение в вышестоящее подразделение?", "Гражданину сообщат, что обращением занимаются."],
};
const REFUSING = {
  expedite: ["Отказать в ускоренном рассмотрении?", "Обращение останется в работе с прежним сроком. Гражданину сообщат об отказе и его причине."],
  higher_instance: ["Вернуть обращение?", "Обращение вернётся в общее подразделение и останется открытым. Гражданину сообщат об этом и о причине."],
};

/**
 * The list of requests, newest first.
 * @param {any} thread
 * @param {() => void} changed called when something was decided
 */
export function requestList(thread, changed) {
  return el("ul", { class: "requests" }, ...thread.requests.map((request) => el("li", {}, ...card(thread, request, changed))));
}

function card(thread, request, changed) {
  const { detail } = request;
  const files = detail.files ? detail.files.split(", ").length : 0;
  const elsewhere = request.conversation_id !== thread.id;
  const open = request.state === "requested" && mayDo(RIGHTS[request.kind]);
  return [
    el(
      "p",
      { class: "tags" },
      el("span", { class: `tag ${request.state === "requested" ? "wanted" : ""}` }, requestWords(request)),
      el("span", { class: "request-number" }, request.appeal_number),
    ),
    el(
      "dl",
      { class: "facts" },
      fact("Основание", groundWords(request.ground)),
      detail.reason && detail.reason !== groundWords(request.ground) ? fact("Словами", detail.reason) : null,
      detail.service_category ? fact("Услуга", detail.service_category) : null,
      detail.problem ? fact("Требование", detail.problem) : null,
      fact("Документы", files ? `приложено: ${files}` : "нет"),
      fact("Просьба от", shortDate(request.requested_at), fullDate(request.requested_at)),
      request.state === "requested" && request.check_by ? fact("Решить до", shortDate(request.check_by), fullDate(request.check_by)) : null,
      request.decided_at ? fact("Решено", shortDate(request.decided_at), fullDate(request.decided_at)) : null,
    ),
    elsewhere ? el("p", {}, el("a", { href: `#${request.conversation_id}` }, "Разговор, где об этом просят")) : null,
    open
      ? el(
          "p",
          { class: "request-deeds" },
          button("Подтвердить", () => decide(request, "confirmed", changed), { style: "small primary" }),
          button("Отказать", () => decide(request, "refused", changed), { style: "small" }),
        )
      : null,
  ].filter(Boolean);
}

const fact = (term, words, title) => el("div", {}, el("dt", {}, term), el("dd", { title }, words));

async function decide(request, state, changed) {
  const [title, text] = (state === "confirmed" ? CONFIRMING : REFUSING)[request.kind];
  const refusal = state === "refused" ? { label: "Причина, её увидит гражданин", missing: "Напишите причину отказа." } : {};
  const done = await ask({
    title,
    text,
    ...refusal,
    submit: state === "confirmed" ? "Подтвердить" : "Отказать",
    act: (reason) => changeAppeal(request.appeal_number, { [request.kind]: state, reason: reason || "" }),
  });
  if (done) changed();
}
