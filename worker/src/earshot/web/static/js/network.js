// What WebRTC knows of the way to the server: addresses tried, round-trip time, loss, buffering.

const transports = (room) => [room.engine?.pcManager?.publisher, room.engine?.pcManager?.subscriber].filter(Boolean);

async function reports(room) {
  const all = [];
  for (const transport of transports(room)) {
    try {
      const report = await transport.getStats();
      if (report) all.push(report);
    } catch {
      // closed meanwhile
    }
  }
  return all;
}

const address = (candidate) => {
  const host = candidate.address ?? candidate.ip ?? "(hidden by the browser)";
  return `${candidate.protocol ?? "udp"} ${host.includes(":") ? `[${host}]` : host}:${candidate.port}`;
};

const KINDS = { host: "", srflx: "seen from outside", prflx: "found on the way", relay: "relayed" };

const CANDIDATE = /^a=candidate:\S+ \d+ (\w+) \d+ (\S+) (\d+) typ (\w+)/gm;

/** The candidate addresses of a session description, which grows as they are found. */
function addressesIn(description) {
  return [...(description?.sdp ?? "").matchAll(CANDIDATE)].map(([, protocol, address, port, candidateType]) => ({
    protocol: protocol.toLowerCase(),
    address,
    port,
    candidateType,
  }));
}

/**
 * Notes the candidate addresses while a connection is being made, since a failed one takes them along.
 * @returns {stop(): string[]} lines for people
 */
export function recordCandidates(room) {
  const seen = new Map();
  let running = true;

  function look() {
    for (const transport of transports(room)) {
      for (const [side, description] of [
        ["server", transport.getRemoteDescription()],
        ["this browser", transport.getLocalDescription()],
      ]) {
        for (const candidate of addressesIn(description)) {
          const kind = KINDS[candidate.candidateType] ?? candidate.candidateType;
          const at = address(candidate);
          seen.set(`${side} ${at}`, `${side}: ${at}${kind ? `, ${kind}` : ""}`);
        }
      }
    }
  }

  const timer = setInterval(look, 200);
  return {
    stop() {
      if (running) look();
      running = false;
      clearInterval(timer);
      return [...seen.values()].sort(); // "server" comes before "this browser"
    },
  };
}

const EVERY_MS = 2_000;
const KEPT = 5;

/**
 * Facts of a running call, each undefined until the browser tells it:
 * {rtt_ms, buffer_ms: mean playout buffering lately, lost_percent, server, kind}
 */
export class Network {
  facts = {};
  #room;
  #tell;
  #roundTrips = [];
  #buffered = null;
  #timer;

  /** @param tell called with the facts, every two seconds */
  constructor(room, tell) {
    this.#room = room;
    this.#tell = tell;
    this.#timer = setInterval(() => this.measure(), EVERY_MS);
    this.measure();
  }

  stop() {
    clearInterval(this.#timer);
  }

  async measure() {
    for (const report of await reports(this.#room)) {
      this.#path(report);
      this.#playout(report);
    }
    this.#tell(this.facts);
    return this.facts;
  }

  #path(report) {
    const stats = [...report.values()];
    const chosen = stats.find((stat) => stat.type === "transport")?.selectedCandidatePairId;
    const pair = (chosen && report.get(chosen)) || stats.find((stat) => stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded");
    if (!pair || pair.currentRoundTripTime === undefined) return;
    // one measurement of a busy machine says little, and the first ones least, made while the call
    // was set up: the middle one of the last few, the least as long as there are hardly any
    this.#roundTrips = [...this.#roundTrips.slice(1 - KEPT), pair.currentRoundTripTime * 1000];
    this.facts.rtt_ms = [...this.#roundTrips].sort((a, b) => a - b)[this.#roundTrips.length < 3 ? 0 : this.#roundTrips.length >> 1];
    const remote = report.get(pair.remoteCandidateId);
    if (!remote) return;
    this.facts.server = address(remote);
    this.facts.kind = KINDS[remote.candidateType] || "direct";
  }

  #playout(report) {
    const heard = [...report.values()].find((stat) => stat.type === "inbound-rtp" && stat.kind === "audio" && stat.jitterBufferEmittedCount);
    if (!heard) return;
    const now = { delay: heard.jitterBufferDelay, count: heard.jitterBufferEmittedCount };
    const count = now.count - (this.#buffered?.count ?? 0);
    if (count > 0) this.facts.buffer_ms = ((now.delay - (this.#buffered?.delay ?? 0)) / count) * 1000;
    this.#buffered = now;
    const all = heard.packetsReceived + heard.packetsLost;
    if (all > 0) this.facts.lost_percent = (100 * heard.packetsLost) / all;
  }
}
