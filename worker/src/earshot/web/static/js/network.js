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

/**
 * Notes the candidate addresses while a connection is being made, since a failed one takes them along.
 * @returns {stop(): Promise<string[]>} lines for people
 */
export function recordCandidates(room) {
  const seen = new Map();
  let running = true;

  async function look() {
    for (const report of await reports(room)) {
      for (const stat of report.values()) {
        const side = stat.type === "remote-candidate" ? "server" : stat.type === "local-candidate" ? "this browser" : null;
        if (!side) continue;
        const kind = KINDS[stat.candidateType] ?? stat.candidateType;
        seen.set(`${side} ${address(stat)}`, `${side}: ${address(stat)}${kind ? `, ${kind}` : ""}`);
      }
    }
  }

  const loop = (async () => {
    while (running) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  })();

  return {
    async stop() {
      running = false;
      await loop;
      return [...seen.values()].sort((a, b) => b.localeCompare(a)); // the server's first among equals
    },
  };
}

let before = null;

/**
 * Facts of a running call, each undefined where the browser does not tell:
 * {rtt_ms, buffer_ms (mean playout buffering since the last call of this), lost_percent, server, protocol, kind}
 */
export async function connectionFacts(room) {
  const facts = {};
  for (const report of await reports(room)) {
    const stats = [...report.values()];
    const chosen = stats.find((stat) => stat.type === "transport")?.selectedCandidatePairId;
    const pair = (chosen && report.get(chosen)) || stats.find((stat) => stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded");
    if (pair && facts.rtt_ms === undefined) {
      if (pair.currentRoundTripTime !== undefined) facts.rtt_ms = pair.currentRoundTripTime * 1000;
      const remote = report.get(pair.remoteCandidateId);
      if (remote) {
        facts.server = address(remote);
        facts.kind = KINDS[remote.candidateType] || "direct";
      }
    }
    const heard = stats.find((stat) => stat.type === "inbound-rtp" && stat.kind === "audio" && stat.jitterBufferEmittedCount);
    if (heard) {
      const now = { delay: heard.jitterBufferDelay, count: heard.jitterBufferEmittedCount };
      const count = now.count - (before?.count ?? 0);
      if (before && count > 0) facts.buffer_ms = ((now.delay - before.delay) / count) * 1000;
      before = now;
      const all = heard.packetsReceived + heard.packetsLost;
      if (all > 0) facts.lost_percent = (100 * heard.packetsLost) / all;
    }
  }
  return facts;
}
