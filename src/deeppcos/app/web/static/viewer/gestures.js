// Gestures that change how the picture is seen and nothing in it: move, pinch, spread grey levels.
// Owns following the hand.

/** @import {Point} from "./types.js" */
/** @import {Viewer} from "./viewer.js" */

/**
 * @typedef {object} Gesture
 * @property {(at: Point, event: PointerEvent) => void} [move]
 * @property {(at: Point, event: PointerEvent) => void} [end]
 */

/** @typedef {(event: PointerEvent) => Point} OnScreen */

/**
 * Move the picture.
 * @param {Viewer} viewer
 * @param {Point} from Screen pixels.
 * @param {OnScreen} onScreen
 * @returns {Gesture}
 */
export function pan(viewer, from, onScreen) {
  let last = from;
  return {
    move: (_, event) => {
      const now = onScreen(event);
      viewer.pane.view.panBy(now[0] - last[0], now[1] - last[1]);
      last = now;
      viewer.pane.place();
    },
  };
}

/**
 * Brightness and contrast.
 * @param {Viewer} viewer
 * @param {Point} from Screen pixels.
 * @param {OnScreen} onScreen
 * @returns {Gesture}
 */
export function spread(viewer, from, onScreen) {
  let last = from;
  return {
    move: (_, event) => {
      const now = onScreen(event);
      viewer.window.by(last[1] - now[1], now[0] - last[0]);
      last = now;
    },
  };
}

/**
 * Two fingers move and zoom.
 * @param {Viewer} viewer
 * @param {Map<number, Point>} fingers Screen pixels.
 * @returns {Gesture}
 */
export function pinch({ pane }, fingers) {
  let before = [...fingers.values()];
  return {
    move: () => {
      const now = [...fingers.values()];
      if (now.length < 2 || before.length < 2) return;
      const [was, is] = [middle(before), middle(now)];
      pane.view.panBy(is[0] - was[0], is[1] - was[1]);
      pane.view.zoomBy(apart(now) / Math.max(1, apart(before)), is);
      before = now;
      pane.place();
    },
  };
}

/** @param {Point[]} pair @returns {Point} */
function middle([a, b]) {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

/** @param {Point[]} pair */
function apart([a, b]) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
