// What outlines measure: the same as deeppcos.vision.geometry says, at once and offline.
// Owns numbers only; bending and cutting outlines is the business of outlines.js. A test measures
// the same outlines with both and compares.

/** @import {Point, Polygon, Scale} from "./types.js" */

/**
 * Twice the area enclosed, with its sign.
 * @param {Polygon} polygon
 */
function doubleArea(polygon) {
  const [x0, y0] = polygon[0];
  let sum = 0;
  for (let i = 0; i < polygon.length; i += 1) {
    const [ax, ay] = polygon[i];
    const [bx, by] = polygon[(i + 1) % polygon.length];
    sum += (ax - x0) * (by - y0) - (bx - x0) * (ay - y0);
  }
  return sum;
}

/**
 * Area enclosed, square pixels.
 * @param {Polygon} polygon
 */
export function area(polygon) {
  return Math.abs(doubleArea(polygon)) / 2;
}

/**
 * Centre of gravity of the area enclosed.
 * @param {Polygon} polygon
 * @returns {Point}
 */
export function centroid(polygon) {
  const n = polygon.length;
  const mx = polygon.reduce((sum, point) => sum + point[0], 0) / n;
  const my = polygon.reduce((sum, point) => sum + point[1], 0) / n;
  let total = 0;
  let sx = 0;
  let sy = 0;
  for (let i = 0; i < n; i += 1) {
    const ax = polygon[i][0] - mx;
    const ay = polygon[i][1] - my;
    const bx = polygon[(i + 1) % n][0] - mx;
    const by = polygon[(i + 1) % n][1] - my;
    const cross = ax * by - bx * ay;
    total += cross;
    sx += (ax + bx) * cross;
    sy += (ay + by) * cross;
  }
  if (Math.abs(total) < 1e-9) return [mx, my];
  return [mx + sx / (3 * total), my + sy / (3 * total)];
}

/**
 * The smallest convex outline around points.
 * @param {Point[]} points
 * @returns {Polygon}
 */
export function hull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  /** @param {Point[]} from */
  const half = (from) => {
    /** @type {Point[]} */
    const chain = [];
    for (const point of from) {
      while (chain.length > 1 && turn(chain[chain.length - 2], chain[chain.length - 1], point) <= 0) {
        chain.pop();
      }
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  const around = [...half(sorted), ...half(sorted.reverse())];
  return around.length > 2 ? around : [...points];
}

/**
 * @param {Point} a
 * @param {Point} b
 * @param {Point} c
 */
function turn(a, b, c) {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/**
 * Longest diameter between parallel calipers and the widest extent at right angles, mm.
 * @param {Polygon} polygon
 * @param {{x: number, y: number}} scale
 * @returns {{longest: number, across: number, ends: [Point, Point]}}
 */
export function diameters(polygon, scale) {
  const outline = hull(polygon.map(([x, y]) => /** @type {Point} */ ([x * scale.x, y * scale.y])));
  let longest = 0;
  let ends = /** @type {[Point, Point]} */ ([outline[0], outline[0]]);
  for (let i = 0; i < outline.length; i += 1) {
    for (let j = i + 1; j < outline.length; j += 1) {
      const distance = Math.hypot(outline[i][0] - outline[j][0], outline[i][1] - outline[j][1]);
      if (distance > longest) {
        longest = distance;
        ends = [outline[i], outline[j]];
      }
    }
  }
  if (longest === 0) return { longest, across: 0, ends };
  const nx = -(ends[1][1] - ends[0][1]) / longest;
  const ny = (ends[1][0] - ends[0][0]) / longest;
  const along = outline.map(([x, y]) => x * nx + y * ny);
  const back = /** @param {Point} point @returns {Point} */ ([x, y]) => [x / scale.x, y / scale.y];
  return {
    longest,
    across: Math.max(...along) - Math.min(...along),
    ends: [back(ends[0]), back(ends[1])],
  };
}

/**
 * Mean of the two orthogonal diameters, mm: the size a follicle is counted by. Null without scale.
 * @param {Polygon} polygon
 * @param {Scale | null} scale
 */
export function meanDiameter(polygon, scale) {
  if (!scale) return null;
  const { longest, across } = diameters(polygon, scale);
  return (longest + across) / 2;
}

/**
 * @param {Polygon} polygon
 * @param {Point} point
 */
export function contains(polygon, [x, y]) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i, i += 1) {
    const [ax, ay] = polygon[i];
    const [bx, by] = polygon[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/**
 * Share of an outline's area that lies in another, found on a grid of about 30 x 30 places.
 * @param {Polygon} polygon
 * @param {Polygon} other
 */
export function shareWithin(polygon, other) {
  const { x0, y0, x1, y1 } = box(polygon);
  const step = Math.max((x1 - x0) / 30, (y1 - y0) / 30, 1e-6);
  let own = 0;
  let shared = 0;
  for (let y = y0 + step / 2; y < y1; y += step) {
    for (let x = x0 + step / 2; x < x1; x += step) {
      if (!contains(polygon, [x, y])) continue;
      own += 1;
      if (contains(other, [x, y])) shared += 1;
    }
  }
  return own ? shared / own : 0;
}

/** @param {Polygon} polygon */
export function box(polygon) {
  const xs = polygon.map((point) => point[0]);
  const ys = polygon.map((point) => point[1]);
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
}
