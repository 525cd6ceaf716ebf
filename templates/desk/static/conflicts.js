// After a decision is chosen by its key, the cursor goes to what is missing: the reason, or why.
"use strict";

document.addEventListener("change", (event) => {
  if (event.target.name !== "decision") return;
  const [reason, note] = ["reason", "note"].map((id) => document.getElementById(id));
  const form = event.target.form;
  const needsReason = event.target.value === "exclude" && form.elements.stage.value === "full-text";
  (needsReason && !reason.value ? reason : note).focus();
});
