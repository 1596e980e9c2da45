// The two planes of a volume at right angles to its slices, with the place of each in the other.
// Owns their drawing and clicking.

import { byId, make } from "./dom.js";

/** @import {PictureInfo, Point, Scale} from "./types.js" */

const NAMES = /** @type {const} */ (["coronal", "sagittal"]);

export class Planes {
  /** @param {(frame: number, at: Point) => void} goTo */
  constructor(goTo) {
    this.goTo = goTo;
    this.root = byId("planes");
    /** @type {PictureInfo | null} */
    this.info = null;
    /** @type {Scale | null} */
    this.scale = null;
    this.frame = 0;
    /** @type {Point} */
    this.at = [0, 0];
    /** @type {Map<string, ImageBitmap>} */
    this.kept = new Map();
    this.canvases = NAMES.map((name) => {
      const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { width: 1, height: 1 }));
      canvas.addEventListener("pointerdown", (event) => this.#pick(name, event));
      return canvas;
    });
  }

  get isOpen() {
    return !this.root.hidden;
  }

  /**
   * @param {PictureInfo} info
   * @param {Scale | null} scale
   */
  open(info, scale) {
    this.root.hidden = false;
    this.info = info;
    this.scale = scale;
    this.kept.clear();
    this.at = [info.width / 2, info.height / 2];
    const note = scale && info.slice_spacing_mm ? "" : ", slices as wide apart as pixels: spacing not known";
    this.root.replaceChildren(...this.canvases.map((canvas, i) =>
      make("div", { class: "plane" }, canvas,
        make("p", {}, i ? `Sagittal${note}` : `Coronal${note}`))));
  }

  close() {
    this.root.hidden = true;
  }

  /**
   * @param {number} frame
   * @param {Point} [at]
   */
  async show(frame, at = this.at) {
    if (!this.isOpen || !this.info) return;
    this.frame = frame;
    this.at = at;
    await Promise.all(NAMES.map((name, i) => this.#paint(name, this.canvases[i])));
  }

  /**
   * @param {"coronal" | "sagittal"} name
   * @param {HTMLCanvasElement} canvas
   */
  async #paint(name, canvas) {
    const info = /** @type {PictureInfo} */ (this.info);
    const along = name === "coronal" ? info.width : info.height;
    const number = Math.round(Math.min(Math.max(name === "coronal" ? this.at[1] : this.at[0], 0),
      (name === "coronal" ? info.height : info.width) - 1));
    const bitmap = await this.#fetch(name, number, info);
    if (!bitmap || this.info !== info) return;
    const perPixel = name === "coronal" ? this.scale?.x : this.scale?.y;
    const stretch = perPixel && info.slice_spacing_mm ? info.slice_spacing_mm / perPixel : 1;
    const most = Math.min(2, Math.max(1, 400 / along));
    canvas.width = Math.round(along * most);
    canvas.height = Math.max(8, Math.round(info.frame_count * stretch * most));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const y = ((this.frame + 0.5) / info.frame_count) * canvas.height;
    const x = ((name === "coronal" ? this.at[0] : this.at[1]) / along) * canvas.width;
    context.strokeStyle = "#7fe7ff";
    context.lineWidth = 1.5;
    context.setLineDash([6, 4]);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(canvas.width, y);
    context.moveTo(x, 0);
    context.lineTo(x, canvas.height);
    context.stroke();
  }

  /**
   * @param {string} name
   * @param {number} number
   * @param {PictureInfo} info
   */
  async #fetch(name, number, info) {
    const key = `${name}${number}`;
    const known = this.kept.get(key);
    if (known) return known;
    const url = info.urls.plane.replace("{plane}", name).replace("{number}", String(number));
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) return null;
    const bitmap = await createImageBitmap(await response.blob());
    if (this.kept.size > 40) this.kept.clear();
    this.kept.set(key, bitmap);
    return bitmap;
  }

  /**
   * @param {"coronal" | "sagittal"} name
   * @param {PointerEvent} event
   */
  #pick(name, event) {
    const info = this.info;
    if (!info) return;
    const canvas = /** @type {HTMLCanvasElement} */ (event.target);
    const box = canvas.getBoundingClientRect();
    const along = (event.clientX - box.left) / box.width;
    const down = (event.clientY - box.top) / box.height;
    const frame = Math.min(info.frame_count - 1, Math.floor(down * info.frame_count));
    const at = /** @type {Point} */ (
      name === "coronal" ? [along * info.width, this.at[1]] : [this.at[0], along * info.height]
    );
    this.goTo(frame, at);
  }
}
