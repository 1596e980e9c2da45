// Two people corrected the same study: what of mine still fits, and what must be decided.
// Owns the decision's arithmetic. Asking the reader is the business of dialogs.js.

import { applied } from "./marks.js";

/** @import {Edit, FrameMarks} from "./types.js" */

/**
 * One thing that both changed.
 * @typedef {{mine: Edit[], theirs: Edit[]}} Clash
 */

/** @param {Edit} edit */
function touched(edit) {
  return [...edit.removes, ...edit.adds.map((mark) => mark.id), ...edit.remarks.map((one) => one.id)];
}

/**
 * Sort my unsent edits into those that fit the newer state and the things both changed.
 * @param {(edit: Edit) => FrameMarks} stateOf The newer state of an edit's frame.
 * @param {Edit[]} mine
 * @param {Edit[]} theirs
 * @returns {{fits: Edit[], clashes: Clash[]}}
 */
export function compared(stateOf, mine, theirs) {
  /** @type {Map<string, FrameMarks>} */
  const states = new Map();
  /** @type {Edit[]} */
  const fits = [];
  /** @type {Edit[]} */
  const left = [];
  for (const edit of mine) {
    const place = `${edit.picture}.${edit.frame}`;
    const next = applied(states.get(place) ?? stateOf(edit), edit);
    if (next) {
      states.set(place, next);
      fits.push(edit);
    } else {
      left.push(edit);
    }
  }
  return { fits, clashes: grouped(left, theirs) };
}

/**
 * @param {Edit[]} left
 * @param {Edit[]} theirs
 * @returns {Clash[]}
 */
function grouped(left, theirs) {
  /** @type {(Clash & {ids: Set<string>})[]} */
  const groups = [];
  for (const edit of left) {
    const ids = touched(edit);
    const group = groups.find((one) => ids.some((id) => one.ids.has(id)));
    if (group) {
      group.mine.push(edit);
      ids.forEach((id) => group.ids.add(id));
    } else {
      groups.push({ mine: [edit], theirs: [], ids: new Set(ids) });
    }
  }
  for (const group of groups) {
    for (const edit of theirs) {
      if (touched(edit).some((id) => group.ids.has(id))) {
        group.theirs.push(edit);
        touched(edit).forEach((id) => group.ids.add(id));
      }
    }
  }
  return groups.map(({ mine, theirs: other }) => ({ mine, theirs: other }));
}

/**
 * My edits of one clash as one edit on the newer state: mine replaces theirs.
 * @param {FrameMarks} state The newer state of the frame.
 * @param {Clash} clash
 * @param {string} id Id of the new edit.
 * @returns {Edit | null} Null when nothing of mine is left to do.
 */
export function mineInstead(state, clash, id) {
  const last = clash.mine[clash.mine.length - 1];
  const removedByMe = new Set(clash.mine.flatMap((edit) => edit.removes));
  const adds = clash.mine.flatMap((edit) => edit.adds).filter((mark) => !removedByMe.has(mark.id));
  const remarks = clash.mine
    .flatMap((edit) => edit.remarks)
    .filter((remark) => !removedByMe.has(remark.id));
  const replaced = new Set([
    ...removedByMe,
    ...clash.theirs.flatMap((edit) => [...edit.adds, ...edit.remarks].map((one) => one.id)),
  ]);
  const there = new Set([...state.marks, ...state.remarks].map((one) => one.id));
  const removes = [...replaced].filter((one) => there.has(one));
  const fresh = adds.filter((mark) => !there.has(mark.id) || replaced.has(mark.id));
  if (!removes.length && !fresh.length && !remarks.length) return null;
  return {
    ...last,
    id,
    undoes: null,
    delta: deltaOf(removes.length, fresh.length, remarks.length, last),
    removes,
    adds: fresh,
    remarks,
    seconds: clash.mine.reduce((sum, edit) => sum + edit.seconds, 0),
  };
}

/**
 * @param {number} removes
 * @param {number} adds
 * @param {number} remarks
 * @param {Edit} last
 * @returns {Edit["delta"]}
 */
function deltaOf(removes, adds, remarks, last) {
  if (remarks || !(removes || adds)) return last.delta;
  if (!removes) return "missed";
  if (!adds) return "extra";
  if (removes === 1 && adds === 1) return last.delta === "wrong_kind" ? "wrong_kind" : "boundary";
  return adds === 1 ? "merge" : removes === 1 ? "split" : "missed";
}
