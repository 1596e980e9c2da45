// Which marks are selected, and going from one to the next with keys.
// Owns the choice and saying what was chosen; what is done with it is the business of editing.js.

import { centroid, meanDiameter } from "./geometry.js";
import { gettext, ngettext } from "./i18n.js";
import { numbered } from "./marks.js";
import { tell } from "./notices.js";
import { markWords } from "./words.js";

/** @import {Viewer} from "./viewer.js" */

/**
 * @param {Viewer} viewer
 * @param {string[]} ids
 * @param {boolean} more Whether to add to what is selected; what was selected is let go again.
 */
export function select(viewer, ids, more = false) {
  const before = more ? [...viewer.selected] : [];
  const both = ids.filter((id) => !before.includes(id));
  const kept = more ? before.filter((id) => !ids.includes(id)) : [];
  choose(viewer, [...kept, ...both]);
}

/**
 * @param {Viewer} viewer
 * @param {number} by
 * @param {boolean} more
 */
export function selectNext(viewer, by, more = false) {
  const every = numbered(viewer.marks).map(({ mark }) => mark.id);
  if (!every.length) return;
  const last = [...viewer.selected].pop();
  const at = last ? every.indexOf(last) : by > 0 ? -1 : every.length;
  const next = every[(at + by + every.length) % every.length];
  const mark = viewer.marks.marks.find((one) => one.id === next);
  if (mark) viewer.pane.view.reveal(centroid(mark.polygon));
  viewer.pane.place();
  choose(viewer, more ? [...viewer.selected, next] : [next]);
  document.querySelector(`[data-mark="${next}"]`)?.scrollIntoView({ block: "nearest" });
}

/**
 * @param {Viewer} viewer
 * @param {string[]} ids
 */
function choose(viewer, ids) {
  viewer.selected = new Set(ids);
  viewer.point = null;
  viewer.redraw();
  const only = viewer.onlySelected;
  if (only) {
    const number = numbered(viewer.marks).find(({ mark }) => mark.id === only.id)?.number ?? null;
    const mark = markWords(only, number, meanDiameter(only.polygon, viewer.info.mm_per_pixel));
    tell(gettext("{mark}, selected", { mark }));
  } else if (ids.length) {
    tell(ngettext("{count} mark selected", "{count} marks selected", viewer.selected.size));
  }
}
