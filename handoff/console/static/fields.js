// Personal data of the conversation: masked, shown one by one for a stated reason, which goes to the audit log.

import { reveal } from "./api.js";
import { askWhy } from "./dialogs.js";
import { button, el, mayDo } from "./dom.js";
import { fieldWords, isOpenField, valueWords } from "./words.js";

const REASONS = ["Проверка личности заявителя", "Нужно для ответа по обращению", "Связаться с гражданином"];

/**
 * The fields as a list of terms.
 * @param {any} thread
 * @param {() => void} changed called when a value was shown or hidden
 */
export function fieldList(thread, changed) {
  const names = Object.keys(thread.fields);
  if (names.length === 0) return el("p", { class: "empty" }, "Гражданин ещё не сообщил своих данных.");
  const list = el("dl", { class: "fields" }, ...names.map((name) => fieldRow(thread, name, changed)));
  return mayDo("reveal") ? list : el("div", {}, list, el("p", { class: "hint" }, "Ваша роль не позволяет открывать данные гражданина."));
}

function fieldRow(thread, name, changed) {
  const words = fieldWords(name);
  if (isOpenField(name)) {
    const shown = el("dd", { class: "open" }, valueWords(name, thread.fields[name]));
    return el("div", { class: "field-row", data: { name } }, el("dt", {}, words), shown);
  }
  const value = thread.revealed.get(name);
  const hide = () => {
    thread.revealed.delete(name);
    changed();
  };
  const show = async () => {
    const done = await askWhy({
      title: `Показать: ${words}`,
      text: "Персональные данные открывают, только когда без них не обойтись. Ваше имя и причина записываются в журнал.",
      label: "Зачем нужны эти данные",
      missing: "Укажите причину: без неё показать данные нельзя.",
      suggestions: REASONS,
      submit: "Показать",
      act: async (reason) => thread.revealed.set(name, (await reveal(thread.id, name, reason)).value),
    });
    if (done) changed();
  };
  const press =
    value === undefined
      ? button("Показать", show, { style: "small", label: `Показать: ${words}` })
      : button("Скрыть", hide, { style: "small", label: `Скрыть: ${words}` });
  press.dataset.field = name;
  return el(
    "div",
    { class: "field-row", data: { name } },
    el("dt", {}, words),
    el("dd", { class: value === undefined ? "masked" : "revealed" }, value ?? thread.fields[name]),
    mayDo("reveal") ? el("dd", { class: "field-deed" }, press) : null,
  );
}
