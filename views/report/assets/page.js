"use strict";
/* What ties the page together: the address, the grid under mouse and keys, the save button. */

(() => {
  const count = report.data.genomes.operator.length;

  function follow() {
    const found = location.hash.match(/^#g(\d+)$/);
    if (found && Number(found[1]) < count) genome.open(Number(found[1]));
    else if (genome.isOpen) genome.close();
  }
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#g']");
    if (link && link.getAttribute("href") === location.hash) follow(); // it is the address already
  });
  document.querySelectorAll("[data-save]").forEach((button) =>
    button.addEventListener("click", () => genome.save(Number(button.dataset.save))));

  const readout = document.getElementById("readout");
  const grid = document.querySelector("svg.grid");
  if (grid) {
    const cells = [...grid.querySelectorAll("a.cell")];
    const at = new Map(cells.map((cell) => [`${cell.dataset.column},${cell.dataset.row}`, cell]));
    const tell = (event) => {
      const cell = event.target.closest("[data-about]");
      readout.textContent = report.show(cell ? cell.dataset.about : readout.dataset.rest);
      readout.classList.toggle("on", Boolean(cell));
    };
    grid.addEventListener("pointerover", tell);
    grid.addEventListener("focusin", tell);
    readout.textContent = readout.dataset.rest;
    // one stop for the tabulator, and arrow keys from cell to cell
    const rest = grid.querySelector("a.best") || cells[0];
    cells.forEach((cell) => cell.setAttribute("tabindex", cell === rest ? "0" : "-1"));
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    grid.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      const cell = event.target.closest("a.cell");
      if (!step || !cell) return;
      event.preventDefault();
      const next = nearest(Number(cell.dataset.column), Number(cell.dataset.row), step);
      if (!next) return;
      cells.forEach((one) => one.setAttribute("tabindex", one === next ? "0" : "-1"));
      next.focus();
    });

    /** The filled cell that a step leads to: straight ahead if there is one, else the nearest that way. */
    function nearest(column, row, [right, up]) {
      const ahead = [...at.values()].map((cell) => {
        const [x, y] = [Number(cell.dataset.column) - column, Number(cell.dataset.row) - row];
        const [along, aside] = [x * right + y * up, Math.abs(x * up) + Math.abs(y * right)];
        return { cell, along, cost: along + 3 * aside };
      }).filter(({ along }) => along > 0);
      return ahead.sort((a, b) => a.cost - b.cost)[0]?.cell;
    }
  }
  follow();
})();
