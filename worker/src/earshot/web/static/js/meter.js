// The microphone's level, as a bar that assistive technology can read.

export class Meter {
  #element;
  #bar;
  #said = 0;

  /** @param root an element with a <span> for the bar */
  constructor(root) {
    this.#element = root;
    this.#bar = root.querySelector("span");
  }

  /** @param level 0..1 */
  show(level) {
    this.#bar.style.transform = `scaleX(${level.toFixed(3)})`;
    const now = performance.now();
    if (now - this.#said < 250) return; // the attribute is for readers, not for the eye
    this.#said = now;
    if (this.#element.hasAttribute("role")) this.#element.setAttribute("aria-valuenow", String(Math.round(level * 100)));
  }
}
