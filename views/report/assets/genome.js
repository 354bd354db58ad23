"use strict";
/* One genome in a dialog: source, changes, runs, learning curves, requests, logs. */

const genome = (() => {
  const { data, make, link, show, fitness, signed, count } = report;
  const { genomes } = data;
  const CONTEXT = 3;
  const LONGEST = 5000; // characters of a line that are shown
  const classes = { n: "m" };
  const dialog = document.getElementById("genome");
  const sheet = dialog.querySelector(".sheet");
  let opener = null;
  let current = null;

  function coloured(text, marks) {
    const parts = [];
    let place = 0;
    for (const [, letter, length] of (marks || "").matchAll(/(\D)(\d+)/g)) {
      const part = Array.from(text.slice(place, place + Number(length))).join("");
      parts.push(letter === "-" ? show(part) : make("span", { class: classes[letter] || letter }, show(part)));
      place += Number(length);
    }
    return [...parts, show(text.slice(place))];
  }

  function codeLine(kind, was, now, text, marks) {
    const cut = text.length > LONGEST;
    const words = cut ? [show(text.slice(0, LONGEST)), `  [… ${text.length - LONGEST} characters more]`] : coloured(text, marks);
    const sign = { add: "+", remove: "-" }[kind] || " ";
    return make("span", { class: `row ${kind}` },
      was === undefined ? null : make("span", { class: "n" }, was === null ? "" : String(was)),
      make("span", { class: "n" }, now === null ? "" : String(now)),
      was === undefined ? null : make("span", {}, sign),
      make("span", { class: "t" }, ...words, "\n"));
  }

  function code(rows, label) {
    return make("div", { class: "code", tabindex: "0", role: "region", "aria-label": label }, make("pre", {}, rows));
  }

  async function source(record) {
    const [all, marks] = [await report.lines("sources"), await report.lines("marks")];
    return report.indices(record.source).map((index, k) => codeLine("", undefined, k + 1, all[index], marks[index]));
  }

  async function change(record, parent) {
    const [all, marks] = [await report.lines("sources"), await report.lines("marks")];
    const older = report.indices((await report.record(parent)).source);
    const newer = report.indices(record.source);
    const rows = [];
    let shownTo = 0; // of the newer text
    const hunks = record.changes[parent];
    hunks.forEach(([i, j, k, n], place) => {
      const from = Math.max(k - CONTEXT, shownTo);
      if (from > shownTo) rows.push(codeLine("gap", null, null, `⋯ ${from - shownTo} lines are the same`, ""));
      for (let at = from; at < k; at += 1) rows.push(codeLine("", i - (k - at) + 1, at + 1, all[newer[at]], marks[newer[at]]));
      for (let at = i; at < j; at += 1) rows.push(codeLine("remove", at + 1, null, all[older[at]], marks[older[at]]));
      for (let at = k; at < n; at += 1) rows.push(codeLine("add", null, at + 1, all[newer[at]], marks[newer[at]]));
      const next = place + 1 < hunks.length ? hunks[place + 1][2] : newer.length;
      const to = Math.min(n + CONTEXT, next);
      for (let at = n; at < to; at += 1) rows.push(codeLine("", j + (at - n) + 1, at + 1, all[newer[at]], marks[newer[at]]));
      shownTo = to;
    });
    if (newer.length > shownTo && rows.length) rows.push(codeLine("gap", null, null, `⋯ ${newer.length - shownTo} lines are the same`, ""));
    return rows;
  }

  function facts(id, record) {
    const entries = [
      [data.metric, `${fitness(genomes.objective[id])}${genomes.runs[id] > 1 ? `, mean of ${genomes.runs[id]} runs` : ""}`],
      ["gain", genomes.gain[id] === null ? "–" : `${signed(genomes.gain[id])} over its fitter parent`],
      ["outcome", genomes.status[id]],
      ["made by", genomes.operator[id] + (genomes.model[id] ? ` of ${genomes.model[id]}` : "")],
      ["generation", String(genomes.generation[id])],
      ...data.axes.filter((axis) => record.measures && axis.name in record.measures)
        .map((axis) => [axis.label, `${count(record.measures[axis.name])} ${axis.unit}`]),
      ...(record.prior === undefined ? [] : [["expected at its birth", `about ${fitness(record.prior)}`]]),
    ];
    const children = genomes.parents.flatMap((parents, child) => (parents.includes(id) ? [child] : []));
    const family = [["parents", genomes.parents[id]], ["children", children]].filter(([, ids]) => ids.length);
    return make("dl", { class: "facts" },
      entries.map(([name, value]) => make("div", {}, make("dt", {}, show(name)), make("dd", {}, show(value)))),
      family.map(([name, ids]) => make("div", {}, make("dt", {}, name), make("dd", {}, ids.slice(0, 60).map((other) => [link(other), " "]), ids.length > 60 ? `and ${ids.length - 60} more` : ""))));
  }

  function table(heads, rows) {
    return make("div", { class: "scroll" }, make("table", {},
      make("thead", {}, make("tr", {}, heads.map((head) => make("th", {}, head)))),
      make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell) => make("td", {}, typeof cell === "string" ? show(cell) : cell)))))));
  }

  function runs(record) {
    if (!record.runs.length) return [make("p", {}, "It has not run yet.")];
    const names = [...new Set(record.runs.flatMap((run) => Object.keys(run.details)))].filter((name) => name !== data.metric);
    return [
      table(["experiment", "outcome", data.metric, "seconds", "GiB", "device", "seed", "ended", "reason"], record.runs.map((run) => [
        String(run.number), run.outcome, run.fitness === null ? "–" : fitness(run.fitness), String(run.seconds), run.memory === null ? "" : String(run.memory), run.device, String(run.seed),
        new Date(1000 * run.ended).toLocaleString("sv"), run.reason])),
      names.length ? make("details", {}, make("summary", {}, "everything that the runs reported"),
        table(["", ...record.runs.map((run) => `run ${run.number}`)], names.map((name) => [name, ...record.runs.map((run) => (name in run.details && run.details[name] !== null ? String(run.details[name]) : "–"))]))) : null,
    ];
  }

  async function calls(record) {
    const parts = [];
    for (const [place, call] of (record.calls || []).entries()) {
      const cost = call.cost === null ? "of unknown price" : `$${call.cost.toFixed(4)}`;
      const title = `request ${place + 1} of ${record.calls.length} to ${call.model}: ${call.tokens[0]} tokens in, ${call.tokens[1]} out${call.cut ? " (cut at its limit)" : ""}, ${cost}, ${call.seconds} s`;
      const messages = [];
      for (const [role, spans] of call.prompt) messages.push(await message(role, "texts", spans));
      parts.push(make("details", {}, make("summary", {}, show(title)),
        messages, call.error ? make("p", { class: "problem" }, show(call.error)) : await message("reply", "texts", call.reply)));
    }
    return parts;
  }

  async function message(role, id, spans) {
    return make("div", { class: "message" }, make("small", {}, show(role)), make("pre", { class: "wrap" }, show(await report.read(id, spans))));
  }

  async function logs(record) {
    const parts = [];
    for (const [name, spans] of record.logs) {
      const text = show(await report.read("texts", spans));
      parts.push(make("details", {}, make("summary", {}, `end of logs/${show(name)}`), make("pre", { class: "wrap" }, text || "(empty)")));
    }
    return parts;
  }

  /** The curves of a genome's runs, and of its parents' first runs to compare with. */
  async function learningCurves(id, record) {
    const has = (run) => run.curve.length > 1;
    const own = record.runs.filter(has).map((run) => [`run ${run.number}`, run.curve, false]);
    const others = [];
    for (const parent of own.length ? genomes.parents[id] : []) {
      const first = (await report.record(parent)).runs.find(has);
      if (first) others.push([`parent #${parent}`, first.curve, true]);
    }
    return [...own, ...others];
  }

  async function fill(id) {
    const record = await report.record(id);
    const curves = await learningCurves(id, record);
    const chart = curves.length ? make("div", { class: "chart", role: "img", "aria-label": "Learning curves of its runs" }) : null;
    const [notes, asked, ends] = [record.notes ? await report.read("texts", record.notes) : "", await calls(record), await logs(record)];
    const changes = [];
    for (const parent of record.source ? genomes.parents[id].filter((one) => record.changes[one]) : []) {
      const rows = await change(record, parent);
      changes.push(make("h3", {}, "What changed against parent ", link(parent)), rows.length ? code(rows, `Changes against #${parent}`) : make("p", {}, "Nothing: the two are equal."));
    }
    const parts = [
      make("div", { class: "bar" },
        record.source ? make("button", { type: "button", click: () => save(id) }, `Save ${data.genome}`) : null,
        make("button", { type: "button", click: close, "aria-label": "Close" }, "✕")),
      make("h2", { id: "genome-title" }, `#${id} ${show(genomes.description[id])}`),
      facts(id, record),
      record.missing ? make("p", { class: "problem" }, show(record.missing)) : null,
      notes ? make("pre", { class: "wrap" }, show(notes)) : null,
      changes,
      make("h3", {}, "Runs"), runs(record),
      chart ? [make("h3", {}, "Learning curves"), make("p", { class: "note" }, "The training loss, as the genomes printed it; dashed are first runs of the parents."), chart] : null,
      asked.length ? [make("h3", {}, "Requests to language models"), asked] : null,
      ends.length ? [make("h3", {}, "Output"), ends] : null,
      record.source ? [make("h3", {}, "Source"), code(await source(record), "Source")] : null,
    ];
    if (current !== id) return;
    sheet.querySelectorAll(".chart").forEach(charts.forget);
    sheet.replaceChildren(...parts.flat(Infinity).filter((part) => part));
    dialog.scrollTop = 0;
    if (chart) charts.draw(chart, curves);
  }

  async function open(id) {
    current = id;
    if (!dialog.open) {
      opener = document.activeElement;
      sheet.replaceChildren(make("p", {}, "Unpacking …"));
      dialog.showModal();
    }
    try {
      await fill(id);
    } catch (error) {
      sheet.replaceChildren(
        make("div", { class: "bar" }, make("button", { type: "button", click: close, "aria-label": "Close" }, "✕")),
        make("p", { class: "problem" }, `This part of the page is damaged (${error.message}); write the report again.`));
    }
    sheet.querySelector("button[aria-label=Close]")?.focus();
  }

  function close() {
    dialog.close();
  }

  dialog.addEventListener("close", () => {
    current = null;
    if (location.hash.match(/^#g\d+$/)) history.replaceState(null, "", location.pathname + location.search);
    opener?.focus();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });

  async function save(id) {
    const record = await report.record(id);
    const text = await report.read("sources", record.source);
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    make("a", { href: url, download: `${data.run}-${id}-${data.genome.split("/").pop()}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  }

  return { open, close, save, get isOpen() { return dialog.open; } };
})();
