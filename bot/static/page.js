/** The hints beside the chat put their question into the chat's field. */

const chat = document.querySelector("otklik-chat");

for (const hint of document.querySelectorAll("[data-question]")) {
  hint.addEventListener("click", () => {
    chat.scrollIntoView({ block: "nearest" });
    chat.compose(hint.dataset.question);
  });
}
