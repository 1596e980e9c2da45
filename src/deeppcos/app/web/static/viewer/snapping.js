// The edge of a follicle around a clicked place, found by the server in the stored pixels.
// Owns asking, and how long is waited; without an answer there is a reason.

import { gettext } from "./i18n.js";

/** @import {Point, Polygon, Scale} from "./types.js" */

const WAIT_MS = 4000;

/**
 * @param {string} url
 * @param {string} token Against forged requests.
 * @param {{picture: string, frame: number, at: Point, scale: Scale | null}} asked
 * @returns {Promise<{polygon: Polygon | null, reason: string}>}
 */
export async function edgeAt(url, token, { picture, frame, at: [x, y], scale }) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ picture, frame, x, y, mm_per_pixel: scale }),
      credentials: "same-origin",
      redirect: "manual",
      signal: AbortSignal.timeout(WAIT_MS),
    });
    const answer = response.ok ? await response.json() : {};
    if (answer.polygon) return { polygon: answer.polygon, reason: "" };
    return { polygon: null, reason: answer.reason ?? gettext("the edge could not be looked for") };
  } catch {
    return { polygon: null, reason: gettext("no connection to look for the edge") };
  }
}
