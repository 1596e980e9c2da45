// The corrections a reader can make, each as what it takes away and what it adds.
// Owns building them. Nothing here draws, asks or sends.

import { hull } from "./geometry.js";
import { FOLLICLES, kindBySize } from "./marks.js";
import { CORNERS, clipped, cut, halves, resampled, rounded } from "./outlines.js";

/** @import {Change, ChosenKind, Kind, Limits, Mark, Point, Polygon, Remark, Scale} from "./types.js" */

/**
 * What a frame says of itself, as far as outlines need it.
 * @typedef {{scale: Scale | null, limits: Limits, width: number, height: number}} Ground
 */

/** A new id; also where the browser has no randomUUID, as on plain HTTP. */
export function freshId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex);
}

/**
 * @param {Polygon} polygon
 * @param {Ground} ground
 */
function tidy(polygon, ground) {
  return rounded(clipped(polygon, ground.width, ground.height));
}

/**
 * A reader's mark in place of others.
 * @param {Polygon} polygon
 * @param {{kind: Kind, kind_by?: "size" | "reader", from?: Mark[]}} what
 * @param {Ground} ground
 * @returns {Mark}
 */
function drawn(polygon, { kind, kind_by = "size", from = [] }, ground) {
  const outline = tidy(polygon, ground);
  const follows = kind_by === "size" && FOLLICLES.has(kind);
  return {
    id: `r${freshId()}`,
    kind: follows ? kindBySize(outline, ground.scale, ground.limits) : kind,
    polygon: outline,
    by: "reader",
    kind_by,
    ...(from.length ? { made_from: from.map((mark) => mark.id) } : {}),
  };
}

/**
 * A follicle that was missed.
 * @param {Polygon} polygon
 * @param {Ground} ground
 * @returns {Change}
 */
export function addFollicle(polygon, ground) {
  return change("missed", [], [drawn(polygon, { kind: "antral" }, ground)]);
}

/**
 * An ovary that was missed; a doubtful outline in its place goes.
 * @param {Polygon} polygon
 * @param {Mark[]} doubtful
 * @param {Ground} ground
 * @returns {Change}
 */
export function addOvary(polygon, doubtful, ground) {
  return change("missed", doubtful, [drawn(polygon, { kind: "ovary", from: doubtful }, ground)]);
}

/**
 * The reader is sure of what the machine doubted, follicles and all.
 * @param {Mark[]} doubtful
 * @param {Ground} ground
 * @returns {Change}
 */
export function confirm(doubtful, ground) {
  const sure = doubtful.map((mark) =>
    drawn(mark.polygon, { kind: mark.kind, kind_by: mark.kind_by, from: [mark] }, ground));
  return change("missed", doubtful, sure);
}

/**
 * @param {Mark[]} marks
 * @returns {Change}
 */
export function remove(marks) {
  return change("extra", marks, []);
}

/**
 * @param {Mark} mark
 * @param {Polygon} polygon
 * @param {Ground} ground
 * @returns {Change}
 */
export function reshape(mark, polygon, ground) {
  const now = drawn(polygon, { kind: mark.kind, kind_by: mark.kind_by, from: [mark] }, ground);
  return change("boundary", [mark], [now]);
}

/**
 * @param {Mark} mark
 * @param {ChosenKind} kind
 * @param {Ground} ground
 * @returns {Change}
 */
export function rename(mark, kind, ground) {
  const now = drawn(mark.polygon, { kind, kind_by: "reader", from: [mark] }, ground);
  return change("wrong_kind", [mark], [now]);
}

/**
 * Two marks for one, along a cut or across the longest diameter; null where the cut misses it.
 * @param {Mark} mark
 * @param {[Point, Point] | null} along
 * @param {Ground} ground
 * @returns {Change | null}
 */
export function split(mark, along, ground) {
  const parts = along ? cut(mark.polygon, along[0], along[1]) : halves(mark.polygon);
  if (!parts) return null;
  const what = { kind: mark.kind, kind_by: mark.kind_by, from: [mark] };
  return change("split", [mark], parts.map((part) => drawn(resampled(part, 40), what, ground)));
}

/**
 * One mark for several: the smallest convex outline around them all.
 * @param {Mark[]} marks
 * @param {Ground} ground
 * @returns {Change}
 */
export function merge(marks, ground) {
  const around = resampled(hull(marks.flatMap((mark) => mark.polygon)), CORNERS);
  const said = marks.find((mark) => mark.kind_by === "reader");
  const what = { kind: (said ?? marks[0]).kind, kind_by: (said ?? marks[0]).kind_by, from: marks };
  return change("merge", marks, [drawn(around, what, ground)]);
}

/**
 * @param {Remark["kind"]} kind
 * @param {string} text
 * @param {Mark | null} about
 * @returns {Change}
 */
export function remark(kind, text, about = null) {
  /** @type {Remark} */
  const said = { id: `q${freshId()}`, kind, text, about: about?.id ?? null };
  return { delta: kind, removes: [], adds: [], remarks: [said] };
}

/**
 * @param {Remark} said
 * @returns {Change}
 */
export function withdraw(said) {
  return { delta: said.kind, removes: [said.id], adds: [], remarks: [] };
}

/**
 * @param {import("./types.js").Delta} delta
 * @param {Mark[]} removed
 * @param {Mark[]} adds
 * @returns {Change}
 */
function change(delta, removed, adds) {
  return { delta, removes: removed.map((mark) => mark.id), adds, remarks: [] };
}
