// Frames for playing as the server packs them: a reel holds the small pictures of many frames, so
// that a sweep is fetched in a few requests. Owns fetching and unpacking; decoding is frames.js's.
//
// A reel: the number of pictures, their lengths (32 bits each, big-endian), then the pictures.

/** @import {PictureInfo} from "./types.js" */

const AGAIN_MS = 1500;
const MOST_BYTES = 128 * 1024 * 1024;

export class Reels extends EventTarget {
  /** @param {PictureInfo} info */
  constructor(info) {
    super();
    this.info = info;
    /** @type {Map<number, Blob[]>} Least recently used first. */
    this.reels = new Map();
    /** @type {Map<number, AbortController>} */
    this.coming = new Map();
    /** @type {Map<number, number>} When a reel that failed may be asked for again. */
    this.failed = new Map();
    this.bytes = 0;
  }

  /** @param {number} frame */
  #reelOf(frame) {
    return Math.floor(frame / this.info.reel_frames);
  }

  /**
   * The packed picture of a frame, if its reel is here.
   * @param {number} frame
   * @returns {Blob | null}
   */
  get(frame) {
    const number = this.#reelOf(frame);
    const reel = this.reels.get(number);
    if (!reel) return null;
    this.reels.delete(number);
    this.reels.set(number, reel);
    return reel[frame - number * this.info.reel_frames] ?? null;
  }

  /**
   * Fetch the reel of a frame, and the one after it.
   * @param {number} frame
   * @param {number} direction
   */
  want(frame, direction) {
    const last = this.#reelOf(this.info.frame_count - 1);
    const now = this.#reelOf(frame);
    void this.#fetch(now);
    void this.#fetch((now + direction + last + 1) % (last + 1));
  }

  /** @param {number} number */
  async #fetch(number) {
    const isBusy = this.reels.has(number) || this.coming.has(number);
    if (isBusy || (this.failed.get(number) ?? 0) > performance.now()) return;
    const abort = new AbortController();
    this.coming.set(number, abort);
    try {
      const url = this.info.urls.playing.replace("{reel}", String(number));
      const response = await fetch(url, { signal: abort.signal, credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      this.#keep(number, unpacked(await response.arrayBuffer()));
    } catch {
      this.failed.set(number, performance.now() + AGAIN_MS);
      if (!abort.signal.aborted) this.#tell("failed", number);
    } finally {
      this.coming.delete(number);
    }
  }

  /**
   * @param {number} number
   * @param {Blob[]} reel
   */
  #keep(number, reel) {
    this.reels.set(number, reel);
    this.bytes += sizeOf(reel);
    for (const [old, unused] of this.reels) {
      if (this.bytes <= MOST_BYTES || old === number) break;
      this.reels.delete(old);
      this.bytes -= sizeOf(unused);
    }
    this.#tell("ready", number);
  }

  /**
   * @param {string} name
   * @param {number} number
   */
  #tell(name, number) {
    this.dispatchEvent(new CustomEvent(name, { detail: number * this.info.reel_frames }));
  }

  close() {
    for (const abort of this.coming.values()) abort.abort();
    this.reels.clear();
  }
}

/**
 * The pictures of a reel.
 * @param {ArrayBuffer} packed
 * @returns {Blob[]}
 */
export function unpacked(packed) {
  const head = new DataView(packed);
  const count = head.getUint32(0);
  let at = 4 + 4 * count;
  return Array.from({ length: count }, (_, i) => {
    const length = head.getUint32(4 + 4 * i);
    const picture = new Blob([packed.slice(at, at + length)], { type: "image/jpeg" });
    at += length;
    return picture;
  });
}

/** @param {Blob[]} reel */
function sizeOf(reel) {
  return reel.reduce((sum, picture) => sum + picture.size, 0);
}
