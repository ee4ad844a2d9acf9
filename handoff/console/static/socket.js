// The operator's socket: one connection that keeps coming back. Frames are hints; after each reconnection the console re-reads.

import { leaveForLogin } from "./api.js";

const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;
const SESSION_OVER = 4401;

/**
 * Opens the socket and keeps it open.
 * @param {{frame: (frame: any) => void, opened: () => void, lost: () => void}} listener
 * @returns {{send: (frame: object) => void}} `send` drops the frame while there is no connection
 */
export function openSocket(listener) {
  let socket = null;
  let failures = 0;
  let timer = 0;

  function connect() {
    clearTimeout(timer);
    const address = new URL("/api/operator/ws", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(address);
    socket.onopen = () => {
      failures = 0;
      socket.send("{}");
      listener.opened();
    };
    socket.onmessage = (event) => listener.frame(JSON.parse(event.data));
    socket.onclose = (event) => {
      socket = null;
      if (event.code === SESSION_OVER) return leaveForLogin();
      listener.lost();
      const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** failures++);
      timer = setTimeout(connect, delay * (0.5 + Math.random() / 2));
    };
  }

  window.addEventListener("online", () => !socket && connect());
  connect();
  return {
    send(frame) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
    },
  };
}
