// The access code, asked for when the server wants it.

import { $ } from "./dom.js";
import { setAccessCode } from "./token.js";

/** @param then called, within the submit, when a code was entered */
export function codeForm(then) {
  const form = $("#code-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const code = $("#code").value.trim();
    if (!code) return;
    setAccessCode(code);
    $("#code").value = "";
    hide();
    then();
  });

  function hide() {
    form.hidden = true;
    delete document.body.dataset.asking;
  }

  return {
    hide,
    /** @param wrong whether one was tried and refused */
    show(wrong) {
      form.hidden = false;
      document.body.dataset.asking = "";
      $("#code-error").textContent = wrong ? "That code is not right. Look for typing errors." : "";
      $("#code").setAttribute("aria-invalid", String(wrong));
      $("#code").focus();
    },
  };
}
