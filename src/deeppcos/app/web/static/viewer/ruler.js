// The calibrated ruler: a length in millimetres only where a scale is known, and only inside the
// part of the picture it holds for. Owns the measuring, not the drawing.

import { gettext } from "./i18n.js";
import { millimetres } from "./words.js";

/** @import {FrameInfo, PictureInfo, Point} from "./types.js" */

/**
 * @param {FrameInfo} info
 * @param {PictureInfo} picture
 * @param {Point} from
 * @param {Point} to
 */
export function lengthWords(info, picture, from, to) {
  const scale = info.mm_per_pixel;
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  if (!scale) {
    return gettext("no scale ({pixels} pixels)", { pixels: Math.round(Math.hypot(dx, dy)) });
  }
  if (![from, to].every((end) => isScanned(picture, end))) {
    return gettext("no scale outside the scan");
  }
  return millimetres(Math.hypot(dx * scale.x, dy * scale.y));
}

/**
 * @param {PictureInfo} picture
 * @param {Point} point
 */
function isScanned({ tissue_region: region }, [x, y]) {
  return !region
    || (x >= region[0] - 1 && x <= region[2] && y >= region[1] - 1 && y <= region[3]);
}
