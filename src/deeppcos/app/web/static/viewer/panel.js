// The side of the page for one frame: counts, the list of marks, kinds and remarks.
// Owns showing; nothing is decided here. The study's numbers are shown by measures.js.

import { byId, make } from "./dom.js";
import { diameters, meanDiameter } from "./geometry.js";
import { hints } from "./hints.js";
import { decimal, gettext, ngettext } from "./i18n.js";
import { lineOf } from "./look.js";
import { numbered, sectionCount } from "./marks.js";
import { withdraw } from "./remarks.js";
import { KIND, markWords, millimetres, sureness } from "./words.js";

/** @import {Mark, Scale} from "./types.js" */
/** @import {Viewer} from "./viewer.js" */

/** @param {Viewer} viewer */
export function showSide(viewer) {
  showSection(viewer);
  showMarks(viewer);
  showKinds(viewer);
  showRemarks(viewer);
  const { marks } = viewer.marks;
  const isDoubtful = marks.some((mark) => mark.is_doubtful && mark.kind === "ovary");
  byId("confirm").hidden = !isDoubtful || !viewer.mayEdit;
}

/** @param {Viewer} viewer */
function showSection(viewer) {
  const { info, marks, isBlinded } = viewer;
  const count = sectionCount(marks);
  const isRefused = marks.remarks.some((remark) => remark.kind === "not_assessable");
  const isTouched = viewer.isEdited(viewer.frame) || isBlinded;
  const mine = isTouched && !isRefused ? count.counted : null;
  const shown = [
    big(gettext("Reader"), mine, isTouched ? "" : gettext("unchanged"), true),
  ];
  if (!isBlinded) {
    const machine = info.assessable && info.machine ? sectionCount(info.machine).counted : null;
    const interval = info.interval ? `${info.interval.low}–${info.interval.high}` : "";
    shown.unshift(big(gettext("Machine"), machine, interval, false));
    const signed = info.signed ? sectionCount(info.signed).counted : null;
    shown.push(big(gettext("Signed"), signed, "", false));
  }
  byId("section").replaceChildren(...shown);
  byId("hints").replaceChildren(...hints(viewer, count, isRefused).map(([words, isCaution]) =>
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
    ? make("b", { class: "none" }, "–",
      make("span", { class: "visually-hidden" }, gettext("unknown")))
    : make("b", {}, String(value));
  return make("div", { class: isMine ? "big is-mine" : "big" }, make("span", {}, who), number,
    make("span", {}, below || gettext("follicles")));
}

/** @param {Viewer} viewer */
function showMarks(viewer) {
  const { marks, selected, info: { mm_per_pixel: scale } } = viewer;
  const list = byId("mark-list");
  const rows = numbered(marks).map(({ mark, number }) => {
    const size = meanDiameter(mark.polygon, scale);
    const button = make("button", {
      type: "button",
      class: "mark-row",
      "data-mark": mark.id,
      "aria-pressed": selected.has(mark.id) ? "true" : "false",
      "aria-label": markWords(mark, number, size),
    },
    make("i", { class: `swatch swatch-${lineOf(mark)}` }),
    make("b", {}, number === null ? "" : String(number)),
    make("span", {}, make("span", { class: "size" }, sizeWords(mark, size, scale)), kindWords(mark),
      mark.is_luteal_like ? make("i", { class: "swatch swatch-luteal_like" }) : ""),
    make("span", { class: "mark-by" }, madeBy(mark)));
    button.addEventListener("click", (event) => viewer.select([mark.id], event.shiftKey));
    return make("li", {}, button);
  });
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.mark;
  list.replaceChildren(...rows);
  if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[data-mark="${focused}"]`))?.focus();
  byId("luteal-legend").hidden = !marks.marks.some((mark) => mark.is_luteal_like);
  const nothing = byId("empty-list");
  nothing.hidden = rows.length > 0;
  nothing.textContent = viewer.isBlinded
    ? gettext("Nothing marked in this frame yet. Press A and click into a follicle.")
    : gettext("Nothing is marked in this frame.");
  const count = marks.marks.filter((mark) => mark.kind !== "ovary").length;
  byId("marks-sum").textContent = count ? ngettext("{count} mark", "{count} marks", count) : "";
}

/** @param {Mark} mark */
function kindWords(mark) {
  if (!mark.is_doubtful) return KIND[mark.kind];
  return mark.kind === "ovary" ? gettext("doubtful ovary") : gettext("doubtful mark");
}

/**
 * @param {Mark} mark
 * @param {number | null} size
 * @param {Scale | null} scale
 */
function sizeWords(mark, size, scale) {
  if (size === null || !scale) return "";
  if (mark.kind !== "ovary") return `${millimetres(size)} `;
  const { longest, across } = diameters(mark.polygon, scale);
  return `${longest.toFixed(0)} × ${across.toFixed(0)} mm `;
}

/** @param {Mark} mark */
function madeBy(mark) {
  if (mark.by === "reader") return gettext("reader");
  if (mark.probability === undefined) return gettext("machine");
  return `${sureness(mark.probability)} ${decimal(mark.probability * 100, 0)} %`;
}

/** @param {Viewer} viewer */
function showKinds({ chosen, mayEdit }) {
  const fits = mayEdit && chosen.length > 0 && chosen.every((mark) => mark.kind !== "ovary");
  const row = byId("kinds");
  row.hidden = !fits;
  for (const button of row.querySelectorAll("button")) {
    const kind = button.dataset.action?.split(":")[1];
    button.setAttribute("aria-pressed", String(fits && chosen.every((mark) => mark.kind === kind)));
  }
}

/** @param {Viewer} viewer */
function showRemarks({ editor, marks, mayEdit }) {
  byId("remarks").replaceChildren(...marks.remarks.map((remark) => {
    const what = remark.kind === "not_assessable"
      ? gettext("Cannot be judged") : gettext("Disagrees");
    const button = make("button", { type: "button" }, gettext("Take back"));
    button.addEventListener("click", () => withdraw(editor, remark.id));
    return make("li", {},
      make("div", {}, make("b", {}, what), remark.text ? `: ${remark.text}` : ""),
      mayEdit ? button : null);
  }));
}
