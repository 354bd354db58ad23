"use strict";
/* The list of all genomes: searched, filtered, sorted, and shown a page at a time. */

(() => {
  const { data, make, link, fitness, signed, show } = report;
  const { genomes } = data;
  const IN_PAGE = 100;
  const body = document.querySelector("#all tbody");
  const form = document.getElementById("filters");
  const more = document.getElementById("more");
  const found = document.getElementById("found");
  const everyone = genomes.operator.map((_, id) => id);
  const words = everyone.map((id) =>
    `#${id} ${genomes.operator[id]} ${genomes.model[id]} ${genomes.description[id]}`.toLowerCase());
  const line = data.best === null ? new Set() : report.ancestors(data.best);
  let matching = [...everyone];
  let sorting = { key: "objective", up: true };
  let pages = 1;

  for (const name of ["operator", "status"]) {
    for (const value of [...new Set(genomes[name])].sort()) {
      form.elements[name].append(make("option", { value }, show(value)));
    }
  }

  function value(id, key) {
    if (key === "id") return id;
    const known = genomes[key][id];
    if (known === null) return null;
    return key === "objective" && !data.minimize ? -known : key === "gain" ? -known : known;
  }

  function compare(a, b) {
    const [x, y] = [value(a, sorting.key), value(b, sorting.key)];
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    return (sorting.up ? x - y : y - x) || a - b;
  }

  function row(id) {
    return make("tr", {},
      make("td", {}, link(id)),
      make("td", {}, fitness(genomes.objective[id])),
      make("td", { class: genomes.gain[id] > 2 * data.noise ? "gain" : "gain faint" }, signed(genomes.gain[id])),
      make("td", {}, show(genomes.status[id])),
      make("td", {}, genomes.parents[id].map((parent) => [link(parent), " "])),
      make("td", {}, show(genomes.operator[id]), genomes.model[id] ? make("small", {}, ` ${show(genomes.model[id])}`) : ""),
      make("td", {}, show(genomes.description[id])));
  }

  function list() {
    body.replaceChildren(...matching.slice(0, pages * IN_PAGE).map(row));
    more.hidden = matching.length <= pages * IN_PAGE;
    more.textContent = `Show ${Math.min(IN_PAGE, matching.length - pages * IN_PAGE)} more`;
    found.textContent = `${matching.length} of ${everyone.length}`;
  }

  function filter() {
    const { words: typed, operator, status, best } = form.elements;
    const wanted = typed.value.toLowerCase().split(/\s+/).filter(Boolean);
    matching = everyone.filter((id) =>
      wanted.every((word) => words[id].includes(word))
      && (!operator.value || genomes.operator[id] === operator.value)
      && (!status.value || genomes.status[id] === status.value)
      && (!best.checked || line.has(id))).sort(compare);
    pages = 1;
    list();
    charts.filter(matching.length === everyone.length ? null : new Set(matching));
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => {
    const place = pages * IN_PAGE;
    pages += 1;
    list();
    body.rows[place]?.querySelector("a").focus();
  });
  document.querySelectorAll("#all [data-sort]").forEach((button) => button.addEventListener("click", () => {
    const key = button.dataset.sort;
    sorting = { key, up: sorting.key === key ? !sorting.up : true };
    document.querySelectorAll("#all th[aria-sort]").forEach((head) => head.setAttribute("aria-sort", "none"));
    button.parentElement.setAttribute("aria-sort", sorting.up ? "ascending" : "descending");
    matching.sort(compare);
    list();
  }));
  matching.sort(compare);
  list();
})();
