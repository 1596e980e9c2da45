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
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("[data-once]:disabled")) button.disabled = false;
  });
})();
