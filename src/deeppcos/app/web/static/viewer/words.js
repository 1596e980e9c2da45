// What the page says of marks, pictures, counts and corrections. Owns the words shared by several
// modules; looking them up in the reader's language is the business of i18n.js.

import { decimal, gettext, ngettext, pgettext } from "./i18n.js";
import { LIKELY, SURE } from "./look.js";

/** @import {CountMeasure, Delta, Edit, FrameInfo, Mark, PictureInfo} from "./types.js" */

/** @type {Record<string, string>} */
export const KIND = {
  ovary: gettext("ovary"),
  antral: gettext("antral"),
  dominant: gettext("dominant"),
  below_range: gettext("under 2 mm"),
  unsized: gettext("no size"),
  cyst: gettext("cyst or other"),
  vessel: gettext("vessel"),
};

export const LUTEAL_LIKE = gettext("corpus-luteum-like, research flag");

/** @type {Record<Delta, (count: number) => string>} */
const DELTA = {
  missed: (count) => ngettext("added a mark", "added marks ({count})", count),
  extra: (count) => ngettext("deleted a mark", "deleted marks ({count})", count),
  boundary: (count) => ngettext("changed an outline", "changed outlines ({count})", count),
  split: (count) => ngettext("split a mark", "split marks ({count})", count),
  merge: (count) => ngettext("merged marks", "merged marks ({count})", count),
  wrong_kind: (count) => ngettext("changed a kind", "changed kinds ({count})", count),
  not_assessable: () => gettext("said it cannot be judged"),
  label_dispute: () => gettext("disagreed"),
  undo: (count) => ngettext("took a correction back", "took corrections back ({count})", count),
};

/** @type {Record<string, string>} */
export const PICTURE_KIND = {
  still: gettext("still"), sweep: gettext("sweep"), volume: gettext("volume"),
};
/** @type {Record<string, string>} */
export const SIDE = { left: pgettext("side", "Left"), right: pgettext("side", "Right") };
/** @type {Record<string, string>} */
export const OVARY = { left: gettext("Left ovary"), right: gettext("Right ovary") };

/** @type {Record<string, string>} */
export const SCALE_FROM = {
  dicom_regions: gettext("scale from the file"),
  volume_spacing: gettext("scale from the file"),
  burned_in_ruler: gettext("scale from the picture’s ruler"),
  burned_in_caliper: gettext("scale from the picture’s calipers"),
};

/** @type {Record<string, string>} */
export const PLANE = {
  longitudinal: gettext("longitudinal"), transverse: gettext("transverse"),
};
/** @type {Record<string, string>} */
export const PLANE_SHORT = { longitudinal: gettext("long."), transverse: gettext("transv.") };

/** @param {number} mm */
export function millimetres(mm) {
  return gettext("{length} mm", { length: decimal(mm, 1) });
}

/** @param {number} count */
export function follicles(count) {
  return ngettext("{count} follicle", "{count} follicles", count);
}

/**
 * One mark in words.
 * @param {Mark} mark
 * @param {number | null} number
 * @param {number | null} diameter
 */
export function markWords(mark, number, diameter) {
  const parts = [number === null ? capital(KIND[mark.kind]) : gettext("Follicle {number}", { number })];
  if (diameter !== null) parts.push(millimetres(diameter));
  if (number !== null) parts.push(KIND[mark.kind]);
  if (mark.is_luteal_like) parts.push(LUTEAL_LIKE);
  if (mark.by === "reader") parts.push(gettext("by a reader"));
  else if (mark.probability !== undefined) {
    const percent = Math.round(mark.probability * 100);
    parts.push(gettext("by the machine, {sureness}, {percent} percent", {
      sureness: sureness(mark.probability), percent,
    }));
  }
  return parts.join(", ");
}

/**
 * How sure, in words.
 * @param {number} probability
 */
export function sureness(probability) {
  if (probability >= SURE) return gettext("sure");
  return probability >= LIKELY ? gettext("likely") : gettext("unsure");
}

/** @param {string} text */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * A count with its interval; null stays unknown.
 * @param {CountMeasure | null | undefined} count
 * @param {string} unit
 */
export function countWords(count, unit = "") {
  if (!count || count.value === null) return { value: "–", interval: "" };
  const digits = unit ? 1 : 0;
  const value = `${decimal(count.value, digits)}${unit}`;
  if (count.low === null || count.high === null) return { value, interval: "" };
  return { value, interval: `${decimal(count.low, digits)}–${decimal(count.high, digits)}` };
}

/**
 * @param {Edit[]} edits
 * @returns {string}
 */
export function editsWords(edits) {
  /** @type {Map<Delta, number>} */
  const counts = new Map();
  for (const edit of edits) counts.set(edit.delta, (counts.get(edit.delta) ?? 0) + 1);
  return [...counts].map(([delta, count]) => DELTA[delta](count)).join(", ");
}

/**
 * What a picture is called: side, kind and plane.
 * @param {PictureInfo} info
 */
export function title(info) {
  const kind = PICTURE_KIND[info.kind];
  const name = info.side ? gettext("{side} {kind}", { side: SIDE[info.side], kind }) : kind;
  const plane = info.plane ? `, ${PLANE[info.plane] ?? info.plane}` : "";
  return capital(name + plane);
}

/**
 * Where the scale of a frame comes from, or that there is none.
 * @param {FrameInfo} info
 */
export function scaleWords(info) {
  if (!info.mm_per_pixel) return gettext("no scale");
  return SCALE_FROM[info.mm_per_pixel.source] ?? gettext("scale known");
}
