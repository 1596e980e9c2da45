// The buttons: which are pressed, which may be, and moving along them with arrow keys.
// Owns their state; what they do is the table of actions.js.

import { byId } from "./dom.js";

/** @import {Actions} from "./actions.js" */
/** @import {Viewer} from "./viewer.js" */

/** @param {string} action @returns {HTMLElement | null} */
function button(action) {
  return document.querySelector(`[data-action="${action}"]`);
}

/** Arrow keys move along the toolbar, as in every toolbar. */
export function listenToToolbar() {
  const bar = byId("toolbar");
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const tools = [...bar.querySelectorAll("button:not(:disabled, [hidden])")];
    const at = tools.indexOf(/** @type {Element} */ (document.activeElement));
    /** @type {HTMLElement} */ (tools[(at + step + tools.length) % tools.length]).focus();
    event.preventDefault();
  });
}

/**
 * What this person may do in this study.
 * @param {Viewer} viewer
 */
export function allow(viewer) {
  const may = viewer.manifest.reading.may_edit;
  for (const one of document.querySelectorAll("[data-edits]")) {
    /** @type {HTMLButtonElement} */ (one).disabled = !may;
  }
  button("compare")?.toggleAttribute("hidden", !viewer.manifest.earlier.length);
  button("ghost")?.toggleAttribute("hidden", !may);
  const turning = () => {
    /** @type {HTMLButtonElement} */ (button("undo")).disabled = !may || !viewer.reading.canUndo;
    /** @type {HTMLButtonElement} */ (button("redo")).disabled = !may || !viewer.reading.canRedo;
  };
  viewer.addEventListener("drawn", turning);
  turning();
}

/**
 * @param {Viewer} viewer
 * @param {Actions} actions
 */
export function showPressed(viewer, actions) {
  for (const tool of document.querySelectorAll("[data-action^='tool:']")) {
    const name = /** @type {HTMLElement} */ (tool).dataset.action?.slice(5);
    tool.setAttribute("aria-pressed", String(name === viewer.tool));
  }
  const states = {
    hide: viewer.isHidden, ghost: viewer.hasGhost, confidence: viewer.hasConfidence,
    flip: viewer.pane.view.isFlipped, saliency: actions.saliency.isOn,
    compare: actions.compare.isOpen, planes: actions.planes.isOpen,
    window: actions.windowPanel.isOpen,
  };
  for (const [action, isOn] of Object.entries(states)) {
    button(action)?.setAttribute("aria-pressed", String(isOn));
  }
  button("planes")?.toggleAttribute("hidden", viewer.picture?.kind !== "volume");
}
