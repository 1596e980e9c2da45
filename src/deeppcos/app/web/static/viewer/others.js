// Other people's corrections of the same study: hearing of them, taking them in, and deciding where
// both changed the same. Owns meeting them; the arithmetic is the business of merging.js.

import { askClashes } from "./dialogs.js";
import { gettext, ngettext } from "./i18n.js";
import { say } from "./notices.js";
import { title } from "./words.js";

/** @import {Behind} from "./types.js" */
/** @import {Clash} from "./merging.js" */
/** @import {Outbox} from "./outbox.js" */
/** @import {Viewer} from "./viewer.js" */

const NEWS_MS = 20_000;

export class Others {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
  }

  /**
   * Hear of others' corrections, while nothing of one's own is on its way.
   * @param {Outbox} outbox
   * @param {() => void} onNews
   */
  listen(outbox, onNews) {
    setInterval(() => void this.#ask(outbox, onNews), NEWS_MS);
  }

  /**
   * @param {Outbox} outbox
   * @param {() => void} onNews
   */
  async #ask(outbox, onNews) {
    const { manifest, reading } = this.viewer;
    const isQuiet = document.visibilityState === "visible" && !reading.unsent.length
      && !outbox.isSending && !outbox.isAsking;
    if (!isQuiet) return;
    const url = new URL(manifest.urls.edits, location.href);
    url.searchParams.set("version", String(reading.version));
    try {
      const response = await fetch(url, { credentials: "same-origin", redirect: "manual" });
      const answer = response.ok ? await response.json() : null;
      if (!answer?.edits.length || reading.unsent.length) return;
      await this.take(answer);
      onNews();
    } catch {
      // The next correction says that there is no connection.
    }
  }

  /** @param {Behind} behind */
  async take(behind) {
    const clashes = this.viewer.reading.behind(behind);
    if (clashes.length) await this.decide(clashes);
    else if (behind.edits.length) {
      const who = [...new Set(behind.edits.map((edit) => edit.reader).filter(Boolean))].join(", ");
      say(ngettext("{who} corrected this study too: {count} change was taken in.",
        "{who} corrected this study too: {count} changes were taken in.", behind.edits.length,
        { who: who || gettext("Somebody else") }));
    }
    this.viewer.redraw();
  }

  /** @param {Clash[]} clashes */
  async decide(clashes) {
    const chosen = await askClashes(clashes, (clash) => this.#where(clash));
    clashes.forEach((clash, i) => {
      if (chosen[i] === "mine") this.viewer.reading.keepMine(clash);
    });
    this.viewer.dispatchEvent(new CustomEvent("decided", { detail: { clashes, chosen } }));
    this.viewer.redraw();
  }

  /** @param {Clash} clash */
  #where(clash) {
    const [first] = clash.mine;
    const info = this.viewer.manifest.pictures.find((one) => one.id === first.picture);
    const picture = info ? title(info) : gettext("Picture");
    return info && info.frame_count > 1
      ? gettext("{picture}, frame {number}", { picture, number: first.frame + 1 }) : picture;
  }
}
