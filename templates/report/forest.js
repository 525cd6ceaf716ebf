// Rows of the forest tables: what lies behind them, filters, grouping.
for (const link of document.querySelectorAll("a.open-row")) {
  const behind = link.closest("tr").nextElementSibling;
  const show = (open) => {
    behind.classList.toggle("open", open);
    behind.classList.toggle("shut", !open);
    link.setAttribute("aria-expanded", open);
  };
  const arrived = () => {
    if (location.hash.slice(1) !== behind.id) return;
    for (let part = behind.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    show(true);
  };
  show(false);
  arrived();
  addEventListener("hashchange", arrived);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    show(link.getAttribute("aria-expanded") !== "true");
  });
}
for (const bar of document.querySelectorAll(".filters")) {
  const table = document.getElementById(bar.dataset.table);
  const body = table.tBodies[0];
  const trials = [...body.rows].filter((row) => row.dataset.filter);
  const behind = new Map(trials.map((row) => [row, row.nextElementSibling]));
  const words = new Map(trials.map((row) => [row, [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase()]));
  const groups = [...table.querySelectorAll(".groups tr")];
  const grouping = bar.querySelector(".grouping");
  const chosen = () => [...bar.querySelectorAll("[data-place]")]
    .map((field) => [field.dataset.place, field.type === "checkbox" && !field.checked ? "" : field.value])
    .filter(([, value]) => value !== "");
  const filter = () => {
    const text = bar.querySelector("[type=search]").value.trim().toLowerCase();
    const wanted = chosen();
    let shown = 0;
    for (const row of trials) {
      const has = row.dataset.filter.split(",");
      const fits = words.get(row).includes(text) && wanted.every(([place, value]) => has[place] === value);
      row.hidden = behind.get(row).hidden = !fits;
      shown += fits;
    }
    const all = shown === trials.length;
    bar.querySelector(".shown").textContent = all ? "" : `${shown} of ${trials.length} rows shown; the pool is of all`;
  };
  const group = () => {
    for (const row of body.querySelectorAll(".group-row")) row.remove();
    if (!grouping || grouping.value === "") return;
    const place = (row) => Number(row.dataset.group.split(",")[grouping.value]);
    const ordered = [...body.rows].filter((row) => row.dataset.filter);
    const heads = new Map(groups.filter((row) => row.dataset.variable === grouping.value).map((row) => [Number(row.dataset.at), row]));
    for (const at of [...new Set(ordered.map(place))].sort((a, b) => a - b)) {
      if (heads.has(at)) {
        const head = heads.get(at).cloneNode(true);
        head.className = "group-row";
        body.append(head);
      }
      for (const row of ordered) if (place(row) === at) body.append(row, behind.get(row));
    }
  };
  const original = [...trials];
  bar.hidden = false;
  bar.addEventListener("input", filter);
  grouping?.addEventListener("change", () => {
    if (grouping.value === "" && !table.querySelector("thead [aria-sort]")) {
      for (const row of original) body.append(row, behind.get(row));
    }
    group();
  });
  table.addEventListener("sorted", group);
}
