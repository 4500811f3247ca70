// Passing news, above the controls: one at a time, the latest wins.

import { $, element } from "./dom.js";

let timer = 0;

/**
 * @param kind goes to data-kind
 * @param options {level: "warn" | "good", for_ms: how long; 0 = until the next, action: {text, run}}
 */
export function notice(kind, text, { level = "warn", for_ms = 0, action } = {}) {
  clearTimeout(timer);
  const box = $("#notice");
  box.dataset.kind = kind;
  box.dataset.level = level;
  box.replaceChildren(element("span", {}, text));
  if (action) box.append(element("button", { type: "button", onclick: action.run }, action.text));
  if (for_ms) timer = setTimeout(() => clearNotice(kind), for_ms);
}

/** Takes it away; with kinds: only if it is one of them. */
export function clearNotice(...kinds) {
  const box = $("#notice");
  if (kinds.length && !kinds.includes(box.dataset.kind)) return;
  clearTimeout(timer);
  box.dataset.kind = "";
  box.replaceChildren();
}
