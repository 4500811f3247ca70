// "Check my connection": from the page's own server to the sound, one step after the other, in words.
// The steps that concern LiveKit are livekit-client's own ConnectionCheck; what it warns of that is
// as it should be on a local network (private addresses, plain ws, no TURN over TLS) is not repeated.

import { $, element, icon } from "./dom.js";
import { describe } from "./status.js";
import { requestStatus, requestToken } from "./token.js";

const LK = window.LivekitClient;

const HARMLESS = [
  /^Server is insecure/,
  /^Server is not configured for ICE\/TCP/,
  /^No public IPv4 UDP candidates/,
  /TURN\/TLS is unavailable/,
  /^No STUN servers configured/,
  /^No TURN servers configured/,
];

const MARKS = { ok: "ok", failed: "close", warning: "warning", skipped: "close", running: "pulse" };

export class ConnectionCheckView {
  #running = false;
  #askCode;

  /** @param askCode called when the server wants the access code first */
  constructor(askCode) {
    this.#askCode = askCode;
    $("#check-run").addEventListener("click", () => this.run());
  }

  open() {
    $("#check").showModal();
    if (!this.#running && !$("#check-list").children.length) {
      this.#sum("", "Looks for the fault from here to the agent, step by step. It takes about 15 seconds, and uses the microphone for one step.");
    }
  }

  report() {
    return [...document.querySelectorAll("#check-list > li")]
      .map((item) => `${item.dataset.result.toUpperCase()}: ${item.querySelector("strong").textContent}. ${item.querySelector(".say").textContent}\n${item.querySelector("pre")?.textContent ?? ""}`.trim())
      .join("\n");
  }

  async run() {
    if (this.#running) return;
    this.#running = true;
    $("#check-run").disabled = true;
    $("#check-copy").hidden = true;
    $("#check-list").replaceChildren();
    this.#sum("running", "Checking…");
    try {
      await this.#steps();
    } finally {
      this.#running = false;
      $("#check-run").disabled = false;
      $("#check-run").textContent = "Run it again";
      $("#check-copy").hidden = false;
      const failed = document.querySelectorAll('#check-list > [data-result="failed"]').length;
      if (failed) this.#sum("failed", failed === 1 ? "One step failed: it says what to do." : `${failed} steps failed: begin with the first.`);
      else this.#sum("ok", "Everything works.");
    }
  }

  async #steps() {
    await this.#step("secure", "This address may use the microphone", async () =>
      window.isSecureContext
        ? ["ok", "The page came from the machine itself, or over https."]
        : ["failed", `Browsers keep the microphone off on ${location.origin}. Open http://localhost on the machine itself, or use https.`],
    );
    const status = await this.#step("server", "The page's server answers", async () => {
      const now = await requestStatus();
      if (!now) return ["failed", "Nothing answers. Start Earshot with “earshot up”.", [], null];
      const [level, text] = describe(now);
      return [level === "ok" ? "ok" : "warning", `${text}. Calls: ${now.calls} of ${now.calls_max}.`, [JSON.stringify(now)], now];
    });
    if (!status) return;
    const grant = await this.#step("access", "You may call", async () => {
      try {
        const room_name = `check-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
        return ["ok", "The server gave a pass for one test room.", [], await requestToken({ room_name })];
      } catch (failure) {
        if (failure.code?.startsWith("code_")) {
          this.#askCode(failure.code);
          return ["failed", "The server asks for the access code: close this, enter it, and run the check again.", [], null];
        }
        return ["failed", failure.detail?.message ?? failure.message, [], null];
      }
    });
    if (!grant) return;
    const check = new LK.ConnectionCheck(grant.server_url, grant.participant_token);
    await this.#livekit("signal", "The call server answers", check.checkWebsocket.bind(check), {
      ok: `Connected to ${grant.server_url}.`,
      failed: `No answer from ${grant.server_url}. Look at “earshot status”, at network.address, and at the firewall (TCP).`,
    });
    const media = await this.#livekit("media", "Sound finds its way", check.checkWebRTC.bind(check), {
      ok: "A direct path for the audio was opened.",
      failed: "No path to any of the server's addresses. Let UDP 7882 and TCP 7881 through, and see whether the addresses in the details can be reached from here.",
    });
    await this.#livekit("relay", "Sound can be relayed", check.checkTURN.bind(check), {
      ok: "The server's own relay (TURN) works too.",
      failed: "The relay (TURN, UDP 3478) does not work. That matters only where the direct path is blocked.",
      skipped: "The server offers no relay (TURN). That matters only where the direct path is blocked.",
      mild: true,
    });
    if (media === "failed") return;
    await this.#livekit("microphone", "The microphone is heard", check.checkPublishAudio.bind(check), {
      ok: "Sound from your microphone was sent.",
      failed: "No sound was sent. See whether the microphone is allowed, chosen, and not muted.",
    });
    await this.#livekit("reconnect", "A broken connection comes back", check.checkReconnect.bind(check), {
      ok: "After a break the call goes on.",
      failed: "The connection did not come back after a break.",
    });
  }

  async #step(name, title, work) {
    const item = this.#item(name, title);
    const [result, text, logs, value] = await work();
    finish(item, result, text, logs);
    return value;
  }

  async #livekit(name, title, run, words) {
    const item = this.#item(name, title);
    let info;
    try {
      info = await run();
    } catch (error) {
      info = { status: LK.CheckStatus.FAILED, logs: [{ level: "error", message: error.message }] };
    }
    const serious = info.logs.filter((log) => !HARMLESS.some((pattern) => pattern.test(log.message)));
    const logs = serious.map((log) => `${log.level}: ${log.message}`);
    let result = "ok";
    if (info.status === LK.CheckStatus.SKIPPED) result = "skipped";
    else if (info.status === LK.CheckStatus.FAILED) result = words.mild ? "warning" : "failed";
    else if (serious.some((log) => log.level === "warning")) result = "warning";
    finish(item, result, words[result === "warning" ? (words.mild ? "failed" : "ok") : result] ?? "", logs);
    return result;
  }

  #item(name, title) {
    const item = element(
      "li",
      { "data-check": name, "data-result": "running" },
      element("span", { class: "mark" }, icon("pulse")),
      element("strong", {}, title),
      element("span", { class: "say" }, "Checking…"),
    );
    $("#check-list").append(item);
    return item;
  }

  #sum(result, text) {
    $("#check-summary").dataset.result = result;
    $("#check-summary").textContent = text;
  }
}

function finish(item, result, text, logs = []) {
  item.dataset.result = result;
  item.querySelector(".mark").replaceChildren(icon(MARKS[result]));
  item.querySelector(".say").textContent = text;
  if (logs.length) item.append(element("details", {}, element("summary", {}, "Details"), element("pre", { tabindex: "0" }, logs.join("\n"))));
}
