"use strict";
// Small behaviours every page shares. Whatever matters works without them.
(() => {
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  // A button that starts something is not pressed twice.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && button.matches("[data-once]")) {
      setTimeout(() => { button.disabled = true; }, 0);
    }
  });
  // Where a row of tabs is wider than the screen, the one that is open is in sight.
  for (const here of document.querySelectorAll(".tabs [aria-current], .areas [aria-current], .states [aria-current]")) {
    const row = here.parentElement;
    row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  }
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("[data-once]:disabled")) button.disabled = false;
  });
})();
