// The judgement follows the answers as they are given; without this script the button beside Save does the same.
"use strict";

(() => {
  const form = document.querySelector("form[data-judge]");
  if (!form) return;
  form.classList.add("scripted");
  let asked = 0;

  function show(found) {
    for (const [id, state] of Object.entries(found.states)) {
      document.getElementById(id).dataset.state = state;
    }
    for (const [id, one] of Object.entries(found.judged)) {
      const place = document.getElementById(id);
      const light = place.querySelector(".light");
      light.className = `light ${one.level}`;
      light.textContent = one.letter;
      place.querySelector(".words").textContent = one.words;
      place.querySelector(".basis").textContent = [one.basis, one.detail].filter(Boolean).join(": ");
    }
    document.dispatchEvent(new Event("desk:changed"));
  }

  async function judge() {
    asked += 1;
    const mine = asked;
    try {
      const answer = await fetch(form.dataset.judge, { method: "POST", body: new FormData(form) });
      if (answer.ok && mine === asked) show(await answer.json());
    } catch {
      // The desk was closed: what was typed stays, and Save will say so.
    }
  }

  form.addEventListener("change", judge);
})();
