// Everything that can go wrong: what it is, and what to do. Nothing here knows how it is found out.

import { $, element, icon } from "./dom.js";

/** A failure that people are told about. `code` is a key of FAILURES. */
export class Failure extends Error {
  constructor(code, detail = {}) {
    super(code);
    this.name = "Failure";
    this.code = code;
    this.detail = detail;
  }
}

const AGAIN = { id: "again", text: "Try again" };
const TYPE = { id: "type", text: "Type instead" };
const CHECK = { id: "check", text: "Check my connection" };
const SOUND = { id: "sound", text: "Choose another microphone" };

const local = () => `http://localhost${location.port ? `:${location.port}` : ""}/`;

/** code -> (detail) => {title, what, todo, actions, facts?} */
export const FAILURES = {
  insecure_origin: () => ({
    title: "Your browser keeps the microphone off on this address",
    what: `Browsers lend the microphone only to pages that came over https, or from the machine itself. This one came from ${location.origin}.`,
    todo: [
      `On the machine that runs the agent, open ${local()}`,
      "From another machine, open the page over https: ask whoever runs the agent for that address.",
      "Or type: the agent still answers by voice.",
    ],
    actions: [TYPE, CHECK],
  }),
  unsupported: () => ({
    title: "This browser cannot make the call",
    what: "It has no WebRTC, which carries the sound.",
    todo: ["Use a current Firefox, Chrome, Edge or Safari.", "If WebRTC was switched off by an extension or a policy, allow it for this page."],
    actions: [AGAIN],
  }),
  mic_denied: () => ({
    title: "The microphone is not allowed",
    what: "Your browser, or the system, has refused this page the microphone.",
    todo: [
      "Click the icon left of the page's address, set the microphone to “Allow”, then try again.",
      "If it is allowed there, look at the system's own privacy settings for microphones.",
    ],
    actions: [AGAIN, TYPE],
  }),
  mic_missing: () => ({
    title: "No microphone was found",
    what: "The browser sees no microphone on this machine.",
    todo: ["Plug one in, or switch your headset on, then try again.", "On a remote desktop or virtual machine, let it pass the microphone through."],
    actions: [AGAIN, TYPE],
  }),
  mic_busy: () => ({
    title: "The microphone could not be opened",
    what: "Another program uses it, or the system refused it.",
    todo: ["Close other programs that record, such as a video call, then try again.", "Or choose another microphone."],
    actions: [AGAIN, SOUND, TYPE],
  }),
  page_unreachable: () => ({
    title: "This page's server does not answer",
    what: `Nothing answers at ${location.origin}, where the page came from.`,
    todo: ["Look whether Earshot is still running there: start it with “earshot up”.", "If it runs on another machine, look at your network or VPN."],
    actions: [AGAIN, CHECK],
  }),
  livekit_unreachable: ({ url, message }) => ({
    title: "The call server cannot be reached",
    what: `The page could not connect to ${url || "livekit-server"}.`,
    todo: [
      "Look at “earshot status” on the machine that runs the agent: livekit-server should be up.",
      "If the address above is not one that this machine can reach, set network.address to one that it can.",
      "A firewall must let that TCP port through.",
    ],
    facts: message,
    actions: [AGAIN, CHECK],
  }),
  ice_failed: ({ candidates }) => ({
    title: "The sound finds no way through",
    what: "The call server answers, but no path for the audio could be opened to any of the addresses that it offered.",
    todo: [
      "Let the audio ports through the firewall (UDP 7882 and TCP 7881, unless they were changed).",
      "Look whether the server's addresses below can be reached from this machine; if not, set network.address on the machine that runs the agent.",
      "Switch off a VPN or a browser extension that hides addresses.",
    ],
    facts: candidates?.length ? `Tried:\n${candidates.join("\n")}` : "No candidate address was gathered at all.",
    open: true,
    actions: [AGAIN, CHECK],
  }),
  worker_absent: () => ({
    title: "The agent has not joined the call",
    what: "You are connected, but nobody is there. You will be put through if it still comes.",
    todo: ["It may be starting: wait a moment longer.", "Look at “earshot status” on the machine that runs it: the worker should be up.", "Hang up and call again."],
    actions: [{ id: "again", text: "Call again" }, { id: "hangup", text: "Hang up" }],
  }),
  agent_lost: () => ({
    title: "The agent dropped out of the call",
    what: "It left without saying goodbye, and calling it again did not work.",
    todo: ["Wait a moment, then call again: it is restarted by itself.", "If that does not help, look at “earshot status” and the worker's log on the machine that runs it."],
    actions: [{ id: "again", text: "Call again" }, CHECK],
  }),
  connection_lost: ({ reason }) => ({
    title: "The connection was lost",
    what: "The call broke off and could not be taken up again.",
    todo: ["Look whether you are still on the network.", "Call again: the transcript is kept on this page."],
    facts: reason ? `Reason given: ${reason}` : undefined,
    actions: [{ id: "again", text: "Call again" }, CHECK],
  }),
  opened_elsewhere: () => ({
    title: "The call went on somewhere else",
    what: "The same caller joined from another tab or window, so this one was let go.",
    todo: ["Go on there, or call again here."],
    actions: [{ id: "again", text: "Call again" }],
  }),
  too_many: ({ wait_s }) => ({
    title: "Too many tries",
    what: `The server takes no more from this address for now. ${wait_s ? `It will again in ${seconds(wait_s)}.` : ""}`,
    todo: [wait_s ? "Wait: the button below comes back by itself." : "Wait a minute, then try again."],
    actions: [{ ...AGAIN, wait_s: wait_s ?? 0 }],
  }),
  unavailable: ({ message }) => ({
    title: "The agent takes no calls just now",
    what: message || "It is starting, or being stopped.",
    todo: ["Try again in a few seconds.", "Look at “earshot status” on the machine that runs it."],
    actions: [AGAIN, CHECK],
  }),
  refused: ({ message }) => ({
    title: "The server refuses this page's address",
    what: message || `It does not serve callers at ${location.host}.`,
    todo: ["Open the page at the address that “earshot up” prints.", "If you use a proxy or another name, add it to the settings of the machine that runs the agent."],
    actions: [CHECK],
  }),
  internal: ({ message }) => ({
    title: "Something went wrong that should not",
    what: "The page met an error that it does not know.",
    todo: ["Reload the page and try again.", "If it comes back, report it with the text below."],
    facts: message,
    actions: [AGAIN, CHECK],
  }),
};

function seconds(wait_s) {
  if (wait_s < 90) return `${Math.ceil(wait_s)} seconds`;
  return `${Math.ceil(wait_s / 60)} minutes`;
}

let counting = 0;

/** Shows a failure. `act(id)` is called with the button that was pressed. */
export function showFailure(failure, act) {
  const describe = FAILURES[failure.code] ?? FAILURES.internal;
  const told = describe(failure.detail ?? {});
  const box = $("#failure");
  const actions = element("div", { id: "failure-actions" });
  told.actions.forEach((action, i) => {
    const button = element(
      "button",
      { type: "button", class: i ? "quiet framed" : "primary small", "data-action": action.id, onclick: () => act(action.id) },
      action.text,
    );
    if (action.wait_s) countDown(button, action);
    actions.append(button);
  });
  box.replaceChildren(
    element("h2", {}, icon("warning"), told.title),
    element("p", {}, told.what),
    element("ul", {}, ...told.todo.map((line) => element("li", {}, line))),
    ...(told.facts
      ? [element("details", { open: told.open ?? false }, element("summary", {}, "Details"), element("pre", { tabindex: "0" }, told.facts))]
      : []),
    actions,
  );
  box.hidden = false;
  document.body.dataset.failure = failure.code;
}

export function clearFailure() {
  clearInterval(counting);
  const box = $("#failure");
  box.hidden = true;
  box.replaceChildren();
  document.body.dataset.failure = "";
}

function countDown(button, action) {
  const until = performance.now() + action.wait_s * 1000;
  const tick = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${action.text} in ${seconds(left)}` : action.text;
    if (left <= 0) clearInterval(counting);
  };
  clearInterval(counting);
  counting = setInterval(tick, 500);
  tick();
}
