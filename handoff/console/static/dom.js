// Building nodes. Text from people gets into the page through here and only as text nodes.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  alert: "M12 3.5 2.5 20h19zM12 10v4.5M12 17.2v.1",
  article: "M6 3h9l4 4v14H6zM14.5 3v4.5H19M9 12h7M9 16h7",
  back: "M15 5l-7 7 7 7",
  bot: "M5 9h14v9H5zM12 9V5.5M12 4v.1M9 13v1M15 13v1M3 12v3M21 12v3",
  chat: "M4 5h16v11h-8l-5 4v-4H4z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clip: "M19 11.5l-7.4 7.4a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-7.9 7.9a1.5 1.5 0 0 1-2.2-2.2l7-7",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 8v4.5l3 2",
  close: "M6 6l12 12M18 6L6 18",
  down: "M6 10l6 6 6-6",
  file: "M7 3h7l4 4v14H7zM13.5 3v4.5H18",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.8v.1",
  letter: "M3.5 6h17v12h-17zM4 7l8 6 8-6",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6",
  plane: "M21 3.5 3 11l7 2.8L13 21z",
  send: "M4 12h15M13 5.5l6.5 6.5-6.5 6.5",
  window: "M3.5 5h17v14h-17zM3.5 9h17",
};

/**
 * Makes an element. `traits` are properties, except: `class`, `data` (dataset), `on` (listeners), and names with a dash, `for` and `role`
 * (attributes).
 * Children that are strings become text; null and false are left out.
 * @param {string} name
 * @param {Record<string, any>} [traits]
 * @param {...(Node|string|null|false|undefined)} children
 * @returns {HTMLElement & Record<string, any>}
 */
export function el(name, traits = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(traits)) {
    if (value === undefined || value === null) continue;
    if (key === "class") node.className = value;
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (key.includes("-") || key === "role" || key === "for") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * A line icon of 24 × 24 units, hidden from assistive technology.
 * @param {keyof typeof ICONS} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A button of the kind `style` ("", "primary", "quiet", "danger"), with an optional icon before its name.
 * @param {string} title
 * @param {() => void} press
 * @param {{style?: string, icon?: keyof typeof ICONS, label?: string, bare?: boolean}} [traits] `bare` shows the icon alone
 */
export function button(title, press, { style = "", icon: mark, label, bare = false } = {}) {
  const name = label ?? (bare ? title : undefined);
  return el(
    "button",
    {
      type: "button",
      class: `button ${style} ${bare ? "bare" : ""}`,
      "aria-label": name,
      title: bare ? title : undefined,
      on: { click: press },
    },
    mark ? icon(mark) : null,
    bare ? null : title,
  );
}

/**
 * Sets text only when it differs, so that live regions and screen readers are left in peace.
 * @param {HTMLElement} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Whether the operator's role holds a right; the server checks it all the same. @param {string} right */
export const mayDo = (right) => document.body.dataset.rights.split(" ").includes(right);

/** The initials of a name, at most two letters. @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  return (
    words
      .slice(0, 2)
      .map((word) => word[0].toUpperCase())
      .join("") || "?"
  );
}

/**
 * Makes the children of `parent` exactly `nodes`, in this order, moving as few as possible and giving the focus back if a move took it.
 * @param {HTMLElement} parent
 * @param {Node[]} nodes
 */
export function arrange(parent, nodes) {
  const focused = document.activeElement;
  const kept = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!kept.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.childNodes[index] !== node) parent.insertBefore(node, parent.childNodes[index] ?? null);
  });
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}
