"use strict";
/* The charts, drawn by ECharts when they come into view. Tooltips are drawn on the canvas, so that
   no text of a run is ever read as HTML. */

const charts = (() => {
  const { data, show, fitness, signed } = report;
  const drawn = new Map();
  // those of Okabe and Ito, which colour-blind people tell apart
  const palette = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6d31", "#7a5195", "#a8a800"];
  const { genomes, experiments } = data;
  const sign = data.minimize ? 1 : -1;
  const [low, high] = data.limits;
  const margin = 0.06 * (high - low);
  const ends = { min: low - margin, max: high + margin };
  const worst = (data.minimize ? ends.max : ends.min) - 0.35 * sign * margin; // where failures lie
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let across = "number";

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function shared(options) {
    const axis = {
      axisLine: { onZero: false, lineStyle: { color: colour("--line") } },
      axisTick: { lineStyle: { color: colour("--line") } },
      axisLabel: { color: colour("--soft") },
      nameTextStyle: { color: colour("--soft") },
      splitLine: { lineStyle: { color: colour("--line"), opacity: 0.6 } },
    };
    return {
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("--ink") },
      aria: { enabled: true },
      grid: { left: 68, right: 18, top: 34, bottom: 46 },
      ...options,
      tooltip: {
        renderMode: "richText", confine: true, backgroundColor: colour("--panel"),
        borderColor: colour("--line"), textStyle: { color: colour("--ink"), fontSize: 12 },
        ...options.tooltip,
      },
      xAxis: { ...axis, splitLine: { show: false }, nameLocation: "middle", nameGap: 28, ...options.xAxis },
      yAxis: { ...axis, scale: true, nameLocation: "middle", nameGap: 50, ...options.yAxis },
      legend: { top: 0, left: 0, type: "scroll", itemHeight: 9, textStyle: { color: colour("--soft") }, pageTextStyle: { color: colour("--soft") }, ...options.legend },
    };
  }

  const titles = { number: "experiment", hours: "hours of work", dollars: "dollars that models took" };
  const places = new Map(experiments.number.map((number, k) => [number, k]));

  function describe(id) {
    const words = show(genomes.description[id]);
    const short = words.length > 90 ? `${words.slice(0, 89)}…` : words;
    return `#${id}  ${data.metric} ${fitness(genomes.objective[id])}  ${signed(genomes.gain[id])}\n${genomes.operator[id]}: ${short}`;
  }

  /** A value within the axis; what is off it lies at the worse end. */
  function clamp(value) {
    return sign * (value - worst) > 0 ? worst : value;
  }

  function progress() {
    const xs = experiments[across];
    const groups = new Map(); // by the name in the legend: points [x, y, genome, place], kept and not
    experiments.genome.forEach((id, k) => {
      if (!["search", "repeat", "final"].includes(experiments.purpose[k])) return; // beside the search
      const operator = genomes.operator[id];
      const value = experiments.fitness[k];
      const name = value === null ? "failed"
        : experiments.purpose[k] === "final" ? `fresh run of #${id}`
        : operator === "seed" ? "seed run"
        : experiments.purpose[k] === "search" ? operator : `${experiments.purpose[k]} run`;
      if (!groups.has(name)) groups.set(name, [[], []]);
      groups.get(name)[experiments.kept[k] ? 1 : 0].push([xs[k], value === null ? worst : clamp(value), id, k]);
    });
    const operators = [...groups.keys()].filter((name) => genomes.operator.includes(name));
    const marks = { failed: "path://M-1,-1L1,1M1,-1L-1,1", "seed run": "rect" };
    const points = [...groups].flatMap(([name, halves]) => halves.map((items, kept) => ({
      name, type: "scatter", data: items, z: name.startsWith("fresh") ? 6 : 3 + kept,
      symbol: marks[name] || (name.startsWith("fresh") ? "diamond" : "circle"),
      symbolSize: name === "failed" ? 6 : kept ? 9 : 5,
      itemStyle: {
        color: name === "failed" ? "none" : operators.includes(name) ? palette[operators.indexOf(name) % palette.length]
          : name === `fresh run of #${data.best}` ? colour("--accent") : colour("--soft"),
        ...(name === "failed" ? { borderColor: colour("--soft"), borderWidth: 1.2 }
          : kept ? { borderColor: colour("--ink"), borderWidth: 1 } : { opacity: name.startsWith("fresh") ? 1 : 0.6 }),
      },
    })).filter(({ data: items }) => items.length));
    const line = data.history.filter((moment) => moment[2] !== null)
      .map(([number, best, objective]) => [xs[places.get(number)], objective, best]);
    if (line.length) line.push([xs[xs.length - 1], line[line.length - 1][1], data.best]);
    const band = (offset, extra) => ({
      type: "line", step: "end", symbol: "none", silent: true, stack: "noise", stackStrategy: "all",
      lineStyle: { opacity: 0 }, tooltip: { show: false }, data: line.map(([x, y]) => [x, offset(y)]), ...extra,
    });
    const noise = data.noise ? [
      band((value) => value - data.noise, { name: "floor" }),
      band(() => 2 * data.noise, { name: "± 1 deviation of one run", areaStyle: { color: colour("--ink"), opacity: 0.1 }, itemStyle: { color: colour("--soft") } }),
    ] : [];
    return shared({
      legend: { data: ["best so far", ...(data.noise ? [{ name: "± 1 deviation of one run", icon: "roundRect" }] : []), ...groups.keys()] },
      tooltip: { trigger: "item", formatter: ({ value: [, , id, k], seriesName }) => {
        if (k === undefined) return `${seriesName}\n${describe(id)}`;
        const value = experiments.fitness[k];
        return `experiment ${experiments.number[k]}, ${seriesName}: ${value === null ? "failed" : fitness(value)}\n${describe(id)}`;
      } },
      xAxis: { type: "value", name: titles[across], min: 0, max: Math.max(...xs) || 1, minInterval: across === "number" ? 1 : 0 },
      yAxis: { type: "value", name: `${data.metric} (${data.minimize ? "lower" : "higher"} is fitter)`, ...ends, axisLabel: { color: colour("--soft"), formatter: (v) => String(Number(v.toPrecision(5))), showMinLabel: false, showMaxLabel: false } },
      dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
      series: [
        ...noise,
        { name: "best so far", type: "line", step: "end", data: line, symbol: "circle", symbolSize: 4, showSymbol: false, z: 5, lineStyle: { color: colour("--ink"), width: 1.8 }, itemStyle: { color: colour("--ink") } },
        ...points,
      ],
    });
  }

  function curveOver(column, name, options) {
    const xs = experiments[across];
    const points = data.history.map((moment) => [xs[places.get(moment[0])], moment[column]]);
    return shared({
      grid: { left: 68, right: 18, top: 14, bottom: 46 },
      legend: { show: false },
      tooltip: { trigger: "axis", formatter: ([point]) => `${titles[across]} ${report.count(point.value[0])}: ${options.write(point.value[1])}` },
      xAxis: { type: "value", name: titles[across], min: 0, max: Math.max(...xs) || 1 },
      yAxis: { type: "value", min: options.min, max: options.max, axisLabel: { color: colour("--soft"), formatter: options.write } },
      series: [{ name, type: "line", step: "end", symbol: "none", data: points, lineStyle: { color: palette[0], width: 1.8 }, areaStyle: { color: palette[0], opacity: 0.08 } }],
    });
  }

  const first = new Map();
  experiments.genome.forEach((id, k) => { if (!first.has(id)) first.set(id, k); });
  let shown = null; // ids that the filters let through; null is everyone

  function family() {
    const known = genomes.objective.filter((value) => value !== null).map(clamp);
    const [least, most] = known.length ? [Math.min(...known), Math.max(...known)] : data.limits;
    const room = 0.08 * (most - least) || 1;
    const fallen = (data.minimize ? most + room : least - room) - 0.35 * sign * room;
    const at = (id) => [experiments.number[first.get(id)], genomes.objective[id] === null ? fallen : clamp(genomes.objective[id])];
    const line = data.best === null ? new Set() : report.ancestors(data.best);
    const all = [...first.keys()].sort((a, b) => a - b);
    const edges = (mine) => all.flatMap((id) => genomes.parents[id].filter((parent) => first.has(parent))
      .filter((parent) => mine === (line.has(id) && line.has(parent)))
      .filter(() => mine || shown === null || shown.has(id))
      .map((parent) => ({ coords: [at(parent), at(id)] })));
    const points = (some) => all.filter(some).map((id) => [...at(id), id]);
    const isFaded = (id) => shown !== null && !shown.has(id);
    const failed = (id) => genomes.objective[id] === null;
    const shape = ([, , id]) => (genomes.parents[id].length > 1 ? "diamond" : genomes.parents[id].length ? "circle" : "rect");
    const title = "genome (a crossover is a diamond, a failure at the worse end)";
    const node = (some, style) => ({ name: title, type: "scatter", symbol: shape, symbolSize: 6, z: 5, data: points(some), ...style });
    return shared({
      legend: { data: [title, "descent", "line of the best"] },
      tooltip: { trigger: "item", formatter: ({ value: [, , id] }) => `${describe(id)}\nof ${genomes.parents[id].map((p) => `#${p}`).join(" and ") || "nobody: a seed"}` },
      xAxis: { type: "value", name: "experiment of its first run", min: 0 },
      yAxis: { type: "value", name: `${data.metric} (${data.minimize ? "lower" : "higher"} is fitter)`, min: least - room, max: most + room, axisLabel: { color: colour("--soft"), formatter: (v) => String(Number(v.toPrecision(5))), showMinLabel: false, showMaxLabel: false } },
      dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
      series: [
        { name: "descent", type: "lines", coordinateSystem: "cartesian2d", silent: true, large: all.length > 1500, data: edges(false), lineStyle: { color: colour("--soft"), opacity: 0.3, width: 0.8 }, itemStyle: { color: colour("--soft") } },
        { name: "line of the best", type: "lines", coordinateSystem: "cartesian2d", silent: true, data: edges(true), lineStyle: { color: colour("--accent"), opacity: 0.9, width: 1.8 }, itemStyle: { color: colour("--accent") }, z: 4 },
        node((id) => !line.has(id) && !isFaded(id) && !failed(id), { itemStyle: { color: palette[0], opacity: 0.85 } }),
        node((id) => !line.has(id) && !isFaded(id) && failed(id), { itemStyle: { color: colour("--soft"), opacity: 0.5 } }),
        node((id) => line.has(id) && !isFaded(id), { symbolSize: 9, z: 6, itemStyle: { color: colour("--accent") } }),
        node(isFaded, { itemStyle: { color: colour("--soft"), opacity: 0.12 }, z: 2 }),
      ],
    });
  }

  /** Options of a chart of learning curves: each a name, points [seconds, step, loss], and
      whether it is another genome's. */
  function curves(named) {
    const timed = named.every(([, points]) => points.every((point) => point[0] !== null));
    const stepped = named.every(([, points]) => points.every((point) => point[1] !== null));
    const x = (point, k) => (timed ? point[0] : stepped ? point[1] : k);
    return shared({
      tooltip: { trigger: "axis", formatter: (found) => found.map((p) => `${p.seriesName}: ${report.count(p.value[1])}`).join("\n") },
      xAxis: { type: "value", name: timed ? "seconds of training" : stepped ? "step" : "progress line", min: 0 },
      yAxis: { type: "value", name: "training loss" },
      series: named.map(([name, points, old], k) => {
        const drawn = old ? colour("--soft") : palette[k % palette.length];
        return {
          name, type: "line", showSymbol: points.length < 12, symbolSize: 4, data: points.map((point, place) => [x(point, place), point[2]]),
          lineStyle: { width: old ? 1.2 : 1.8, type: old ? "dashed" : "solid", color: drawn }, itemStyle: { color: drawn },
        };
      }),
    });
  }

  const options = {
    progress,
    family,
    qd: () => curveOver(4, "QD score", { write: (v) => String(Number(v.toPrecision(3))) }),
    coverage: () => curveOver(3, "coverage", { min: 0, max: 1, write: (v) => `${Math.round(100 * v)} %` }),
  };

  function draw(element, make) {
    let chart = drawn.get(element)?.chart;
    if (!chart) {
      chart = echarts.init(element, null, { renderer: "canvas" });
      chart.on("click", ({ value }) => { if (value?.[2] !== undefined) location.hash = `g${value[2]}`; });
    }
    chart.setOption(make(), { notMerge: true });
    drawn.set(element, { chart, make });
  }

  function redraw(...names) {
    for (const [element, { make }] of drawn) {
      if (!element.isConnected) forget(element);
      else if (!names.length || names.includes(element.dataset.chart)) draw(element, make);
    }
  }

  function forget(element) {
    drawn.get(element)?.chart.dispose();
    drawn.delete(element);
  }

  const waiting = document.querySelectorAll("[data-chart]");
  const watcher = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting) {
        watcher.unobserve(target);
        draw(target, options[target.dataset.chart]);
      }
    }
  }, { rootMargin: "200px" });
  waiting.forEach((element) => watcher.observe(element));

  window.addEventListener("resize", () => drawn.forEach(({ chart }) => chart.resize()));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  window.addEventListener("beforeprint", () => waiting.forEach((element) => draw(element, options[element.dataset.chart])));
  document.querySelectorAll("[name=across]").forEach((choice) => choice.addEventListener("change", () => {
    across = choice.value;
    redraw("progress", "qd", "coverage");
  }));

  return {
    draw: (element, named) => draw(element, () => curves(named)),
    forget,
    filter(ids) { shown = ids; redraw("family"); },
  };
})();
