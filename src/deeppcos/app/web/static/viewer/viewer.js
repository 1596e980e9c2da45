// The viewer itself: which picture and frame stands, which tool is in hand, what is selected.
// Owns the state of the page and showing it. Corrections are made by editing.js, drawing with keys
// by pen.js, meeting other people's corrections by others.js.

import { Clock } from "./clock.js";
import { describe, showCorners } from "./corners.js";
import { byId } from "./dom.js";
import { Editor } from "./editing.js";
import { gettext } from "./i18n.js";
import { NOTHING, fullest, isSame } from "./marks.js";
import { showMeasures } from "./measures.js";
import { coverRefused, say, tell } from "./notices.js";
import { Others } from "./others.js";
import { EMPTY } from "./overlay.js";
import { Pane, stretchOf } from "./pane.js";
import { showSide } from "./panel.js";
import { Pen } from "./pen.js";
import { placeOf } from "./reading.js";
import { lengthWords } from "./ruler.js";
import { select } from "./selection.js";
import { Window } from "./window.js";

/** @import {FrameInfo, Manifest, Mark, MarksFile, MeasuresFile, PictureInfo, Point, Polygon} from "./types.js" */
/** @import {Reading} from "./reading.js" */

/** @typedef {"select" | "add" | "ovary" | "split" | "ruler" | "pan" | "window"} Tool */

/** @type {ReadonlySet<Tool>} */
export const DRAWING = new Set(["add", "ovary", "split", "ruler"]);

/** @type {FrameInfo} */
const UNKNOWN_FRAME = {
  frame: 0, mm_per_pixel: null, scale_problem: gettext("not known yet"), assessable: false,
  because: [],
};

export class Viewer extends EventTarget {
  /**
   * @param {Manifest} manifest
   * @param {Reading} reading
   * @param {string} token
   */
  constructor(manifest, reading, token) {
    super();
    this.manifest = manifest;
    this.reading = reading;
    this.stage = byId("stage");
    this.pane = new Pane(this.stage);
    this.window = new Window(this.pane.pixels);
    this.clock = new Clock();
    this.editor = new Editor(this, token);
    this.pen = new Pen(this);
    this.others = new Others(this);
    this.index = 0;
    this.frame = 0;
    /** @type {Map<string, FrameInfo[]>} */
    this.files = new Map();
    /** @type {Set<string>} Frames whose machine's marks the reader has seen. */
    this.machineSeen = new Set();
    /** @type {Tool} */
    this.tool = "select";
    this.isPanHeld = false;
    /** @type {Set<string>} */
    this.selected = new Set();
    this.isHidden = false;
    this.hasGhost = false;
    this.hasConfidence = false;
    /** @type {number | null} Number of the point that keys move. */
    this.point = null;
    /** @type {Mark | null} */
    this.dragged = null;
    /** @type {{polygon: Polygon, closed: boolean} | null} */
    this.drawn = null;
    /** @type {{from: Point, to: Point} | null} */
    this.ruled = null;
    /** @type {Point | null} */
    this.crosshair = null;
    /** @type {MeasuresFile | null} */
    this.measures = null;
    this.pane.addEventListener("painted", () => this.#painted());
    this.pane.addEventListener("placed", () => showCorners(this));
    reading.addEventListener("behind", () => this.redraw());
  }

  /** @returns {PictureInfo} */
  get picture() {
    return this.manifest.pictures[this.index];
  }

  /** @returns {FrameInfo} */
  get info() {
    return this.files.get(this.picture.id)?.[this.frame] ?? UNKNOWN_FRAME;
  }

  get marks() {
    return this.reading.marks(this.picture.id, this.frame);
  }

  get isLoaded() {
    return this.files.has(this.picture.id);
  }

  get mayEdit() {
    return this.manifest.reading.may_edit && this.isLoaded;
  }

  get isBlinded() {
    return this.manifest.reading.is_blinded;
  }

  /** @returns {Mark | null} */
  get onlySelected() {
    return this.selected.size === 1 ? this.chosen[0] ?? null : null;
  }

  get chosen() {
    return this.marks.marks.filter((mark) => this.selected.has(mark.id));
  }

  /**
   * @param {number} index
   * @param {number | null} frame
   */
  async open(index, frame = null) {
    this.index = index;
    this.frame = frame ?? 0;
    this.#letGo();
    this.ruled = null;
    const info = this.picture;
    byId("over").hidden = info.is_ready;
    if (!info.is_ready) coverRefused(info);
    this.pane.open(info, stretchOf(this.files.get(info.id)?.[0]));
    this.dispatchEvent(new Event("opened"));
    if (!info.is_ready) return this.redraw();
    if (!this.files.has(info.id)) await this.#load(info);
    if (this.picture !== info) return undefined;
    const frames = this.files.get(info.id) ?? [];
    const stretch = stretchOf(frames[0]);
    if (stretch !== this.pane.view.stretch) {
      this.pane.view.setPicture(info.width, info.height, stretch);
      this.pane.place();
    }
    this.show(frame ?? fullest(frames));
    this.dispatchEvent(new Event("loaded"));
    return undefined;
  }

  /** @param {PictureInfo} info */
  async #load(info) {
    const url = new URL(info.urls.marks, location.href);
    url.searchParams.set("version", String(this.reading.version));
    const response = await fetch(url, { credentials: "same-origin" }).catch(() => null);
    if (!response?.ok) {
      say(gettext("The marks cannot be loaded now. Load the page again."));
      return;
    }
    const file = /** @type {MarksFile} */ (await response.json());
    for (const frame of file.frames) {
      this.reading.hold(info.id, frame.frame, frame.reader ?? frame.machine ?? NOTHING);
    }
    this.files.set(info.id, file.frames);
    const clashes = this.reading.misfitting();
    if (clashes.length) await this.others.decide(clashes);
  }

  /** @param {number} frame */
  show(frame) {
    const last = Math.max(0, this.picture.frame_count - 1);
    const next = Math.min(Math.max(frame, 0), last);
    if (next !== this.frame) this.#letGo();
    this.frame = next;
    this.pane.show(next);
    // While a sweep plays only the picture and its marks follow; the lists would cost frames.
    if (this.pane.isPlaying) this.drawMarks();
    else this.redraw();
    this.dispatchEvent(new Event("frame"));
  }

  /** @param {number} by */
  step(by) {
    this.show(this.frame + by);
  }

  #letGo() {
    this.selected = new Set();
    this.point = null;
    this.dragged = null;
    this.drawn = null;
    this.pen.begun = null;
  }

  #painted() {
    this.#noteSeen();
    this.dispatchEvent(new Event("painted"));
  }

  /** Remember that the machine's marks of this frame were shown: corrections say so. */
  #noteSeen() {
    const shows = this.pane.painted?.frame === this.frame && this.isLoaded
      && (this.hasGhost || !this.isHidden);
    if (shows && !this.isBlinded && this.manifest.reading.purpose === "review") {
      this.machineSeen.add(placeOf(this.picture.id, this.frame));
    }
  }

  /** Draw marks and side anew. */
  redraw() {
    this.#noteSeen();
    this.drawMarks();
    showSide(this);
    showCorners(this);
    describe(this);
    this.dispatchEvent(new Event("drawn"));
  }

  drawMarks() {
    const { ruled } = this;
    this.pane.overlay.draw({
      ...EMPTY,
      marks: this.marks,
      ghost: this.hasGhost ? this.info.machine ?? null : null,
      selected: this.selected,
      confidence: this.hasConfidence,
      hidden: this.isHidden,
      isPlaying: this.pane.isPlaying,
      point: this.point,
      dragged: this.dragged,
      sketch: this.drawn,
      ruler: ruled
        ? { ...ruled, text: lengthWords(this.info, this.picture, ruled.from, ruled.to) } : null,
      crosshair: this.crosshair,
    });
  }

  /** Follow the view after zoom, pan or flip. */
  place() {
    this.pane.place();
    this.drawMarks();
  }

  /** @param {number} frame */
  isEdited(frame) {
    const info = this.files.get(this.picture.id)?.[frame];
    if (!info) return false;
    return !isSame(this.reading.marks(this.picture.id, frame), info.machine ?? NOTHING);
  }

  /** @param {Tool} tool */
  use(tool) {
    if (!this.mayEdit && ["add", "ovary", "split"].includes(tool)) return this.refuse();
    this.tool = tool;
    this.drawn = null;
    this.pen.lift();
    if (tool !== "ruler") this.ruled = null;
    this.stage.dataset.tool = tool;
    this.dispatchEvent(new Event("tool"));
    this.drawMarks();
    return undefined;
  }

  /**
   * @param {string[]} ids
   * @param {boolean} more
   */
  select(ids, more = false) {
    select(this, ids, more);
  }

  /** @param {Mark | null} mark */
  drag(mark) {
    this.dragged = mark;
    this.drawMarks();
  }

  /** @param {{polygon: Polygon, closed: boolean} | null} drawn */
  sketch(drawn) {
    this.drawn = drawn;
    this.drawMarks();
  }

  /** @param {Point} from @param {Point} to @param {boolean} isDone */
  measure(from, to, isDone = false) {
    this.ruled = { from, to };
    this.drawMarks();
    if (isDone) {
      tell(gettext("Ruler: {length}", { length: lengthWords(this.info, this.picture, from, to) }));
    }
  }

  refuse() {
    say(this.manifest.reading.why_not || gettext("The marks are still being loaded."));
  }

  /** @returns {Promise<boolean>} Whether the numbers are those of now. */
  async loadMeasures() {
    try {
      const response = await fetch(this.manifest.urls.measures, { credentials: "same-origin" });
      if (!response.ok) return false;
      this.measures = /** @type {MeasuresFile} */ (await response.json());
      showMeasures(this.measures, this.isBlinded);
      return true;
    } catch {
      return false;
    }
  }
}
