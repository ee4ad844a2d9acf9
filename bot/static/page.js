/** Puts questions into the chat's field: those of the hints beside it, and one that a help page's link has brought after the #. */

const LONGEST = 300;

const chat = document.querySelector("otklik-chat");

for (const hint of document.querySelectorAll("[data-question]")) {
  hint.addEventListener("click", () => {
    chat.scrollIntoView({ block: "nearest" });
    chat.compose(hint.dataset.question);
  });
}

const question = new URLSearchParams(location.hash.slice(1)).get("question");
if (question) {
  history.replaceState(null, "", location.pathname + location.search); // it may be personal: not in the history
  chat.compose(question.slice(0, LONGEST));
}
