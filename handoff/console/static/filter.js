// Which rows of the queue are shown: a list to choose from, with how many each choice has.

import { el, write } from "./dom.js";

const { department } = document.body.dataset;
const CHOICES = [
  { key: "all", words: "Все", holds: () => true },
  { key: "overdue", words: "Просрочены", holds: (item) => item.overdue },
  { key: "soon", words: "Скоро срок", holds: (item) => item.soon_overdue },
  { key: "waiting", words: "Ждём заявителя", holds: (item) => item.waiting_for_citizen },
  { key: "own", words: "Мой отдел", holds: (item) => item.department === department },
];

/**
 * Builds the list.
 * @param {() => void} changed called when another choice was made
 */
export function makeFilter(changed) {
  const options = CHOICES.map(({ key, words }) => el("option", { value: key }, words));
  const list = el("select", { id: "queue-filter", on: { change: changed } }, ...options);
  return {
    node: el("p", { class: "queue-filter" }, el("label", { for: list.id }, "Показать"), list),
    /** Whether some rows may be left out. */
    get isOn() {
      return list.value !== "all";
    },
    /** The items that fit, in their order. @param {any[]} items */
    choose(items) {
      CHOICES.forEach(({ words, holds }, place) => write(options[place], `${words} (${items.filter(holds).length})`));
      return items.filter(CHOICES[list.selectedIndex].holds);
    },
  };
}
