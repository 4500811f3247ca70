// Which state the page is in, and what it then says. Knows nothing of rooms.

import { $ } from "./dom.js";

const MOODS = { listening: "Listening", thinking: "Thinking", speaking: "Speaking", initializing: "Getting ready" };

export class States {
  #orb;
  #hasCaptions;

  /** @param orb the Orb; @param hasCaptions () => whether there is a conversation to show */
  constructor(orb, hasCaptions) {
    this.#orb = orb;
    this.#hasCaptions = hasCaptions;
  }

  get now() {
    return document.body.dataset.state;
  }

  /** idle | connecting | waiting | in-call | ended | failed */
  enter(state, { title, subtitle = "" }) {
    const { dataset } = document.body;
    dataset.state = state;
    if (state === "in-call" || state === "waiting" || (state !== "idle" && this.#hasCaptions())) dataset.call = "";
    else delete dataset.call;
    if (state !== "ended") dataset.ended = "";
    $("#title").textContent = title;
    $("#subtitle").textContent = subtitle;
    for (const control of document.querySelectorAll("#chat-text, #chat-send, #suggestions button")) {
      control.disabled = state !== "in-call";
    }
    this.#announce(state, title, subtitle);
  }

  idle(name) {
    this.enter("idle", { title: `Talk to ${name}`, subtitle: "This voice agent runs on this machine.\nNothing you say leaves it." });
    $("#talk-text").textContent = "Start talking";
  }

  ended(how, subtitle) {
    this.enter("ended", { title: "Call ended", subtitle });
    document.body.dataset.ended = how;
    $("#talk-text").textContent = "Talk again";
    $("#talk").focus({ preventScroll: true });
  }

  /** @param agent {present, state}; @param caller {muted, typing} */
  mood(agent, { muted, typing }) {
    const state = this.now;
    document.body.dataset.agentState = state === "in-call" || state === "waiting" ? agent.state : "";
    let text = MOODS[agent.state] ?? (agent.present ? "Getting ready" : "");
    if (agent.state === "listening" && typing) text = "Waiting for what you type";
    else if (agent.state === "listening" && muted) text = "You are muted";
    $("#state-text").textContent = state === "in-call" ? text : "";
    if (state === "ended" || state === "failed") this.#orb.mood = "off";
    else if (state !== "in-call") this.#orb.mood = state;
    else if (agent.state === "listening" && muted) this.#orb.mood = "idle";
    else this.#orb.mood = agent.state in MOODS && agent.state !== "initializing" ? agent.state : "connecting";
  }

  /** For those who hear the page; the agent's own moods they hear anyway. */
  #announce(state, title, subtitle) {
    const told = { connecting: title, "in-call": `In a call with ${title}`, waiting: `${title}. ${subtitle}`, ended: `${title}. ${subtitle}` };
    const text = told[state] ?? "";
    if ($("#announcer").textContent !== text) $("#announcer").textContent = text;
  }
}

/** 83,000 ms -> "1:23" */
export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
