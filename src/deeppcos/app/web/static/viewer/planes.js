// The two planes of a volume at right angles to its slices, with the place of each in the other.
// Owns their drawing, clicking and keys.

import { byId, make } from "./dom.js";
import { decimal, gettext } from "./i18n.js";
import { tell } from "./notices.js";

/** @import {PictureInfo, Point, Scale} from "./types.js" */

/** @typedef {"coronal" | "sagittal"} Name */

const LARGEST_PX = 400;
const STEP_SHARE = 0.02;
const MOST_KEPT = 40;

/** @type {readonly {name: Name, words: string}[]} */
const PLANES = [
  { name: "coronal", words: gettext("Coronal") },
  { name: "sagittal", words: gettext("Sagittal") },
];

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
    this.canvases = PLANES.map(({ name, words }) => {
      const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", {
        width: 1, height: 1, tabindex: 0, role: "application",
        "aria-label": gettext("{plane} plane. Arrows move the lines.", { plane: words }),
      }));
      canvas.addEventListener("pointerdown", (event) => this.#pick(name, event));
      canvas.addEventListener("keydown", (event) => this.#key(name, event));
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
    const isSpaced = scale && info.slice_spacing_mm;
    const note = isSpaced ? "" : gettext("slices as wide apart as pixels: spacing not known");
    this.root.replaceChildren(...this.canvases.map((canvas, i) =>
      make("div", { class: "plane" }, canvas,
        make("p", {}, [PLANES[i].words, note].filter(Boolean).join(", ")))));
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
    await Promise.all(PLANES.map(({ name }, i) => this.#paint(name, this.canvases[i])));
  }

  /**
   * How many pixels the plane has along the picture, and which of its fellows it is.
   * @param {Name} name
   */
  #extent(name) {
    const info = /** @type {PictureInfo} */ (this.info);
    const [along, across] = name === "coronal" ? [info.width, info.height] : [info.height, info.width];
    const [x, y] = this.at;
    const [at, other] = name === "coronal" ? [x, y] : [y, x];
    return { along, at, number: Math.round(Math.min(Math.max(other, 0), across - 1)) };
  }

  /**
   * @param {Name} name
   * @param {HTMLCanvasElement} canvas
   */
  async #paint(name, canvas) {
    const info = /** @type {PictureInfo} */ (this.info);
    const { number } = this.#extent(name);
    const bitmap = await this.#fetch(name, number, info).catch(() => null);
    if (!bitmap || this.info !== info || this.#extent(name).number !== number) return;
    const { along, at } = this.#extent(name);
    const perPixel = name === "coronal" ? this.scale?.x : this.scale?.y;
    const stretch = perPixel && info.slice_spacing_mm ? info.slice_spacing_mm / perPixel : 1;
    const most = Math.min(2, Math.max(1, LARGEST_PX / along));
    canvas.width = Math.round(along * most);
    canvas.height = Math.max(8, Math.round(info.frame_count * stretch * most));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const y = ((this.frame + 0.5) / info.frame_count) * canvas.height;
    const x = (at / along) * canvas.width;
    context.strokeStyle = "#7fe7ff";
    context.lineWidth = 1.5;
    context.setLineDash([6, 4]);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(canvas.width, y);
    context.moveTo(x, 0);
    context.lineTo(x, canvas.height);
    context.stroke();
    canvas.dataset.shows = `${number} ${this.frame} ${at.toFixed(0)}`;
  }

  /**
   * @param {Name} name
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
    if (this.kept.size > MOST_KEPT) this.kept.clear();
    this.kept.set(key, bitmap);
    return bitmap;
  }

  /**
   * Go to a place of a plane.
   * @param {Name} name
   * @param {number} along Pixels of the picture.
   * @param {number} frame
   */
  #go(name, along, frame) {
    const info = /** @type {PictureInfo} */ (this.info);
    const { along: whole } = this.#extent(name);
    const kept = Math.min(Math.max(along, 0), whole - 1);
    const slice = Math.min(Math.max(frame, 0), info.frame_count - 1);
    this.goTo(slice, name === "coronal" ? [kept, this.at[1]] : [this.at[0], kept]);
  }

  /**
   * @param {Name} name
   * @param {PointerEvent} event
   */
  #pick(name, event) {
    if (!this.info) return;
    const canvas = /** @type {HTMLCanvasElement} */ (event.target);
    const box = canvas.getBoundingClientRect();
    const { along } = this.#extent(name);
    this.#go(name, ((event.clientX - box.left) / box.width) * along,
      Math.floor(((event.clientY - box.top) / box.height) * this.info.frame_count));
  }

  /**
   * @param {Name} name
   * @param {KeyboardEvent} event
   */
  #key(name, event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = /** @type {Record<string, number[]>} */ (steps)[event.key];
    if (!step || !this.info) return;
    const { along, at } = this.#extent(name);
    const wide = event.shiftKey ? 1 : Math.max(1, along * STEP_SHARE);
    event.preventDefault();
    event.stopPropagation();
    this.#go(name, at + step[0] * wide, this.frame + step[1]);
    tell(gettext("Slice {number}, {percent} % along the plane", {
      number: this.frame + 1, percent: decimal((100 * this.#extent(name).at) / along, 0),
    }));
  }
}
