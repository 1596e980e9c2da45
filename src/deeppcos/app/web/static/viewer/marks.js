// What stands on a frame: applying corrections, counting, numbering, naming by size.
// Owns the rules that deeppcos.app.desk.marks owns on the server; no drawing, no sending.

import { area, centroid, contains, meanDiameter, shareWithin } from "./geometry.js";

/** @import {Change, Edit, FrameInfo, FrameMarks, Kind, Limits, Mark, Polygon, Scale} from "./types.js" */

/** @type {ReadonlySet<Kind>} */
export const FOLLICLES = new Set(["antral", "dominant", "below_range", "unsized"]);
/** @type {ReadonlySet<Kind>} */
export const COUNTED = new Set(["antral", "unsized"]);

/** @type {FrameMarks} */
export const NOTHING = { marks: [], remarks: [] };

/**
 * What a follicle is by its mean diameter.
 * @param {Polygon} polygon
 * @param {Scale | null} scale
 * @param {Limits} limits
 * @returns {Kind}
 */
export function kindBySize(polygon, scale, limits) {
  const diameter = meanDiameter(polygon, scale);
  if (diameter === null) return "unsized";
  if (diameter >= limits.dominant_from_mm) return "dominant";
  return diameter < limits.smallest_counted_mm ? "below_range" : "antral";
}

/**
 * Ids of everything an edit takes away that is not there, or adds that is: empty when it fits.
 * @param {FrameMarks} state
 * @param {Change} change
 */
export function misfits(state, change) {
  const there = new Set([...state.marks, ...state.remarks].map((one) => one.id));
  const gone = change.removes.filter((id) => !there.has(id));
  const removed = new Set(change.removes);
  const twice = [...change.adds, ...change.remarks]
    .map((one) => one.id)
    .filter((id) => there.has(id) && !removed.has(id));
  return [...gone, ...twice];
}

/**
 * The frame after a change that fits; null where it does not.
 * @param {FrameMarks} state
 * @param {Change} change
 * @returns {FrameMarks | null}
 */
export function applied(state, change) {
  if (misfits(state, change).length) return null;
  const removed = new Set(change.removes);
  return {
    marks: [...state.marks.filter((mark) => !removed.has(mark.id)), ...change.adds],
    remarks: [...state.remarks.filter((remark) => !removed.has(remark.id)), ...change.remarks],
  };
}

/**
 * The change that takes another back.
 * @param {FrameMarks} before The frame as it was before that change.
 * @param {Change} change
 * @returns {Change}
 */
export function reversed(before, change) {
  const removed = new Set(change.removes);
  return {
    delta: "undo",
    removes: [...change.adds, ...change.remarks].map((one) => one.id),
    adds: before.marks.filter((mark) => removed.has(mark.id)),
    remarks: before.remarks.filter((remark) => removed.has(remark.id)),
  };
}

/** @type {WeakMap<Mark, WeakMap<Mark, number>>} */
const shares = new WeakMap();

/**
 * Share of a follicle in an ovary; measured once, because marks never change.
 * @param {Mark} follicle
 * @param {Mark} ovary
 */
function shareOf(follicle, ovary) {
  const own = shares.get(follicle) ?? new WeakMap();
  shares.set(follicle, own);
  const known = own.get(ovary) ?? shareWithin(follicle.polygon, ovary.polygon);
  own.set(ovary, known);
  return known;
}

/**
 * The ovary a follicle lies in, by at least half of its area.
 * @param {Mark} follicle
 * @param {Mark[]} ovaries
 */
export function ovaryOf(follicle, ovaries) {
  const foundIn = follicle.id.slice(0, follicle.id.lastIndexOf("f"));
  const home = ovaries.find((ovary) => ovary.id === foundIn);
  if (home) return home;
  let best = null;
  let most = 0.5;
  for (const ovary of ovaries) {
    const share = shareOf(follicle, ovary);
    if (share >= most) [best, most] = [ovary, share];
  }
  return best;
}

/**
 * @typedef {{counted: number, dominant: number, small: number, outside: number,
 *   hasOvary: boolean, isDoubtful: boolean}} SectionCount
 */

/** @type {WeakMap<FrameMarks, SectionCount>} A frame's marks never change, so a count is kept. */
const counts = new WeakMap();

/**
 * The counts of one section.
 * @param {FrameMarks} state
 * @returns {SectionCount}
 */
export function sectionCount(state) {
  let known = counts.get(state);
  if (!known) {
    known = counted(state);
    counts.set(state, known);
  }
  return known;
}

/**
 * @param {FrameMarks} state
 * @returns {SectionCount}
 */
function counted(state) {
  const ovaries = state.marks.filter((mark) => mark.kind === "ovary" && !mark.is_doubtful);
  const result = {
    counted: 0, dominant: 0, small: 0, outside: 0,
    hasOvary: ovaries.length > 0,
    isDoubtful: !ovaries.length && state.marks.some((mark) => mark.is_doubtful),
  };
  for (const mark of state.marks) {
    if (!FOLLICLES.has(mark.kind) || mark.is_doubtful) continue;
    if (ovaries.length && !ovaryOf(mark, ovaries)) result.outside += 1;
    else if (COUNTED.has(mark.kind)) result.counted += 1;
    else if (mark.kind === "dominant") result.dominant += 1;
    else result.small += 1;
  }
  return result;
}

/**
 * Follicles and other marks in the order people read: ovaries, then follicles from left to right
 * and from the top, each follicle with its number.
 * @param {FrameMarks} state
 * @returns {{mark: Mark, number: number | null}[]}
 */
export function numbered(state) {
  const ovaries = state.marks.filter((mark) => mark.kind === "ovary");
  const follicles = state.marks.filter((mark) => FOLLICLES.has(mark.kind) && !mark.is_doubtful);
  const rest = state.marks.filter((mark) => !ovaries.includes(mark) && !follicles.includes(mark));
  const middle = new Map(follicles.map((mark) => [mark.id, centroid(mark.polygon)]));
  const extent = Math.max(...follicles.map((mark) => Math.sqrt(area(mark.polygon))), 1);
  follicles.sort((a, b) => {
    const [ax, ay] = middle.get(a.id) ?? [0, 0];
    const [bx, by] = middle.get(b.id) ?? [0, 0];
    const row = Math.round(ay / extent) - Math.round(by / extent);
    return row || ax - bx || ay - by;
  });
  return [
    ...ovaries.map((mark) => ({ mark, number: null })),
    ...follicles.map((mark, place) => ({ mark, number: place + 1 })),
    ...rest.map((mark) => ({ mark, number: null })),
  ];
}

/**
 * The mark a point means: the smallest that holds it, follicles before ovaries.
 * @param {FrameMarks} state
 * @param {[number, number]} point
 */
export function markAt(state, point) {
  const holding = state.marks.filter((mark) => contains(mark.polygon, point));
  holding.sort((a, b) => area(a.polygon) - area(b.polygon));
  return holding[0] ?? null;
}

/**
 * Whether two frames show the same things.
 * @param {FrameMarks} one
 * @param {FrameMarks} other
 */
export function isSame(one, other) {
  if (one === other) return true;
  const ids = (/** @type {FrameMarks} */ state) =>
    [...state.marks, ...state.remarks].map((each) => each.id).sort().join(" ");
  return ids(one) === ids(other);
}

/**
 * The frame after a list of edits, and those that did not fit.
 * @param {FrameMarks} state
 * @param {Edit[]} edits
 */
export function replayed(state, edits) {
  /** @type {Edit[]} */
  const left = [];
  let now = state;
  for (const edit of edits) {
    const next = applied(now, edit);
    if (next) now = next;
    else left.push(edit);
  }
  return { state: now, left };
}

/**
 * The frame with the most follicles: the one to begin with.
 * @param {FrameInfo[]} frames
 */
export function fullest(frames) {
  let best = 0;
  let most = -1;
  frames.forEach((info, i) => {
    const shown = info.reader ?? info.machine ?? NOTHING;
    const count = info.assessable ? sectionCount(shown).counted : -1;
    if (count > most) [best, most] = [i, count];
  });
  return best;
}
