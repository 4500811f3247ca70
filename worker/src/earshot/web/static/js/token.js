// Asks the page's own server for a token, and for its status. Knows nothing of rooms.

import { recall, remember } from "./dom.js";
import { Failure } from "./failures.js";

const CODE = "earshot.code"; // kept in sessionStorage: gone with the tab

export const setAccessCode = (code) => remember("sessionStorage", CODE, code);

const CODES = {
  code_required: "code_required",
  code_wrong: "code_wrong",
  origin_refused: "refused",
  host_refused: "refused",
  too_many: "too_many",
  unavailable: "unavailable",
};

/**
 * A token for one call: {server_url, participant_token, …}.
 * @throws Failure with a code of failures.js, or code_required, code_wrong
 */
export async function requestToken(request = {}) {
  const headers = { "Content-Type": "application/json" };
  const code = recall("sessionStorage", CODE);
  if (code) headers["X-Access-Code"] = code;
  let response;
  try {
    response = await fetch("api/token", {
      method: "POST",
      headers,
      body: JSON.stringify(request),
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    throw new Failure("page_unreachable");
  }
  let body = null;
  try {
    body = await response.json();
  } catch {
    // not JSON: what answers is not our server
  }
  if (response.ok && body?.server_url && body?.participant_token) return body;
  if (body?.error === "code_wrong") setAccessCode(null);
  const wait_s = Number(response.headers.get("Retry-After")) || undefined;
  const message = body?.message;
  const code_ = CODES[body?.error] ?? (response.status === 429 ? "too_many" : undefined);
  if (code_) throw new Failure(code_, { message, wait_s });
  throw new Failure("internal", { message: `POST /api/token answered ${response.status}${message ? `: ${message}` : ""}` });
}

/** The server's status, or null when it does not answer. */
export async function requestStatus() {
  try {
    const response = await fetch("api/status", { cache: "no-store", signal: AbortSignal.timeout(4_000) });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
