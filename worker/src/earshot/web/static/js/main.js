// The page as a whole: which state it is in, and what leads from one to the next.
//
//   idle -> connecting -> in-call -> ended            waiting: all lines are busy
//              |  ^          |
//              v  +-- agent or connection lost: called again by itself
//            failed

import { Call } from "./call.js";
import { Captions } from "./captions.js";
import { ConnectionCheckView } from "./check.js";
import { codeForm } from "./code.js";
import { Devices } from "./devices.js";
import { $, copyText, flash, sleep } from "./dom.js";
import { Failure, clearFailure, showFailure } from "./failures.js";
import { History, quantile } from "./history.js";
import { latencyBar, measure } from "./latency.js";
import { Level, audioContext } from "./levels.js";
import { Meter } from "./meter.js";
import { microphonePermission, openMicrophone } from "./microphone.js";
import { clearNotice, notice } from "./notices.js";
import { Orb } from "./orb.js";
import { Status } from "./status.js";
import { requestToken } from "./token.js";
import { downloadText, fileName, transcriptText } from "./transcript.js";

const ABSENT_MS = 8_000; // an agent that has not joined by then is missed aloud
const SETTLE_MS = 1_200; // an agent that joined may still say that all lines are busy
const RETURN_MS = 2_500; // an agent that left may be back by itself
const REDIALS_MAX = 3; // in a row, when agent or connection are lost
const READY_WITHIN_MS = 45_000;
const FACTS_EVERY_MS = 2_000;

window.LivekitClient.setLogLevel("warn");

const body = document.body;
const status = new Status();
const captions = new Captions(agentName);
const history = new History();
const devices = new Devices();
const meter = new Meter($("#meter"));
const orb = new Orb($("#orb"));

let call = null; // the running Call
let attempt = 0; // counts calls, so that what belongs to an older one is dropped
let typing = false; // this call has no microphone
let microphone = null; // LocalAudioTrack
let microphoneLevel = null;
let agentLevels = new Map(); // track sid -> Level
let agent = { present: false, state: "", busy: false };
let startedAt = 0;
let lastedText = "";
let goodbye = ""; // the agent has said that it will hang up
let redials = 0;
let factsTimer = 0;
let latestFacts = {};
let roundTrips = []; // the last few

function agentName() {
  return status.latest?.persona?.name ?? "Earshot";
}

// ---- states -----------------------------------------------------------------------------------

function enter(state, { title, subtitle = "" }) {
  body.dataset.state = state;
  const inCall = ["in-call", "waiting"].includes(state);
  const layout = inCall || !captions.empty || (state === "failed" && call);
  if (layout) body.dataset.call = "";
  else delete body.dataset.call;
  $("#title").textContent = title;
  $("#subtitle").textContent = subtitle;
  $("#chat-send").disabled = $("#chat-text").disabled = state !== "in-call";
  for (const button of document.querySelectorAll("#suggestions button")) button.disabled = state !== "in-call";
  if (state !== "ended") body.dataset.ended = "";
  const told = { connecting: title, "in-call": `In a call with ${title}`, waiting: `${title}. ${subtitle}`, ended: `${title}. ${subtitle}` }[state] ?? "";
  if ($("#announcer").textContent !== told) $("#announcer").textContent = told;
  refreshMood();
}

const MOODS = { listening: "Listening", thinking: "Thinking", speaking: "Speaking", initializing: "Getting ready" };

function refreshMood() {
  const state = body.dataset.state;
  body.dataset.agentState = ["in-call", "waiting"].includes(state) ? agent.state : "";
  const muted = body.dataset.muted === "true";
  let text = MOODS[agent.state] ?? (agent.present ? "Getting ready" : "");
  if (agent.state === "listening" && typing) text = "Waiting for what you type";
  else if (agent.state === "listening" && muted) text = "You are muted";
  $("#state-text").textContent = state === "in-call" ? text : "";
  orb.mood =
    { idle: "idle", connecting: "connecting", waiting: "waiting", ended: "off", failed: "off" }[state] ??
    (agent.state === "listening" && muted ? "idle" : (MOODS[agent.state] && agent.state !== "initializing" ? agent.state : "connecting"));
}

function idle() {
  enter("idle", {});
  $("#title").replaceChildren("Talk to ", Object.assign(document.createElement("span"), { textContent: agentName() }));
  $("#title span").dataset.persona = "";
  $("#subtitle").textContent = "This voice agent runs on this machine.\nNothing you say leaves it.";
  $("#talk-text").textContent = "Start talking";
}

function fail(failure) {
  if (failure.code === "cancelled") return;
  if (failure.code === "code_required" || failure.code === "code_wrong") {
    idle();
    code.show(failure.code === "code_wrong");
    return;
  }
  clearNotice();
  if (failure.code === "internal") console.warn("earshot:", failure.detail.message);
  enter("failed", { title: "The call did not go through" });
  showFailure(failure, act);
}

function ended(how, subtitle) {
  const lasted = startedAt ? duration(Date.now() - startedAt) : "";
  lastedText = lasted ? ` It lasted ${lasted}.` : "";
  enter("ended", { title: "Call ended", subtitle: subtitle + lastedText });
  body.dataset.ended = how;
  $("#talk-text").textContent = "Talk again";
  $("#talk").focus({ preventScroll: true });
}

function act(action) {
  if (action === "again") restart();
  else if (action === "type") talk({ typed: true });
  else if (action === "check") check.open();
  else if (action === "sound") devices.open();
  else if (action === "hangup") hangUp();
}

// ---- a call -----------------------------------------------------------------------------------

/** Begins a call. Must run in a click, or the browser plays no sound. */
async function talk({ typed = false } = {}) {
  redials = 0;
  audioContext();
  await begin({ typed });
}

async function restart() {
  const typed = typing;
  audioContext();
  await release();
  redials = 0;
  await begin({ typed });
}

async function begin({ typed, again = "" }) {
  const mine = ++attempt;
  const current = () => mine === attempt;
  typing = typed;
  goodbye = "";
  startedAt = 0;
  agent = { present: false, state: "", busy: false };
  clearFailure();
  code.hide();
  if (!again) clearNotice();
  if (!captions.empty) captions.divide(again || "A new call");
  enter("connecting", { title: "Connecting", subtitle: `Calling ${agentName()}.` });
  try {
    const permission = typed ? "granted" : await microphonePermission();
    let opening = null;
    if (!typed && permission === "granted") opening = openMicrophone(devices.microphone); // while the rest goes on
    opening?.catch(() => {}); // awaited below
    let grant = await requestToken();
    if (!typed && !opening) {
      // the prompt may stay open for long: the agent is called when there is somebody to hear
      if (current()) $("#subtitle").textContent = "Allow the microphone when your browser asks.";
      const asked = Date.now();
      microphone = await openMicrophone(devices.microphone);
      if (current()) $("#subtitle").textContent = `Calling ${agentName()}.`;
      if (Date.now() - asked > 30_000) grant = await requestToken(); // they are short-lived
    }
    if (!current()) throw new Failure("cancelled");
    call = new Call({ speaker: devices.speaker });
    listen(call, current);
    await Promise.all([
      call.connect(grant),
      opening?.then((track) => {
        microphone = track;
      }),
    ]);
    if (!current()) throw new Failure("cancelled");
    if (microphone) {
      watchMicrophone();
      await call.publish(microphone);
      if (body.dataset.muted === "true") await microphone.mute();
    }
    if (!current()) throw new Failure("cancelled");
    body.dataset.live = "";
    body.dataset.network = "connected";
    await call.startAudio().catch(() => {});
    call.connected = true;
    arrived(current);
    setTimeout(() => {
      if (current() && call && !agent.present) fail(new Failure("worker_absent"));
    }, ABSENT_MS);
    measureNetwork();
    factsTimer = setInterval(measureNetwork, FACTS_EVERY_MS);
  } catch (error) {
    if (!current()) return;
    const failure = error instanceof Failure ? error : new Failure("internal", { message: error?.stack ?? String(error) });
    await release();
    fail(failure);
  }
}

/** The agent is there, and has room for us: the call begins. */
function arrived(current) {
  if (!current() || !call?.connected || !agent.present) return;
  if (agent.busy) {
    wait();
    return;
  }
  if (agent.state || agentLevels.size) inCall();
  else setTimeout(() => current() && agent.present && !agent.busy && call?.connected && inCall(), SETTLE_MS);
}

function inCall() {
  if (body.dataset.state === "in-call") return;
  clearFailure();
  if (body.dataset.state === "connecting") clearNotice("agent_lost", "connection_lost");
  startedAt ||= Date.now();
  redials = 0;
  enter("in-call", { title: agentName() });
}

function wait(position) {
  clearFailure();
  const place = position ? `You are number ${position} in line. ` : "";
  enter("waiting", { title: "All lines are busy", subtitle: `${place}Stay here: you are put through as soon as one is free.` });
}

function listen(to, current) {
  const on = (type, handle) => to.addEventListener(type, (event) => current() && handle(event.detail));
  on("agent", (now) => {
    const before = agent;
    agent = now;
    if (before.present && !now.present) agentLeft(current);
    else if (!now.present) return;
    else if (now.busy) {
      if (body.dataset.state !== "waiting" && to.connected) wait();
    } else if (body.dataset.state !== "in-call") arrived(current);
    refreshMood();
  });
  on("caption", (caption) => captions.update(caption));
  on("message", ({ text }) => captions.typed(text, "agent"));
  on("tool", (tool) => captions.tool(tool));
  on("turn", async (turn) => {
    if (latestFacts.rtt_ms === undefined) await measureNetwork();
    const measured = measure(turn, latestFacts.rtt_ms);
    history.add(measured);
    captions.turn(turn, latencyBar(measured, () => history.open()));
  });
  on("notice", told);
  on("sound", ({ track, added }) => {
    if (added) agentLevels.set(track.sid, new Level(track.mediaStreamTrack));
    else {
      agentLevels.get(track.sid)?.close();
      agentLevels.delete(track.sid);
    }
    if (added && body.dataset.state !== "in-call") arrived(current);
  });
  on("playback", ({ blocked }) => {
    if (!blocked) clearNotice("playback_blocked");
    else {
      notice("playback_blocked", "Your browser holds the sound back.", {
        action: { text: "Play the sound", run: () => to.startAudio().then(() => clearNotice("playback_blocked")) },
      });
    }
  });
  on("network", ({ state }) => {
    body.dataset.network = state;
    if (state === "reconnecting") notice("reconnecting", "The connection was lost. Reconnecting…");
    else notice("reconnected", "Connected again.", { level: "good", for_ms: 4_000 });
  });
  on("lost", ({ why }) => {
    if (!to.connected) return; // connect() tells it better
    if (goodbye) return finish("agent", goodbye);
    if (why === "DUPLICATE_IDENTITY") return release().then(() => fail(new Failure("opened_elsewhere")));
    redial("connection_lost", "The connection was lost. Calling again…", new Failure("connection_lost", { reason: why }));
  });
  on("ended", () => to.connected && finish(goodbye ? "agent" : "server", goodbye || "The call was ended."));
}

function told({ kind, message = "", position }) {
  switch (kind) {
    case "busy":
      wait(position);
      break;
    case "admitted":
      agent.busy = false;
      if (call?.connected) inCall();
      notice(kind, message || "A line is free: you are through.", { level: "good", for_ms: 5_000 });
      break;
    case "engine_back":
      notice(kind, message || "The engine is back. Please go on.", { level: "good", for_ms: 5_000 });
      break;
    case "engine_lost":
      notice(kind, message || "The engine is being restarted. The call stays: please wait a moment.");
      break;
    case "ending":
      goodbye = message || `${agentName()} ended the call.`;
      notice(kind, goodbye);
      break;
    default: // silence, error, and what may come
      notice(kind, message || kind, { for_ms: 12_000 });
  }
}

async function agentLeft(current) {
  if (goodbye) return finish("agent", goodbye);
  refreshMood();
  await sleep(RETURN_MS);
  if (!current() || agent.present || !call) return;
  redial("agent_lost", "The agent dropped out. Calling it again…", new Failure("agent_lost"));
}

/** Calls again by itself, as soon as a call would be answered. */
async function redial(kind, text, failure) {
  const typed = typing;
  const tries = ++redials;
  await release();
  if (tries > REDIALS_MAX) {
    redials = 0;
    fail(failure);
    return;
  }
  const mine = ++attempt;
  notice(kind, text);
  enter("connecting", { title: "Calling again", subtitle: "What was said stays on this page." });
  await sleep(500 * tries);
  const ready = await status.ready(READY_WITHIN_MS);
  if (mine !== attempt) return;
  if (!ready) {
    redials = 0;
    fail(failure);
    return;
  }
  await begin({ typed, again: kind === "agent_lost" ? "The agent dropped out; a new call" : "The connection was lost; a new call" });
}

async function finish(how, subtitle) {
  await release();
  clearNotice();
  clearFailure();
  ended(how, subtitle);
}

async function hangUp() {
  await finish("hangup", "You hung up.");
}

/** Lets go of the call and of the microphone; what is on the page stays. */
async function release() {
  attempt += 1;
  clearInterval(factsTimer);
  delete body.dataset.live;
  body.dataset.network = "";
  const leaving = call;
  call = null;
  microphoneLevel?.close();
  microphoneLevel = null;
  microphone?.stop();
  microphone = null;
  for (const level of agentLevels.values()) level.close();
  agentLevels = new Map();
  agent = { present: false, state: "", busy: false };
  history.newCall();
  roundTrips = [];
  latestFacts = {};
  captions.close();
  await leaving?.hangUp();
}

async function measureNetwork() {
  if (!call) return;
  latestFacts = await call.facts();
  if (latestFacts.rtt_ms !== undefined) {
    // one measurement of a busy machine says little: the middle one of five
    roundTrips = [...roundTrips.slice(-4), latestFacts.rtt_ms];
    latestFacts.rtt_ms = quantile(roundTrips.toSorted((a, b) => a - b), 0.5);
  }
  history.connection(latestFacts);
}

// ---- the microphone ---------------------------------------------------------------------------

function watchMicrophone() {
  microphoneLevel?.close();
  microphoneLevel = new Level(microphone.mediaStreamTrack);
  const { TrackEvent } = window.LivekitClient;
  microphone.off(TrackEvent.Restarted, watchMicrophone).on(TrackEvent.Restarted, watchMicrophone);
  microphone.off(TrackEvent.Ended, unplugged).on(TrackEvent.Ended, unplugged);
}

function unplugged() {
  if (!call) return;
  notice("mic_lost", "The microphone is gone. Choose another one, or plug it in again.", { action: { text: "Choose", run: () => devices.open() } });
}

async function setMuted(muted) {
  body.dataset.muted = String(muted);
  $("#mute").setAttribute("aria-pressed", String(muted));
  $("#mute").setAttribute("aria-label", muted ? "Unmute" : "Mute");
  $("#mute").title = `${muted ? "Unmute" : "Mute"}${devices.shortcut ? " (M)" : ""}`;
  $("#mute-text").textContent = muted ? "Unmute" : "Mute";
  refreshMood();
  if (microphone) await (muted ? microphone.mute() : microphone.unmute());
}

devices.levelInCall = () => (microphoneLevel ? microphoneLevel.read() : null);
devices.addEventListener("microphone", async ({ detail }) => {
  try {
    await call?.room.switchActiveDevice("audioinput", detail || "default");
  } catch (error) {
    notice("mic_failed", `That microphone could not be opened: ${error.message}`, { for_ms: 8_000 });
  }
});
devices.addEventListener("speaker", async ({ detail }) => {
  try {
    await call?.setSpeaker(detail);
  } catch (error) {
    notice("speaker_failed", `That speaker could not be used: ${error.message}`, { for_ms: 8_000 });
  }
});

// ---- what people press ------------------------------------------------------------------------

const code = codeForm(() => talk({ typed: typing }));
const check = new ConnectionCheckView((why) => code.show(why === "code_wrong"));

async function say(text) {
  const shown = captions.typed(text);
  try {
    await call.send(text);
  } catch {
    shown.failed();
  }
}

$("#talk").addEventListener("click", () => talk());
$("#mute").addEventListener("click", () => setMuted(body.dataset.muted !== "true"));
$("#hangup").addEventListener("click", hangUp);
$("#sound").addEventListener("click", () => devices.open());
$("#open-sound-first").addEventListener("click", () => devices.open());
$("#open-history").addEventListener("click", () => history.open());
$("#open-check").addEventListener("click", () => check.open());
$("#check-copy").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  await copyText(check.report());
  flash(button, "Copied");
});
$("#chat").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("#chat-text").value.trim();
  if (!text || body.dataset.state !== "in-call") return;
  $("#chat-text").value = "";
  say(text);
});
$("#suggestions").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && call) say(button.textContent);
});
$("#copy").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  await copyText(transcriptText(captions.entries, agentName()));
  flash(button, "Copied");
});
$("#download").addEventListener("click", (event) => {
  downloadText(transcriptText(captions.entries, agentName()), fileName());
  flash(event.currentTarget, "Saved");
});
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && outside(event, dialog) && dialog.close());
}

function outside({ clientX, clientY }, dialog) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "m" || !devices.shortcut || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (!call || typing) return;
  setMuted(body.dataset.muted !== "true");
});

// ---- all the time -----------------------------------------------------------------------------

orb.levels = () => ({
  you: microphoneLevel && body.dataset.muted !== "true" ? microphoneLevel.read() : 0,
  agent: Math.max(0, ...[...agentLevels.values()].map((level) => level.read())),
});
orb.onframe = ({ you }) => meter.show(you);

setInterval(() => {
  const running = body.dataset.state === "in-call" && startedAt;
  $("#clock").textContent = running ? duration(Date.now() - startedAt) : "";
}, 500);

function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// the room is left by livekit-client on pagehide; a page that the browser kept starts afresh
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
window.addEventListener("pagehide", () => microphone?.stop());

window.earshot = {
  get room() {
    return call?.room ?? null;
  },
  transcript: () => transcriptText(captions.entries, agentName()),
  turns: () => history.all(),
};

status.addEventListener("change", ({ detail: { now } }) => {
  if (["failed"].includes(body.dataset.state) && ["unavailable", "page_unreachable"].includes(body.dataset.failure) && now?.ready) {
    clearFailure();
    idle();
  }
});

idle();
status.start();
if (!window.isSecureContext) fail(new Failure("insecure_origin"));
