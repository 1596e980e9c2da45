// What the page says aloud, for a while, or in place of a picture: the live region, the toast and
// the cover over the stage. Owns the three places; the words come from those who have something to say.

import { byId } from "./dom.js";
import { gettext } from "./i18n.js";

/** @import {PictureInfo} from "./types.js" */

const TOAST_MS = 4500;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Shown for a while, and read out.
 * @param {string} words
 */
export function say(words) {
  const toast = byId("toast");
  toast.textContent = words;
  toast.hidden = false;
  tell(words);
  clearTimeout(timer);
  timer = setTimeout(() => {
    toast.hidden = true;
  }, TOAST_MS);
}

/**
 * Read out to those who listen to the page.
 * @param {string} words
 */
export function tell(words) {
  const live = byId("live");
  live.textContent = live.textContent === words ? `${words}\u00a0` : words;
}

/**
 * Words in place of a picture.
 * @param {string} title
 * @param {string} text
 */
export function cover(title, text) {
  const over = byId("over");
  over.hidden = false;
  const [head, words] = over.querySelectorAll("h3, p");
  head.textContent = title;
  words.textContent = text;
}

/** @param {PictureInfo} info A file that cannot be shown, or not yet. */
export function coverRefused({ problem }) {
  if (problem) cover(gettext("This file could not be read"), problem);
  else {
    cover(gettext("Still being read"), gettext("Its frames appear here as soon as they are ready."));
  }
}
