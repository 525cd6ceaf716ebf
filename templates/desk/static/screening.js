// What keys and one hand need beside the forms, which work without it. A form of this page is sent without
// leaving the page: the answer, which is a whole page, takes the place of what is shown. So the next record is
// there at once, and nothing flickers. Whatever goes wrong on the way, the form is sent as ever.
"use strict";

(() => {
  const narrow = matchMedia("(max-width: 60rem)");
  const decide = () => document.getElementById("decide");
  let waits = false; // whether the button Awaiting has asked for a note
  let isSent = false;

  function fold() {
    if (narrow.matches) for (const part of document.querySelectorAll("details[data-fold]")) part.open = false;
  }

  // What is to be done before a form is sent; true if it may not be sent now.
  function held(form, button) {
    const note = document.getElementById("note");
    if (button?.matches("[data-needs-note]") && !note.value.trim()) {
      waits = true;
      note.placeholder = "What it waits for; Enter files it";
      note.focus();
      return true;
    }
    if (button?.matches("[data-needs-reason]") && !document.getElementById("reason").value) {
      const reasons = document.getElementById("reasons");
      reasons.open = true;
      reasons.querySelector("button").focus();
      return true;
    }
    return isSent;
  }

  function show(page, address) {
    const answer = new DOMParser().parseFromString(page, "text/html");
    const main = answer.getElementById("main");
    if (!main) return false;
    const open = Object.fromEntries([...document.querySelectorAll("details[data-fold]")].map((one) => [one.className, one.open]));
    const top = document.querySelector("aside")?.scrollTop || 0;
    document.getElementById("main").replaceWith(main);
    document.title = answer.title;
    history.replaceState(null, "", address);
    for (const part of document.querySelectorAll("details[data-fold]")) part.open = open[part.className] ?? part.open;
    if (document.querySelector("aside")) document.querySelector("aside").scrollTop = top;
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
    document.dispatchEvent(new Event("desk:changed"));
    return true;
  }

  async function send(form, button) {
    isSent = true;
    const body = new URLSearchParams(new FormData(form, button));
    const action = button?.getAttribute("formaction") || form.getAttribute("action");
    try {
      const answer = await fetch(action, { method: "POST", body, redirect: "follow" });
      const address = answer.redirected ? answer.url : location.href;
      if (show(await answer.text(), address)) return;
    } catch {
      // The desk was closed, perhaps: the browser says so when the form is sent as ever.
    } finally {
      isSent = false;
    }
    HTMLFormElement.prototype.requestSubmit.call(Object.assign(form, { isPlain: true }), button);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.isPlain || form.enctype === "multipart/form-data") return;
    if (form === decide() && held(form, event.submitter)) {
      event.preventDefault();
      return;
    }
    event.preventDefault();
    waits = false;
    if (!isSent) send(form, event.submitter);
  });

  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "note" || event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (waits) decide().requestSubmit(decide().querySelector("[data-needs-note]"));
    else event.target.blur();
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest(".to-criteria")) return;
    for (const part of document.querySelectorAll("details[data-fold]")) part.open = true;
  });

  fold();
})();
