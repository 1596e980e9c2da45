// Corrections of what is there, from a reader's wish to the change, the paint and what is said.
// Owns the way there. New marks come from adding.js, remarks from remarks.js; what a change takes
// away and adds is the business of changes.js, keeping and sending that of reading.js and outbox.js.

import * as changes from "./changes.js";
import { centroid, meanDiameter } from "./geometry.js";
import { gettext, ngettext } from "./i18n.js";
import { sectionCount } from "./marks.js";
import { say, tell } from "./notices.js";
import { CORNERS, moved, pulled, resampled, scaled } from "./outlines.js";
import { POINTS } from "./overlay.js";
import { placeOf } from "./reading.js";
import { KIND } from "./words.js";

/** @import {Change, ChosenKind, Mark, Point, Polygon} from "./types.js" */
/** @import {Viewer} from "./viewer.js" */

export class Editor {
  /**
   * @param {Viewer} viewer
   * @param {string} token Against forged requests.
   */
  constructor(viewer, token) {
    this.viewer = viewer;
    this.token = token;
    /** Clicks whose edge is still being looked for. */
    this.waiting = 0;
  }

  /** @returns {changes.Ground} */
  get ground() {
    const { info, manifest, picture } = this.viewer;
    return {
      scale: info.mm_per_pixel,
      limits: manifest.limits,
      width: picture.width,
      height: picture.height,
    };
  }

  get where() {
    return { picture: this.viewer.picture.id, frame: this.viewer.frame };
  }

  /**
   * Make a change on a frame.
   * @param {Change} change
   * @param {string} words
   * @param {number} since When the reader asked for it, as event time.
   * @param {{picture: string, frame: number}} where
   */
  make(change, words, since = performance.now(), where = this.where) {
    const { viewer } = this;
    if (!viewer.manifest.reading.may_edit) {
      viewer.refuse();
      return null;
    }
    viewer.dragged = null;
    viewer.drawn = null;
    const edit = viewer.reading.make(change, this.workOn(where));
    if (!edit) {
      say(gettext("That mark was changed meanwhile. Look again."));
      viewer.redraw();
      return null;
    }
    viewer.selected = new Set(change.adds.map((mark) => mark.id));
    viewer.redraw();
    tell(`${words}. ${this.#countWords()}`);
    timed(since);
    return edit;
  }

  /**
   * What is told of a change besides what it changes.
   * @param {{picture: string, frame: number}} where
   */
  workOn(where) {
    const seen = this.viewer.machineSeen.has(placeOf(where.picture, where.frame));
    return {
      ...where,
      seconds: this.viewer.clock.take(),
      machineSeen: seen,
      release: seen ? this.viewer.manifest.release : "",
    };
  }

  #countWords() {
    const { counted } = sectionCount(this.viewer.marks);
    return ngettext("{count} follicle in this section", "{count} follicles in this section", counted);
  }

  /**
   * @param {Point} from
   * @param {Point} to
   * @param {number} since
   */
  splitAlong(from, to, since = performance.now()) {
    const { viewer } = this;
    viewer.drawn = null;
    const isSplit = (/** @type {Mark} */ mark) => mark.kind !== "ovary";
    const order = [...viewer.chosen.filter(isSplit), ...viewer.marks.marks.filter(isSplit)];
    const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    const half = Math.hypot(to[0] - from[0], to[1] - from[1]) / 2;
    for (const mark of order) {
      const change = changes.split(mark, [from, to], this.ground);
      const [x, y] = centroid(mark.polygon);
      const isNear = Math.hypot(x - middle[0], y - middle[1]) < half + pixelsAcross(mark) / 2;
      if (change && isNear) {
        this.make(change, gettext("Mark split in two"), since);
        return;
      }
    }
    viewer.drawMarks();
    say(gettext("Draw the line right through the mark you want to split."));
  }

  halve() {
    const only = this.viewer.onlySelected;
    const change = only && changes.split(only, null, this.ground);
    if (change) this.make(change, gettext("Mark split in two"));
  }

  /**
   * @param {Mark} mark
   * @param {Polygon} polygon
   * @param {number} since
   */
  reshape(mark, polygon, since = performance.now()) {
    const { viewer } = this;
    const { point } = viewer;
    this.make(changes.reshape(mark, polygon, this.ground), gettext("Outline changed"), since);
    viewer.point = point;
    viewer.drawMarks();
  }

  merge() {
    const marks = this.viewer.chosen.filter((mark) => mark.kind !== "ovary");
    if (marks.length < 2) say(gettext("Select two marks or more to merge: Shift and click."));
    else this.make(changes.merge(marks, this.ground), gettext("Marks merged"));
  }

  delete() {
    const marks = this.viewer.chosen;
    if (!marks.length) {
      say(gettext("Select what is to be deleted first."));
      return;
    }
    this.make(changes.remove(marks),
      ngettext("{count} mark deleted", "{count} marks deleted", marks.length));
  }

  /** @param {ChosenKind} kind */
  rename(kind) {
    const { viewer } = this;
    const marks = viewer.chosen.filter((mark) => mark.kind !== "ovary");
    if (!marks.length) {
      say(gettext("Select a mark first, then say what it is."));
      return;
    }
    /** @type {string[]} */
    const now = [];
    const words = gettext("Called {kind}", { kind: KIND[kind] });
    for (const mark of marks) {
      const change = changes.rename(mark, kind, this.ground);
      if (this.make(change, words)) now.push(...change.adds.map((one) => one.id));
    }
    viewer.selected = new Set(now);
    viewer.redraw();
  }

  confirm() {
    const doubtful = this.viewer.marks.marks.filter((mark) => mark.is_doubtful);
    if (doubtful.length) {
      this.make(changes.confirm(doubtful, this.ground), gettext("Counted as an ovary"));
    }
  }

  /** @param {"undo" | "redo"} which */
  turn(which) {
    const { viewer } = this;
    const { reading } = viewer;
    const steps = which === "undo" ? reading.done : reading.undone;
    const where = steps[steps.length - 1]?.edit;
    if (!where) {
      say(which === "undo" ? gettext("Nothing to undo.") : gettext("Nothing to redo."));
      return;
    }
    const since = performance.now();
    const index = viewer.manifest.pictures.findIndex((info) => info.id === where.picture);
    if (index !== viewer.index) void viewer.open(index, where.frame);
    else if (where.frame !== viewer.frame) viewer.show(where.frame);
    viewer.selected = new Set();
    const edit = reading[which](this.workOn(where));
    const done = which === "undo" ? gettext("Undone") : gettext("Done again");
    if (edit) tell(`${done}. ${this.#countWords()}`);
    else say(gettext("Somebody changed it meanwhile: it cannot be taken back."));
    viewer.redraw();
    timed(since);
  }

  /** @param {number} factor */
  resize(factor) {
    const only = this.viewer.onlySelected;
    if (only) this.reshape(only, scaled(only.polygon, factor));
    else say(gettext("Select one mark first."));
  }

  /**
   * Move the selected mark, or the point that was taken, by screen pixels.
   * @param {number} dx
   * @param {number} dy
   */
  nudge(dx, dy) {
    const { onlySelected: only, pane: { view }, point } = this.viewer;
    if (!only) return say(gettext("Select one mark first."));
    const [mx, my] = [dx / view.across.by, dy / (view.zoom * view.stretch)];
    if (point === null) return this.reshape(only, moved(only.polygon, mx, my));
    const even = resampled(only.polygon, CORNERS);
    return this.reshape(only, pulled(even, point * (CORNERS / POINTS), mx, my, reachOf(only)));
  }
}

/**
 * How far the neighbourhood of a pulled point follows, as a share of the way round.
 * @param {Mark} mark
 */
export function reachOf(mark) {
  return mark.kind === "ovary" ? 0.1 : 0.16;
}

/** @param {Mark} mark */
export function pixelsAcross(mark) {
  return meanDiameter(mark.polygon, { x: 1, y: 1, source: "" }) ?? 0;
}

/**
 * Measure from the reader's hand to the painted picture; read by the benchmark.
 * @param {number} since
 */
export function timed(since) {
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () =>
      performance.measure("edit-painted", { start: since, end: performance.now() });
    channel.port2.postMessage(null);
  });
}
