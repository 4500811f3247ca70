// One call: a LiveKit room, the agent in it, and what it tells us. Knows nothing of the document
// except where the agent's audio elements go.
//
// Events (detail): agent {present, state, busy}, caption {who, segment, text, final, cut}, turn, tool,
// notice, message {text}, network {state}, playback {blocked}, sound {track, added}, lost {why}, ended {why}.

import { Failure } from "./failures.js";
import { recordCandidates } from "./network.js";

const LK = window.LivekitClient;

// livekit-client names its streams by it, but browsers have it on secure origins only
crypto.randomUUID ??= () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
};

const CONNECT = { autoSubscribe: true, maxRetries: 1, websocketTimeout: 8_000, peerConnectionTimeout: 12_000 };

const TYPED_MAX = 10;
const LISTENS = new Set(["listening", "thinking", "speaking"]);

export class Call extends EventTarget {
  room;
  agent = null;
  #speaker;
  #hungUp = false;
  #typed = []; // what waits for an agent

  /** @param options {speaker: id of the output device, or ""} */
  constructor({ speaker = "" } = {}) {
    super();
    this.#speaker = speaker;
    this.room = new LK.Room({
      adaptiveStream: false, // both are for video
      dynacast: false,
      disconnectOnPageLeave: true,
      audioOutput: speaker ? { deviceId: speaker } : undefined,
      publishDefaults: {
        audioPreset: LK.AudioPresets.speech,
        dtx: false, // comfort noise instead of the room would blunt voice activity detection
        red: true, // a lost packet costs no wait
        stopMicTrackOnMute: false, // unmuting is immediate
      },
    });
    this.#listen();
  }

  /**
   * Connects.
   * @param grant {server_url, participant_token}
   * @throws Failure livekit_unreachable, ice_failed, unsupported, internal
   */
  async connect(grant) {
    if (!LK.isBrowserSupported()) throw new Failure("unsupported");
    let signalled = false;
    this.room.once(LK.RoomEvent.SignalConnected, () => (signalled = true));
    const candidates = recordCandidates(this.room);
    try {
      await this.room.connect(grant.server_url, grant.participant_token, CONNECT);
    } catch (error) {
      const tried = candidates.stop();
      await this.room.disconnect();
      if (this.#hungUp) throw new Failure("cancelled");
      if (signalled) throw new Failure("ice_failed", { candidates: tried });
      if (error?.reason === LK.ConnectionErrorReason.NotAllowed) throw new Failure("internal", { message: error.message });
      throw new Failure("livekit_unreachable", { url: grant.server_url, message: error?.message });
    }
    candidates.stop();
    for (const participant of this.room.remoteParticipants.values()) this.#joined(participant);
  }

  /** Sends the microphone. @param track a LocalAudioTrack */
  async publish(track) {
    await this.room.localParticipant.publishTrack(track, { source: LK.Track.Source.Microphone });
  }

  /** Sends what was typed, in order; without an agent that listens it waits for one. Rejects if too much waits. */
  async send(text) {
    if (this.#typed.length >= TYPED_MAX) throw new Failure("internal", { message: "too many messages wait for an agent" });
    this.#typed.push(text);
    await this.#deliver();
  }

  // an agent that has just joined reads no chat before its session runs: a message would be lost
  async #deliver() {
    while (this.#typed.length && LISTENS.has(this.agent?.attributes["lk.agent.state"])) {
      await this.room.localParticipant.sendText(this.#typed.shift(), { topic: "lk.chat" });
    }
  }

  async setSpeaker(id) {
    this.#speaker = id;
    await this.room.switchActiveDevice("audiooutput", id || "default");
  }

  async startAudio() {
    await this.room.startAudio();
  }

  async hangUp() {
    this.#hungUp = true;
    await this.room.disconnect();
  }

  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #listen() {
    const { RoomEvent } = LK;
    this.room
      .on(RoomEvent.ParticipantConnected, (participant) => this.#joined(participant))
      .on(RoomEvent.ParticipantDisconnected, (participant) => this.#left(participant))
      .on(RoomEvent.ParticipantAttributesChanged, (_, participant) => participant === this.agent && this.#tellAgent())
      .on(RoomEvent.TrackSubscribed, (track, publication, participant) => this.#heard(track, participant))
      .on(RoomEvent.TrackUnsubscribed, (track) => this.#silenced(track))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => this.#tell("playback", { blocked: !this.room.canPlaybackAudio }))
      .on(RoomEvent.SignalReconnecting, () => this.#tell("network", { state: "reconnecting" }))
      .on(RoomEvent.Reconnecting, () => this.#tell("network", { state: "reconnecting" }))
      .on(RoomEvent.Reconnected, () => this.#reconnected())
      .on(RoomEvent.Disconnected, (reason) => this.#disconnected(reason));
    this.#read("lk.transcription", (reader, { identity }) => this.#caption(reader, identity));
    this.#read("lk.chat", async (reader, { identity }) => {
      if (identity !== this.room.localParticipant.identity) this.#tell("message", { text: await reader.readAll() });
    });
    for (const kind of ["turn", "tool", "notice"]) {
      this.#read(`earshot.${kind}`, async (reader, { identity }) => {
        const text = await reader.readAll();
        const sender = this.room.remoteParticipants.get(identity);
        if (sender && !sender.isAgent) return; // another caller cannot speak for the agent
        this.#tell(kind, JSON.parse(text));
      });
    }
  }

  #read(topic, handle) {
    this.room.registerTextStreamHandler(topic, (reader, from) => {
      Promise.resolve(handle(reader, from)).catch((error) => console.warn(`earshot: ${topic}:`, error?.message ?? error));
    });
  }

  async #caption(reader, identity) {
    const attributes = reader.info.attributes ?? {};
    const segment = attributes["lk.segment_id"] ?? reader.info.id;
    const mine = identity === this.room.localParticipant.identity;
    if (mine) {
      // every guess comes as a stream of its own, and replaces the one before
      const text = await reader.readAll();
      const final = reader.info.attributes?.["lk.transcription_final"] === "true";
      this.#tell("caption", { who: "you", segment, text, final, at: reader.info.timestamp });
      return;
    }
    let text = "";
    let cut = false;
    try {
      // word by word, as they are heard
      for await (const words of reader) {
        text += words;
        this.#tell("caption", { who: "agent", segment, text, final: false });
      }
    } catch {
      cut = true; // the agent went away in the middle
    }
    this.#tell("caption", { who: "agent", segment, text, final: true, cut });
  }

  #joined(participant) {
    if (!participant.isAgent || this.agent === participant) return;
    this.agent = participant;
    this.#tellAgent();
  }

  #left(participant) {
    if (participant !== this.agent) return;
    this.agent = null;
    for (const other of this.room.remoteParticipants.values()) this.#joined(other);
    if (!this.agent) this.#tell("agent", { present: false, state: "", busy: false });
  }

  #tellAgent() {
    const attributes = this.agent?.attributes ?? {};
    this.#tell("agent", {
      present: this.agent !== null,
      state: attributes["lk.agent.state"] ?? "",
      busy: attributes["earshot.state"] === "busy",
    });
    this.#deliver().catch((error) => console.warn("earshot: typed message:", error?.message ?? error));
  }

  #heard(track, participant) {
    if (track.kind !== LK.Track.Kind.Audio) return;
    const receiver = track.receiver;
    // the least buffering that the browser grants: it adapts upwards where the network needs it
    if (receiver && "jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    else if (receiver && "playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
    document.getElementById("audio").append(track.attach());
    if (this.#speaker) track.setSinkId(this.#speaker).catch(() => {});
    this.#tell("sound", { track, added: true });
    this.#joined(participant);
  }

  #silenced(track) {
    for (const element of track.detach()) element.remove();
    this.#tell("sound", { track, added: false });
  }

  #reconnected() {
    // a server that was restarted has a new room: the agent of before is then gone
    if (this.agent && !this.room.remoteParticipants.has(this.agent.identity)) this.#left(this.agent);
    this.#tell("network", { state: "connected" });
  }

  #disconnected(reason) {
    const { DisconnectReason } = LK;
    for (const element of [...document.getElementById("audio").children]) element.remove();
    if (this.#hungUp || reason === DisconnectReason.CLIENT_INITIATED) return;
    const why = DisconnectReason[reason] ?? "unknown";
    const over = [DisconnectReason.ROOM_DELETED, DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.ROOM_CLOSED];
    this.#tell(over.includes(reason) ? "ended" : "lost", { why });
  }
}
