// Drawing with keys: a crosshair that arrows move, and Enter that places what the tool draws.
// Owns the crosshair and the end set first. The marks themselves come from adding.js and editing.js.

import { addAt, addOvary } from "./adding.js";
import { gettext } from "./i18n.js";
import { say, tell } from "./notices.js";
import { ovaryBetween } from "./outlines.js";
import { POINTS } from "./overlay.js";

/** @import {Point} from "./types.js" */
/** @import {Viewer} from "./viewer.js" */

export class Pen {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {Point | null} First end of what is drawn. */
    this.begun = null;
    /** @type {Point | null} Where the last drawing ended: the next one goes on from there. */
    this.was = null;
  }

  /** Another tool is taken up. */
  lift() {
    this.begun = null;
    this.was = this.viewer.crosshair ?? this.was;
    this.viewer.crosshair = null;
  }

  /**
   * @param {number} dx Screen pixels.
   * @param {number} dy
   */
  move(dx, dy) {
    const { viewer } = this;
    const { view } = viewer.pane;
    const { width, height } = view.screen;
    const [x, y] = view.toScreen(viewer.crosshair ?? this.was ?? view.toPicture([width / 2, height / 2]));
    const next = view.toPicture([
      Math.min(Math.max(x + dx, 0), width), Math.min(Math.max(y + dy, 0), height),
    ]);
    viewer.crosshair = next;
    if (this.begun) this.#preview(this.begun, next);
    viewer.drawMarks();
  }

  /**
   * @param {Point} from
   * @param {Point} to
   */
  #preview(from, to) {
    const { viewer } = this;
    if (viewer.tool === "ovary") viewer.drawn = { polygon: ovaryBetween(from, to), closed: true };
    else if (viewer.tool === "split") viewer.drawn = { polygon: [from, to], closed: false };
    else if (viewer.tool === "ruler") viewer.ruled = { from, to };
  }

  /** Enter: place what the tool draws at the crosshair. */
  place() {
    const { viewer } = this;
    const { crosshair: at, tool } = viewer;
    if (["select", "pan", "window"].includes(tool)) return undefined;
    if (tool === "split" && !at && viewer.onlySelected) return viewer.editor.halve();
    if (!at) return this.move(0, 0);
    if (tool === "add") return void addAt(viewer.editor, at);
    if (!this.begun) {
      this.begun = at;
      return tell(gettext("First end set. Move and press Enter again."));
    }
    const from = this.begun;
    this.begun = null;
    if (tool === "ovary") return addOvary(viewer.editor, from, at);
    if (tool === "split") return viewer.editor.splitAlong(from, at);
    return viewer.measure(from, at, true);
  }

  nextPoint() {
    const { viewer } = this;
    if (!viewer.onlySelected) return say(gettext("Select one mark first."));
    viewer.point = viewer.point === null ? 0 : (viewer.point + 1) % POINTS;
    tell(gettext("Point {number} of {count}", { number: viewer.point + 1, count: POINTS }));
    viewer.drawMarks();
    return undefined;
  }

  /** Let go of what is begun, then of what is selected, then of the tool. */
  escape() {
    const { viewer } = this;
    if (this.begun || viewer.drawn || viewer.ruled || viewer.point !== null) {
      this.begun = null;
      viewer.drawn = null;
      viewer.ruled = null;
      viewer.point = null;
      viewer.drawMarks();
    } else if (viewer.selected.size) {
      viewer.select([]);
    } else {
      viewer.crosshair = null;
      viewer.use("select");
    }
  }
}
