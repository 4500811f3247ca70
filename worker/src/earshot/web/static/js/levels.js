// How loud a track is, 0..1, read from WebAudio's analyser; and the one AudioContext of the page.

let context = null;

/** The page's AudioContext. Call it first in a click, or the browser keeps it suspended. */
export function audioContext() {
  context ??= new (window.AudioContext ?? window.webkitAudioContext)({ latencyHint: "interactive" });
  if (context.state === "suspended") context.resume().catch(() => {});
  return context;
}

const QUIET_DB = -58;
const LOUD_DB = -12;

export class Level {
  #source;
  #analyser;
  #samples;
  #value = 0;

  /** The level of a track; where the browser cannot analyse it, one that stays at nothing. */
  static of(track) {
    try {
      return new Level(track);
    } catch (error) {
      console.warn("earshot: no level:", error.message);
      return { read: () => 0, close() {} };
    }
  }

  /** @param track a MediaStreamTrack of kind audio */
  constructor(track) {
    const at = audioContext();
    this.#source = at.createMediaStreamSource(new MediaStream([track]));
    this.#analyser = at.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source.connect(this.#analyser); // and nowhere else: it is only looked at
  }

  /** Loudness now, 0..1 on a scale of decibels: up at once, down slowly, as the eye likes it. */
  read() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const db = 10 * Math.log10(sum / this.#samples.length + 1e-10);
    const now = Math.min(1, Math.max(0, (db - QUIET_DB) / (LOUD_DB - QUIET_DB)));
    this.#value = Math.max(now, this.#value * 0.8);
    return this.#value;
  }

  close() {
    this.#source.disconnect();
    this.#analyser.disconnect();
  }
}

/** The levels of a call: the microphone's, and those of what the agent sends. */
export class Levels {
  #microphone = null;
  #agent = new Map();

  microphone(track) {
    this.#microphone?.close();
    this.#microphone = track && Level.of(track);
  }

  add(id, track) {
    this.remove(id);
    this.#agent.set(id, Level.of(track));
  }

  remove(id) {
    this.#agent.get(id)?.close();
    this.#agent.delete(id);
  }

  /** Whether the agent sends any sound, be it silence. */
  get hasAgent() {
    return this.#agent.size > 0;
  }

  /** The microphone's level, null without one. */
  get you() {
    return this.#microphone?.read() ?? null;
  }

  get agent() {
    return Math.max(0, ...[...this.#agent.values()].map((level) => level.read()));
  }

  close() {
    this.microphone(null);
    for (const id of [...this.#agent.keys()]) this.remove(id);
  }
}
