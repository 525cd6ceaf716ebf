// Rows of the forest tables: what lies behind them, filters, grouping. Next to nothing is done for a row before
// it is asked for, so that thousands of rows cost little when the page opens.
const behindOf = (link) => link.closest("tr").nextElementSibling;
const showBehind = (link, open) => {
  const behind = behindOf(link);
  behind.classList.toggle("open", open);
  behind.classList.toggle("shut", !open);
  link.setAttribute("aria-expanded", open);
};
const arrive = () => {
  const row = document.querySelector(".behind:target");
  if (!row) return;
  for (let part = row.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  showBehind(row.previousElementSibling.querySelector(".open-row"), true);
  row.scrollIntoView({ block: "nearest" });
};
for (const link of document.querySelectorAll("a.open-row")) link.setAttribute("aria-expanded", "false");
addEventListener("hashchange", arrive);
arrive();
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.open-row");
  if (!link) return;
  event.preventDefault();
  showBehind(link, !behindOf(link).matches(".open"));
});
for (const bar of document.querySelectorAll(".filters")) {
  const table = document.getElementById(bar.dataset.table);
  const body = table.tBodies[0];
  const grouping = bar.querySelector(".grouping");
  let trials, words, original;
  const read = () => {
    if (trials) return;
    trials = [...body.rows].filter((row) => row.dataset.filter);
    original = trials.map((row) => [row, row.nextElementSibling]);
    const said = (row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
    words = new Map(trials.map((row) => [row, said(row)]));
  };
  const chosen = () => [...bar.querySelectorAll("[data-place]")]
    .map((field) => [field.dataset.place, field.type === "checkbox" && !field.checked ? "" : field.value])
    .filter(([, value]) => value !== "");
  const filter = () => {
    read();
    const text = bar.querySelector("[type=search]").value.trim().toLowerCase();
    const wanted = chosen();
    let shown = 0;
    for (const row of trials) {
      const has = row.dataset.filter.split(",");
      const fits = words.get(row).includes(text) && wanted.every(([place, value]) => has[place] === value);
      row.hidden = row.nextElementSibling.hidden = !fits;
      shown += fits;
    }
    const all = shown === trials.length;
    bar.querySelector(".shown").textContent = all ? "" : `${shown} of ${trials.length} rows shown; the pool is of all`;
  };
  const group = () => {
    for (const row of body.querySelectorAll(".group-row")) row.remove();
    if (!grouping || grouping.value === "") return;
    const place = (row) => Number(row.dataset.group.split(",")[grouping.value]);
    const pairs = [...body.rows].filter((row) => row.dataset.filter).map((row) => [row, row.nextElementSibling]);
    const heads = [...table.querySelectorAll(".groups tr")].filter((row) => row.dataset.variable === grouping.value);
    for (const at of [...new Set(pairs.map(([row]) => place(row)))].sort((a, b) => a - b)) {
      const head = heads.find((row) => Number(row.dataset.at) === at)?.cloneNode(true);
      if (head) {
        head.className = "group-row";
        body.append(head);
      }
      for (const [row, behind] of pairs) if (place(row) === at) body.append(row, behind);
    }
  };
  bar.hidden = false;
  bar.addEventListener("input", filter);
  grouping?.addEventListener("change", () => {
    read();
    if (grouping.value === "" && !table.querySelector("thead [aria-sort]")) {
      for (const pair of original) body.append(...pair);
    }
    group();
  });
  table.addEventListener("sorted", group);
}
