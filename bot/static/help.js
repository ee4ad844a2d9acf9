/**
 * Search as one types: the help pages' field becomes a combobox over /api/help/search. Where that fails, and without JavaScript, the form
 * around it is sent and answered with a page.
 */

const PAUSE_MS = 200; // of typing, before it is searched
const SHORTEST = 2;

const form = document.querySelector("#search");
const input = form.querySelector("#query");
const status = form.querySelector("#search-status");
const list = document.createElement("div");

let waiting = 0; // the timer of a search to come
let asking = new AbortController(); // stops the search under way
let chosen = -1; // the option that the keys have reached; -1: the field itself

list.id = "search-list";
list.className = "search-list";
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", "Подходящие статьи");
list.hidden = true;
for (const [name, value] of Object.entries({
  role: "combobox",
  "aria-autocomplete": "list",
  "aria-expanded": "false",
  "aria-controls": list.id,
})) {
  input.setAttribute(name, value);
}
input.after(list);

input.addEventListener("input", () => {
  stop();
  if (input.value.trim().length < SHORTEST) close();
  else waiting = setTimeout(search, PAUSE_MS);
});
input.addEventListener("keydown", press);
input.addEventListener("blur", () => {
  stop();
  close();
});
form.addEventListener("submit", stop);
list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus, or the list would close under the click
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) location.assign(option.dataset.url);
});
addEventListener("pagehide", () => {
  stop();
  close();
});

/** Forgets what was to be searched; an answer on its way is not shown. */
function stop() {
  clearTimeout(waiting);
  asking.abort();
}

async function search() {
  asking = new AbortController();
  const { signal } = asking;
  try {
    const answer = await fetch(`/api/help/search?q=${encodeURIComponent(input.value.trim())}`, { signal, credentials: "omit" });
    if (!answer.ok) throw new Error(String(answer.status));
    const { results } = await answer.json();
    if (!signal.aborted) show(results);
  } catch {
    if (!signal.aborted) close(); // «Найти» still works, and says what is wrong
  }
}

function show(results) {
  chosen = -1;
  input.removeAttribute("aria-activedescendant");
  list.replaceChildren(...results.map(buildOption));
  list.hidden = results.length === 0;
  input.setAttribute("aria-expanded", String(!list.hidden));
  const count = `Подходящих статей: ${results.length}. Выбрать — стрелками, открыть — Enter.`;
  status.classList.toggle("visually-hidden", !list.hidden); // the list says the same, and lies over it
  status.textContent = list.hidden ? "Пока ничего не нашли. Допишите вопрос или задайте его в чате." : count;
}

function buildOption({ title, section, url }, index) {
  const option = document.createElement("div");
  option.id = `search-option-${index}`;
  option.className = "search-option";
  option.dataset.url = url;
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  const name = document.createElement("span");
  name.textContent = title;
  const from = document.createElement("small");
  from.textContent = section;
  option.append(name, " ", from);
  return option;
}

function close() {
  list.hidden = true;
  list.replaceChildren();
  chosen = -1;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
  status.textContent = "";
}

function press(event) {
  if (event.isComposing || list.hidden) return;
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen - 1);
  else if (event.key === "Escape") close();
  else if (event.key === "Enter" && chosen >= 0) location.assign(list.children[chosen].dataset.url);
  else return;
  event.preventDefault();
}

/** Goes to an option; beyond either end is the field, and beyond that the other end. */
function choose(index) {
  const options = [...list.children];
  chosen = index < -1 ? options.length - 1 : index >= options.length ? -1 : index;
  for (const [at, option] of options.entries()) option.setAttribute("aria-selected", String(at === chosen));
  if (chosen < 0) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  input.setAttribute("aria-activedescendant", options[chosen].id);
  options[chosen].scrollIntoView({ block: "nearest" });
}
