// Two extractions compared: 1, 2 and 3 choose in the difference that is at hand, which is the one with the
// cursor, else the first that is open; then the cursor is in its reason, and Enter goes on to the next.
// Without script, Tab and the arrow keys do the same.
"use strict";

(() => {
  const form = document.querySelector("form.settle");
  if (!form) return;
  document.documentElement.classList.add("scripted");
  const all = [...form.querySelectorAll(".difference")];
  const why = (one) => one.querySelector(".why input");
  const isOpen = (one) => !one.querySelector("input[type=radio]:checked") || !why(one).value.trim();
  let atHand = null;

  function take(one) {
    if (atHand === one) return;
    atHand = one;
    for (const radio of form.querySelectorAll("input[type=radio]")) delete radio.dataset.key;
    one?.querySelectorAll("input[type=radio]").forEach((radio, place) => { radio.dataset.key = String(place + 1); });
    document.dispatchEvent(new Event("desk:changed"));
  }

  function next(after) {
    const later = all.slice(all.indexOf(after) + 1);
    const one = later.find(isOpen) || all.find((other) => other !== after && isOpen(other));
    if (!one) return form.querySelector(".bar button.primary").focus();
    take(one);
    (one.querySelector("input[type=radio]:checked") || one.querySelector("input[type=radio]")).focus({ preventScroll: true });
    one.scrollIntoView({ block: "center" });
  }

  form.addEventListener("focusin", (event) => {
    const one = event.target.closest(".difference");
    if (one) take(one);
  });
  document.addEventListener("keydown", (event) => {
    const one = event.target.closest?.(".difference");
    if (one && event.key === "Enter" && event.target.matches(".why input, .other")) {
      event.preventDefault();
      if (event.target.matches(".other")) why(one).focus();
      else next(one);
    }
  });
  // A key of the desk presses the button; what it chose is then said why.
  document.addEventListener("keyup", (event) => {
    if (!["1", "2", "3"].includes(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    const radio = document.activeElement;
    if (!radio?.matches(".difference input[type=radio]:checked")) return;
    const one = radio.closest(".difference");
    (radio.value === "other" ? one.querySelector(".other") : why(one)).focus();
  });
  form.querySelectorAll(".other").forEach((field) => field.addEventListener("input", () => {
    if (field.value) field.closest(".choice").querySelector("input[type=radio]").checked = true;
  }));
  function count() {
    document.getElementById("left").textContent = all.filter(isOpen).length || "None";
  }
  if (all.length) form.addEventListener("input", count);
  document.getElementById("refused")?.focus();
  take(all.find(isOpen) || all[0] || null);
})();
