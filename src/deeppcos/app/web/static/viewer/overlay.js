// Marks on the picture, drawn with Konva: outlines, numbers, points to pull, ruler, crosshair.
// Owns drawing. Which marks there are, and what a pointer does, is the business of others.

import { centroid } from "./geometry.js";
import { gettext } from "./i18n.js";
import { ringStyle, styleOf } from "./look.js";
import { numbered } from "./marks.js";
import { CORNERS, grown, resampled } from "./outlines.js";

/** @import {FrameMarks, Mark, Point, Polygon} from "./types.js" */
/** @import {View} from "./view.js" */

export const POINTS = 12;

/** An outline narrower than this on the screen is small: its points would hide it. */
export const SMALL_PX = 70;

/** Way from an outline to the ring of a research flag, pixels of the screen. */
const RING_GAP = 5;

/**
 * @typedef {object} Drawing What is to be seen.
 * @property {FrameMarks} marks
 * @property {FrameMarks | null} ghost Marks to compare with, drawn thin below.
 * @property {Set<string>} selected
 * @property {boolean} confidence
 * @property {boolean} hidden
 * @property {boolean} isPlaying Numbers that pass by cannot be read, and are left out.
 * @property {number | null} point Number of the point that keys move.
 * @property {Mark | null} dragged A mark as it is being changed.
 * @property {{polygon: Polygon, closed: boolean} | null} sketch
 * @property {{from: Point, to: Point, text: string} | null} ruler
 * @property {Point | null} crosshair
 */

/** @type {Drawing} */
export const EMPTY = {
  marks: { marks: [], remarks: [] }, ghost: null, selected: new Set(), confidence: false,
  hidden: false, isPlaying: false, point: null, dragged: null, sketch: null, ruler: null, crosshair: null,
};

export class Overlay {
  /**
   * @param {HTMLElement} container
   * @param {View} view
   */
  constructor(container, view) {
    this.view = view;
    this.stage = new Konva.Stage({ container, width: 1, height: 1, listening: false });
    // One canvas for all: every further one is painted again with each correction.
    this.canvas = new Konva.Layer({ listening: false });
    this.stage.add(this.canvas);
    this.layer = new Konva.Group({ listening: false });
    this.top = new Konva.Group({ listening: false });
    this.canvas.add(this.layer, this.top);
    /** @type {{node: any, at: Point, dx: number, dy: number}[]} */
    this.labels = [];
    this.drawing = EMPTY;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.stage.size({ width, height });
    this.place();
  }

  /** Follow the view: nothing is built anew. */
  place() {
    const { view } = this;
    const { at, by } = view.across;
    const down = view.zoom * view.stretch;
    this.layer.position({ x: at + 0.5 * by, y: view.y + 0.5 * down });
    this.layer.scale({ x: by, y: down });
    for (const { node, dx, dy } of this.labels) {
      node.scale({ x: 1 / by, y: 1 / down });
      node.offset({ x: -dx, y: -dy });
    }
    this.#drawTop();
    this.canvas.batchDraw();
  }

  /** @param {Drawing} drawing */
  draw(drawing) {
    this.drawing = drawing;
    this.layer.destroyChildren();
    this.labels = [];
    if (!drawing.hidden) {
      for (const mark of drawing.ghost?.marks ?? []) this.#ghost(mark);
      for (const { mark, number } of numbered(drawing.marks)) {
        this.#mark(drawing.dragged?.id === mark.id ? drawing.dragged : mark, number);
      }
    }
    if (drawing.sketch) this.#sketch(drawing.sketch);
    this.place();
  }

  /**
   * @param {Polygon} polygon
   * @param {object} how
   */
  #line(polygon, how) {
    this.layer.add(
      new Konva.Line({
        points: polygon.flat(),
        closed: true,
        strokeScaleEnabled: false,
        listening: false,
        perfectDrawEnabled: false,
        shadowForStrokeEnabled: false,
        lineJoin: "round",
        lineCap: "round",
        ...how,
      }),
    );
  }

  /** @param {Mark} mark */
  #ghost(mark) {
    this.#line(mark.polygon, { stroke: "#ffffff", strokeWidth: 1, opacity: 0.55, dash: [3, 4] });
  }

  /**
   * @param {Mark} mark
   * @param {number | null} number
   */
  #mark(mark, number) {
    const style = styleOf(mark, this.drawing.confidence);
    const isChosen = this.drawing.selected.has(mark.id);
    const width = style.width + (isChosen ? 1.2 : 0);
    if (isChosen) this.#line(mark.polygon, { stroke: "#ffffff", strokeWidth: width + 4, opacity: 0.55 });
    this.#line(mark.polygon, { stroke: "#05070b", strokeWidth: width + 2, opacity: 0.5 * style.alpha });
    this.#line(mark.polygon, {
      stroke: style.colour,
      strokeWidth: width,
      opacity: style.alpha,
      dash: style.dash,
      ...(isChosen && mark.kind !== "ovary" ? { fill: `${style.colour}22` } : {}),
    });
    if (mark.is_luteal_like) this.#ring(mark);
    const text = this.drawing.isPlaying ? "" : this.#label(mark, number);
    if (text) this.#pill(mark, text, style.colour);
  }

  /**
   * Around what looks like a corpus luteum; the follicle's own line stays as it is.
   * @param {Mark} mark
   */
  #ring(mark) {
    const { colour, width, dash } = ringStyle();
    const ring = grown(mark.polygon, RING_GAP / this.view.zoom);
    this.#line(ring, { stroke: "#05070b", strokeWidth: width + 1.6, opacity: 0.5 });
    this.#line(ring, { stroke: colour, strokeWidth: width, dash });
  }

  /**
   * @param {Mark} mark
   * @param {number | null} number
   */
  #label(mark, number) {
    if (this.drawing.confidence && mark.probability !== undefined) {
      return `${Math.round(mark.probability * 100)} %`;
    }
    if (mark.kind === "ovary") return mark.is_doubtful ? gettext("doubtful") : "";
    if (mark.kind === "cyst") return gettext("cyst");
    if (mark.kind === "vessel") return gettext("vessel");
    return number === null ? "" : String(number);
  }

  /**
   * @param {Mark} mark
   * @param {string} text
   * @param {string} colour
   */
  #pill(mark, text, colour) {
    const [x, y] = centroid(mark.polygon);
    const radius = Math.min(...extent(mark.polygon)) / 2;
    const isRoomy = radius * this.view.zoom > 13 && mark.kind !== "ovary";
    const group = new Konva.Group({ x, y, listening: false });
    const label = new Konva.Text({
      text, fontSize: 12, fontStyle: "bold", fontFamily: "system-ui, DejaVu Sans, sans-serif",
      fill: mark.by === "reader" ? "#0b0e14" : "#ffffff", padding: 0,
    });
    const width = Math.max(18, label.width() + 9);
    const pill = new Konva.Rect({
      width, height: 17, cornerRadius: mark.by === "reader" ? 4 : 9,
      fill: mark.by === "reader" ? colour : "#0b0e14cc",
      stroke: mark.by === "reader" ? "#0b0e14" : colour, strokeWidth: 1,
    });
    pill.position({ x: -width / 2, y: -8.5 });
    label.position({ x: -label.width() / 2, y: -6 });
    group.add(pill, label);
    this.layer.add(group);
    const away = isRoomy ? 0 : radius * this.view.zoom * this.view.stretch + 13;
    this.labels.push({ node: group, at: [x, y], dx: 0, dy: -away });
  }

  /** @param {{polygon: Polygon, closed: boolean}} sketch */
  #sketch({ polygon, closed }) {
    this.#line(polygon, { stroke: "#05070b", strokeWidth: 4, opacity: 0.5, closed });
    this.#line(polygon, { stroke: "#ffffff", strokeWidth: 1.8, dash: [6, 4], closed });
  }

  #drawTop() {
    this.top.destroyChildren();
    const { drawing } = this;
    const pulled = drawing.hidden ? null : this.#only();
    if (pulled) this.#points(drawing.dragged ?? pulled);
    if (drawing.ruler) this.#ruler(drawing.ruler);
    if (drawing.crosshair) this.#crosshair(this.view.toScreen(drawing.crosshair));
  }

  #only() {
    const { marks, selected } = this.drawing;
    return selected.size === 1 ? marks.marks.find((mark) => selected.has(mark.id)) ?? null : null;
  }

  /** @param {Mark} mark */
  #points(mark) {
    const style = styleOf(mark, false);
    const isSmall = Math.min(...extent(mark.polygon)) * this.view.zoom < SMALL_PX;
    handles(mark.polygon).forEach((corner, i) => {
      const [x, y] = this.view.toScreen(corner);
      const isCurrent = this.drawing.point === i;
      // On a small outline every third point is enough; the others can still be taken with keys.
      if (isSmall && i % 3 && !isCurrent) return;
      this.top.add(
        new Konva.Circle({
          x, y, radius: isCurrent ? 7 : isSmall ? 3.5 : 4.5, fill: isCurrent ? "#ffffff" : style.colour,
          stroke: "#05070b", strokeWidth: 1.5,
        }),
      );
    });
  }

  /** @param {{from: Point, to: Point, text: string}} ruler */
  #ruler({ from, to, text }) {
    const [a, b] = [this.view.toScreen(from), this.view.toScreen(to)];
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
    const nx = (-(b[1] - a[1]) / length) * 7;
    const ny = ((b[0] - a[0]) / length) * 7;
    for (const how of [{ stroke: "#05070b", strokeWidth: 4.5 }, { stroke: "#ffffff", strokeWidth: 1.8 }]) {
      this.top.add(new Konva.Line({ points: [...a, ...b], ...how }));
      for (const [x, y] of [a, b]) {
        this.top.add(new Konva.Line({ points: [x - nx, y - ny, x + nx, y + ny], ...how }));
      }
    }
    this.#words(text, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2 - 16);
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  #words(text, x, y) {
    const label = new Konva.Text({
      text, fontSize: 14, fontStyle: "bold", fontFamily: "system-ui, DejaVu Sans, sans-serif",
      fill: "#ffffff",
    });
    const width = label.width() + 16;
    const left = Math.min(Math.max(x - width / 2, 6), this.view.screen.width - width - 6);
    const top = Math.min(Math.max(y - 12, 6), this.view.screen.height - 32);
    this.top.add(new Konva.Rect({ x: left, y: top, width, height: 25, cornerRadius: 6, fill: "#0b0e14e0" }));
    label.position({ x: left + 8, y: top + 6 });
    this.top.add(label);
  }

  /** @param {Point} at */
  #crosshair([x, y]) {
    for (const how of [{ stroke: "#05070b", strokeWidth: 4 }, { stroke: "#7fe7ff", strokeWidth: 1.8 }]) {
      for (const points of [
        [x - 20, y, x - 5, y], [x + 5, y, x + 20, y], [x, y - 20, x, y - 5], [x, y + 5, x, y + 20],
      ]) {
        this.top.add(new Konva.Line({ points, ...how }));
      }
    }
  }
}

/**
 * The points by which an outline is pulled.
 * @param {Polygon} polygon
 */
export function handles(polygon) {
  return resampled(polygon, CORNERS).filter((_, i) => i % (CORNERS / POINTS) === 0);
}

/** @param {Polygon} polygon */
function extent(polygon) {
  const xs = polygon.map((point) => point[0]);
  const ys = polygon.map((point) => point[1]);
  return [Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)];
}
