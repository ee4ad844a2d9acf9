// How an operator's part in a conversation ends: asked first, then done.

import { close, readColleagues, returnToBot, transfer } from "./api.js";
import { ask } from "./dialogs.js";

const isOpen = (appeal) => appeal && appeal.status !== "closed";

/** Closes the conversation with a resolution. @param {any} thread @returns {Promise<boolean>} whether it was done */
export const askClosing = (thread) =>
  ask({
    title: "Завершить разговор",
    text: `Разговор вернётся боту, ${isOpen(thread.appeal) ? "обращение закроется, " : ""}гражданина попросят оценить помощь.`,
    label: "Чем всё закончилось",
    missing: "Напишите, чем всё закончилось: это останется в истории обращения.",
    max: 2000,
    submit: "Завершить",
    act: (resolution) => close(thread.id, resolution),
  });

/** Gives the conversation back to the bot. @param {any} thread @returns {Promise<boolean>} whether it was done */
export const askReturning = (thread) =>
  ask({
    title: "Вернуть разговор боту",
    text: "Отвечать снова будет бот. Обращение останется открытым.",
    submit: "Вернуть боту",
    act: () => returnToBot(thread.id),
  });

/**
 * Passes the conversation to a department's queue or to a colleague, with a note for them.
 * @param {any} thread
 * @param {string} own the operator's login
 * @returns {Promise<boolean>} whether it was done
 */
export async function askTransfer(thread, own) {
  const { departments, operators } = await readColleagues().catch(() => ({ departments: [], operators: [] }));
  const people = operators.filter(({ login }) => login !== own).map(({ login, name }) => [`operator ${login}`, name]);
  const queues = departments.map((slug) => [`department ${slug}`, `Подразделение ${slug}`]);
  return ask({
    title: "Передать разговор",
    text: "Подразделение возьмёт его из очереди, коллега получит сразу. Заявителю об этом сообщат, заметку он не увидит.",
    choices: [{ name: "target", label: "Кому", options: [...queues, ...people], value: `department ${thread.appeal?.department ?? ""}` }],
    label: "Заметка для коллег",
    missing: "Напишите коллегам, что сделано и что нужно.",
    max: 2000,
    submit: "Передать",
    act: (note, { target }) => {
      const [to, name] = target.split(" ");
      return transfer(thread.id, { [to]: name, note });
    },
  });
}
