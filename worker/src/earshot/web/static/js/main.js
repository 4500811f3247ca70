// Puts the parts together, and gives the buttons and keys their work.

import { Captions } from "./captions.js";
import { ConnectionCheckView } from "./check.js";
import { codeForm } from "./code.js";
import { Devices } from "./devices.js";
import { $, copyText, flash } from "./dom.js";
import { Failure, clearFailure } from "./failures.js";
import { History } from "./history.js";
import { Meter } from "./meter.js";
import { Orb } from "./orb.js";
import { Session } from "./session.js";
import { States, duration } from "./states.js";
import { Status } from "./status.js";
import { downloadText, fileName, transcriptText } from "./transcript.js";

window.LivekitClient.setLogLevel("warn");

const name = () => status.latest?.persona?.name ?? "Earshot";
const status = new Status();
const captions = new Captions(name);
const history = new History();
const devices = new Devices();
const orb = new Orb($("#orb"));
const states = new States(orb, () => !captions.empty);
const code = codeForm(() => session.talk({ typed: session.typing }));
const check = new ConnectionCheckView((why) => code.show(why === "code_wrong"));
const session = new Session({ status, states, captions, history, devices, code, name, act });

/** A button of a failure was pressed. */
function act(action) {
  if (action === "again") session.talk({ typed: session.typing });
  else if (action === "type") session.talk({ typed: true });
  else if (action === "check") check.open();
  else if (action === "sound") devices.open();
  else if (action === "hangup") session.hangUp();
}

async function say(text) {
  const shown = captions.typed(text);
  try {
    await session.call.send(text);
  } catch {
    shown.failed();
  }
}

async function copy(button, text) {
  await copyText(text).then(
    () => flash(button, "Copied"),
    () => flash(button, "Not copied"),
  );
}

const transcript = () => transcriptText(captions.entries, name());
const on = (selector, type, handle) => $(selector).addEventListener(type, handle);

on("#talk", "click", () => session.talk());
on("#mute", "click", () => session.setMuted(!session.muted));
on("#hangup", "click", () => session.hangUp());
on("#sound", "click", () => devices.open());
on("#open-sound-first", "click", () => devices.open());
on("#open-history", "click", () => history.open());
on("#open-check", "click", () => check.open());
on("#check-copy", "click", (event) => copy(event.currentTarget, check.report()));
on("#copy", "click", (event) => copy(event.currentTarget, transcript()));
on("#download", "click", (event) => {
  downloadText(transcript(), fileName());
  flash(event.currentTarget, "Saved");
});
on("#chat", "submit", (event) => {
  event.preventDefault();
  const text = $("#chat-text").value.trim();
  if (!text || states.now !== "in-call") return;
  $("#chat-text").value = "";
  say(text);
});
on("#suggestions", "click", (event) => {
  const button = event.target.closest("button");
  if (button && session.call) say(button.textContent);
});

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "m" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  if (devices.shortcut && session.call && !session.typing) session.setMuted(!session.muted);
});

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog) return;
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    if (!inside) dialog.close();
  });
}

const meter = new Meter($("#meter"));
orb.levels = () => session.levels();
orb.onframe = ({ you }) => meter.show(you);
setInterval(() => {
  $("#clock").textContent = states.now === "in-call" ? duration(Date.now() - session.startedAt) : "";
}, 500);

// a page that the browser kept while another was shown starts afresh
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
window.addEventListener("pagehide", () => session.letGo());

status.addEventListener("change", ({ detail: now }) => {
  const { state, failure } = document.body.dataset;
  if (state === "idle") $("#title").textContent = `Talk to ${name()}`;
  if (state === "failed" && ["unavailable", "page_unreachable"].includes(failure) && now?.ready) {
    clearFailure();
    states.idle(name());
    states.mood({ present: false, state: "" }, { muted: session.muted, typing: false });
  }
});

window.earshot = {
  get room() {
    return session.call?.room ?? null;
  },
  transcript,
  turns: () => history.all(),
};

states.idle(name());
status.start();
if (!window.isSecureContext) session.fail(new Failure("insecure_origin"));
