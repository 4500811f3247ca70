// The conversation as a list: captions of both sides, typed messages, tools, dividers.
// Corrected in place by segment; finished sentences are also said to screen readers, guesses never.

import { $, element, icon } from "./dom.js";

const ENTRIES_MAX = 1000;
const SPOKEN_MAX = 6;

const DECIDED = {
  sentence: "Decided by a known sentence.\n",
  router: "Decided by the language model among examples.\n",
  model: "Called by the language model.\n",
};

export class Captions {
  /** [{at: Date, who | tool | note, text, typed?, interrupted?}], oldest first */
  entries = [];
  #list = $("#captions");
  #scroller = $("#scroller");
  #spoken = $("#spoken");
  #bySegment = new Map();
  #names = () => "Earshot";
  #typed = 0;

  /** @param agentName () => what the agent is called */
  constructor(agentName) {
    this.#names = agentName;
  }

  get empty() {
    return this.entries.length === 0;
  }

  /** A guess, or the final words, of one side. */
  update({ who, segment, text, final, cut = false, at = 0 }) {
    const key = `${who} ${segment}`;
    let entry = this.#bySegment.get(key);
    if (!entry) {
      if (!text.trim()) return;
      entry = this.#add({ who, text: "", final: false, heardAt: 0, words: [] });
      entry.item.dataset.segment = segment;
      this.#bySegment.set(key, entry);
    }
    if ((entry.final && !final) || at < entry.heardAt) return; // an older guess that came late
    entry.heardAt = at;
    const follow = this.#atEnd();
    if (final && !text.trim()) {
      this.#remove(key, entry); // a guess that turned out to be nothing
      return;
    }
    this.#write(entry, text);
    entry.final = final;
    entry.item.dataset.final = String(final);
    if (cut) this.#markCut(entry, "cut off");
    if (final && !entry.told) {
      entry.told = true;
      this.#say(`${who === "you" ? "You" : this.#names()}: ${text.trim()}`);
    }
    if (follow) this.#toEnd();
  }

  /** A typed message; returns {failed()} to call if it could not be sent. */
  typed(text, who = "you") {
    const entry = this.#add({ who, text: "", final: true, typed: true });
    entry.item.dataset.segment = `typed-${++this.#typed}`;
    entry.item.dataset.final = "true";
    entry.item.dataset.typed = "true";
    this.#write(entry, text);
    if (who === "agent") this.#say(`${this.#names()}: ${text}`);
    this.#toEnd();
    return {
      failed: () => {
        entry.item.classList.add("unsent");
        this.#markCut(entry, "not sent: type it again");
      },
    };
  }

  /** A tool that ran. */
  tool({ name, arguments: given = {}, result = null, by = null }) {
    const said = describeTool(name, given, result);
    const item = element(
      "li",
      { class: "tool", "data-tool": name },
      element(
        "details",
        {},
        element("summary", {}, icon("tool"), said),
        element("pre", { tabindex: "0" }, `${DECIDED[by] ?? ""}${name}(${JSON.stringify(given)})\n${typeof result === "string" ? result : JSON.stringify(result)}`),
      ),
    );
    this.#append({ tool: name, text: said, item });
  }

  /** Nothing more comes: what is unfinished stays as it is. */
  close() {
    for (const entry of this.#bySegment.values()) {
      if (entry.final) continue;
      entry.final = true;
      entry.item.dataset.final = "true";
      this.#markCut(entry, "unfinished");
    }
    this.#bySegment.clear();
  }

  /** A line between calls. */
  divide(text) {
    this.#append({ note: text, text, item: element("li", { class: "divider" }, text) });
  }

  /**
   * Finds the caption that a turn's record belongs to and hangs `bar` under it.
   * @param turn the record; @param bar an element, or null
   */
  turn(turn, bar) {
    const entry = this.#entryOf(turn);
    if (!entry) return;
    entry.turn = turn.turn;
    if (turn.interrupted) {
      const reply = (turn.reply ?? "").trim();
      if (reply && entry.text.trim().startsWith(reply)) this.#write(entry, reply); // what was heard of it
      entry.interrupted = true;
      entry.item.dataset.interrupted = "true";
      this.#markCut(entry, "interrupted");
    }
    const follow = this.#atEnd();
    entry.item.querySelector(".latency")?.remove();
    if (bar) entry.item.append(bar);
    if (follow) this.#toEnd();
  }

  #entryOf({ turn, reply = "" }) {
    const wanted = plain(reply);
    const own = this.entries.filter((entry) => entry.who === "agent" && !entry.typed && !entry.old);
    const same = own.findLast((entry) => entry.turn === turn);
    if (same) return same;
    const free = own.filter((entry) => entry.turn === undefined);
    return (
      free.findLast((entry) => {
        const has = plain(entry.text);
        return wanted && has && (wanted.includes(has) || has.includes(wanted));
      }) ?? (wanted ? free.at(-1) : undefined)
    );
  }

  #add(entry) {
    const name = entry.who === "you" ? "You" : this.#names();
    entry.textElement = element("span", { class: "text" });
    entry.item = element(
      "li",
      { "data-who": entry.who, "data-final": "false" },
      element("span", { class: "who" }, name),
      entry.textElement,
    );
    entry.name = name;
    return this.#append(entry);
  }

  #append(entry) {
    const follow = this.#atEnd();
    entry.at = new Date();
    if (entry.note) for (const old of this.entries) old.old = true;
    this.entries.push(entry);
    this.#list.append(entry.item);
    while (this.entries.length > ENTRIES_MAX) this.entries.shift().item.remove();
    if (follow) this.#toEnd();
    return entry;
  }

  #remove(key, entry) {
    this.#bySegment.delete(key);
    this.entries.splice(this.entries.indexOf(entry), 1);
    entry.item.remove();
  }

  #write(entry, text) {
    if (entry.who === "agent" && text.startsWith(entry.text) && entry.text) {
      const added = text.slice(entry.text.length);
      if (added) entry.textElement.append(element("span", { class: "word" }, added));
    } else if (text !== entry.text) {
      entry.textElement.replaceChildren(text);
    }
    entry.text = text;
  }

  #markCut(entry, why) {
    entry.item.querySelector(".cut")?.remove();
    entry.textElement.after(element("span", { class: "cut" }, ` — ${why}`));
  }

  #say(line) {
    this.#spoken.append(element("p", {}, line));
    while (this.#spoken.children.length > SPOKEN_MAX) this.#spoken.firstChild.remove();
  }

  #atEnd() {
    const s = this.#scroller;
    return s.scrollHeight - s.scrollTop - s.clientHeight < 80;
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

function describeTool(name, given, result) {
  switch (name) {
    case "get_current_time":
      return "Looked at the clock";
    case "calculate":
      return `Calculated ${given.expression ?? ""}`.trim();
    case "set_timer":
      return given.amount ? `Set a timer for ${given.amount} ${given.unit ?? ""}`.trim() : "Set a timer";
    case "cancel_timer":
      return "Cancelled the timer";
    case "search_documents":
      return given.query ? `Looked in the documents for “${given.query}”` : "Looked in the documents";
    default:
      return `Used ${name}`;
  }
}
