/** Which conversation this browser is in: `{id, token}` in localStorage, or in memory where storage is refused. */

const KEY = "otklik.conversation";
let unstored = null;

/** @returns {{id: string, token: string}|null} */
export function recallSession() {
  try {
    const session = JSON.parse(localStorage.getItem(KEY));
    return session?.id && session?.token ? { id: session.id, token: session.token } : null;
  } catch {
    return unstored;
  }
}

/** @param {{id: string, token: string}} session */
export function rememberSession(session) {
  unstored = session;
  try {
    localStorage.setItem(KEY, JSON.stringify(session));
  } catch {
    // Private mode or a full disk: the conversation lives as long as the page.
  }
}

export function forgetSession() {
  unstored = null;
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was stored.
  }
}

/** Calls back when another tab began another conversation. Stops with the signal. */
export function watchSession(onChange, signal) {
  addEventListener("storage", (event) => event.key === KEY && event.newValue && onChange(), { signal });
}
