// One reader's work on one study in this browser: what the server holds, what is not sent yet,
// undo and redo. Owns the state; saving is the business of outbox.js, showing of the rest.

import { applied, misfits, NOTHING, replayed, reversed } from "./marks.js";
import { compared, mineInstead } from "./merging.js";
import { freshId } from "./changes.js";

/** @import {Behind, Change, Edit, FrameMarks} from "./types.js" */
/** @import {Clash} from "./merging.js" */

/**
 * @typedef {object} Work What is told of an edit besides what it changes.
 * @property {string} picture
 * @property {number} frame
 * @property {number} seconds
 * @property {boolean} machineSeen
 * @property {string} release
 */

export class Reading extends EventTarget {
  /** @param {number} version */
  constructor(version) {
    super();
    this.version = version;
    /** @type {Map<string, FrameMarks>} What the server holds, by frame. */
    this.held = new Map();
    /** @type {Edit[]} */
    this.unsent = [];
    /** @type {{edit: Edit, back: Change}[]} */
    this.done = [];
    /** @type {{edit: Edit, back: Change}[]} */
    this.undone = [];
    /** @type {Map<string, FrameMarks>} */
    this.shown = new Map();
  }

  /**
   * Take what the server holds of a frame.
   * @param {string} picture
   * @param {number} frame
   * @param {FrameMarks} marks
   */
  hold(picture, frame, marks) {
    const place = placeOf(picture, frame);
    this.held.set(place, marks);
    this.shown.delete(place);
  }

  /**
   * The frame as the reader sees it now.
   * @param {string} picture
   * @param {number} frame
   * @returns {FrameMarks}
   */
  marks(picture, frame) {
    const place = placeOf(picture, frame);
    const known = this.shown.get(place);
    if (known) return known;
    const own = this.unsent.filter((edit) => placeOf(edit.picture, edit.frame) === place);
    const { state } = replayed(this.held.get(place) ?? NOTHING, own);
    this.shown.set(place, state);
    return state;
  }

  /**
   * Do a change; it is shown at once and sent later.
   * @param {Change} change
   * @param {Work} work
   * @param {string | null} undoes
   * @returns {Edit | null} Null when it does not fit, and then nothing happened.
   */
  make(change, work, undoes = null) {
    const before = this.marks(work.picture, work.frame);
    const after = applied(before, change);
    if (!after) return null;
    /** @type {Edit} */
    const edit = {
      id: freshId(),
      ...change,
      picture: work.picture,
      frame: work.frame,
      undoes,
      seconds: Math.round(work.seconds * 10) / 10,
      at: new Date().toISOString(),
      machine_marks_seen: work.machineSeen,
      release: work.release,
    };
    this.unsent.push(edit);
    this.shown.set(placeOf(work.picture, work.frame), after);
    const step = { edit, back: reversed(before, change) };
    if (!undoes) {
      this.done.push(step);
      this.undone = [];
    }
    this.#tell("made", { edit, step });
    return edit;
  }

  get canUndo() {
    return this.done.length > 0;
  }

  get canRedo() {
    return this.undone.length > 0;
  }

  /** @param {Work} work Its frame is that of the edit taken back. */
  undo(work) {
    return this.#turn(this.done, this.undone, work);
  }

  /** @param {Work} work */
  redo(work) {
    return this.#turn(this.undone, this.done, work);
  }

  /**
   * @param {{edit: Edit, back: Change}[]} from
   * @param {{edit: Edit, back: Change}[]} to
   * @param {Work} work
   */
  #turn(from, to, work) {
    const step = from.pop();
    if (!step) return null;
    const at = { ...work, picture: step.edit.picture, frame: step.edit.frame };
    const before = this.marks(at.picture, at.frame);
    const edit = this.make(step.back, at, step.edit.id);
    // Somebody else changed it meanwhile: there is nothing left to turn back.
    if (!edit) return null;
    to.push({ edit, back: reversed(before, step.back) });
    this.#tell("turned", { edit });
    return edit;
  }

  /**
   * The server has kept edits.
   * @param {Edit[]} edits
   * @param {number} version
   */
  kept(edits, version) {
    for (const edit of edits) this.#advance(edit);
    const ids = new Set(edits.map((edit) => edit.id));
    this.unsent = this.unsent.filter((edit) => !ids.has(edit.id));
    this.version = version;
    this.#tell("kept", {});
  }

  /** @param {Edit} edit */
  #advance(edit) {
    const place = placeOf(edit.picture, edit.frame);
    const held = this.held.get(place);
    // A picture not opened yet is loaded with these edits in it.
    if (held) this.held.set(place, applied(held, edit) ?? held);
  }

  /**
   * Others were quicker: take their edits, keep what fits of mine, tell what both changed.
   * @param {Behind} behind
   * @returns {Clash[]}
   */
  behind(behind) {
    for (const edit of behind.edits) this.#advance(edit);
    this.version = behind.version;
    this.shown.clear();
    // Some of mine may have been kept although their answer never came.
    const kept = new Set(behind.edits.map((edit) => edit.id));
    this.unsent = this.unsent.filter((edit) => !kept.has(edit.id));
    const { fits, clashes } = compared((edit) => this.#heldOf(edit), this.unsent, behind.edits);
    this.unsent = fits;
    this.done = this.done.filter((step) => this.#stillFits(step));
    this.undone = [];
    this.#tell("behind", { edits: behind.edits });
    return clashes;
  }

  /** @param {Edit} edit */
  #heldOf(edit) {
    return this.held.get(placeOf(edit.picture, edit.frame)) ?? NOTHING;
  }

  /** @param {{edit: Edit, back: Change}} step */
  #stillFits(step) {
    return misfits(this.marks(step.edit.picture, step.edit.frame), step.back).length === 0;
  }

  /**
   * The reader decided that her marks of a clash replace the others'.
   * @param {Clash} clash
   */
  keepMine(clash) {
    const { picture, frame } = clash.mine[0];
    const edit = mineInstead(this.marks(picture, frame), clash, freshId());
    if (!edit) return null;
    const before = this.marks(picture, frame);
    const after = applied(before, edit);
    if (!after) return null;
    this.unsent.push(edit);
    this.shown.set(placeOf(picture, frame), after);
    this.done.push({ edit, back: reversed(before, edit) });
    this.#tell("made", { edit });
    return edit;
  }

  /**
   * Edits of an earlier visit to this page that were never sent.
   * @param {Edit[]} edits
   */
  restore(edits) {
    this.unsent.push(...edits);
    this.shown.clear();
    this.#tell("behind", { edits });
  }

  /**
   * Unsent edits of a frame that do not fit what the server holds of it.
   * @returns {Clash[]}
   */
  misfitting() {
    const known = this.unsent.filter((e) => this.held.has(placeOf(e.picture, e.frame)));
    const { clashes } = compared((edit) => this.#heldOf(edit), known, []);
    const lost = new Set(clashes.flatMap((clash) => clash.mine.map((edit) => edit.id)));
    this.unsent = this.unsent.filter((edit) => !lost.has(edit.id));
    this.shown.clear();
    return clashes;
  }

  /**
   * @param {string} name
   * @param {object} detail
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/**
 * @param {string} picture
 * @param {number} frame
 */
export function placeOf(picture, frame) {
  return `${picture}.${frame}`;
}
