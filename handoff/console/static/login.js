// The login page. The cookie is set by the server; nothing is kept here.

import { signIn } from "./api.js";

const form = document.getElementById("login-form");
const error = document.getElementById("login-error");
const password = document.getElementById("password");
const show = document.getElementById("show-password");
const submit = form.querySelector("[type=submit]");

show.addEventListener("click", () => {
  const shown = password.type === "password";
  password.type = shown ? "text" : "password";
  show.setAttribute("aria-pressed", String(shown));
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.textContent = "";
  const login = form.elements.login.value.trim();
  if (!login || !password.value) {
    error.textContent = "Введите логин и пароль.";
    (login ? password : form.elements.login).focus();
    return;
  }
  submit.disabled = true;
  try {
    await signIn(login, password.value);
    location.reload();
  } catch (problem) {
    error.textContent = problem.message;
    submit.disabled = false;
    password.select();
  }
});
