// New marks: a follicle by one click, an ovary from one end to the other.
// Owns the way from the click to the mark, also where its edge comes later or not at all.

import * as changes from "./changes.js";
import { pixelsAcross, timed } from "./editing.js";
import { gettext } from "./i18n.js";
import { FOLLICLES } from "./marks.js";
import { say } from "./notices.js";
import { ellipse, ovaryBetween } from "./outlines.js";
import { placeOf } from "./reading.js";
import { edgeAt } from "./snapping.js";
import { capital } from "./words.js";

/** @import {Editor} from "./editing.js" */
/** @import {Point} from "./types.js" */
/** @import {Viewer} from "./viewer.js" */

const LEAST_OVARY_PX = 8;
const USUAL_RADIUS_MM = 2.5;

/**
 * A follicle by one click: a circle at once, its edge as soon as the server has found it.
 * @param {Editor} editor
 * @param {Point} at
 * @param {number} since
 */
export async function addAt(editor, at, since = performance.now()) {
  const { viewer } = editor;
  if (!viewer.mayEdit) return viewer.refuse();
  const { width, height } = viewer.picture;
  if (at[0] < 0 || at[1] < 0 || at[0] > width - 1 || at[1] > height - 1) return undefined;
  const { ground, where } = editor;
  const circle = ellipse(at, usualRadius(viewer));
  editor.waiting += 1;
  viewer.sketch({ polygon: circle, closed: true });
  viewer.redraw();
  timed(since);
  const found = await edgeAt(viewer.manifest.urls.outline, editor.token, {
    ...where, at, scale: ground.scale,
  });
  editor.waiting -= 1;
  const change = changes.addFollicle(found.polygon ?? circle, ground);
  if (placeOf(where.picture, where.frame) === placeOf(viewer.picture.id, viewer.frame)) {
    editor.make(change, gettext("Follicle added"), performance.now(), where);
  } else {
    viewer.reading.make(change, editor.workOn(where));
  }
  if (!found.polygon) {
    say(capital(gettext("{reason}. A circle was drawn: pull its points.", { reason: found.reason })));
  }
  return undefined;
}

/**
 * Radius of a circle where no edge is known: as large as the others here.
 * @param {Viewer} viewer
 */
function usualRadius(viewer) {
  const sizes = viewer.marks.marks
    .filter((mark) => FOLLICLES.has(mark.kind))
    .map((mark) => pixelsAcross(mark))
    .sort((a, b) => a - b);
  if (sizes.length) return Math.max(3, sizes[Math.floor(sizes.length / 2)] / 2);
  const scale = viewer.info.mm_per_pixel;
  return scale
    ? Math.max(3, USUAL_RADIUS_MM / Math.sqrt(scale.x * scale.y))
    : Math.max(4, viewer.picture.width / 50);
}

/**
 * An ovary from one end to the other.
 * @param {Editor} editor
 * @param {Point} from
 * @param {Point} to
 * @param {number} since
 */
export function addOvary(editor, from, to, since = performance.now()) {
  const { viewer } = editor;
  viewer.drawn = null;
  if (Math.hypot(to[0] - from[0], to[1] - from[1]) < LEAST_OVARY_PX) {
    viewer.drawMarks();
    say(gettext("Draw the ovary from one end to the other."));
    return;
  }
  const doubtful = viewer.marks.marks.filter((mark) => mark.is_doubtful && mark.kind === "ovary");
  const change = changes.addOvary(ovaryBetween(from, to), doubtful, editor.ground);
  if (editor.make(change, gettext("Ovary outlined"), since)) viewer.use("select");
}
