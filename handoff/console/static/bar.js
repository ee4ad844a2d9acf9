// The bar on top: the state of the connection, colleagues on line, who is signed in.

import { leaveForLogin, signOut } from "./api.js";
import { forgetDrafts } from "./composer.js";
import { initials, write } from "./dom.js";
import { roleWords } from "./words.js";

/** Fills in the operator and makes «Выйти» and the skip link work. @param {string} name */
export function readyBar(name) {
  const role = document.getElementById("operator-role");
  write(role, roleWords(role.dataset.role));
  write(document.getElementById("operator-avatar"), initials(name));
  // The address's fragment names the open conversation, so the skip link must not change it.
  const skip = document.querySelector(".skip");
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    document.querySelector(skip.hash).focus();
  });
  document.getElementById("logout").addEventListener("click", async () => {
    forgetDrafts();
    await signOut().catch(() => {});
    leaveForLogin();
  });
}

/** Says in the bar whether the socket lives. @param {boolean} connected */
export function showConnection(connected) {
  write(document.getElementById("connection"), connected ? "" : "Связь прервалась, восстанавливаем…");
}

/** Shows colleagues on line. @param {{login: string, name: string}[]} operators @param {string} own login */
export function showPresence(operators, own) {
  const node = document.getElementById("presence");
  const others = operators.filter((operator) => operator.login !== own).map((operator) => operator.name);
  node.hidden = operators.length === 0;
  write(node, others.length === 0 ? "На связи только вы" : `На связи: вы и ещё ${others.length}`);
  node.title = others.join(", ");
}
