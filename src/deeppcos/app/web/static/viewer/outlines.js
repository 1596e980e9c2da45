// New outlines from old ones: moved, scaled, pulled, cut, drawn between two ends.
// Owns shapes only; what they measure is the business of geometry.js.

import { area, centroid, diameters } from "./geometry.js";

/** @import {Point, Polygon} from "./types.js" */

/** Corners of an outline that is drawn or pulled. */
export const CORNERS = 48;
const OVARY_ROUNDNESS = 0.62;

/**
 * @param {Polygon} polygon
 * @param {number} dx
 * @param {number} dy
 * @returns {Polygon}
 */
export function moved(polygon, dx, dy) {
  return polygon.map(([x, y]) => [x + dx, y + dy]);
}

/**
 * Larger or smaller about its own centre.
 * @param {Polygon} polygon
 * @param {number} factor
 * @returns {Polygon}
 */
export function scaled(polygon, factor) {
  const [cx, cy] = centroid(polygon);
  return polygon.map(([x, y]) => [cx + (x - cx) * factor, cy + (y - cy) * factor]);
}

/**
 * Every corner moved away from the centre by the same length.
 * @param {Polygon} polygon
 * @param {number} by
 * @returns {Polygon}
 */
export function grown(polygon, by) {
  const [cx, cy] = centroid(polygon);
  return polygon.map(([x, y]) => {
    const reach = 1 + by / (Math.hypot(x - cx, y - cy) || 1);
    return [cx + (x - cx) * reach, cy + (y - cy) * reach];
  });
}

/**
 * The outline with one place pulled, its neighbourhood following less and less.
 * @param {Polygon} polygon
 * @param {number} index The corner that is pulled.
 * @param {number} dx
 * @param {number} dy
 * @param {number} reach Share of the way round that follows on each side, 0 to 0.5.
 * @returns {Polygon}
 */
export function pulled(polygon, index, dx, dy, reach = 0.12) {
  const along = lengths(polygon);
  const whole = along[along.length - 1];
  const sigma = Math.max(reach * whole, 1e-6);
  return polygon.map(([x, y], i) => {
    const apart = Math.abs(along[i] - along[index]);
    const way = Math.min(apart, whole - apart);
    const follows = Math.exp(-0.5 * (way / (sigma / 2)) ** 2);
    return [x + dx * follows, y + dy * follows];
  });
}

/**
 * Way along the outline to each corner, and all round as the last entry.
 * @param {Polygon} polygon
 */
function lengths(polygon) {
  const along = [0];
  for (let i = 0; i < polygon.length; i += 1) {
    const [ax, ay] = polygon[i];
    const [bx, by] = polygon[(i + 1) % polygon.length];
    along.push(along[i] + Math.hypot(bx - ax, by - ay));
  }
  return along;
}

/**
 * The same outline with corners at equal distances, so that pulling bends it smoothly.
 * @param {Polygon} polygon
 * @param {number} count
 * @returns {Polygon}
 */
export function resampled(polygon, count) {
  const along = lengths(polygon);
  const whole = along[along.length - 1];
  /** @type {Polygon} */
  const result = [];
  let edge = 0;
  for (let k = 0; k < count; k += 1) {
    const at = (whole * k) / count;
    while (edge < polygon.length - 1 && along[edge + 1] <= at) edge += 1;
    const [ax, ay] = polygon[edge];
    const [bx, by] = polygon[(edge + 1) % polygon.length];
    const part = (at - along[edge]) / Math.max(along[edge + 1] - along[edge], 1e-9);
    result.push([ax + (bx - ax) * part, ay + (by - ay) * part]);
  }
  return result;
}

/**
 * The two parts on either side of a straight cut, or null where the cut misses the outline.
 * @param {Polygon} polygon
 * @param {Point} from
 * @param {Point} to
 * @returns {[Polygon, Polygon] | null}
 */
export function cut(polygon, from, to) {
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  if (Math.hypot(dx, dy) < 1e-6) return null;
  const side = polygon.map(([x, y]) => dx * (y - from[1]) - dy * (x - from[0]));
  /** @type {Polygon} */
  const left = [];
  /** @type {Polygon} */
  const right = [];
  for (let i = 0; i < polygon.length; i += 1) {
    const j = (i + 1) % polygon.length;
    (side[i] >= 0 ? left : right).push(polygon[i]);
    if (side[i] >= 0 !== side[j] >= 0) {
      const part = side[i] / (side[i] - side[j]);
      /** @type {Point} */
      const crossing = [
        polygon[i][0] + (polygon[j][0] - polygon[i][0]) * part,
        polygon[i][1] + (polygon[j][1] - polygon[i][1]) * part,
      ];
      left.push(crossing);
      right.push(crossing);
    }
  }
  if (left.length < 3 || right.length < 3) return null;
  return area(left) > 1 && area(right) > 1 ? [left, right] : null;
}

/**
 * The two halves across the longest diameter.
 * @param {Polygon} polygon
 * @returns {[Polygon, Polygon] | null}
 */
export function halves(polygon) {
  const { ends } = diameters(polygon, { x: 1, y: 1 });
  const [cx, cy] = [(ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2];
  return cut(polygon, [cx, cy], [cx - (ends[1][1] - ends[0][1]), cy + (ends[1][0] - ends[0][0])]);
}

/**
 * @param {Point} middle
 * @param {number} rx
 * @param {number} ry
 * @param {number} corners
 * @returns {Polygon}
 */
export function ellipse(middle, rx, ry = rx, corners = 32) {
  return Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners;
    return /** @type {Point} */ ([middle[0] + rx * Math.cos(angle), middle[1] + ry * Math.sin(angle)]);
  });
}

/**
 * Rounded as the server rounds, so that both hold the same numbers.
 * @param {Polygon} polygon
 * @returns {Polygon}
 */
export function rounded(polygon) {
  return polygon.map(([x, y]) => [Math.round(x * 100) / 100, Math.round(y * 100) / 100]);
}

/**
 * Kept inside the picture.
 * @param {Polygon} polygon
 * @param {number} width
 * @param {number} height
 * @returns {Polygon}
 */
export function clipped(polygon, width, height) {
  return polygon.map(([x, y]) => [
    Math.min(Math.max(x, 0), width - 1),
    Math.min(Math.max(y, 0), height - 1),
  ]);
}

/**
 * An ovary drawn from one end to the other.
 * @param {Point} from
 * @param {Point} to
 * @returns {Polygon}
 */
export function ovaryBetween(from, to) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const half = Math.hypot(dx, dy) / 2;
  const [ux, uy] = [dx / (2 * half || 1), dy / (2 * half || 1)];
  const middle = /** @type {Point} */ ([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]);
  return ellipse([0, 0], half, half * OVARY_ROUNDNESS, CORNERS).map(([x, y]) => [
    middle[0] + x * ux - y * uy,
    middle[1] + x * uy + y * ux,
  ]);
}
