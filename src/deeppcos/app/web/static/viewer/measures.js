// The study's counts and measurements, with machine's, reader's and signed numbers apart.
// Owns the table; the numbers are the server's.

import { byId, make } from "./dom.js";
import { gettext } from "./i18n.js";
import { OVARY, countWords } from "./words.js";

/** @import {CountMeasure, MeasuresFile, SideMeasures} from "./types.js" */

/** @typedef {{name: string, isMine: boolean, side: SideMeasures | null}} Column */

const ROWS = /** @type {const} */ ([
  ["fnps", gettext("Follicles per section"), ""],
  ["tracked_estimate", gettext("Sweep estimate"), ""],
  ["fnpo", gettext("Follicles per ovary"), ""],
  ["volume_ml", gettext("Volume"), " mL"],
]);

/**
 * @param {MeasuresFile} file
 * @param {boolean} isBlinded
 */
export function showMeasures(file, isBlinded) {
  const mine = { name: gettext("Reader"), isMine: true, from: file.reader };
  const columns = isBlinded ? [mine] : [
    { name: gettext("Machine"), isMine: false, from: file.machine ?? null },
    mine,
    { name: gettext("Signed"), isMine: false, from: file.signed ?? null },
  ];
  const sides = /** @type {const} */ (["left", "right", "side_unknown"]);
  const tables = sides
    .filter((side) => columns.some((column) => column.from?.[side]))
    .map((side) => sideTable(side, columns.map(({ name, isMine, from }) => (
      { name, isMine, side: from?.[side] ?? null }))));
  byId("measures").replaceChildren(
    ...(tables.length ? tables : [make("p", { class: "quiet" }, gettext("Nothing measured yet."))]),
  );
}

/**
 * @param {"left" | "right" | "side_unknown"} side
 * @param {Column[]} columns
 */
function sideTable(side, columns) {
  const head = make("tr", {}, make("td", {}), ...columns.map(({ name, isMine }) =>
    make("th", { scope: "col", class: isMine ? "is-mine" : "" }, name)));
  const rows = ROWS.map(([key, label, unit]) =>
    make("tr", {}, make("th", { scope: "row" }, label), ...columns.map((column) =>
      cell(column.side?.[key], unit))));
  rows.push(make("tr", {}, make("th", { scope: "row" }, gettext("Diameters")),
    ...columns.map((column) => diametersCell(column.side))));
  const table = make("table", { class: "measure-table" },
    make("caption", {}, OVARY[side] ?? gettext("Side not stated")),
    make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", {}, table, reasons(columns));
}

/** @param {SideMeasures | null} side */
function diametersCell(side) {
  const { length_mm: length = null, width_mm: width = null } = side ?? {};
  const isKnown = length !== null && width !== null;
  return make("td", {},
    make("b", {}, isKnown ? `${length.toFixed(0)} × ${width.toFixed(0)}` : "–"),
    isKnown ? make("span", {}, "mm") : null);
}

/**
 * @param {CountMeasure | undefined} count
 * @param {string} unit
 */
function cell(count, unit) {
  const { value, interval } = countWords(count, unit);
  const unknown = value === "–"
    ? make("span", { class: "visually-hidden" }, gettext("unknown")) : null;
  return make("td", {}, make("b", {}, value, unknown), interval ? make("span", {}, interval) : null);
}

/** @param {Column[]} columns */
function reasons(columns) {
  const lines = new Set();
  const told = columns.find((column) => column.isMine && column.side) ?? columns[0];
  for (const [key, label] of ROWS) {
    const because = told.side?.[key].unknown_because;
    if (because) lines.add(`${label}: ${because}`);
  }
  if (!lines.size) return make("span", {});
  return make("details", { class: "why" }, make("summary", {}, gettext("Why some are unknown")),
    make("ul", {}, ...[...lines].map((line) => make("li", {}, line))));
}
