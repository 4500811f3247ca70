// The pill in the header: is the agent there, and how busy is it. Asks the server now and then.

import { $ } from "./dom.js";
import { requestStatus } from "./token.js";

const EVERY_MS = 5_000;

export class Status extends EventTarget {
  /** The last answer; null when the server did not give one. */
  latest = null;
  #timer = 0;

  start() {
    document.addEventListener("visibilitychange", () => !document.hidden && this.refresh());
    return this.refresh();
  }

  async refresh() {
    clearTimeout(this.#timer);
    if (!document.hidden) {
      this.latest = await requestStatus();
      this.#show();
      this.dispatchEvent(new CustomEvent("change", { detail: this.latest }));
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), EVERY_MS);
    return this.latest;
  }

  /** Waits until a call would be answered: true, or false after `within_ms`. */
  async ready(within_ms) {
    const until = performance.now() + within_ms;
    for (;;) {
      const status = await requestStatus();
      if (status?.ready) return true;
      if (performance.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
  }

  #show() {
    const [level, text] = describe(this.latest);
    $("#status").dataset.level = level;
    $("#status-text").textContent = text;
    if (this.latest?.ready) $("#demonstration").hidden = !this.latest.demonstration;
  }
}

export function describe(status) {
  if (!status) return ["bad", "The server does not answer"];
  if (status.stopping) return ["warn", "Earshot is being stopped"];
  if (status.livekit === "down") return ["bad", "The call server is down"];
  if (status.engine === "restarting") return ["warn", "The engine is restarting"];
  if (status.engine === "down") return ["bad", "The engine is down"];
  if (!status.ready) return ["warn", "Starting"];
  if (status.calls_max > 0 && status.calls >= status.calls_max) {
    return ["warn", status.waiting ? `All lines are busy, ${status.waiting} waiting` : "All lines are busy"];
  }
  return ["ok", "Ready"];
}
