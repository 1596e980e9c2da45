// What the page says. Owns the sentences, so that they can be read, and translated, in one place.

/** @import {CountMeasure, Delta, Edit, Mark} from "./types.js" */

import { LIKELY, SURE } from "./look.js";

/** @type {Record<string, string>} */
export const KIND = {
  ovary: "ovary",
  antral: "antral",
  dominant: "dominant",
  below_range: "under 2 mm",
  unsized: "no size",
  cyst: "cyst or other",
  vessel: "vessel",
};

/** @type {Record<Delta, string>} */
export const DELTA = {
  missed: "added a mark",
  extra: "deleted a mark",
  boundary: "changed an outline",
  split: "split a mark",
  merge: "merged marks",
  wrong_kind: "changed a kind",
  not_assessable: "said it cannot be judged",
  label_dispute: "disagreed",
  undo: "took a correction back",
};

/** @type {Record<string, string>} */
export const PICTURE_KIND = { still: "still", sweep: "sweep", volume: "volume" };
/** @type {Record<string, string>} */
export const SIDE = { left: "Left", right: "Right" };

/** @type {Record<string, string>} */
export const SCALE_FROM = {
  dicom_regions: "scale from the file",
  volume_spacing: "scale from the file",
  burned_in_ruler: "scale from the picture’s ruler",
  burned_in_caliper: "scale from the picture’s calipers",
};

/** @type {Record<string, string>} */
export const PLANE_SHORT = { longitudinal: "long.", transverse: "transv." };

/** @param {number} mm */
export function millimetres(mm) {
  return `${mm.toFixed(1)} mm`;
}

/**
 * One mark in words.
 * @param {Mark} mark
 * @param {number | null} number
 * @param {number | null} diameter
 */
export function markWords(mark, number, diameter) {
  const name = number === null ? capital(KIND[mark.kind]) : `Follicle ${number}`;
  const size = diameter === null ? "" : `, ${millimetres(diameter)}`;
  const kind = number === null ? "" : `, ${KIND[mark.kind]}`;
  const by = mark.by === "reader" ? ", by a reader" : sure(mark);
  return `${name}${size}${kind}${by}`;
}

/** @param {Mark} mark */
function sure({ probability }) {
  if (probability === undefined) return "";
  const word = probability >= SURE ? "sure" : probability >= LIKELY ? "likely" : "unsure";
  return `, by the machine, ${word}, ${Math.round(probability * 100)} percent`;
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
  const value = `${count.value.toFixed(digits)}${unit}`;
  if (count.low === null || count.high === null) return { value, interval: "" };
  return { value, interval: `${count.low.toFixed(digits)}–${count.high.toFixed(digits)}` };
}

/**
 * @param {Edit[]} edits
 * @returns {string}
 */
export function editsWords(edits) {
  const counts = new Map();
  for (const edit of edits) counts.set(edit.delta, (counts.get(edit.delta) ?? 0) + 1);
  return [...counts]
    .map(([delta, n]) => DELTA[/** @type {Delta} */ (delta)] + (n > 1 ? ` (${n})` : ""))
    .join(", ");
}

/** @param {number} n @param {string} one @param {string} many */
export function plural(n, one, many) {
  return `${n} ${n === 1 ? one : many}`;
}
