// Text of people and articles as nodes: paragraphs, simple lists, links to http(s) addresses only.

import { el } from "./dom.js";

const ADDRESS = /https?:\/\/[^\s<>"«»]+/gi;
const TAIL = /[.,;:!?)\]»…]+$/;
const ITEM = /^(?:(\d{1,2})[.)]|[-–—•])\s+(.*)$/;

/** A line with its addresses as links. @param {string} line @returns {(Node|string)[]} */
function linked(line) {
  const parts = [];
  let end = 0;
  for (const match of line.matchAll(ADDRESS)) {
    const address = match[0].replace(TAIL, "");
    if (!URL.canParse(address)) continue;
    parts.push(line.slice(end, match.index));
    parts.push(el("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, address));
    end = match.index + address.length;
  }
  parts.push(line.slice(end));
  return parts;
}

/** What a person wrote: white space kept as it is. @param {string} text */
export const plainText = (text) => el("div", { class: "text plain" }, ...linked(text));

/**
 * What the bot or an article says: lines «1. » and «- » become lists, empty lines part paragraphs.
 * @param {string} text
 */
export function laidOutText(text) {
  const root = el("div", { class: "text" });
  let list = null;
  let paragraph = null;
  for (const line of text.split("\n")) {
    const item = line.match(ITEM);
    if (item) {
      const name = item[1] ? "ol" : "ul";
      if (list?.localName !== name) root.append((list = el(name, name === "ol" ? { start: Number(item[1]) } : {})));
      list.append(el("li", {}, ...linked(item[2])));
      paragraph = null;
    } else if (!line.trim()) {
      // An empty line between two items is the writer's spacing, not the list's end.
      paragraph = null;
    } else {
      if (paragraph) paragraph.append(el("br"));
      else root.append((paragraph = el("p")));
      paragraph.append(...linked(line));
      list = null;
    }
  }
  return root;
}
