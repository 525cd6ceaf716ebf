// What keys and one hand need beside the forms, which work without it.
"use strict";

(() => {
  const form = document.getElementById("decide");
  const narrow = matchMedia("(max-width: 60rem)");
  if (narrow.matches) for (const part of document.querySelectorAll("details[data-fold]")) part.open = false;
  document.querySelector(".to-criteria")?.addEventListener("click", () => {
    for (const part of document.querySelectorAll("details[data-fold]")) part.open = true;
  });
  if (!form) return;

  const note = document.getElementById("note");
  let waits = null; // the button that asked for a note
  let isSent = false;

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (isSent) {
      event.preventDefault();
    } else if (button?.matches("[data-needs-note]") && !note.value.trim()) {
      event.preventDefault();
      waits = button;
      note.placeholder = "What it waits for; Enter files it";
      note.focus();
    } else if (button?.matches("[data-needs-reason]")) {
      event.preventDefault();
      const reasons = document.getElementById("reasons");
      reasons.open = true;
      reasons.querySelector("button").focus();
    } else {
      isSent = true;
    }
  });
  note.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (waits) form.requestSubmit(waits);
    else note.blur();
  });
})();
