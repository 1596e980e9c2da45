// One picture on the screen: its pixels, its heat map, its marks, and where it lies.
// Owns painting. It is used twice: for the study that is read and for an earlier visit.

import { Frames } from "./frames.js";
import { Overlay } from "./overlay.js";
import { View } from "./view.js";

/** @import {FrameInfo, PictureInfo} from "./types.js" */

const AHEAD = 3;
const AHEAD_PLAYING = 8;
/** Zoom from which single pixels are shown as squares. */
const PIXELS_FROM = 8;

export class Pane extends EventTarget {
  /** @param {HTMLElement} root Holds ``.pixels``, ``.heat`` and ``.marks``. */
  constructor(root) {
    super();
    this.root = root;
    this.view = new View();
    this.pixels = /** @type {HTMLCanvasElement} */ (root.querySelector(".pixels"));
    this.heat = /** @type {HTMLCanvasElement} */ (root.querySelector(".heat"));
    this.overlay = new Overlay(/** @type {HTMLElement} */ (root.querySelector(".marks")), this.view);
    this.context = /** @type {CanvasRenderingContext2D} */ (
      this.pixels.getContext("2d", { alpha: false })
    );
    /** @type {Frames | null} */
    this.frames = null;
    /** @type {PictureInfo | null} */
    this.info = null;
    this.frame = 0;
    /** @type {{frame: number, exact: boolean} | null} */
    this.painted = null;
    this.isPlaying = false;
    this.direction = 1;
    new ResizeObserver(() => this.#fill()).observe(root);
  }

  /**
   * @param {PictureInfo} info
   * @param {number} stretch Height of a pixel over its width.
   */
  open(info, stretch) {
    this.frames?.close();
    this.info = info;
    this.painted = null;
    this.pixels.width = this.heat.width = Math.max(1, info.width);
    this.pixels.height = this.heat.height = Math.max(1, info.height);
    this.heat.hidden = true;
    this.view.setPicture(this.pixels.width, this.pixels.height, stretch);
    this.frames = new Frames(info);
    this.frames.addEventListener("ready", (event) => {
      if (/** @type {CustomEvent} */ (event).detail === this.frame) this.paint();
    });
    this.frames.addEventListener("failed", (event) => {
      if (/** @type {CustomEvent} */ (event).detail === this.frame) this.#tell("failed");
    });
    this.show(0);
    this.place();
  }

  /** @param {number} frame */
  show(frame) {
    if (!this.frames || !this.info) return;
    this.direction = frame < this.frame ? -1 : 1;
    this.frame = frame;
    const ahead = this.isPlaying ? AHEAD_PLAYING : AHEAD;
    this.frames.want(frame, { exact: !this.isPlaying, direction: this.direction, ahead });
    this.paint();
  }

  /** Whether a frame could be painted now. @param {number} frame */
  has(frame) {
    return this.frames?.get(frame, false) != null;
  }

  paint() {
    const found = this.frames?.get(this.frame, !this.isPlaying);
    this.root.classList.toggle("is-waiting", !found);
    if (!found) return;
    const isSame = this.painted?.frame === this.frame && this.painted.exact === found.exact;
    if (isSame) return;
    this.#size(found.bitmap.width, found.bitmap.height);
    this.context.drawImage(found.bitmap, 0, 0);
    this.painted = { frame: this.frame, exact: found.exact };
    this.#tell("painted");
  }

  /**
   * The canvas is as large as what is painted: stretching it is the compositor's work, which is
   * cheaper than stretching every frame.
   * @param {number} width
   * @param {number} height
   */
  #size(width, height) {
    if (this.pixels.width === width && this.pixels.height === height) return;
    [this.pixels.width, this.pixels.height] = [width, height];
    this.#transform();
  }

  #fill() {
    const { width, height } = this.root.getBoundingClientRect();
    if (width < 2 || height < 2) return;
    this.view.covered = coveredLeft(this.root);
    this.root.style.setProperty("--covered", `${this.view.covered}px`);
    this.view.setScreen(width, height);
    this.overlay.resize(width, height);
    this.place();
  }

  /** Follow the view. */
  place() {
    this.#transform();
    this.overlay.place();
    this.#tell("placed");
  }

  #transform() {
    const { view } = this;
    const { at, by } = view.across;
    for (const canvas of [this.pixels, this.heat]) {
      const [sx, sy] = [view.width / canvas.width, view.height / canvas.height];
      canvas.style.transform =
        `matrix(${by * sx}, 0, 0, ${view.zoom * view.stretch * sy}, ${at}, ${view.y})`;
      canvas.style.imageRendering = view.zoom > PIXELS_FROM && sx === 1 ? "pixelated" : "auto";
    }
  }

  /**
   * Paint a heat map, ``(H, W)`` grey: bright where the network looked most.
   * @param {ImageBitmap | null} map
   */
  paintHeat(map) {
    this.heat.hidden = !map;
    if (!map) return;
    this.heat.width = map.width;
    this.heat.height = map.height;
    this.#transform();
    const context = /** @type {CanvasRenderingContext2D} */ (this.heat.getContext("2d"));
    context.drawImage(map, 0, 0);
    const image = context.getImageData(0, 0, map.width, map.height);
    const { data } = image;
    for (let i = 0; i < data.length; i += 4) {
      const heat = data[i] / 255;
      // One hue from dark to light, so that it is read as more and less, not as kinds; none of the
      // marks has it.
      data[i] = 140 + 90 * heat;
      data[i + 1] = 60 + 130 * heat * heat;
      data[i + 2] = 255;
      data[i + 3] = 190 * Math.max(0, heat - 0.15) * 1.18;
    }
    context.putImageData(image, 0, 0);
  }

  /** @param {string} name */
  #tell(name) {
    this.dispatchEvent(new Event(name));
  }

  close() {
    this.frames?.close();
    this.frames = null;
  }
}

/**
 * How far tools lie over the left side of a stage, CSS pixels.
 * @param {HTMLElement} root
 */
function coveredLeft(root) {
  const tools = root.closest(".bench")?.querySelector(".toolbar");
  if (!tools || root.id !== "stage" || getComputedStyle(tools).position !== "absolute") return 0;
  const right = Math.max(...[...tools.children].map((one) => one.getBoundingClientRect().right));
  return right - root.getBoundingClientRect().left + 4;
}

/**
 * How much taller than wide a pixel is to be shown; 1 where nobody knows.
 * @param {FrameInfo | undefined} first
 */
export function stretchOf(first) {
  const scale = first?.mm_per_pixel;
  return scale ? scale.y / scale.x : 1;
}
