// The two sliders of brightness and contrast. Owns the panel; the arithmetic is that of window.js.

import { showCorners } from "./corners.js";
import { byId } from "./dom.js";
import { gettext } from "./i18n.js";
import { tell } from "./notices.js";

/** @import {Viewer} from "./viewer.js" */

export class WindowPanel {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.panel = byId("window-panel");
    this.level = /** @type {HTMLInputElement} */ (byId("level"));
    this.width = /** @type {HTMLInputElement} */ (byId("width"));
    for (const slider of [this.level, this.width]) {
      slider.addEventListener("input", () => {
        viewer.window.set(Number(this.level.value), Number(this.width.value));
        this.#show();
      });
    }
    viewer.window.addEventListener("changed", () => this.#show());
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  toggle() {
    this.panel.hidden = this.isOpen;
    this.#show();
    if (this.isOpen) this.viewer.use("window");
    else if (this.viewer.tool === "window") this.viewer.use("select");
  }

  /**
   * @param {number} level Grey levels.
   * @param {number} width
   */
  by(level, width) {
    const { window: shown } = this.viewer;
    shown.set(shown.level + level, shown.width + width);
    tell(gettext("Level {level}, width {width}", {
      level: Math.round(shown.level), width: Math.round(shown.width),
    }));
  }

  reset() {
    this.viewer.window.reset();
  }

  #show() {
    const { level, width } = this.viewer.window;
    this.level.value = String(level);
    this.width.value = String(width);
    byId("level-is").textContent = String(Math.round(level));
    byId("width-is").textContent = String(Math.round(width));
    showCorners(this.viewer);
  }
}
