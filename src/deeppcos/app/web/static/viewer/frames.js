// Frames of one picture as bitmaps: fetched ahead, decoded off the main thread, a few kept.
// Owns fetching and memory. What is drawn is the business of pane.js.

/** @import {PictureInfo} from "./types.js" */

const AT_ONCE = 4;
const FAILED_WAIT_MS = 1500;

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
    this.most = Math.max(6, Math.floor(budget() / Math.max(1, info.width * info.height * 4)));
    /** @type {Map<string, ImageBitmap>} The least recently used first. */
    this.ready = new Map();
    /** @type {Map<string, AbortController>} */
    this.coming = new Map();
    /** @type {Map<string, number>} When a frame that failed may be asked for again. */
    this.failed = new Map();
    /** @type {string[]} */
    this.wanted = [];
    this.isClosed = false;
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
    const kind = exact ? "e" : "p";
    const count = this.info.frame_count;
    const reach = Math.min(ahead, this.most - 4, count - 1);
    this.wanted = [`${kind}${frame}`];
    for (let step = 1; step <= reach; step += 1) {
      const next = frame + step * direction;
      this.wanted.push(`p${((next % count) + count) % count}`);
    }
    if (exact) this.wanted.splice(1, 0, ...this.#beside(frame));
    for (const [key, abort] of this.coming) {
      if (!this.wanted.includes(key)) abort.abort();
    }
    this.#fill();
  }

  /** @param {number} frame */
  #beside(frame) {
    return [frame + 1, frame - 1]
      .filter((next) => next >= 0 && next < this.info.frame_count)
      .map((next) => `p${next}`);
  }

  #fill() {
    if (this.isClosed) return;
    for (const key of this.wanted) {
      if (this.coming.size >= AT_ONCE) return;
      const isBusy = this.ready.has(key) || this.coming.has(key);
      const mayAsk = (this.failed.get(key) ?? 0) < performance.now();
      if (!isBusy && mayAsk) void this.#fetch(key);
    }
  }

  /** @param {string} key */
  async #fetch(key) {
    const abort = new AbortController();
    this.coming.set(key, abort);
    const pattern = key.startsWith("e") ? this.info.urls.exact : this.info.urls.playing;
    const url = pattern.replace("{frame}", key.slice(1));
    try {
      const response = await fetch(url, { signal: abort.signal, credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      const bitmap = await createImageBitmap(await response.blob());
      if (this.isClosed) bitmap.close();
      else this.#keep(key, bitmap);
    } catch (error) {
      if (!abort.signal.aborted) {
        this.failed.set(key, performance.now() + FAILED_WAIT_MS);
        this.dispatchEvent(new CustomEvent("failed", { detail: Number(key.slice(1)) }));
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
    this.dispatchEvent(new CustomEvent("ready", { detail: Number(key.slice(1)) }));
  }

  close() {
    this.isClosed = true;
    for (const abort of this.coming.values()) abort.abort();
    for (const bitmap of this.ready.values()) bitmap.close();
    this.ready.clear();
  }
}
