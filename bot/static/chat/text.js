/** Message text as nodes: paragraphs, lists («1. », «- »), links. Nothing is ever read as HTML. */

import { build } from "./dom.js";

const URL_PATTERN = /https?:\/\/[^\s<>"«»]+/giu;
const NUMBERED = /^\s*(\d{1,3})[.)]\s+(.*)$/u;
const BULLETED = /^\s*[-–—•]\s+(.*)$/u;

/**
 * The text as nodes in which http(s) addresses are links.
 * @param {string} text
 * @returns {(Node|string)[]}
 */
export function linkText(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(URL_PATTERN)) {
    const address = trimAddress(found[0]);
    if (!URL.canParse(address)) continue;
    nodes.push(text.slice(end, found.index));
    nodes.push(build("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address));
    end = found.index + address.length;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}

/** Punctuation after an address belongs to the sentence; a closing bracket too, unless it was opened inside the address. */
function trimAddress(address) {
  let trimmed = address.replace(/[.,;:!?…'’]+$/u, "");
  while (trimmed.endsWith(")") && !trimmed.includes("(")) trimmed = trimmed.slice(0, -1).replace(/[.,;:!?…]+$/u, "");
  return trimmed;
}

/**
 * The text as blocks: `<p>`, `<ol>`, `<ul>`. A blank line ends a block; numbering goes on from the number that was written.
 * @param {string} text
 * @returns {HTMLElement[]}
 */
export function formatText(text) {
  const blocks = [];
  let paragraph = null;
  let list = null;
  for (const line of text.split("\n")) {
    const numbered = NUMBERED.exec(line);
    const bulleted = numbered ? null : BULLETED.exec(line);
    if (numbered || bulleted) {
      const tag = numbered ? "ol" : "ul";
      if (list?.tagName.toLowerCase() !== tag) {
        list = build(tag, { start: numbered && numbered[1] !== "1" ? numbered[1] : null });
        blocks.push(list);
      }
      list.append(build("li", {}, ...linkText(numbered ? numbered[2] : bulleted[1])));
      paragraph = null;
    } else if (line.trim() === "") {
      paragraph = null;
    } else if (list && /^\s{2,}\S/u.test(line)) {
      list.lastElementChild.append(" ", ...linkText(line.trim()));
    } else if (paragraph) {
      paragraph.append(build("br"), ...linkText(line));
    } else {
      list = null;
      paragraph = build("p", {}, ...linkText(line));
      blocks.push(paragraph);
    }
  }
  return blocks;
}
