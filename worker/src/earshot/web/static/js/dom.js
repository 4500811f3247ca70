// Small helpers around the document. Text goes in as text, never as markup.

export const $ = (selector) => document.querySelector(selector);

/** element("li", {class: "tool", "data-tool": "x", onclick: f}, "text", child, …) */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  return fill(made, attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return fill(made, attributes, children);
}

export function icon(name) {
  return svg("svg", { "aria-hidden": "true" }, svg("use", { href: `icons.svg#${name}` }));
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What was remembered, or `fallback`; storage may be switched off. */
export function recall(storage, key, fallback = "") {
  try {
    return window[storage].getItem(key) ?? fallback;
  } catch {
    return fallback;
  }
}

export function remember(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
  } catch {
    // it lasts as long as the page, then
  }
}

/** Copies text; the old way where the clipboard is refused, or only for secure origins. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return;
  } catch {
    // refused, or not there: below
  }
  const area = element("textarea", { class: "hidden", readonly: true });
  area.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(area); // a dialog bars the rest
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser refuses to copy");
}

/** Shows on a button, for a moment, that it has done its work. */
export function flash(button, text) {
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  const spoken = button.getAttribute("aria-label");
  label.textContent = text;
  if (spoken) button.setAttribute("aria-label", text);
  setTimeout(() => {
    label.textContent = before;
    if (spoken) button.setAttribute("aria-label", spoken);
  }, 1500);
}
