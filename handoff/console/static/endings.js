// How an operator's part in a conversation ends: asked first, then done.

import { close, returnToBot } from "./api.js";
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
