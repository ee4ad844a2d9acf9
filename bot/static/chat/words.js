/** Russian numbers, sizes, dates and times. Deadlines are promised in Moscow time, moments are shown in the reader's own. */

const MOSCOW = "Europe/Moscow";
const DAY = 24 * 60 * 60 * 1000;
const time = new Intl.DateTimeFormat("ru", { hour: "2-digit", minute: "2-digit" });
const moscowTime = new Intl.DateTimeFormat("ru", { hour: "2-digit", minute: "2-digit", timeZone: MOSCOW });
const moscowDate = new Intl.DateTimeFormat("ru", { day: "numeric", month: "long", year: "numeric", timeZone: MOSCOW });
const fullDate = new Intl.DateTimeFormat("ru", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const day = new Intl.DateTimeFormat("ru", { day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat("ru", { day: "numeric", month: "long", year: "numeric" });

/** The form of a noun that goes with a number: `choosePlural(3, "файл", "файла", "файлов")`. */
export function choosePlural(number, one, few, many) {
  return { one, few }[new Intl.PluralRules("ru").select(number)] ?? many;
}

/** A size in bytes as «350 КБ», «1,5 МБ». */
export function formatSize(bytes) {
  if (bytes < 1024) return `${bytes} Б`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} КБ`;
  const megabytes = Math.round((bytes / 1024 / 1024) * 10) / 10;
  return `${megabytes.toLocaleString("ru")} МБ`;
}

/** The reader's clock: «14:05». */
export function formatTime(moment) {
  return time.format(moment);
}

/** Date and time in full, with Moscow time where the reader's clock differs. */
export function formatMoment(moment) {
  const here = time.format(moment);
  const there = moscowTime.format(moment);
  return `${fullDate.format(moment)}, ${here}${here === there ? "" : ` (${there} по Москве)`}`;
}

/** A deadline: «25 ноября 2026 г., 18:00 по Москве». */
export function formatDeadline(moment) {
  return `${moscowDate.format(moment)}, ${moscowTime.format(moment)} по Москве`;
}

/** A day separator: «Сегодня», «Вчера», «3 марта», «3 марта 2025 г.». */
export function formatDay(moment, now = new Date()) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const ago = Math.round((midnight(now) - midnight(moment)) / DAY);
  if (ago === 0) return "Сегодня";
  if (ago === 1) return "Вчера";
  return (moment.getFullYear() === now.getFullYear() ? day : dayAndYear).format(moment);
}
