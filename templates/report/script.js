"use strict";
// Sorting of tables and printing of folded parts; the page is complete without it.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (head.tagName !== "TH") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        const numeric = x !== "" && y !== "" && !isNaN(x) && !isNaN(y);
        return numeric ? x - y : x.localeCompare(y);
      };
      const body = table.tBodies[0];
      const behind = new Map([...body.querySelectorAll(".behind")].map((row) => [row.previousElementSibling, row]));
      const rows = [...body.rows].filter((row) => !row.matches(".behind, .group-row"));
      rows.sort((a, b) => (down ? -order(a, b) : order(a, b)));
      body.append(...rows.flatMap((row) => (behind.has(row) ? [row, behind.get(row)] : [row])));
      table.dispatchEvent(new Event("sorted"));
    });
  });
}
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((part) => { part.open = true; });
});
addEventListener("afterprint", () => opened.forEach((part) => { part.open = false; }));
{% include "report/forest.js" %}
