// The sound panel: which microphone, which speaker, and whether both work.

import { $, element, recall, remember } from "./dom.js";
import { Level, audioContext } from "./levels.js";
import { Meter } from "./meter.js";
import { microphonePermission, openMicrophone } from "./microphone.js";
import { FAILURES } from "./failures.js";

const MICROPHONE = "earshot.microphone";
const SPEAKER = "earshot.speaker";
const SHORTCUT = "earshot.shortcut";

export const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

export class Devices extends EventTarget {
  microphone = recall("localStorage", MICROPHONE);
  speaker = recall("localStorage", SPEAKER);
  shortcut = recall("localStorage", SHORTCUT, "on") === "on";
  #meter = new Meter($("#sound-meter"));
  #trial = null;
  /** Reads the level of the microphone of a running call, or null. */
  levelInCall = () => null;

  constructor() {
    super();
    $("#microphone").addEventListener("change", (event) => this.#choose("microphone", MICROPHONE, event.target.value));
    $("#speaker").addEventListener("change", (event) => this.#choose("speaker", SPEAKER, event.target.value));
    $("#shortcut").checked = this.shortcut;
    $("#shortcut").addEventListener("change", (event) => {
      this.shortcut = event.target.checked;
      remember("localStorage", SHORTCUT, this.shortcut ? "on" : "off");
    });
    $("#sound-allow").addEventListener("click", () => this.#try());
    $("#speaker-test").addEventListener("click", () => this.#tone());
    $("#sound-panel").addEventListener("close", () => this.#stopTrial());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.refresh());
  }

  async open() {
    await this.refresh();
    $("#sound-panel").showModal();
    if (this.levelInCall() === null && (await microphonePermission()) === "granted") await this.#try();
    const draw = () => {
      if (!$("#sound-panel").open) return;
      this.#meter.show(this.levelInCall() ?? this.#trial?.level.read() ?? 0);
      requestAnimationFrame(draw);
    };
    draw();
  }

  async refresh() {
    let found = [];
    try {
      found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    } catch {
      // an insecure origin, or a policy: nothing can be chosen
    }
    const named = this.#list("#microphone", found.filter((device) => device.kind === "audioinput"), this.microphone, "Microphone");
    this.#list("#speaker", found.filter((device) => device.kind === "audiooutput"), this.speaker, "Speaker");
    $("#sound-allow").hidden = named || !window.isSecureContext;
    $("#sound-hint").textContent = !window.isSecureContext
      ? "The microphone needs https, or the page opened on the machine itself."
      : named
        ? ""
        : "Your browser names the devices once you have allowed the microphone.";
    if (!canChooseSpeaker) {
      $("#speaker").disabled = true;
      $("#speaker-hint").textContent = "This browser plays through the system's speaker: choose it in the system's settings.";
    }
  }

  #list(selector, devices, chosen, word) {
    const usable = devices.filter((device) => device.deviceId && device.label);
    const options = usable.map((device) => element("option", { value: device.deviceId === "default" ? "" : device.deviceId }, device.label));
    if (!options.some((option) => option.value === "")) options.unshift(element("option", { value: "" }, `The system's ${word.toLowerCase()}`));
    const select = $(selector);
    select.replaceChildren(...options);
    select.value = usable.some((device) => device.deviceId === chosen) ? chosen : "";
    return usable.length > 0;
  }

  async #choose(what, key, id) {
    this[what] = id;
    remember("localStorage", key, id || null);
    this.dispatchEvent(new CustomEvent(what, { detail: id }));
    if (what === "microphone" && this.#trial) await this.#try();
  }

  /** Opens the microphone to show its level, outside a call. */
  async #try() {
    this.#stopTrial();
    audioContext();
    try {
      const track = await openMicrophone(this.microphone);
      if (!$("#sound-panel").open) {
        track.stop();
        return;
      }
      this.#trial = { track, level: Level.of(track.mediaStreamTrack) };
      await this.refresh();
    } catch (failure) {
      $("#sound-hint").textContent = `${FAILURES[failure.code]({}).title}. ${FAILURES[failure.code]({}).todo[0]}`;
    }
  }

  #stopTrial() {
    this.#trial?.level.close();
    this.#trial?.track.stop();
    this.#trial = null;
  }

  async #tone() {
    const at = audioContext();
    const out = at.createMediaStreamDestination();
    const gain = at.createGain();
    gain.gain.setValueAtTime(0, at.currentTime);
    gain.gain.linearRampToValueAtTime(0.2, at.currentTime + 0.05);
    gain.gain.setValueAtTime(0.2, at.currentTime + 0.75);
    gain.gain.linearRampToValueAtTime(0, at.currentTime + 0.9);
    gain.connect(out);
    [523.25, 659.25].forEach((pitch, i) => {
      const tone = at.createOscillator();
      tone.frequency.value = pitch;
      tone.connect(gain);
      tone.start(at.currentTime + i * 0.4);
      tone.stop(at.currentTime + 0.4 + i * 0.5);
    });
    const player = new Audio();
    player.srcObject = out.stream;
    try {
      if (canChooseSpeaker && this.speaker) await player.setSinkId(this.speaker);
      await player.play();
      $("#speaker-hint").textContent = "You should have heard two notes.";
    } catch (error) {
      $("#speaker-hint").textContent = `That speaker did not play: ${error.message}`;
    }
    setTimeout(() => (player.srcObject = null), 1200);
  }
}
