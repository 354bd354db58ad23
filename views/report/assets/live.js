"use strict";
/* Cards that the server sends as they change. They are HTML that Jinja2 has escaped, and the policy
   lets no script of theirs run. */

(() => {
  const board = document.getElementById("board");
  const state = document.getElementById("state");
  const cards = new Map();

  function place(name, html) {
    const card = cards.get(name) || document.createElement("article");
    const focus = document.activeElement?.closest("article") === card
      ? document.activeElement.getAttribute("href") : null;
    card.className = "card";
    card.innerHTML = html;
    cards.set(name, card);
    if (focus) card.querySelector(`[href="${CSS.escape(focus)}"]`)?.focus();
  }

  const source = new EventSource("events");
  source.addEventListener("open", () => { state.textContent = "live"; });
  source.addEventListener("error", () => { state.textContent = "no server answers: this is the last that it sent; trying again"; });
  source.addEventListener("message", (event) => {
    const { names, cards: news } = JSON.parse(event.data);
    for (const [name, html] of Object.entries(news)) place(name, html);
    const shown = names.filter((name) => cards.has(name)).map((name) => cards.get(name));
    shown.forEach((card, index) => { if (board.children[index] !== card) board.insertBefore(card, board.children[index] || null); });
    while (board.children.length > shown.length) board.lastElementChild.remove();
    document.getElementById("none").hidden = names.length > 0;
  });
})();
