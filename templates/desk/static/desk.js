// Keys for what can be pressed, the same on every page; without script the page works by mouse, touch and Tab.
//
//   data-key="i"        the key i presses this button or link, or puts the cursor into this field
//   data-key="j n"      several keys; a key is what KeyboardEvent.key calls it ("ArrowRight", "Enter", "1")
//   data-help="…"       what the list of keys (?) says of it; left out, its label or its text
//
// A key does nothing while somebody types into a field (Escape leaves it) or holds Ctrl, Alt or Meta, nor for
// what is hidden or disabled. A button or link shows its first key by itself. In an open dialog only its own
// keys work. Of several visible elements with one key the first one wins.
// After a script has changed the page: document.dispatchEvent(new Event("desk:changed")).
// A form with data-keep asks before a page is left on which something was typed and not sent.
"use strict";

(() => {
  const NAMES = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };
  const named = (key) => NAMES[key] || key;
  const keysOf = (element) => element.dataset.key.split(" ").filter(Boolean);
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled;
  const scope = () => [...document.querySelectorAll("dialog[open]")].pop() || document;
  const bound = () => [...scope().querySelectorAll("[data-key]")].filter(isShown);

  function isTyping(element) {
    if (!element) return false;
    const pressed = ["button", "submit", "reset", "checkbox", "radio", "file", "image"];
    if (element.tagName === "INPUT") return !pressed.includes(element.type);
    return element.isContentEditable || ["TEXTAREA", "SELECT"].includes(element.tagName);
  }

  function press(element) {
    const isField = isTyping(element);
    element.focus({ preventScroll: !isField });
    if (!isField) element.click();
    else if (element.select) element.select();
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape" && scope() === document) event.target.blur();
      return;
    }
    // Enter and the space bar press what has the focus, as they always do.
    const pressesItself = event.target.closest?.("a, button, summary, input");
    if (pressesItself && ["Enter", " "].includes(event.key)) return;
    const found = bound().find((element) => keysOf(element).includes(event.key));
    if (!found || event.repeat) return;
    event.preventDefault();
    press(found);
  });

  function told(element) {
    if (element.dataset.help) return element.dataset.help;
    const label = element.getAttribute("aria-label") || element.labels?.[0]?.textContent;
    if (label) return label.trim();
    const copy = element.cloneNode(true);
    copy.querySelectorAll("kbd").forEach((key) => key.remove());
    return copy.textContent.trim().replace(/\s+/g, " ");
  }

  function make(name, text, ...children) {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    element.append(...children);
    return element;
  }

  function list() {
    const rows = new Map();
    for (const element of bound()) if (!rows.has(element.dataset.key)) rows.set(element.dataset.key, element);
    const items = [...rows.values()].map((element) => {
      const keys = keysOf(element).flatMap((key, place) => (place ? [" or ", make("kbd", named(key))] : [make("kbd", named(key))]));
      return make("div", "", make("dt", "", ...keys), make("dd", told(element)));
    });
    return make("dl", "", ...items);
  }

  function showKeys() {
    const shown = list();
    const close = make("button", "Close");
    const dialog = make("dialog", "", make("h2", "Keys on this page"), shown, close);
    dialog.className = "keys";
    dialog.querySelector("h2").id = "keys-title";
    dialog.setAttribute("aria-labelledby", "keys-title");
    close.type = "button";
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  function decorate() {
    for (const element of document.querySelectorAll("[data-key]")) {
      element.setAttribute("aria-keyshortcuts", keysOf(element).map((key) => (key === " " ? "Space" : key)).join(" "));
      if (["A", "BUTTON"].includes(element.tagName) && !element.querySelector("kbd")) {
        const key = make("kbd", named(keysOf(element)[0]));
        key.setAttribute("aria-hidden", "true");
        element.append(key);
      }
    }
  }

  function keepTyped() {
    const changed = new Set();
    document.addEventListener("input", (event) => {
      const form = event.target.closest("form[data-keep]");
      if (form) changed.add(form);
    });
    document.addEventListener("submit", (event) => changed.delete(event.target));
    window.addEventListener("beforeunload", (event) => {
      if ([...changed].some((form) => form.isConnected)) event.preventDefault();
    });
  }

  // Whoever sends more than the desk takes is cut off, and what was typed beside the file would be gone.
  document.addEventListener("change", (event) => {
    if (event.target.type !== "file") return;
    const size = [...event.target.files].reduce((sum, file) => sum + file.size, 0);
    const largest = Number(document.body.dataset.largest);
    const told = `This is larger than the ${largest / 2 ** 20} MB that the desk takes at once.`;
    event.target.setCustomValidity(size > largest ? told : "");
    event.target.reportValidity();
  });

  // On a phone the row of pages is wider than the screen.
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const button = document.getElementById("show-keys");
  button.hidden = false;
  button.addEventListener("click", showKeys);
  document.addEventListener("desk:changed", decorate);
  decorate();
  keepTyped();
})();
