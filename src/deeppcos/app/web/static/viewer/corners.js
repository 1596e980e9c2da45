// What stands in the corners of the picture: its name, scale, zoom, scale bar, and the same in
// words for people who cannot see it. Owns showing.

import { byId, make } from "./dom.js";
import { decimal, gettext, ngettext } from "./i18n.js";
import { sectionCount } from "./marks.js";
import { follicles, scaleWords, title } from "./words.js";

/** @import {Viewer} from "./viewer.js" */

const BAR_MM = [50, 20, 10, 5, 2, 1, 0.5];
const BAR_SHARE = 0.25;

/** @param {Viewer} viewer */
export function showCorners(viewer) {
  const { info, picture, pane } = viewer;
  byId("corner-picture").textContent = title(picture);
  byId("corner-scale").replaceChildren(
    make("span", { class: info.mm_per_pixel ? "" : "no-scale" }, scaleWords(info)),
  );
  const words = [gettext("{percent} %", { percent: Math.round(pane.view.zoom * 100) })];
  if (pane.view.isFlipped) words.push(gettext("flipped"));
  if (viewer.window.words) words.push(viewer.window.words);
  byId("corner-view").textContent = words.join(" · ");
  showScaleBar(viewer, info.mm_per_pixel?.x ?? null);
}

/**
 * @param {Viewer} viewer
 * @param {number | null} mmPerPixel
 */
function showScaleBar({ pane }, mmPerPixel) {
  const bar = byId("scale-bar");
  bar.hidden = mmPerPixel === null;
  if (mmPerPixel === null) return;
  const perPixel = mmPerPixel / pane.view.zoom;
  const room = pane.view.screen.width * BAR_SHARE;
  const length = BAR_MM.find((mm) => mm / perPixel <= room) ?? BAR_MM[BAR_MM.length - 1];
  bar.style.width = `${length / perPixel}px`;
  /** @type {HTMLElement} */ (bar.firstElementChild).textContent =
    gettext("{length} mm", { length: decimal(length, length < 1 ? 1 : 0) });
}

/**
 * What a person who cannot see the picture is told of it.
 * @param {Viewer} viewer
 */
export function describe(viewer) {
  const { picture, frame } = viewer;
  const count = sectionCount(viewer.marks);
  const parts = [title(picture)];
  if (picture.frame_count > 1) parts.push(placeWords(viewer));
  const counted = gettext("{follicles} counted", { follicles: follicles(count.counted) });
  const dominant = count.dominant
    ? `, ${ngettext("{count} dominant", "{count} dominant", count.dominant)}` : "";
  byId("stage-words").textContent = `${parts.join(", ")}. ${counted}${dominant}.`;
  byId("stage-words").dataset.frame = String(frame);
}

/**
 * Which frame or slice of how many.
 * @param {{picture: import("./types.js").PictureInfo, frame: number}} at
 */
export function placeWords({ picture, frame }) {
  const parts = { number: frame + 1, count: picture.frame_count };
  return picture.kind === "volume"
    ? gettext("Slice {number} of {count}", parts)
    : gettext("Frame {number} of {count}", parts);
}
