// One polite line for screen readers and the counter in the title. Several events at once become one line.

const PAUSE = 700;
const title = document.title;
let lines = [];
let timer = 0;

/**
 * Says a line politely, together with others of the same moment.
 * @param {string} line
 */
export function announce(line) {
  lines.push(line);
  clearTimeout(timer);
  timer = setTimeout(() => {
    document.getElementById("announcements").textContent = lines.length > 3 ? `Новых событий: ${lines.length}.` : lines.join(" ");
    lines = [];
  }, PAUSE);
}

/** Takes back what was said: it may be a citizen's words that are erased now. */
export function hush() {
  clearTimeout(timer);
  lines = [];
  document.getElementById("announcements").textContent = "";
}

/** Shows in the title how many people wait. @param {number} waiting */
export function countWaiting(waiting) {
  const text = waiting ? `(${waiting}) ${title}` : title;
  if (document.title !== text) document.title = text;
}
