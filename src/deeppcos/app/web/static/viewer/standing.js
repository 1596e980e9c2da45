// How saving stands, in a corner everybody looks at. Owns the words.

import { byId, glyph } from "./dom.js";
import { gettext, language, ngettext } from "./i18n.js";

/** @import {Outbox} from "./outbox.js" */

/** @type {Record<import("./outbox.js").Standing, [icon: string, words: string]>} */
const STANDING = {
  saved: ["saved", gettext("Saved")],
  saving: ["saving", gettext("Saving …")],
  offline: ["offline", gettext("No connection: kept on this computer, sent when it is back")],
  signed_out: ["lock", gettext("Signed out: kept on this computer. Sign in again in another tab")],
  refused: ["warning", gettext("Not accepted")],
  locked: ["lock", gettext("Closed")],
};

/** @param {Outbox} outbox */
export function showStanding(outbox) {
  const place = byId("standing");
  const text = standingWords(outbox);
  if (place.dataset.standing === outbox.standing && place.textContent === text) return;
  place.dataset.standing = outbox.standing;
  place.replaceChildren(glyph(STANDING[outbox.standing][0]), text);
}

/** @param {Outbox} outbox */
function standingWords(outbox) {
  const [, words] = STANDING[outbox.standing];
  switch (outbox.standing) {
    case "saved": return savedWords(outbox.savedAt) || words;
    case "refused":
    case "locked": return outbox.problem || words;
    case "offline":
    case "signed_out": {
      const unsent = ngettext("{count} correction not sent.", "{count} corrections not sent.",
        outbox.reading.unsent.length);
      const stay = outbox.shelf.isDurable ? "" : ` ${gettext("Keep this page open.")}`;
      return `${unsent} ${words}.${stay}`;
    }
    default: return words;
  }
}

/** @param {Date | null} at */
function savedWords(at) {
  const time = at?.toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit" });
  return time ? gettext("Saved {time}", { time }) : "";
}
