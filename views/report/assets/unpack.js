"use strict";
/* The page's data. What is needed at once is plain JSON; what single genomes need is deflated, and
   unpacked when one is opened. Everything is shown as text: no data becomes HTML. */

const report = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const kept = new Map();

  async function inflate(element) {
    const bytes = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  }

  function once(key, make) {
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key);
  }

  /** The lines of a stream: "sources", "marks" or "texts". */
  function lines(id) {
    return once(id, async () => (await inflate(document.getElementById(id))).split("\n"));
  }

  /** Everything about one genome. */
  async function record(id) {
    const chunks = document.querySelectorAll("script.records");
    const place = Math.floor(id / data.inChunk);
    const chunk = await once(place, async () => JSON.parse(await inflate(chunks[place])));
    return chunk[id % data.inChunk];
  }

  /** The indices, in their stream, of the lines of some spans. */
  function indices(spans) {
    return spans.flatMap(([start, count]) => Array.from({ length: count }, (_, k) => start + k));
  }

  /** The text of some spans of a stream. */
  async function read(id, spans) {
    const all = await lines(id);
    return indices(spans).map((index) => all[index]).join("\n");
  }

  const ansi = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
  const unseen = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

  /** A text without terminal codes, in which what nobody sees is shown as ⟨U+202E⟩. */
  function show(text) {
    return String(text).replace(ansi, "").replace(unseen, (c) =>
      `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
  }

  /** An element with attributes, handlers (functions) and children, which are texts or elements. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== null && value !== false) element.setAttribute(name, value);
    }
    for (const child of children.flat(Infinity)) {
      if (child !== null && child !== undefined && child !== "") element.append(child);
    }
    return element;
  }

  function link(id) {
    return make("a", { href: `#g${id}`, class: "id" }, `#${id}`);
  }

  const scale = Math.max(Math.abs(data.limits[1] - data.limits[0]), 1e-12);
  const decimals = Math.min(Math.max(Math.ceil(Math.log10(400 / scale)), 0), 6);

  function fitness(value) {
    return value === null || value === undefined ? "–" : value.toFixed(decimals);
  }

  function signed(value) {
    if (value === null || value === undefined) return "";
    return (value > 0 ? "+" : "") + String(Number(value.toPrecision(3)));
  }

  function count(value) {
    return Math.abs(value) >= 1000 || value === 0
      ? new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value)
      : String(Number(value.toPrecision(4)));
  }

  /** Ids of a genome and all its ancestors. */
  function ancestors(id) {
    const found = new Set([id]);
    for (const one of found) data.genomes.parents[one].forEach((parent) => found.add(parent));
    return found;
  }

  return { data, lines, record, indices, read, show, make, link, fitness, signed, count, ancestors };
})();
