// What pointers do to marks: choose, drag, draw, cut, measure. Each gesture ends in one call that
// makes the change. Owns which gesture begins; those that move the picture are in gestures.js.

import { addAt, addOvary } from "./adding.js";
import { reachOf } from "./editing.js";
import { box, contains } from "./geometry.js";
import { pan, pinch, spread } from "./gestures.js";
import { markAt } from "./marks.js";
import { CORNERS, moved, ovaryBetween, pulled, resampled } from "./outlines.js";
import { POINTS, handles } from "./overlay.js";

/** @import {Gesture} from "./gestures.js" */
/** @import {Mark, Point} from "./types.js" */
/** @import {Viewer} from "./viewer.js" */

const NEAR_PX = 11;
const NEAR_TOUCH_PX = 22;
const STILL_PX = 4;

export class Tools {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {Map<number, Point>} Fingers on the picture, screen pixels. */
    this.fingers = new Map();
    /** @type {Gesture | null} */
    this.gesture = null;
    const stage = viewer.stage;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event, false));
    stage.addEventListener("pointercancel", (event) => this.#up(event, true));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  get view() {
    return this.viewer.pane.view;
  }

  /** @param {MouseEvent} event @returns {Point} */
  #onScreen(event) {
    const box = this.viewer.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button > 1) return;
    const screen = this.#onScreen(event);
    this.fingers.set(event.pointerId, screen);
    this.viewer.stage.setPointerCapture(event.pointerId);
    if (this.fingers.size === 2) {
      this.viewer.sketch(null);
      this.gesture = pinch(this.viewer, this.fingers);
      return;
    }
    if (this.fingers.size > 2) return;
    this.viewer.crosshair = null;
    const at = this.view.toPicture(screen);
    const isMoving = event.button === 1 || this.viewer.isPanHeld;
    this.gesture = isMoving ? pan(this.viewer, screen, (event) => this.#onScreen(event)) : this.#begin(at, screen, event);
  }

  /**
   * @param {Point} at
   * @param {Point} screen
   * @param {PointerEvent} event
   * @returns {Gesture}
   */
  #begin(at, screen, event) {
    switch (this.viewer.tool) {
      case "add": return { end: (end, up) => addAt(this.viewer.editor, end, up.timeStamp) };
      case "ovary": return this.#ovary(at);
      case "split": return this.#split(at);
      case "ruler": return this.#ruler(at);
      case "window": return spread(this.viewer, screen, (event) => this.#onScreen(event));
      case "pan": return pan(this.viewer, screen, (event) => this.#onScreen(event));
      default: return this.#select(at, screen, event);
    }
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const screen = this.#onScreen(event);
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, screen);
    const at = this.view.toPicture(screen);
    if (this.gesture?.move) this.gesture.move(at, event);
    else if (!this.gesture) this.#hover(at, screen);
  }

  /**
   * @param {Point} at
   * @param {Point} screen
   */
  #hover(at, screen) {
    const isOver = this.viewer.tool === "select"
      && (this.#handleAt(screen, NEAR_PX) !== null || markAt(this.viewer.marks, at) !== null);
    this.viewer.stage.classList.toggle("is-over", isOver);
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} isCancelled
   */
  #up(event, isCancelled) {
    if (!this.fingers.delete(event.pointerId)) return;
    const { gesture } = this;
    if (this.fingers.size === 0) this.gesture = null;
    if (isCancelled) {
      this.viewer.drag(null);
      this.viewer.sketch(null);
    } else if (gesture?.end && this.fingers.size === 0) {
      gesture.end(this.view.toPicture(this.#onScreen(event)), event);
    }
  }

  /**
   * @param {Point} at
   * @param {Point} screen
   * @param {PointerEvent} event
   * @returns {Gesture}
   */
  #select(at, screen, event) {
    const near = event.pointerType === "touch" ? NEAR_TOUCH_PX : NEAR_PX;
    const only = this.viewer.onlySelected;
    const handle = this.viewer.mayEdit ? this.#handleAt(screen, near) : null;
    if (only && handle !== null) return this.#pull(only, handle, at);
    const isInside = only && only.kind !== "ovary" && contains(only.polygon, at);
    if (only && isInside && this.viewer.mayEdit) return this.#carry(only, at, event);
    return this.#chooseOrPan(screen, event);
  }

  /**
   * @param {Point} screen
   * @param {number} near
   * @returns {number | null} Number of the point.
   */
  #handleAt(screen, near) {
    const only = this.viewer.onlySelected;
    if (!only || this.viewer.isHidden) return null;
    let best = null;
    // The middle of a small follicle is for moving it, not for its points.
    const { x0, x1, y0, y1 } = box(only.polygon);
    const narrow = Math.min(x1 - x0, y1 - y0) * this.view.zoom;
    let least = Math.min(near, Math.max(5, narrow * 0.22));
    handles(only.polygon).forEach((corner, i) => {
      const [x, y] = this.view.toScreen(corner);
      const distance = Math.hypot(x - screen[0], y - screen[1]);
      if (distance < least) [best, least] = [i, distance];
    });
    return best;
  }

  /**
   * @param {Mark} mark
   * @param {number} handle
   * @param {Point} from
   * @returns {Gesture}
   */
  #pull(mark, handle, from) {
    const start = resampled(mark.polygon, CORNERS);
    const index = handle * (CORNERS / POINTS);
    const bent = (/** @type {Point} */ at) =>
      pulled(start, index, at[0] - from[0], at[1] - from[1], reachOf(mark));
    return {
      move: (at) => this.viewer.drag({ ...mark, polygon: bent(at) }),
      end: (at, event) => this.viewer.editor.reshape(mark, bent(at), event.timeStamp),
    };
  }

  /**
   * @param {Mark} mark
   * @param {Point} from
   * @param {PointerEvent} down
   * @returns {Gesture}
   */
  #carry(mark, from, down) {
    const start = this.#onScreen(down);
    const carried = (/** @type {Point} */ at) => moved(mark.polygon, at[0] - from[0], at[1] - from[1]);
    const isStill = (/** @type {PointerEvent} */ event) => {
      const [x, y] = this.#onScreen(event);
      return Math.hypot(x - start[0], y - start[1]) < STILL_PX;
    };
    return {
      move: (at, event) => {
        if (!isStill(event)) this.viewer.drag({ ...mark, polygon: carried(at) });
      },
      end: (at, event) => {
        if (isStill(event)) this.#choose(at, event.shiftKey);
        else this.viewer.editor.reshape(mark, carried(at), event.timeStamp);
      },
    };
  }

  /**
   * @param {Point} screen
   * @param {PointerEvent} down
   * @returns {Gesture}
   */
  #chooseOrPan(screen, down) {
    const moving = pan(this.viewer, screen, (event) => this.#onScreen(event));
    let hasMoved = false;
    return {
      move: (at, event) => {
        const [x, y] = this.#onScreen(event);
        hasMoved ||= Math.hypot(x - screen[0], y - screen[1]) >= STILL_PX;
        if (hasMoved) moving.move?.(at, event);
      },
      end: (at) => {
        if (!hasMoved) this.#choose(at, down.shiftKey);
      },
    };
  }

  /**
   * @param {Point} at
   * @param {boolean} more
   */
  #choose(at, more) {
    const mark = this.viewer.isHidden ? null : markAt(this.viewer.marks, at);
    this.viewer.stage.dispatchEvent(new CustomEvent("pointed", { detail: { at } }));
    this.viewer.select(mark ? [mark.id] : [], more);
  }

  /** @param {Point} from @returns {Gesture} */
  #ovary(from) {
    return {
      move: (at) => this.viewer.sketch({ polygon: ovaryBetween(from, at), closed: true }),
      end: (at, event) => addOvary(this.viewer.editor, from, at, event.timeStamp),
    };
  }

  /** @param {Point} from @returns {Gesture} */
  #split(from) {
    return {
      move: (at) => this.viewer.sketch({ polygon: [from, at], closed: false }),
      end: (at, event) => this.viewer.editor.splitAlong(from, at, event.timeStamp),
    };
  }

  /** @param {Point} from @returns {Gesture} */
  #ruler(from) {
    return {
      move: (at) => this.viewer.measure(from, at),
      end: (at) => this.viewer.measure(from, at, true),
    };
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const turnsFrames = this.viewer.picture.frame_count > 1 && !event.ctrlKey && !event.metaKey;
    if (turnsFrames) {
      this.viewer.step(Math.sign(event.deltaY));
      return;
    }
    const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016));
    this.view.zoomBy(factor, this.#onScreen(event));
    this.viewer.pane.place();
  }
}
