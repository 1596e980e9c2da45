// How each kind of mark is drawn: colour, line and weight together, so that no meaning hangs on
// colour alone. Colours come from the design system's tokens. Owns the table of styles.

/** @import {Mark} from "./types.js" */

/** @typedef {{colour: string, width: number, dash: number[], alpha: number}} Style */

/** @type {Record<string, {token: string, width: number, dash: number[]}>} */
const LINES = {
  ovary: { token: "--mark-ovary", width: 2, dash: [] },
  antral: { token: "--mark-antral", width: 1.8, dash: [] },
  unsized: { token: "--mark-unsized", width: 1.8, dash: [5, 3] },
  dominant: { token: "--mark-dominant", width: 3.2, dash: [] },
  below_range: { token: "--mark-below-range", width: 1.6, dash: [2.5, 2.5] },
  cyst: { token: "--mark-lesion", width: 2.2, dash: [9, 4] },
  luteal_like: { token: "--mark-luteal-like", width: 2.2, dash: [4, 4] },
  vessel: { token: "--mark-vessel", width: 2, dash: [9, 3, 2, 3] },
  doubtful: { token: "--mark-doubtful", width: 1.5, dash: [6, 6] },
  uncounted: { token: "--mark-uncounted", width: 1.3, dash: [1.5, 4] },
};

/** From which probability a line is whole, and from which it is dashed. */
export const SURE = 0.8;
export const LIKELY = 0.5;

/** @type {Map<string, string>} */
const colours = new Map();

/** @param {string} token */
function colour(token) {
  let known = colours.get(token);
  if (!known) {
    const root = document.querySelector(".viewer") ?? document.documentElement;
    known = getComputedStyle(root).getPropertyValue(token).trim() || "#ffffff";
    colours.set(token, known);
  }
  return known;
}

/** @param {Mark} mark */
export function lineOf(mark) {
  if (!mark.is_doubtful) return mark.kind;
  return mark.kind === "ovary" ? "doubtful" : "uncounted";
}

/** How the ring of a research flag is drawn. */
export function ringStyle() {
  const { token, width, dash } = LINES.luteal_like;
  return { colour: colour(token), width, dash };
}

/**
 * @param {Mark} mark
 * @param {boolean} showsConfidence
 * @returns {Style}
 */
export function styleOf(mark, showsConfidence) {
  const line = LINES[lineOf(mark)] ?? LINES.antral;
  const style = { colour: colour(line.token), width: line.width, dash: line.dash, alpha: 1 };
  if (!showsConfidence || mark.probability === undefined) return style;
  const p = mark.probability;
  const dash = p >= SURE ? [] : p >= LIKELY ? [9, 5] : [2, 5];
  return { ...style, dash, width: 1.2 + 2 * p, alpha: 0.4 + 0.6 * p };
}
