/** Building elements without HTML strings: what people wrote only ever becomes text nodes. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Builds an element.
 * @param {string} tag
 * @param {Object<string, *>} properties attributes; `on` maps event names to listeners, `data` fills the dataset;
 *   null and false leave an attribute out, true sets it empty
 * @param {...(Node|string|null|undefined|false)} children empty ones are left out
 * @returns {HTMLElement}
 */
export function build(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") for (const [key, datum] of Object.entries(value)) element.dataset[key] = datum;
    else setAttribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets an attribute, or takes it away when the value is null or false. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Text for screen readers only. */
export function hiddenText(text) {
  return build("span", { class: "visually-hidden" }, text);
}

const PATHS = {
  attach: "M20 11.5 12.2 19a5 5 0 0 1-7-7.1l8.3-8a3.3 3.3 0 0 1 4.7 4.7l-8.2 7.9a1.7 1.7 0 0 1-2.4-2.4l7.5-7.2",
  send: "M5 12h13M12.5 5.5 19 12l-6.5 6.5",
  menu: "M5 12h.01M12 12h.01M19 12h.01",
  close: "M6 6l12 12M18 6 6 18",
  down: "M12 5v13M6 12.5l6 6 6-6",
  next: "M9 5.5 15.5 12 9 18.5",
  file: "M13.5 3H7a1.5 1.5 0 0 0-1.5 1.5v15A1.5 1.5 0 0 0 7 21h10a1.5 1.5 0 0 0 1.5-1.5V8zM13.5 3v5h5",
  image: "M4 5.5h16v13H4zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.5h.01",
  retry: "M19.5 5.5v5h-5M19 10.5A7.5 7.5 0 1 0 19.5 14",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.7-4 3.7-5.5 7.5-5.5s6.8 1.5 7.5 5.5",
  letter: "M3.5 6h17v12h-17zM4 7l8 6 8-6",
  receipt: "M6 3.5h12v17l-3-2-3 2-3-2-3 2zM9 8.5h6M9 12.5h6",
  mark:
    "M5 6.5A2.5 2.5 0 0 1 7.5 4h9A2.5 2.5 0 0 1 19 6.5v7a2.5 2.5 0 0 1-2.5 2.5H12l-4.5 4v-4A2.5 2.5 0 0 1 5 13.5z" +
    "M9 10.2l2.2 2.2L15.3 8",
};

/**
 * A decorative line icon: the control it stands in carries the name.
 * @param {keyof typeof PATHS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
