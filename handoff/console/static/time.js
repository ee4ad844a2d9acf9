// Moscow time in words: clocks, days, waits and due dates. All functions take RFC 3339 strings or milliseconds.

import { plural } from "./words.js";

const ZONE = "Europe/Moscow";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const SOON = Number(document.body.dataset.soonHours) * HOUR;

const format = (options) => new Intl.DateTimeFormat("ru-RU", { timeZone: ZONE, ...options });
const CLOCK = format({ hour: "2-digit", minute: "2-digit" });
const DATE = format({ day: "numeric", month: "long" });
const DATE_YEAR = format({ day: "numeric", month: "long", year: "numeric" });
const SHORT = format({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const KEY = format({ year: "numeric", month: "2-digit", day: "2-digit" });

/** "15:04" @param {string|number} moment */
export const clock = (moment) => CLOCK.format(new Date(moment));

/** "вт, 24 нояб., 15:04" @param {string|number} moment */
export const shortDate = (moment) => SHORT.format(new Date(moment));

/** "24 ноября 2026 г., 15:04 (московское время)" @param {string|number} moment */
export const fullDate = (moment) => `${DATE_YEAR.format(new Date(moment))}, ${clock(moment)} (московское время)`;

/** What two moments of one Moscow day have in common. @param {string|number} moment */
export const dayKey = (moment) => KEY.format(new Date(moment));

/** "Сегодня", "Вчера", "20 ноября", with the year when it is another one. @param {string} moment */
export function dayWords(moment) {
  const key = dayKey(moment);
  if (key === dayKey(Date.now())) return "Сегодня";
  if (key === dayKey(Date.now() - DAY)) return "Вчера";
  return key.slice(-4) === dayKey(Date.now()).slice(-4) ? DATE.format(new Date(moment)) : DATE_YEAR.format(new Date(moment));
}

/** A length of time, two units at most: "меньше минуты", "12 мин", "3 ч 05 мин", "2 дня 4 ч". @param {number} length milliseconds */
export function lengthWords(length) {
  if (length < MINUTE) return "меньше минуты";
  const minutes = Math.floor((length % HOUR) / MINUTE);
  const hours = Math.floor((length % DAY) / HOUR);
  const days = Math.floor(length / DAY);
  if (days) return plural(days, "день", "дня", "дней") + (hours ? ` ${hours}\u00a0ч` : "");
  if (hours) return `${hours}\u00a0ч` + (minutes ? ` ${String(minutes).padStart(2, "0")}\u00a0мин` : "");
  return `${minutes}\u00a0мин`;
}

/** How long someone has been waiting, in words. @param {string} since */
export const waitWords = (since) => `Ждёт ${lengthWords(Math.max(0, Date.now() - Date.parse(since)))}`;

/**
 * How near an appeal's due date is: a level for the colour, an icon and words that say the same without the colour. Null where no date
 * presses: the appeal is answered or closed, or there is none.
 * @param {{due_at: string|null, status?: string|null}|null|undefined} appeal or its row in the queue
 * @returns {{level: "late"|"soon"|"calm", icon: "alert"|"clock", words: string}|null}
 */
export function urgency(appeal) {
  if (!appeal?.due_at || appeal.status === "closed" || appeal.status === "answered") return null;
  if (appeal.status === "waiting") return { level: "calm", icon: "clock", words: "Срок остановлен" };
  const due = appeal.due_at;
  const left = Date.parse(due) - Date.now();
  if (left < 0) return { level: "late", icon: "alert", words: `Просрочено на ${lengthWords(-left)}` };
  if (left < SOON) return { level: "soon", icon: "clock", words: `До срока ${lengthWords(left)}` };
  return { level: "calm", icon: "clock", words: `Срок ${shortDate(due)}` };
}
