// How long a caller waited in one turn, and for what.
//
// Stages overlap: while the silence that ends a turn lasts, the answer is already being made. So the
// bar shows waiting, not work: endpointing first, then of every stage only what outlasted it, then
// the network. Its parts add up to the total. The stages' own times stand in the text and the table.

import { element } from "./dom.js";

export const STAGES = [
  ["endpointing", "Endpointing", "silence that ended your turn"],
  ["stt", "STT", "speech to text"],
  ["deciding", "Deciding", "whether a tool is needed, and which"],
  ["llm", "LLM", "first clause of the answer"],
  ["tts", "TTS", "first sound of the voice"],
  ["other", "Other", "everything between the stages"],
  ["network", "Network", "round trip between you and the agent"],
];

const number = (value) => (Number.isFinite(value) ? Math.max(0, value) : null);

/**
 * A turn's record and the network's round trip -> {turn, total, typed, work: {stage: ms|null}, waits: [[stage, ms]]};
 * total null: not measured.
 */
export function measure(turn, rtt_ms) {
  const given = turn.latency_ms ?? {};
  const work = {
    endpointing: number(given.endpointing),
    stt: number(given.stt),
    deciding: number(given.deciding),
    llm: number(given.first_clause) ?? number(given.llm_ttft),
    tts: number(given.tts_ttfb),
    network: number(rtt_ms),
  };
  let voice = number(given.voice_to_voice);
  // a typed message ends no speech: what one waits for is the clause and the voice
  const typed = voice === null && work.endpointing === null && work.llm !== null && work.tts !== null;
  if (typed) voice = work.llm + work.tts + (turn.tools?.length ? (work.deciding ?? 0) : 0);
  if (voice === null) return { turn: turn.turn, total: null, typed, work, waits: [] };
  let left = voice;
  const take = (ms) => {
    const part = Math.min(left, Math.max(0, ms ?? 0));
    left -= part;
    return part;
  };
  const waits = { endpointing: take(work.endpointing) };
  waits.stt = take((work.stt ?? 0) - waits.endpointing); // counted from the same moment
  waits.tts = take(work.tts);
  // where no tool ran, the answer's first clause was counted from before the decision
  const own = turn.tools?.length ? work.llm : Math.max(0, (work.llm ?? 0) - (work.deciding ?? 0));
  waits.llm = take(own);
  waits.deciding = take(work.deciding);
  waits.other = left < 0.5 ? 0 : left;
  waits.network = work.network ?? 0;
  return {
    turn: turn.turn,
    typed,
    total: voice + waits.network,
    work,
    waits: STAGES.map(([stage]) => [stage, waits[stage]]).filter(([, ms]) => ms >= 0.5),
  };
}

export const ms = (value) => (value === null || value === undefined ? "–" : `${Math.round(value)} ms`);

/** The same in words. */
export function inWords({ total, work }) {
  const parts = STAGES.filter(([stage]) => work[stage] !== null && work[stage] !== undefined).map(([stage, name]) => `${name} ${ms(work[stage])}`);
  return `${total === null ? "Not measured" : `Answered after ${ms(total)}`}. ${parts.join(", ")}. Stages overlap.`;
}

const FULL_MS = 800; // a bar this long fills its place
const FULL_PX = 200;

/** The small bar under an answer; null where nothing was measured. */
export function latencyBar(measured, onclick) {
  if (measured.total === null) return null;
  const stack = element("span", { class: "stack", "aria-hidden": "true" });
  stack.style.width = `${Math.max(24, Math.min(1, measured.total / FULL_MS) * FULL_PX)}px`;
  for (const [stage, waited] of measured.waits) {
    const part = element("i", { "data-stage": stage });
    part.style.flexGrow = waited.toFixed(1);
    stack.append(part);
  }
  const words = inWords(measured);
  return element(
    "button",
    {
      type: "button",
      class: "latency",
      "data-turn": measured.turn,
      "data-total-ms": measured.total.toFixed(1),
      "aria-label": words,
      title: words.replaceAll(", ", "\n").replaceAll(". ", ".\n"),
      onclick,
    },
    stack,
    ms(measured.total),
  );
}
