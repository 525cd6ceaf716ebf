// The form of a trial: checked while it is typed, drawn beside the other trials, and saved after a pause.
// Without script the buttons do the same.
"use strict";

(() => {
  const form = document.getElementById("sheet");
  if (!form) return;
  document.documentElement.classList.add("scripted");
  const CHECK_AFTER = 80; // ms without a key
  const SAVE_AFTER = 2500;
  const KINDS = {
    error: "cannot be", missing: "", likely: "most likely a mistake", look: "look again",
    know: "", cleared: "cleared",
  };
  const status = document.getElementById("status");
  const preview = document.getElementById("preview");
  const shown = new Map();
  // Reasons stay in the page while a finding comes and goes with the values that are typed.
  const given = new Map();
  let checkTimer, saveTimer, checking = false, isStale = false, isHeld = "held" in form.dataset, isTyped = false, saving = null;

  function body() {
    const found = new URLSearchParams(new FormData(form));
    for (const [name, text] of given) if (!found.has(name)) found.set(name, text);
    return found;
  }
  const field = (name) => form.elements.namedItem(name);
  const send = (address, options) => fetch(address, { method: "POST", body: body(), credentials: "same-origin", ...options });

  // The lines of a way of printing; a cell in which something stands is always shown.
  function showWay(row) {
    const way = row.querySelector("[data-way]").value;
    row.querySelectorAll("[data-ways]").forEach((line) => {
      const own = line.classList.contains("below") ? line.previousElementSibling : line;
      const isFilled = [...own.querySelectorAll("input, select")].some((one) => one.value && !one.name.startsWith("clear."));
      line.hidden = !(isFilled || line.dataset.ways.split(" ").includes(way));
    });
    row.querySelectorAll("table.arms").forEach((table) => {
      table.hidden = ![...table.querySelectorAll("tbody tr")].some((line) => !line.hidden);
    });
  }

  // The rows of one paper share their arms and source: they are written into a row when its first value is
  // typed, as extraction/shared.py does it when the form is sent.
  function giveShared(row) {
    const of = (one, column) => field(`row.${one.dataset.row}.${column}`);
    const take = (column, from) => {
      const to = of(row, column);
      if (to && from && !to.value) to.value = from.value;
    };
    const rows = [...form.querySelectorAll(".row")];
    for (const before of rows.slice(0, rows.indexOf(row)).reverse()) {
      if (of(before, "comparison").value !== of(row, "comparison").value) continue;
      for (const column of ["arm_1", "arm_2", "source"]) {
        if (column !== "arm_2" || of(row, "way").value !== "single_group") take(column, of(before, column));
      }
    }
    take("source", field("study.source"));
  }

  // What a closed row is called.
  function name(row) {
    const parts = ["instrument", "timepoint", "comparison"].map((one) => field(`row.${row.dataset.row}.${one}`).value);
    row.querySelector("summary .soft").textContent = parts.filter(Boolean).join(", ");
  }

  function say(place, messages) {
    const before = shown.get(place);
    const now = JSON.stringify(messages.map((one) => [one.kind, one.text, one.clear]));
    if (before === now) return;
    shown.set(place, now);
    const reasons = new Map([...place.querySelectorAll("label.why")].map((one) => [one.querySelector("input").name, one]));
    place.replaceChildren();
    for (const one of messages) {
      const line = document.createElement("p");
      line.className = `is-${one.kind}`;
      const kind = document.createElement("b");
      kind.textContent = `${KINDS[one.kind]}:`;
      if (KINDS[one.kind]) line.append(kind, " ");
      line.append(`${one.text}${one.kind === "cleared" && one.reason ? ` (${one.reason})` : ""}`);
      place.append(line);
      if (one.clear) place.append(reasons.get(one.clear) || why(one));
    }
  }

  function why(one) {
    const label = document.createElement("label");
    label.className = "why";
    const input = document.createElement("input");
    input.name = one.clear;
    input.value = given.get(one.clear) ?? one.reason;
    input.autocomplete = "off";
    label.append("Why it is right all the same ", input);
    return label;
  }

  function tell(messages) {
    const byField = new Map();
    for (const one of messages) byField.set(one.field, [...(byField.get(one.field) || []), one]);
    form.querySelectorAll(".said").forEach((place) => {
      const own = byField.get(place.dataset.for) || [];
      say(place, own);
      const input = field(place.dataset.for);
      if (!input || !input.setAttribute) return;
      if (own.some((one) => ["error", "likely"].includes(one.kind))) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      // What is said must be seen, whatever way of printing is chosen.
      for (const line of [input.closest("[data-ways]"), place.closest("[data-ways]")]) {
        if (own.length && line) line.hidden = false;
      }
    });
    const count = messages.filter((one) => ["error", "missing"].includes(one.kind) || (one.kind === "likely" && !one.reason)).length;
    return `${count} to mend or fill in before it can enter.`;
  }

  // One question at a time: what is typed meanwhile is asked about next.
  async function check() {
    if (checking) {
      isStale = true;
      return;
    }
    checking = true;
    isStale = false;
    try {
      const answer = await send(form.dataset.check);
      if (answer.ok) {
        const said = await answer.json();
        if (!isStale) show(said);
      } else if (status) status.textContent = "The form could not be checked: save it, and see what is said then.";
    } catch {
      if (status) status.textContent = "The desk does not answer. What you type stays in this page.";
    }
    checking = false;
    if (isStale) check();
  }

  function show(said) {
    const told = tell(said.messages);
    if (status && !isHeld) status.textContent = told;
    if (preview.dataset.drawn !== said.preview) {
      preview.dataset.drawn = said.preview;
      preview.innerHTML = said.preview;
    }
  }

  async function save(options) {
    if (!form.dataset.save || isHeld || !isTyped || saving) return;
    isTyped = false;
    const sent = new Map(body());
    saving = send(form.dataset.save, options);
    try {
      const answer = await saving;
      if (!answer.ok) throw new Error("refused");
      const said = await answer.json();
      for (const [name, text] of Object.entries(said.taken)) {
        const input = field(name);
        if (input && input.value === sent.get(name)) input.value = text;
      }
      field("base").value = said.base;
      if (said.disputed.length) dispute(said.disputed);
      else if (status) status.textContent = said.said;
    } catch {
      isTyped = true;
      if (status) status.textContent = "Not saved: press Save draft to see why.";
    } finally {
      saving = null;
    }
  }

  function dispute(fields) {
    isHeld = true; // until the person saves
    isTyped = true;
    for (const one of fields) {
      const place = document.getElementById(`said-${one.field}`);
      const line = document.createElement("p");
      line.className = "is-error";
      line.textContent = `Somebody else has typed “${one.theirs || "(empty)"}” here meanwhile; before, it was “${one.before || "(empty)"}”.`;
      place?.prepend(line);
    }
    if (status) status.textContent = `Not saved: somebody else has typed other values into ${fields.length} of your fields. They are shown there; press Save draft to keep yours.`;
  }

  function typed(event) {
    const row = event.target.closest(".row");
    if (row && event.target.matches("[data-way]")) showWay(row);
    if (row && event.target.value && /\.(instrument|way|mean|median|change_mean|events|printed_effect|n|t_value|f_value|p_value)(_\d)?$/.test(event.target.name)) giveShared(row);
    if (row) name(row);
    if (event.target.name.startsWith("clear.")) given.set(event.target.name, event.target.value);
    isTyped = true;
    clearTimeout(checkTimer);
    clearTimeout(saveTimer);
    checkTimer = setTimeout(check, CHECK_AFTER);
    saveTimer = setTimeout(save, SAVE_AFTER);
  }

  form.addEventListener("input", typed);
  form.addEventListener("change", typed);
  form.addEventListener("submit", () => { clearTimeout(saveTimer); form.dataset.save = ""; });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save({ keepalive: true }); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s" && !event.altKey) {
      event.preventDefault();
      form.querySelector(".bar button[value=save]")?.click();
    }
  });
  // A link to a field opens what it lies in.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target; part; part = part.parentElement?.closest("details")) if (part.tagName === "DETAILS") part.open = true;
    target?.closest("[data-ways]")?.removeAttribute("hidden");
    target?.focus?.();
    target?.scrollIntoView({ block: "center" });
  }
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
  document.getElementById("refused")?.focus();
  if (form.dataset.focus) document.getElementById(`${form.dataset.focus}.instrument`)?.focus();
  form.querySelectorAll(".row").forEach(showWay);
  check();
})();
