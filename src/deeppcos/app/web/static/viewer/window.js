// Brightness and contrast: the window of grey levels that is spread from black to white.
// Owns the arithmetic and the filter; the stored pixels are not touched.

import { gettext } from "./i18n.js";

const WHOLE = { level: 128, width: 256 };

export class Window extends EventTarget {
  /** @param {HTMLElement} pixels */
  constructor(pixels) {
    super();
    this.pixels = pixels;
    this.level = WHOLE.level;
    this.width = WHOLE.width;
    this.filter = document.getElementById("window-filter");
  }

  get isWhole() {
    return this.level === WHOLE.level && this.width === WHOLE.width;
  }

  get words() {
    return this.isWhole ? "" : gettext("level {level}, width {width}", {
      level: Math.round(this.level), width: Math.round(this.width),
    });
  }

  /**
   * @param {number} level
   * @param {number} width
   */
  set(level, width) {
    this.level = Math.min(255, Math.max(0, level));
    this.width = Math.min(512, Math.max(8, width));
    const slope = 255 / this.width;
    const intercept = 0.5 - (this.level / 255) * slope;
    for (const channel of this.filter?.querySelectorAll("feFuncR, feFuncG, feFuncB") ?? []) {
      channel.setAttribute("slope", slope.toFixed(4));
      channel.setAttribute("intercept", intercept.toFixed(4));
    }
    this.pixels.style.filter = this.isWhole ? "none" : "url(#window-filter)";
    this.dispatchEvent(new Event("changed"));
  }

  /**
   * Follow a hand: up is brighter, to the right is softer.
   * @param {number} up Screen pixels.
   * @param {number} right
   */
  by(up, right) {
    this.set(this.level - up * 0.6, this.width + right * 1.2);
  }

  reset() {
    this.set(WHOLE.level, WHOLE.width);
  }
}
