// Where the picture lies on the screen: zoom, place and flip. Owns the two-way arithmetic.

/** @import {Point} from "./types.js" */

export const LARGEST_ZOOM = 16;

export class View {
  constructor() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    this.isFlipped = false;
    this.width = 1;
    this.height = 1;
    this.screen = { width: 1, height: 1 };
    /** Height of a pixel over its width, where both are known. */
    this.stretch = 1;
    this.isFitted = true;
    /** What tools cover of the screen's left side, CSS pixels. */
    this.covered = 0;
  }

  /**
   * @param {number} width Picture, pixels.
   * @param {number} height
   * @param {number} stretch
   */
  setPicture(width, height, stretch = 1) {
    [this.width, this.height, this.stretch] = [width, height, stretch];
    this.fit();
  }

  /**
   * @param {number} width Screen, CSS pixels.
   * @param {number} height
   */
  setScreen(width, height) {
    const middle = this.toPicture([this.screen.width / 2, this.screen.height / 2]);
    this.screen = { width, height };
    if (this.isFitted) this.fit();
    else this.centre(middle);
  }

  /** The zoom at which the whole picture is seen. */
  get fitting() {
    return Math.min(
      (this.screen.width - this.covered) / this.width,
      this.screen.height / (this.height * this.stretch),
    );
  }

  fit() {
    this.zoom = this.fitting;
    this.isFitted = true;
    const left = this.isFlipped ? 0 : this.covered;
    this.x = left + (this.screen.width - this.covered - this.width * this.zoom) / 2;
    this.y = (this.screen.height - this.height * this.stretch * this.zoom) / 2;
  }

  /** Place of the picture's left edge, and how many screen pixels one of its pixels takes. */
  get across() {
    return this.isFlipped
      ? { at: this.screen.width - this.x, by: -this.zoom }
      : { at: this.x, by: this.zoom };
  }

  /** @param {Point} point @returns {Point} */
  toScreen([x, y]) {
    const { at, by } = this.across;
    return [at + (x + 0.5) * by, this.y + (y + 0.5) * this.zoom * this.stretch];
  }

  /** @param {Point} point @returns {Point} */
  toPicture([x, y]) {
    const { at, by } = this.across;
    return [(x - at) / by - 0.5, (y - this.y) / (this.zoom * this.stretch) - 0.5];
  }

  /**
   * @param {number} factor
   * @param {Point} about A point of the screen that stays where it is.
   */
  zoomBy(factor, about) {
    const most = Math.max(LARGEST_ZOOM, this.fitting);
    const zoom = Math.min(most, Math.max(this.fitting * 0.5, this.zoom * factor));
    const change = zoom / this.zoom;
    const x = this.isFlipped ? this.screen.width - about[0] : about[0];
    this.x = x - (x - this.x) * change;
    this.y = about[1] - (about[1] - this.y) * change;
    this.zoom = zoom;
    this.isFitted = Math.abs(zoom - this.fitting) < 1e-6;
    this.#keepNear();
  }

  /**
   * @param {number} dx Screen pixels.
   * @param {number} dy
   */
  panBy(dx, dy) {
    this.x += this.isFlipped ? -dx : dx;
    this.y += dy;
    this.isFitted = false;
    this.#keepNear();
  }

  /** @param {Point} point Comes to the middle of the screen. */
  centre(point) {
    const [x, y] = this.toScreen(point);
    this.panBy(this.screen.width / 2 - x, this.screen.height / 2 - y);
  }

  /** @param {Point} point Comes on the screen, if it is not there. */
  reveal(point) {
    const [x, y] = this.toScreen(point);
    const margin = 30;
    const dx = Math.max(margin - x, Math.min(0, this.screen.width - margin - x));
    const dy = Math.max(margin - y, Math.min(0, this.screen.height - margin - y));
    if (dx || dy) this.panBy(dx, dy);
  }

  flip() {
    this.isFlipped = !this.isFlipped;
    if (this.isFitted) this.fit();
  }

  /** The picture never leaves the screen altogether. */
  #keepNear() {
    const width = this.width * this.zoom;
    const height = this.height * this.stretch * this.zoom;
    this.x = Math.min(Math.max(this.x, 60 - width), this.screen.width - 60);
    this.y = Math.min(Math.max(this.y, 60 - height), this.screen.height - 60);
  }
}
