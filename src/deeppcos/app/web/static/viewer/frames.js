// Frames of one picture as bitmaps: exact ones that are looked at, small ones that are played.
// Owns decoding, ahead of time and off the main thread, and the memory of a few decoded frames.
// Packed frames come from reels.js; what is drawn is the business of pane.js.

import { Reels } from "./reels.js";

/** @import {PictureInfo} from "./types.js" */

const EXACT_AT_ONCE = 3;
const DECODED_AT_ONCE = 3;
const FAILED_WAIT_MS = 1500;
const LEAST_KEPT = 6;

/** Bytes of decoded frames that may be kept; a phone has less to give. */
function budget() {
  const gigabytes = /** @type {{deviceMemory?: number}} */ (navigator).deviceMemory ?? 4;
  return Math.min(400, Math.max(96, gigabytes * 50)) * 1024 * 1024;
}

export class Frames extends EventTarget {
  /** @param {PictureInfo} info */
  constructor(info) {
    super();
    this.info = info;
    this.reels = info.frame_count > 1 ? new Reels(info) : null;
    this.most = Math.max(LEAST_KEPT, Math.floor(budget() / Math.max(1, info.width * info.height * 4)));
    /** @type {Map<string, ImageBitmap>} The least recently used first. */
    this.ready = new Map();
    /** @type {Map<string, AbortController>} */
    this.coming = new Map();
    /** @type {Map<string, number>} When a frame that failed may be asked for again. */
    this.failed = new Map();
    /** @type {string[]} ``e5`` is frame 5 exactly, ``p5`` as it is played. */
    this.wanted = [];
    this.isClosed = false;
    this.reels?.addEventListener("ready", () => this.#fill());
    this.reels?.addEventListener("failed", () => setTimeout(() => this.#fill(), FAILED_WAIT_MS));
  }

  /**
   * The frame if it is there: its exact pixels, else those for playing.
   * @param {number} frame
   * @param {boolean} exact
   * @returns {{bitmap: ImageBitmap, exact: boolean} | null}
   */
  get(frame, exact) {
    const both = exact ? [`e${frame}`, `p${frame}`] : [`p${frame}`, `e${frame}`];
    for (const key of both) {
      const bitmap = this.ready.get(key);
      if (bitmap) {
        this.ready.delete(key);
        this.ready.set(key, bitmap);
        return { bitmap, exact: key.startsWith("e") };
      }
    }
    return null;
  }

  /**
   * Ask for a frame and those that will be wanted next.
   * @param {number} frame
   * @param {{exact: boolean, direction?: number, ahead?: number}} how
   */
  want(frame, { exact, direction = 1, ahead = 3 }) {
    const count = this.info.frame_count;
    const reach = Math.min(ahead, this.most - 3, count - 1);
    const next = Array.from({ length: Math.max(0, reach) }, (_, i) =>
      `p${(((frame + (i + 1) * direction) % count) + count) % count}`);
    this.wanted = [`${exact || !this.reels ? "e" : "p"}${frame}`, ...next];
    if (exact && this.reels) this.wanted.splice(1, 0, `p${frame}`);
    for (const [key, abort] of this.coming) {
      if (!this.wanted.includes(key)) abort.abort();
    }
    this.reels?.want(frame, direction);
    this.#fill();
  }

  #fill() {
    if (this.isClosed) return;
    for (const key of this.wanted) {
      const isExact = key.startsWith("e");
      const sort = [...this.coming.keys()].filter((one) => one.startsWith(key[0])).length;
      const isFull = sort >= (isExact ? EXACT_AT_ONCE : DECODED_AT_ONCE);
      const isBusy = this.ready.has(key) || this.coming.has(key);
      const mayAsk = (this.failed.get(key) ?? 0) < performance.now();
      if (isFull || isBusy || !mayAsk) continue;
      if (isExact) void this.#bring(key, (signal) => this.#fetched(key, signal));
      else {
        const packed = this.reels?.get(Number(key.slice(1)));
        if (packed) void this.#bring(key, async () => packed);
      }
    }
  }

  /**
   * @param {string} key
   * @param {AbortSignal} signal
   */
  async #fetched(key, signal) {
    const url = this.info.urls.exact.replace("{frame}", key.slice(1));
    const response = await fetch(url, { signal, credentials: "same-origin" });
    if (!response.ok) throw new Error(String(response.status));
    return response.blob();
  }

  /**
   * @param {string} key
   * @param {(signal: AbortSignal) => Promise<Blob>} from
   */
  async #bring(key, from) {
    const abort = new AbortController();
    this.coming.set(key, abort);
    try {
      const bitmap = await createImageBitmap(await from(abort.signal));
      if (this.isClosed) bitmap.close();
      else this.#keep(key, bitmap);
    } catch {
      if (!abort.signal.aborted) {
        this.failed.set(key, performance.now() + FAILED_WAIT_MS);
        this.#tell("failed", key);
        setTimeout(() => this.#fill(), FAILED_WAIT_MS + 50);
      }
    } finally {
      this.coming.delete(key);
      this.#fill();
    }
  }

  /**
   * @param {string} key
   * @param {ImageBitmap} bitmap
   */
  #keep(key, bitmap) {
    this.ready.set(key, bitmap);
    for (const [old, unused] of this.ready) {
      if (this.ready.size <= this.most) break;
      if (this.wanted.includes(old)) continue;
      this.ready.delete(old);
      unused.close();
    }
    this.#tell("ready", key);
  }

  /**
   * @param {string} name
   * @param {string} key
   */
  #tell(name, key) {
    this.dispatchEvent(new CustomEvent(name, { detail: Number(key.slice(1)) }));
  }

  close() {
    this.isClosed = true;
    this.reels?.close();
    for (const abort of this.coming.values()) abort.abort();
    for (const bitmap of this.ready.values()) bitmap.close();
    this.ready.clear();
  }
}
