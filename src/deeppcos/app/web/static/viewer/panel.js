// The side of the page: counts, the list of marks, remarks, and the study's measurements, with
// machine's, reader's and signed numbers apart. Owns showing; nothing is decided here.

import { byId, glyph, make } from "./dom.js";
import { diameters, meanDiameter } from "./geometry.js";
import { lineOf, sureness } from "./look.js";
import { numbered, sectionCount } from "./marks.js";
import { KIND, SIDE, capital, countWords, markWords, millimetres, plural } from "./words.js";

/** @import {CountMeasure, FrameInfo, FrameMarks, Limits, MeasuresFile, SideMeasures} from "./types.js" */

/**
 * @typedef {object} Section What the side shows of a frame.
 * @property {FrameInfo} info
 * @property {FrameMarks} marks
 * @property {Set<string>} selected
 * @property {boolean} isBlinded
 * @property {boolean} isEdited Whether a reader changed it.
 * @property {boolean} isWaiting Whether a click is still being looked at.
 * @property {Limits} limits
 */

/** @param {Section} section */
export function showSection(section) {
  const { info, marks, isBlinded } = section;
  const count = sectionCount(marks);
  const says = marks.remarks.some((remark) => remark.kind === "not_assessable");
  const mine = says ? null : count.counted;
  const shown = [];
  if (!isBlinded) {
    const machine = info.machine ? sectionCount(info.machine) : null;
    const interval = info.interval ? `${info.interval.low}–${info.interval.high}` : "";
    shown.push(big("Machine", info.assessable && machine ? machine.counted : null, interval, false));
  }
  const isTouched = section.isEdited || isBlinded;
  shown.push(big("Reader", isTouched ? mine : null, isTouched ? "" : "no correction", true));
  if (!isBlinded) {
    const signed = info.signed ? sectionCount(info.signed).counted : null;
    shown.push(big("Signed", signed, "", false));
  }
  byId("section").replaceChildren(...shown);
  byId("hints").replaceChildren(...hints(section, count, says).map(([words, isCaution]) =>
    make("p", isCaution ? { class: "caution" } : {}, words)));
}

/**
 * @param {string} who
 * @param {number | null} value
 * @param {string} below
 * @param {boolean} isMine
 */
function big(who, value, below, isMine) {
  const number = value === null
    ? make("b", { class: "none" }, "–", make("span", { class: "visually-hidden" }, "unknown"))
    : make("b", {}, String(value));
  return make("div", { class: isMine ? "big is-mine" : "big" }, make("span", {}, who), number,
    make("span", {}, below || "follicles"));
}

/**
 * @param {Section} section
 * @param {ReturnType<typeof sectionCount>} count
 * @param {boolean} says
 * @returns {[string, boolean][]}
 */
function hints({ info, marks, isBlinded, isEdited, isWaiting }, count, says) {
  /** @type {[string, boolean][]} */
  const lines = [];
  if (isWaiting) lines.push(["Finding the edge …", false]);
  if (says) lines.push(["A reader says that this frame cannot be judged.", true]);
  else if (!info.assessable && !isBlinded && !isEdited) {
    for (const because of info.because) lines.push([capital(because), true]);
  }
  if (!info.mm_per_pixel) {
    lines.push([`No scale, no millimetres: ${info.scale_problem || "not known why"}.`, true]);
  }
  if (!count.hasOvary && marks.marks.some((mark) => mark.by === "reader")) {
    lines.push(["Outline the ovary (O) to take this section into the study’s numbers.", true]);
  }
  if (count.outside) {
    const are = count.outside === 1 ? "lies" : "lie";
    lines.push([`${plural(count.outside, "follicle", "follicles")} ${are} outside the ovary and `
      + "not counted.", true]);
  }
  if (count.dominant) {
    lines.push([`${plural(count.dominant, "follicle", "follicles")} of 10 mm and over: not `
      + "counted, and the volume of this ovary is not read.", false]);
  }
  if (count.small) {
    lines.push([`${count.small} under 2 mm: marked, not counted.`, false]);
  }
  for (const mark of marks.marks) {
    if (mark.kind_by !== "reader" || !info.mm_per_pixel) continue;
    const size = meanDiameter(mark.polygon, info.mm_per_pixel) ?? 0;
    if (mark.kind === "antral" && (size >= 10 || size < 2)) {
      lines.push([`One is called antral and measures ${millimetres(size)}: is that meant?`, true]);
    }
  }
  return lines;
}

/**
 * @param {Section} section
 * @param {(id: string, more: boolean) => void} choose
 */
export function showMarks({ info, marks, selected, isBlinded }, choose) {
  const list = byId("mark-list");
  const rows = numbered(marks).map(({ mark, number }) => {
    const size = meanDiameter(mark.polygon, info.mm_per_pixel);
    const button = make("button", {
      type: "button",
      class: "mark-row",
      "data-mark": mark.id,
      "aria-pressed": selected.has(mark.id) ? "true" : "false",
      "aria-label": markWords(mark, number, size),
    },
    make("i", { class: `swatch swatch-${lineOf(mark)}` }),
    make("b", {}, number === null ? "" : String(number)),
    make("span", {}, make("span", { class: "size" }, sizeWords(mark, size, info.mm_per_pixel)),
      mark.is_doubtful ? `doubtful ${mark.kind === "ovary" ? "ovary" : "mark"}` : KIND[mark.kind]),
    make("span", { class: "mark-by" }, who(mark)));
    button.addEventListener("click", (event) => choose(mark.id, event.shiftKey));
    return make("li", {}, button);
  });
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.mark;
  list.replaceChildren(...rows);
  if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[data-mark="${focused}"]`))?.focus();
  const nothing = byId("empty-list");
  nothing.hidden = rows.length > 0;
  nothing.textContent = isBlinded
    ? "Nothing marked in this frame yet. Press A and click into a follicle."
    : "Nothing is marked in this frame.";
  const count = marks.marks.filter((mark) => mark.kind !== "ovary").length;
  byId("marks-sum").textContent = count ? plural(count, "mark", "marks") : "";
}

/**
 * @param {import("./types.js").Mark} mark
 * @param {number | null} size
 * @param {import("./types.js").Scale | null} scale
 */
function sizeWords(mark, size, scale) {
  if (size === null || !scale) return "";
  if (mark.kind !== "ovary") return `${millimetres(size)} `;
  const { longest, across } = diameters(mark.polygon, scale);
  return `${longest.toFixed(0)} × ${across.toFixed(0)} mm `;
}

/** @param {import("./types.js").Mark} mark */
function who(mark) {
  if (mark.by === "reader") return "reader";
  if (mark.probability === undefined) return "machine";
  return `${sureness(mark.probability)} ${Math.round(mark.probability * 100)} %`;
}

/** @param {Section} section @param {boolean} mayEdit */
export function showKinds({ marks, selected }, mayEdit) {
  const chosen = marks.marks.filter((mark) => selected.has(mark.id));
  const fits = mayEdit && chosen.length > 0 && chosen.every((mark) => mark.kind !== "ovary");
  const row = byId("kinds");
  row.hidden = !fits;
  for (const button of row.querySelectorAll("button")) {
    const kind = button.dataset.action?.split(":")[1];
    button.setAttribute("aria-pressed", String(fits && chosen.every((mark) => mark.kind === kind)));
  }
}

/**
 * @param {FrameMarks} marks
 * @param {boolean} mayEdit
 * @param {(id: string) => void} withdraw
 */
export function showRemarks(marks, mayEdit, withdraw) {
  byId("remarks").replaceChildren(...marks.remarks.map((remark) => {
    const what = remark.kind === "not_assessable" ? "Cannot be judged" : "Disagrees";
    const button = make("button", { type: "button" }, "Take back");
    button.addEventListener("click", () => withdraw(remark.id));
    return make("li", {}, make("div", {}, make("b", {}, what), remark.text ? `: ${remark.text}` : ""),
      mayEdit ? button : null);
  }));
}

const ROWS = /** @type {const} */ ([
  ["fnps", "Follicles per section", ""],
  ["tracked_estimate", "Sweep estimate", ""],
  ["fnpo", "Follicles per ovary", ""],
  ["volume_ml", "Volume", " mL"],
]);

/**
 * @param {MeasuresFile} file
 * @param {boolean} isBlinded
 */
export function showMeasures(file, isBlinded) {
  const columns = isBlinded
    ? [{ name: "Reader", from: file.reader }]
    : [
      { name: "Machine", from: file.machine ?? null },
      { name: "Reader", from: file.reader },
      { name: "Signed", from: file.signed ?? null },
    ];
  const sides = /** @type {const} */ (["left", "right", "side_unknown"]);
  const tables = sides
    .filter((side) => columns.some((column) => column.from?.[side]))
    .map((side) => sideTable(side, columns.map(({ name, from }) => ({ name, side: from?.[side] ?? null }))));
  byId("measures").replaceChildren(
    ...(tables.length ? tables : [make("p", { class: "quiet" }, "Nothing measured yet.")]),
  );
}

/**
 * @param {"left" | "right" | "side_unknown"} side
 * @param {{name: string, side: SideMeasures | null}[]} columns
 */
function sideTable(side, columns) {
  const head = make("tr", {}, make("td", {}), ...columns.map((column) =>
    make("th", { scope: "col", class: column.name === "Reader" ? "is-mine" : "" }, column.name)));
  const rows = ROWS.map(([key, label, unit]) =>
    make("tr", {}, make("th", { scope: "row" }, label), ...columns.map((column) =>
      cell(column.side?.[key], unit))));
  rows.push(make("tr", {}, make("th", { scope: "row" }, "Diameters"), ...columns.map((column) => {
    const { length_mm: length = null, width_mm: width = null } = column.side ?? {};
    const known = length !== null && width !== null;
    return make("td", {}, make("b", {}, known ? `${length.toFixed(0)} × ${width.toFixed(0)}` : "–"),
      known ? make("span", {}, "mm") : null);
  })));
  const table = make("table", { class: "measure-table" },
    make("caption", {}, SIDE[side] ? `${SIDE[side]} ovary` : "Side not stated"),
    make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", {}, table, reasons(columns));
}

/**
 * @param {CountMeasure | undefined} count
 * @param {string} unit
 */
function cell(count, unit) {
  const { value, interval } = countWords(count, unit);
  const unknown = value === "–" ? make("span", { class: "visually-hidden" }, "unknown") : null;
  return make("td", {}, make("b", {}, value, unknown), interval ? make("span", {}, interval) : null);
}

/** @param {{name: string, side: SideMeasures | null}[]} columns */
function reasons(columns) {
  const lines = new Set();
  const last = columns.find((column) => column.name === "Reader" && column.side) ?? columns[0];
  for (const [key, label] of ROWS) {
    const because = last.side?.[key].unknown_because;
    if (because) lines.add(`${label}: ${because}`);
  }
  if (!lines.size) return make("span", {});
  return make("details", { class: "why" }, make("summary", {}, "Why some are unknown"),
    make("ul", {}, ...[...lines].map((line) => make("li", {}, line))));
}

/** @type {Record<string, [string, string]>} */
const STANDING = {
  saved: ["saved", "Saved"],
  saving: ["saving", "Saving …"],
  offline: ["offline", "No connection: kept on this computer, sent when it is back"],
  signed_out: ["lock", "Signed out: kept on this computer. Sign in again in another tab"],
  refused: ["warning", "Not accepted"],
  locked: ["lock", "Closed"],
};

/**
 * How saving stands, in a corner everybody looks at.
 * @param {import("./outbox.js").Outbox} outbox
 */
export function showStanding(outbox) {
  const place = byId("standing");
  const [icon, words] = STANDING[outbox.standing];
  const unsent = outbox.reading.unsent.length;
  const at = outbox.savedAt?.toLocaleTimeString(document.documentElement.lang || [], { hour: "2-digit", minute: "2-digit" });
  let text = words;
  if (outbox.standing === "saved" && at) text = `Saved ${at}`;
  if (["offline", "signed_out"].includes(outbox.standing)) {
    text = `${plural(unsent, "correction", "corrections")} not sent. ${words}`;
    if (!outbox.shelf.isDurable) text += ". Keep this page open";
  }
  if (outbox.problem && ["refused", "locked"].includes(outbox.standing)) text = outbox.problem;
  if (place.dataset.standing === outbox.standing && place.textContent === text) return;
  place.dataset.standing = outbox.standing;
  place.replaceChildren(glyph(icon), text);
}
