"use strict";
// Asks once a second how far the run is; without this script the page reloads itself.
(() => {
  const place = document.getElementById("run");
  const told = document.getElementById("told");
  let last = "";
  const isLive = () => place.querySelector("[data-live]")?.dataset.live === "yes";
  const tell = () => {
    const now = place.querySelector("[data-tell]")?.dataset.tell || "";
    if (now !== last) told.textContent = last = now;
  };
  const look = async () => {
    try {
      const answer = await fetch(place.dataset.now, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const text = await answer.text();
        // The focus stays where it is: a button under the finger is not exchanged for its like.
        const focused = place.contains(document.activeElement) && document.activeElement.tagName;
        if (!focused || !text.includes('data-live="yes"')) place.innerHTML = text;
        else for (const name of ["progress", ".state", ".said", ".note"]) exchange(name, text);
      }
    } catch {
      // The desk was closed, or sleeps; it is asked again.
    }
    tell();
    if (isLive()) setTimeout(look, 1000);
  };
  const exchange = (name, text) => {
    const other = new DOMParser().parseFromString(text, "text/html").querySelector(name);
    const own = place.querySelector(name);
    if (other && own) own.replaceWith(other);
  };
  tell();
  if (isLive()) setTimeout(look, 1000);
})();
