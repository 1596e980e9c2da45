// Playing a sweep at the rate at which it was recorded. Owns time: it waits for a frame that is
// not there yet instead of skipping it, and says when it cannot keep up.

/** @import {PictureInfo} from "./types.js" */

export class Player {
  /**
   * @param {object} parts
   * @param {(frame: number) => void} parts.show
   * @param {(frame: number) => boolean} parts.has
   * @param {(playing: boolean) => void} parts.onChange
   */
  constructor({ show, has, onChange }) {
    this.show = show;
    this.has = has;
    this.onChange = onChange;
    this.isPlaying = false;
    this.frame = 0;
    /** @type {number[]} Time of each frame, ms. */
    this.times = [0];
    this.late = 0;
    this.shown = 0;
  }

  /**
   * @param {PictureInfo} info
   * @param {number} otherwise Frames per second where the file states none.
   */
  open(info, otherwise) {
    this.stop();
    this.times = timesOf(info, otherwise);
    this.frame = 0;
  }

  /** @param {number} from */
  start(from) {
    if (this.times.length < 2) return;
    this.isPlaying = true;
    this.frame = from >= this.times.length - 1 ? 0 : from;
    this.late = 0;
    this.shown = 0;
    this.begun = performance.now() - this.times[this.frame];
    this.onChange(true);
    requestAnimationFrame(() => this.#tick());
  }

  stop() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.onChange(false);
  }

  #tick() {
    if (!this.isPlaying) return;
    const now = performance.now();
    const begun = /** @type {number} */ (this.begun);
    const next = this.frame + 1 < this.times.length ? this.frame + 1 : 0;
    const due = next === 0 ? begun + this.#whole() : begun + this.times[next];
    if (now >= due) {
      if (this.has(next)) {
        // The clock stands still while a frame is awaited: no frame is skipped, none hurried.
        if (now - due > 60) {
          this.late += 1;
          this.begun = begun + (now - due);
        }
        if (next === 0) this.begun = /** @type {number} */ (this.begun) + this.#whole();
        this.frame = next;
        this.shown += 1;
        this.show(next);
      }
    }
    requestAnimationFrame(() => this.#tick());
  }

  /** Time of one round, ms: the last frame stands as long as the others on average. */
  #whole() {
    const last = this.times[this.times.length - 1];
    return last + last / Math.max(1, this.times.length - 1);
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
 * The rate of a picture in words, and whether the file states it.
 * @param {PictureInfo} info
 * @param {number} otherwise
 */
export function rateOf(info, otherwise) {
  const times = timesOf(info, otherwise);
  const rate = times.length > 1 ? (1000 * (times.length - 1)) / times[times.length - 1] : otherwise;
  const isStated = Boolean(info.frame_times_s?.length === info.frame_count || info.frames_per_second);
  return { rate, isStated };
}
