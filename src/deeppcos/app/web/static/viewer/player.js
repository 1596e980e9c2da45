// Playing a sweep at the rate at which it was recorded. Owns time: it waits for a frame that is
// not there yet instead of skipping it, and says at which rate frames really come.

/** @import {PictureInfo} from "./types.js" */

const LATE_MS = 60;
const RATE_EVERY_MS = 1000;
const SCREEN_MS = 16;

export class Player {
  /**
   * @param {object} parts
   * @param {(frame: number) => void} parts.show
   * @param {(frame: number) => boolean} parts.has
   * @param {(playing: boolean) => void} parts.onChange
   * @param {() => void} parts.onRate The rate was measured anew.
   */
  constructor({ show, has, onChange, onRate }) {
    this.show = show;
    this.has = has;
    this.onChange = onChange;
    this.onRate = onRate;
    this.isPlaying = false;
    this.frame = 0;
    /** How much faster than recorded. */
    this.pace = 1;
    /** @type {number[]} Time of each frame as recorded, ms. */
    this.recorded = [0];
    /** @type {number | null} Frames a second as shown; null until a second has been played. */
    this.rate = null;
    this.shown = 0;
    this.countedFrom = 0;
    this.begun = 0;
  }

  /**
   * @param {PictureInfo} info
   * @param {number} otherwise Frames per second where the file states none.
   */
  open(info, otherwise) {
    this.stop();
    this.recorded = timesOf(info, otherwise);
    this.frame = 0;
  }

  /** @param {number} pace */
  setPace(pace) {
    this.pace = pace;
    this.#begin();
  }

  /** @param {number} from */
  start(from) {
    if (this.recorded.length < 2) return;
    this.isPlaying = true;
    this.frame = from >= this.recorded.length - 1 ? 0 : from;
    this.#begin();
    this.onChange(true);
    requestAnimationFrame(() => this.#tick());
  }

  #begin() {
    this.rate = null;
    this.shown = 0;
    this.countedFrom = performance.now();
    this.begun = this.countedFrom - this.#due(this.frame);
  }

  stop() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.rate = null;
    this.onChange(false);
  }

  /** @param {number} frame When it stands in a round, ms. */
  #due(frame) {
    return this.recorded[frame] / this.pace;
  }

  #tick() {
    if (!this.isPlaying) return;
    const now = performance.now();
    const next = (this.frame + 1) % this.recorded.length;
    const due = this.begun + (next === 0 ? this.#whole() : this.#due(next));
    if (now >= due && this.has(next)) {
      // The clock stands still while a frame is awaited: no frame is skipped, none hurried.
      if (now - due > LATE_MS) this.begun += now - due;
      if (next === 0) this.begun += this.#whole();
      this.frame = next;
      this.show(next);
      this.#count(now);
    }
    this.#next(due - now);
  }

  /**
   * Look again shortly before the next frame is due: every look wakes the whole page.
   * @param {number} left ms.
   */
  #next(left) {
    const tick = () => requestAnimationFrame(() => this.#tick());
    if (left > 2 * SCREEN_MS) setTimeout(tick, left - SCREEN_MS);
    else tick();
  }

  /** @param {number} now */
  #count(now) {
    this.shown += 1;
    const passed = now - this.countedFrom;
    if (passed < RATE_EVERY_MS) return;
    this.rate = (this.shown * 1000) / passed;
    this.shown = 0;
    this.countedFrom = now;
    this.onRate();
  }

  /** Time of one round, ms: the last frame stands as long as the others on average. */
  #whole() {
    const last = this.#due(this.recorded.length - 1);
    return last + last / Math.max(1, this.recorded.length - 1);
  }
}

/**
 * @param {PictureInfo} info
 * @param {number} otherwise
 */
export function timesOf(info, otherwise) {
  const stated = info.frame_times_s;
  if (stated && stated.length === info.frame_count) {
    const start = stated[0];
    const rises = stated.every((time, i) => i === 0 || time > stated[i - 1]);
    if (rises) return stated.map((time) => (time - start) * 1000);
  }
  const rate = info.frames_per_second ?? otherwise;
  return Array.from({ length: Math.max(1, info.frame_count) }, (_, i) => (i * 1000) / rate);
}

/**
 * The rate of a picture, and whether the file states it.
 * @param {PictureInfo} info
 * @param {number} otherwise
 */
export function rateOf(info, otherwise) {
  const times = timesOf(info, otherwise);
  const rate = times.length > 1 ? (1000 * (times.length - 1)) / times[times.length - 1] : otherwise;
  const isStated = Boolean(info.frame_times_s?.length === info.frame_count || info.frames_per_second);
  return { rate, isStated };
}
