// Edits on their way to the server, kept on this computer until it has acknowledged them.
// Owns sending, trying again and saying how it stands; the place they lie in is shelf.js. Nothing acknowledged is asked
// twice, nothing unacknowledged is forgotten: not by a lost network, not by a closed window.

import { gettext } from "./i18n.js";

/** @import {Behind, Edit, Kept} from "./types.js" */

const WAIT_MS = 350;
const FIRST_RETRY_MS = 2000;
const LONGEST_RETRY_MS = 30000;
const MOST_AT_ONCE = 100;

/** @typedef {"saved" | "saving" | "offline" | "signed_out" | "refused" | "locked"} Standing */

export class Outbox extends EventTarget {
  /**
   * @param {object} parts
   * @param {import("./reading.js").Reading} parts.reading
   * @param {import("./shelf.js").Shelf} parts.shelf
   * @param {string} parts.url
   * @param {string} parts.token Against forged requests.
   * @param {(behind: Behind) => Promise<void>} parts.onBehind Others were quicker.
   */
  constructor({ reading, shelf, url, token, onBehind }) {
    super();
    this.reading = reading;
    this.shelf = shelf;
    this.url = url;
    this.token = token;
    this.onBehind = onBehind;
    /** @type {Standing} */
    this.standing = "saved";
    this.problem = "";
    /** @type {Date | null} */
    this.savedAt = null;
    this.isSending = false;
    this.isAsking = false;
    this.retryMs = FIRST_RETRY_MS;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    reading.addEventListener("made", (event) => {
      void this.#keep(/** @type {CustomEvent} */ (event).detail.edit);
    });
    window.addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") void this.now(true);
    });
  }

  /** @param {Edit} edit */
  async #keep(edit) {
    this.#stand(this.standing === "saved" ? "saving" : this.standing);
    try {
      await this.shelf.put(edit);
    } catch {
      this.problem = gettext("this computer has no room to keep changes");
    }
    this.soon(WAIT_MS);
  }

  /** @param {number} ms */
  soon(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.now(), ms);
  }

  /** @param {boolean} isLeaving Whether the page may be gone before the answer. */
  async now(isLeaving = false) {
    if (this.isSending || this.isAsking || !this.reading.unsent.length) return;
    this.isSending = true;
    const edits = this.reading.unsent.slice(0, MOST_AT_ONCE);
    if (this.standing === "saved") this.#stand("saving");
    try {
      await this.#post(edits, isLeaving);
    } catch {
      this.#later("offline", "");
    } finally {
      this.isSending = false;
    }
  }

  /**
   * @param {Edit[]} edits
   * @param {boolean} isLeaving
   */
  async #post(edits, isLeaving) {
    const response = await fetch(this.url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": this.token,
        Accept: "application/json",
      },
      body: JSON.stringify({ base_version: this.reading.version, edits: edits.map(asSent) }),
      credentials: "same-origin",
      redirect: "manual",
      keepalive: isLeaving,
    });
    if (response.status === 200) {
      await this.#acknowledged(edits, /** @type {Kept} */ (await response.json()));
    } else if (response.status === 409) {
      await this.#overtaken(/** @type {Behind} */ (await response.json()));
    } else if (response.type === "opaqueredirect" || response.status === 401) {
      this.#later("signed_out", "");
    } else if (response.status === 423) {
      this.#stand("locked", await problemOf(response));
    } else if (response.status === 400 || response.status === 403) {
      this.#stand("refused", await problemOf(response));
    } else {
      this.#later("offline", "");
    }
  }

  /**
   * @param {Edit[]} edits
   * @param {Kept} kept
   */
  async #acknowledged(edits, kept) {
    this.reading.kept(edits, kept.version);
    await this.shelf.drop(edits).catch(() => undefined);
    this.retryMs = FIRST_RETRY_MS;
    this.savedAt = new Date();
    this.problem = "";
    this.#stand(this.reading.unsent.length ? "saving" : "saved");
    if (this.reading.unsent.length) this.soon(0);
  }

  /** @param {Behind} behind */
  async #overtaken(behind) {
    this.isAsking = true;
    try {
      await this.onBehind(behind);
    } finally {
      this.isAsking = false;
    }
    if (this.reading.unsent.length) this.soon(0);
    else this.#stand("saved");
  }

  /**
   * @param {Standing} standing
   * @param {string} problem
   */
  #later(standing, problem) {
    this.#stand(standing, problem);
    this.soon(this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
  }

  /**
   * @param {Standing} standing
   * @param {string} problem
   */
  #stand(standing, problem = "") {
    this.standing = standing;
    if (problem) this.problem = problem;
    this.dispatchEvent(new Event("standing"));
  }
}

/**
 * What the server is sent of an edit: nothing it says itself.
 * @param {Edit} edit
 */
function asSent({ reader: _reader, number: _number, ...edit }) {
  return edit;
}

/** @param {Response} response */
async function problemOf(response) {
  try {
    return String((await response.json()).problem ?? "");
  } catch {
    return "";
  }
}
