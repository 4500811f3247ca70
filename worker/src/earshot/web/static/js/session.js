// From a click to the end of a call: permission, token, room, agent; and what to do when one of them
// is missing or lost.
//
//   idle -> connecting -> in-call -> ended            waiting: all lines are busy
//              |  ^          |
//              v  +-- agent or connection lost: called again by itself
//            failed

import { Call } from "./call.js";
import { $, sleep } from "./dom.js";
import { Failure, clearFailure, showFailure } from "./failures.js";
import { latencyBar, measure } from "./latency.js";
import { Levels, audioContext } from "./levels.js";
import { microphonePermission, openMicrophone } from "./microphone.js";
import { Network } from "./network.js";
import { clearNotice, notice } from "./notices.js";
import { duration } from "./states.js";
import { requestToken } from "./token.js";

const ABSENT_MS = 8_000; // an agent that has not joined by then is missed aloud
const SETTLE_MS = 1_200; // an agent that joined may still say that all lines are busy
const RETURN_MS = 2_500; // an agent that left may be back by itself
const REDIALS_MAX = 3; // in a row, when agent or connection are lost
const READY_WITHIN_MS = 45_000;
const PROMPT_MS = 30_000; // tokens are short-lived: one that is older is asked for again
const NOBODY = { present: false, state: "", busy: false };

export class Session {
  call = null;
  /** This call has no microphone. */
  typing = false;
  startedAt = 0;
  #parts;
  #attempt = 0; // counts calls, so that what belongs to an older one is dropped
  #microphone = null;
  #levels = new Levels();
  #agent = NOBODY;
  #place; // in the line, when all lines are busy
  #goodbye = ""; // the agent has said that it will hang up
  #redials = 0;
  #network = null;

  /** @param parts {status, states, captions, history, devices, code, name: () => the agent's, act} */
  constructor(parts) {
    this.#parts = parts;
    parts.devices.levelInCall = () => this.#levels.you;
    parts.devices.addEventListener("microphone", ({ detail }) => this.#choose("microphone", detail));
    parts.devices.addEventListener("speaker", ({ detail }) => this.#choose("speaker", detail));
  }

  get muted() {
    return document.body.dataset.muted === "true";
  }

  /** Begins a call. Must run in a click, or the browser plays no sound. */
  async talk({ typed = false } = {}) {
    audioContext();
    if (this.call) await this.#release();
    this.#redials = 0;
    await this.#begin({ typed });
  }

  async hangUp() {
    await this.#finish("hangup", "You hung up.");
  }

  async setMuted(muted) {
    document.body.dataset.muted = String(muted);
    $("#mute").setAttribute("aria-pressed", String(muted));
    $("#mute").setAttribute("aria-label", muted ? "Unmute" : "Mute");
    $("#mute").title = `${muted ? "Unmute" : "Mute"}${this.#parts.devices.shortcut ? " (M)" : ""}`;
    $("#mute-text").textContent = muted ? "Unmute" : "Mute";
    this.#mood();
    if (this.#microphone) await (muted ? this.#microphone.mute() : this.#microphone.unmute());
  }

  /** How loud both sides are now, 0..1. */
  levels() {
    return { you: this.muted ? 0 : (this.#levels.you ?? 0), agent: this.#levels.agent };
  }

  /** Shows a failure, or asks for the code if that is what is missing. */
  fail(failure) {
    const { states, code, act, name } = this.#parts;
    if (failure.code === "cancelled") return;
    if (failure.code === "code_required" || failure.code === "code_wrong") {
      states.idle(name());
      this.#mood();
      code.show(failure.code === "code_wrong");
      return;
    }
    clearNotice();
    if (failure.code === "internal") console.warn("earshot:", failure.detail.message);
    states.enter("failed", { title: failure.code === "insecure_origin" ? `Talk to ${name()}` : "The call did not go through" });
    this.#mood();
    showFailure(failure, act);
  }

  // ---- beginning ------------------------------------------------------------------------------

  async #begin({ typed, again = "" }) {
    const { states, captions, code, devices, name } = this.#parts;
    const mine = ++this.#attempt;
    const current = () => mine === this.#attempt;
    this.typing = typed;
    this.startedAt = 0;
    this.#goodbye = "";
    this.#place = undefined;
    this.#agent = NOBODY;
    clearFailure();
    code.hide();
    if (!again) clearNotice();
    if (!captions.empty) captions.divide(again || "A new call");
    const calling = `Calling ${name()}.`;
    states.enter("connecting", { title: "Connecting", subtitle: calling });
    this.#mood();
    try {
      // what is allowed already is opened while the rest goes on; a prompt may stay open for long,
      // and the agent is called only when there is somebody to hear
      const allowed = !typed && (await microphonePermission()) === "granted";
      const opening = allowed ? openMicrophone(devices.microphone) : Promise.resolve(null);
      opening.catch(() => {}); // awaited below
      let grant = await requestToken();
      if (!typed && !allowed) {
        if (current()) $("#subtitle").textContent = "Allow the microphone when your browser asks.";
        const asked = Date.now();
        this.#microphone = await openMicrophone(devices.microphone);
        if (current()) $("#subtitle").textContent = calling;
        if (Date.now() - asked > PROMPT_MS) grant = await requestToken();
      }
      if (!current()) throw new Failure("cancelled");
      const call = (this.call = new Call({ speaker: devices.speaker }));
      this.#listen(call, current);
      const [opened] = await Promise.all([opening, call.connect(grant)]);
      this.#microphone ??= opened;
      if (!current()) throw new Failure("cancelled");
      await this.#connected(call, current);
    } catch (error) {
      if (!current()) return;
      const failure = error instanceof Failure ? error : new Failure("internal", { message: error?.stack ?? String(error) });
      await this.#release();
      this.fail(failure);
    }
  }

  async #connected(call, current) {
    if (this.#microphone) {
      this.#watchMicrophone();
      await call.publish(this.#microphone);
      if (this.muted) await this.#microphone.mute();
    }
    if (!current()) throw new Failure("cancelled");
    document.body.dataset.network = "connected";
    await call.startAudio().catch(() => {}); // "playback" tells
    call.connected = true;
    this.#arrived(current);
    setTimeout(() => {
      if (current() && !this.#agent.present) this.fail(new Failure("worker_absent"));
    }, ABSENT_MS);
    this.#network = new Network(call.room, (facts) => this.#parts.history.connection(facts));
  }

  /** The agent is there: the call begins, if it has room for us. */
  #arrived(current) {
    const here = () => current() && this.call?.connected && this.#agent.present;
    if (!here()) return;
    if (this.#agent.busy) this.#wait();
    else if (this.#agent.state || this.#levels.hasAgent) this.#inCall();
    else setTimeout(() => here() && !this.#agent.busy && this.#inCall(), SETTLE_MS);
  }

  #inCall() {
    const { states, name } = this.#parts;
    if (states.now === "in-call") return;
    clearFailure();
    clearNotice("agent_lost", "connection_lost");
    this.startedAt ||= Date.now();
    this.#redials = 0;
    states.enter("in-call", { title: name() });
    this.#mood();
  }

  #wait() {
    clearFailure();
    const place = this.#place ? `You are number ${this.#place} in line. ` : "";
    const subtitle = `${place}Stay here: you are put through as soon as one is free.`;
    this.#parts.states.enter("waiting", { title: "All lines are busy", subtitle });
    this.#mood();
  }

  // ---- during ---------------------------------------------------------------------------------

  #listen(call, current) {
    const { captions, history } = this.#parts;
    const on = (type, handle) => call.addEventListener(type, (event) => current() && handle(event.detail));
    on("agent", (now) => this.#agentIs(now, current));
    on("caption", (caption) => captions.update(caption));
    on("message", ({ text }) => captions.typed(text, "agent"));
    on("tool", (tool) => captions.tool(tool));
    on("turn", async (turn) => {
      const { rtt_ms } = (await this.#network?.measure()) ?? {};
      const measured = measure(turn, rtt_ms);
      history.add(measured);
      captions.turn(turn, latencyBar(measured, () => history.open()));
    });
    on("notice", (told) => this.#told(told));
    on("sound", ({ track, added }) => {
      if (added) this.#levels.add(track.sid, track.mediaStreamTrack);
      else this.#levels.remove(track.sid);
      if (added && this.#parts.states.now !== "in-call") this.#arrived(current);
    });
    on("playback", ({ blocked }) => {
      if (!blocked) return clearNotice("playback_blocked");
      const run = () => call.startAudio().then(() => clearNotice("playback_blocked"));
      notice("playback_blocked", "Your browser holds the sound back.", { action: { text: "Play the sound", run } });
    });
    on("network", ({ state }) => {
      document.body.dataset.network = state;
      if (state === "reconnecting") notice("reconnecting", "The connection was lost. Reconnecting…");
      else notice("reconnected", "Connected again.", { level: "good", for_ms: 4_000 });
    });
    on("lost", ({ why }) => {
      if (!call.connected) return; // connect() tells it better
      if (this.#goodbye) this.#finish("agent", this.#goodbye);
      else if (why === "DUPLICATE_IDENTITY") this.#release().then(() => this.fail(new Failure("opened_elsewhere")));
      else this.#redial(new Failure("connection_lost", { reason: why }), "The connection was lost");
    });
    on("ended", () => call.connected && this.#finish(this.#goodbye ? "agent" : "server", this.#goodbye || "The call was ended."));
  }

  #agentIs(now, current) {
    const before = this.#agent;
    this.#agent = now;
    if (before.present && !now.present) this.#agentLeft(current);
    else if (now.busy && this.call.connected && this.#parts.states.now !== "waiting") this.#wait();
    else if (this.#parts.states.now !== "in-call") this.#arrived(current);
    this.#mood();
  }

  async #agentLeft(current) {
    if (this.#goodbye) return this.#finish("agent", this.#goodbye);
    await sleep(RETURN_MS);
    if (current() && !this.#agent.present && this.call) this.#redial(new Failure("agent_lost"), "The agent dropped out");
  }

  #told({ kind, message = "", position }) {
    switch (kind) {
      case "busy":
        this.#place = position;
        this.#wait();
        break;
      case "admitted":
        this.#agent = { ...this.#agent, busy: false };
        if (this.call.connected) this.#inCall();
        notice(kind, message || "A line is free: you are through.", { level: "good", for_ms: 5_000 });
        break;
      case "engine_lost":
        notice(kind, message || "The engine is being restarted. The call stays: please wait a moment.");
        break;
      case "engine_back":
        notice(kind, message || "The engine is back. Please go on.", { level: "good", for_ms: 5_000 });
        break;
      case "ending":
        this.#goodbye = message || `${this.#parts.name()} ended the call.`;
        notice(kind, this.#goodbye);
        break;
      default: // silence, error, and what may come
        notice(kind, message || kind, { for_ms: 12_000 });
    }
  }

  #mood() {
    this.#parts.states.mood(this.#agent, { muted: this.muted, typing: this.typing });
  }

  // ---- microphone and speaker -----------------------------------------------------------------

  #watchMicrophone() {
    const { TrackEvent } = window.LivekitClient;
    const microphone = this.#microphone;
    const watch = () => this.#levels.microphone(microphone.mediaStreamTrack);
    watch();
    microphone.on(TrackEvent.Restarted, watch); // after a change of device
    microphone.on(TrackEvent.Ended, () => {
      if (microphone !== this.#microphone) return;
      const action = { text: "Choose", run: () => this.#parts.devices.open() };
      notice("mic_lost", "The microphone is gone. Plug it in again, or choose another.", { action });
    });
  }

  async #choose(what, id) {
    if (!this.call) return;
    try {
      if (what === "microphone") await this.call.room.switchActiveDevice("audioinput", id || "default");
      else await this.call.setSpeaker(id);
    } catch (error) {
      notice(`${what}_failed`, `That ${what} could not be used: ${error.message}`, { for_ms: 8_000 });
    }
  }

  // ---- ending ---------------------------------------------------------------------------------

  /** Calls again by itself, as soon as a call would be answered. */
  async #redial(failure, why) {
    const typed = this.typing;
    const tries = ++this.#redials;
    await this.#release();
    const mine = this.#attempt;
    let ready = false;
    if (tries <= REDIALS_MAX) {
      notice(failure.code, `${why}. Calling again…`);
      this.#parts.states.enter("connecting", { title: "Calling again", subtitle: "What was said stays on this page." });
      this.#mood();
      await sleep(500 * tries);
      ready = await this.#parts.status.ready(READY_WITHIN_MS);
    }
    if (mine !== this.#attempt) return; // somebody pressed something meanwhile
    if (ready) await this.#begin({ typed, again: `${why}; a new call` });
    else this.fail(failure);
  }

  async #finish(how, subtitle) {
    const lasted = this.startedAt ? ` It lasted ${duration(Date.now() - this.startedAt)}.` : "";
    await this.#release();
    clearNotice();
    clearFailure();
    this.#parts.states.ended(how, subtitle + lasted);
    this.#mood();
  }

  /** Lets go of the call and of the microphone; what is on the page stays. */
  async #release() {
    this.#attempt += 1;
    this.#network?.stop();
    this.#network = null;
    document.body.dataset.network = "";
    const leaving = this.call;
    this.call = null;
    this.#levels.close();
    this.#microphone?.stop();
    this.#microphone = null;
    this.#agent = NOBODY;
    this.#parts.history.newCall();
    this.#parts.captions.close();
    await leaving?.hangUp();
  }

  /** When the page goes away: livekit-client leaves the room itself. */
  letGo() {
    this.#microphone?.stop();
  }
}
