"use strict";
(() => {
  const all = (query) => Array.from(document.querySelectorAll(query));

  // A follicle's row and its outline light up together.
  const partners = new Map();
  for (const part of all("[data-mark]")) {
    const name = part.dataset.mark;
    partners.set(name, [...(partners.get(name) || []), part]);
  }
  const light = (name, lit) => {
    for (const part of partners.get(name) || []) part.classList.toggle("lit", lit);
  };
  const readOut = (element, lit) => {
    const frame = element.closest(".frame");
    const line = frame.querySelector(".readout");
    const mark = element.dataset.mark;
    const outline = mark ? frame.querySelector(`.mark[data-mark="${CSS.escape(mark)}"]`) : element;
    line.textContent = lit ? outline.dataset.words : line.dataset.rest;
  };
  const watch = (element) => {
    const turn = (lit) => () => {
      if (element.dataset.mark) light(element.dataset.mark, lit);
      readOut(element, lit);
    };
    element.addEventListener("pointerenter", turn(true));
    element.addEventListener("pointerleave", turn(false));
    element.addEventListener("focusin", turn(true));
    element.addEventListener("focusout", turn(false));
  };
  all(".mark, tr[data-mark]").forEach(watch);
  for (const outline of all(".mark[data-mark]")) {
    outline.addEventListener("click", () => {
      const row = outline.closest(".frame").querySelector(
        `tr[data-mark="${CSS.escape(outline.dataset.mark)}"]`,
      );
      row.closest("details").open = true;
      step(row.querySelector("button"));
    });
  }

  // One tab stop a table; arrows, Home and End walk its rows.
  const step = (button) => {
    for (const other of button.closest("tbody").querySelectorAll("button")) other.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  };
  for (const body of all(".follicles tbody")) {
    const buttons = Array.from(body.querySelectorAll("button"));
    body.addEventListener("keydown", (event) => {
      const here = buttons.indexOf(document.activeElement);
      const last = buttons.length - 1;
      const places = {
        ArrowDown: Math.min(here + 1, last),
        ArrowUp: Math.max(here - 1, 0),
        Home: 0,
        End: last,
      };
      if (event.key in places) {
        event.preventDefault();
        step(buttons[places[event.key]]);
      }
    });
  }

  const toggle = document.getElementById("toggle-marks");
  if (toggle) {
    const flip = () => {
      const hidden = document.body.classList.toggle("marks-hidden");
      toggle.setAttribute("aria-pressed", String(!hidden));
      toggle.firstChild.textContent = hidden ? "Outlines hidden " : "Outlines shown ";
    };
    toggle.addEventListener("click", flip);
    document.addEventListener("keydown", (event) => {
      const typing = event.ctrlKey || event.metaKey || event.altKey;
      if (event.key.toLowerCase() === "m" && !typing) flip();
    });
  }

  // Paper shows everything.
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const part of all("details:not([open])")) {
      part.open = true;
      opened.push(part);
    }
  });
  addEventListener("afterprint", () => {
    for (const part of opened.splice(0)) part.open = false;
  });
})();
