// What a reader should know of a frame before she trusts its count. Owns the sentences.

import { meanDiameter } from "./geometry.js";
import { gettext, ngettext } from "./i18n.js";
import { capital, millimetres } from "./words.js";

/** @import {SectionCount} from "./marks.js" */
/** @import {Viewer} from "./viewer.js" */

/** @typedef {[words: string, isCaution: boolean]} Hint */

/**
 * @param {Viewer} viewer
 * @param {SectionCount} count
 * @param {boolean} isRefused Whether a reader says that the frame cannot be judged.
 * @returns {Hint[]}
 */
export function hints(viewer, count, isRefused) {
  const { info, marks } = viewer;
  /** @type {Hint[]} */
  const lines = [];
  if (viewer.editor.waiting) lines.push([gettext("Finding the edge …"), false]);
  if (isRefused) lines.push([gettext("A reader says that this frame cannot be judged."), true]);
  else if (!info.assessable && !viewer.isBlinded && !viewer.isEdited(viewer.frame)) {
    for (const because of info.because) lines.push([capital(because), true]);
  }
  if (!info.mm_per_pixel) {
    const reason = info.scale_problem || gettext("not known why");
    lines.push([gettext("No scale, no millimetres: {reason}.", { reason }), true]);
  }
  if (!count.hasOvary && marks.marks.some((mark) => mark.by === "reader")) {
    lines.push([gettext("Outline the ovary (O) to take this section into the study’s numbers."), true]);
  }
  return [...lines, ...ofCount(count), ...ofSizes(viewer)];
}

/**
 * @param {SectionCount} count
 * @returns {Hint[]}
 */
function ofCount(count) {
  /** @type {Hint[]} */
  const lines = [];
  if (count.outside) {
    lines.push([ngettext("{count} follicle lies outside the ovary and is not counted.",
      "{count} follicles lie outside the ovary and are not counted.", count.outside), true]);
  }
  if (count.dominant) {
    lines.push([ngettext("{count} follicle of 10 mm and over: not counted, and the volume of this ovary is not read.",
      "{count} follicles of 10 mm and over: not counted, and the volume of this ovary is not read.",
      count.dominant), false]);
  }
  if (count.small) {
    lines.push([ngettext("{count} under 2 mm: marked, not counted.",
      "{count} under 2 mm: marked, not counted.", count.small), false]);
  }
  return lines;
}

/**
 * @param {Viewer} viewer
 * @returns {Hint[]}
 */
function ofSizes({ info: { mm_per_pixel: scale }, manifest: { limits }, marks }) {
  if (!scale) return [];
  return marks.marks
    .filter((mark) => mark.kind_by === "reader" && mark.kind === "antral")
    .map((mark) => meanDiameter(mark.polygon, scale) ?? 0)
    .filter((mm) => mm >= limits.dominant_from_mm || mm < limits.smallest_counted_mm)
    .map((mm) => [gettext("One is called antral and measures {length}: is that meant?",
      { length: millimetres(mm) }), true]);
}
