"use strict";
/* Says when the run has gone on since its report was made, which the reader may have anew then: a
   page that changes under its reader loses the place, and to make one takes time from the run. */

(() => {
  const bar = document.getElementById("news");
  const known = report.data.experiments.number.length;
  bar.querySelector("button").addEventListener("click", () => location.reload());
  new EventSource("../events").addEventListener("message", (event) => {
    const card = JSON.parse(event.data).cards[report.data.run];
    if (card === undefined) return;
    const head = new DOMParser().parseFromString(card, "text/html").querySelector("[data-experiments]");
    const more = head ? Number(head.dataset.experiments) - known : 0;
    bar.hidden = more <= 0;
    bar.querySelector("output").textContent =
      `${more} experiment${more === 1 ? " has" : "s have"} ended since this page was made.`;
  });
})();
