// The viewer itself: which picture and frame, which tool, what is selected, and every action.
// Owns the state of the page and the way from an action to a change. Drawing, counting, saving
// and asking are done by the modules it joins.

import * as changes from "./changes.js";
import { Clock } from "./clock.js";
import { askClashes, askWords, showHelp } from "./dialogs.js";
import { byId } from "./dom.js";
import { centroid, ellipse, meanDiameter, moved, pulled, resampled, scaled } from "./geometry.js";
import { FOLLICLES, NOTHING, isSame, numbered, sectionCount } from "./marks.js";
import { CORNERS, EMPTY, POINTS } from "./overlay.js";
import { Pane, stretchOf } from "./pane.js";
import { showKinds, showMarks, showMeasures, showRemarks, showSection } from "./panel.js";
import { placeOf } from "./reading.js";
import { ovaryBetween } from "./tools.js";
import { Window } from "./window.js";
import { SCALE_FROM, SIDE, capital, markWords, millimetres, plural } from "./words.js";
import { fullest, title } from "./compare.js";

/** @import {Behind, Change, ChosenKind, FrameInfo, FrameMarks, Manifest, Mark, MarksFile, MeasuresFile, PictureInfo, Point, Polygon} from "./types.js" */
/** @import {Clash} from "./merging.js" */
/** @import {Reading} from "./reading.js" */

/** @typedef {"select" | "add" | "ovary" | "split" | "ruler" | "pan" | "window"} Tool */

const OUTLINE_WAIT_MS = 4000;
const TOAST_MS = 4500;
const LEAST_OVARY_PX = 8;

/** @type {FrameInfo} */
const UNKNOWN_FRAME = {
  frame: 0, mm_per_pixel: null, scale_problem: "not known yet", assessable: false, because: [],
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
    this.token = token;
    this.stage = byId("stage");
    this.pane = new Pane(this.stage);
    this.window = new Window(this.pane.pixels);
    this.clock = new Clock();
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
    /** @type {number | null} */
    this.point = null;
    /** @type {Mark | null} */
    this.dragged = null;
    /** @type {{polygon: Polygon, closed: boolean} | null} */
    this.drawn = null;
    /** @type {{from: Point, to: Point} | null} */
    this.ruled = null;
    /** @type {Point | null} */
    this.crosshair = null;
    /** @type {Point | null} */
    this.crosshairWas = null;
    /** @type {Point | null} First end of what is drawn with keys. */
    this.begun = null;
    this.waiting = 0;
    /** @type {MeasuresFile | null} */
    this.measures = null;
    this.pane.addEventListener("painted", () => this.#painted());
    this.pane.addEventListener("placed", () => this.#corners());
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
    if (this.selected.size !== 1) return null;
    return this.marks.marks.find((mark) => this.selected.has(mark.id)) ?? null;
  }

  get chosen() {
    return this.marks.marks.filter((mark) => this.selected.has(mark.id));
  }

  /** @returns {changes.Ground} */
  get ground() {
    return {
      scale: this.info.mm_per_pixel,
      limits: this.manifest.limits,
      width: this.picture.width,
      height: this.picture.height,
    };
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
    const over = byId("over");
    over.hidden = info.is_ready;
    if (!info.is_ready) this.#refused(info);
    this.pane.open(info, stretchOf(this.files.get(info.id)?.[0]));
    this.dispatchEvent(new Event("opened"));
    if (!info.is_ready) return this.redraw();
    if (!this.files.has(info.id)) await this.load(info);
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
  #refused(info) {
    const [head, words] = byId("over").querySelectorAll("h3, p");
    head.textContent = info.problem ? "This file could not be read" : "Still being read";
    words.textContent = info.problem || "Its frames appear here as soon as they are ready.";
  }

  /** @param {PictureInfo} info */
  async load(info) {
    const url = new URL(info.urls.marks, location.href);
    url.searchParams.set("version", String(this.reading.version));
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) {
      this.say("The marks cannot be loaded now. Load the page again.");
      return;
    }
    const file = /** @type {MarksFile} */ (await response.json());
    for (const frame of file.frames) {
      this.reading.hold(info.id, frame.frame, frame.reader ?? frame.machine ?? NOTHING);
    }
    this.files.set(info.id, file.frames);
    const clashes = this.reading.misfitting();
    if (clashes.length) await this.decide(clashes);
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
    this.begun = null;
  }

  #painted() {
    this.#noteSeen();
    this.dispatchEvent(new Event("painted"));
  }

  /** Remember that the machine's marks of this frame were shown: corrections say so. */
  #noteSeen() {
    const shows = this.pane.painted?.frame === this.frame && !this.isHidden && this.isLoaded;
    if (shows && !this.isBlinded && this.manifest.reading.purpose === "review") {
      this.machineSeen.add(placeOf(this.picture.id, this.frame));
    }
  }

  /** Draw marks and side anew. */
  redraw() {
    this.#noteSeen();
    this.drawMarks();
    const { info, marks } = this;
    const section = {
      info, marks,
      selected: this.selected,
      isBlinded: this.isBlinded,
      isEdited: this.isEdited(this.frame),
      isWaiting: this.waiting > 0,
      limits: this.manifest.limits,
    };
    showSection(section);
    showMarks(section, (id, more) => this.select([id], more));
    showKinds(section, this.mayEdit);
    showRemarks(marks, this.mayEdit, (id) => this.withdraw(id));
    const doubtful = marks.marks.some((mark) => mark.is_doubtful && mark.kind === "ovary");
    byId("confirm").hidden = !doubtful || !this.mayEdit;
    this.#corners();
    this.#describe();
    this.dispatchEvent(new Event("drawn"));
  }

  drawMarks() {
    this.pane.overlay.draw({
      ...EMPTY,
      marks: this.marks,
      ghost: this.hasGhost ? this.info.machine ?? null : null,
      selected: this.selected,
      confidence: this.hasConfidence,
      hidden: this.isHidden,
      point: this.point,
      dragged: this.dragged,
      sketch: this.drawn,
      ruler: this.ruled ? { ...this.ruled, text: this.lengthWords(this.ruled.from, this.ruled.to) } : null,
      crosshair: this.crosshair,
    });
  }

  /** @param {number} frame */
  isEdited(frame) {
    const info = this.files.get(this.picture.id)?.[frame];
    if (!info) return false;
    return !isSame(this.reading.marks(this.picture.id, frame), info.machine ?? NOTHING);
  }

  #corners() {
    const { picture, info } = this;
    byId("corner-picture").textContent = title(picture);
    const scale = info.mm_per_pixel;
    const place = byId("corner-scale");
    place.classList.toggle("no-scale", false);
    const note = document.createElement("span");
    note.className = scale ? "" : "no-scale";
    note.textContent = scale ? SCALE_FROM[scale.source] ?? "scale known" : "no scale";
    place.replaceChildren(note);
    const zoom = Math.round(this.pane.view.zoom * 100);
    const flipped = this.pane.view.isFlipped ? " · flipped" : "";
    byId("corner-view").textContent = `${zoom} %${flipped}${this.window.words}`;
    this.#scaleBar(scale?.x ?? null);
  }

  /** @param {number | null} mmPerPixel */
  #scaleBar(mmPerPixel) {
    const bar = byId("scale-bar");
    bar.hidden = mmPerPixel === null;
    if (mmPerPixel === null) return;
    const perPixel = mmPerPixel / this.pane.view.zoom;
    const room = this.pane.view.screen.width * 0.25;
    const length = [50, 20, 10, 5, 2, 1, 0.5].find((mm) => mm / perPixel <= room) ?? 0.5;
    bar.style.width = `${length / perPixel}px`;
    /** @type {HTMLElement} */ (bar.firstElementChild).textContent = `${length} mm`;
  }

  /** What a person who cannot see the picture is told of it. */
  #describe() {
    const count = sectionCount(this.marks);
    const frames = this.picture.frame_count > 1
      ? `, frame ${this.frame + 1} of ${this.picture.frame_count}` : "";
    byId("stage-words").textContent = `${title(this.picture)}${frames}. `
      + `${plural(count.counted, "follicle", "follicles")} counted`
      + `${count.dominant ? `, ${count.dominant} dominant` : ""}.`;
  }

  /** @param {Tool} tool */
  use(tool) {
    if (!this.mayEdit && ["add", "ovary", "split"].includes(tool)) return this.refuse();
    this.tool = tool;
    this.begun = null;
    this.drawn = null;
    // The next drawing with keys goes on where the last one ended.
    this.crosshairWas = this.crosshair ?? this.crosshairWas;
    this.crosshair = null;
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
    const before = more ? [...this.selected] : [];
    const both = ids.filter((id) => !before.includes(id));
    const kept = more ? before.filter((id) => !ids.includes(id)) : [];
    this.selected = new Set([...kept, ...both]);
    this.point = null;
    this.redraw();
    const only = this.onlySelected;
    if (only) {
      const number = numbered(this.marks).find(({ mark }) => mark.id === only.id)?.number ?? null;
      this.tell(`${markWords(only, number, meanDiameter(only.polygon, this.info.mm_per_pixel))}, selected`);
    } else if (this.selected.size) {
      this.tell(`${this.selected.size} marks selected`);
    }
  }

  /**
   * @param {number} by
   * @param {boolean} more
   */
  selectNext(by, more = false) {
    const every = numbered(this.marks).map(({ mark }) => mark.id);
    if (!every.length) return;
    const last = [...this.selected].pop();
    const at = last ? every.indexOf(last) : by > 0 ? -1 : every.length;
    const next = every[(at + by + every.length) % every.length];
    if (more) this.selected = new Set([...this.selected, next]);
    else this.selected = new Set([next]);
    this.point = null;
    const mark = this.marks.marks.find((one) => one.id === next);
    if (mark) this.pane.view.reveal(centroid(mark.polygon));
    this.pane.place();
    this.select([...this.selected]);
    document.querySelector(`[data-mark="${next}"]`)?.scrollIntoView({ block: "nearest" });
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

  refuse() {
    this.say(this.manifest.reading.why_not || "The marks are still being loaded.");
  }

  /**
   * Make a change on the frame that is shown.
   * @param {Change} change
   * @param {string} words
   * @param {number} since When the reader asked for it, as event time.
   * @param {{picture: string, frame: number}} where
   */
  change(change, words, since = performance.now(), where = { picture: this.picture.id, frame: this.frame }) {
    if (!this.manifest.reading.may_edit) {
      this.refuse();
      return null;
    }
    this.dragged = null;
    this.drawn = null;
    const edit = this.reading.make(change, this.#work(where));
    if (!edit) {
      this.say("That mark was changed meanwhile. Look again.");
      this.redraw();
      return null;
    }
    this.selected = new Set(change.adds.map((mark) => mark.id));
    this.redraw();
    this.tell(`${words}. ${this.#countWords()}`);
    this.#timed(since);
    return edit;
  }

  /** @param {{picture: string, frame: number}} where */
  #work(where) {
    const seen = this.machineSeen.has(placeOf(where.picture, where.frame));
    return {
      ...where,
      seconds: this.clock.take(),
      machineSeen: seen,
      release: seen ? this.manifest.release : "",
    };
  }

  #countWords() {
    return `${plural(sectionCount(this.marks).counted, "follicle", "follicles")} in this section`;
  }

  /**
   * Measure from the reader's hand to the painted picture; read by the benchmark.
   * @param {number} since
   */
  #timed(since) {
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () =>
        performance.measure("edit-painted", { start: since, end: performance.now() });
      channel.port2.postMessage(null);
    });
  }

  /**
   * A follicle by one click: a circle at once, its edge as soon as the server has found it.
   * @param {Point} at
   * @param {number} since
   */
  async addAt(at, since = performance.now()) {
    if (!this.mayEdit) return this.refuse();
    const { width, height } = this.picture;
    if (at[0] < 0 || at[1] < 0 || at[0] > width - 1 || at[1] > height - 1) return undefined;
    const where = { picture: this.picture.id, frame: this.frame };
    const { ground } = this;
    const circle = ellipse(at, this.usualRadius());
    this.waiting += 1;
    this.sketch({ polygon: circle, closed: true });
    this.redraw();
    this.#timed(since);
    const found = await this.#outline(at, where);
    this.waiting -= 1;
    const words = found.reason ? `Follicle added as a circle: ${found.reason}` : "Follicle added";
    const change = changes.addFollicle(found.polygon ?? circle, ground);
    if (this.picture.id === where.picture && this.frame === where.frame) {
      this.change(change, words, performance.now(), where);
    } else {
      this.reading.make(change, this.#work(where));
    }
    if (found.reason) this.say(capital(`${found.reason}. A circle was drawn: pull its points.`));
    return undefined;
  }

  /**
   * @param {Point} at
   * @param {{picture: string, frame: number}} where
   * @returns {Promise<{polygon: Polygon | null, reason: string}>}
   */
  async #outline([x, y], where) {
    try {
      const response = await fetch(this.manifest.urls.outline, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.token },
        body: JSON.stringify({ ...where, x, y, mm_per_pixel: this.info.mm_per_pixel }),
        credentials: "same-origin",
        redirect: "manual",
        signal: AbortSignal.timeout(OUTLINE_WAIT_MS),
      });
      const answer = response.ok ? await response.json() : {};
      return { polygon: answer.polygon ?? null, reason: answer.polygon ? "" : answer.reason ?? "the edge could not be looked for" };
    } catch {
      return { polygon: null, reason: "no connection to look for the edge" };
    }
  }

  /** Radius of a circle where no edge is known: as large as the others here. */
  usualRadius() {
    const sizes = this.marks.marks
      .filter((mark) => FOLLICLES.has(mark.kind))
      .map((mark) => meanDiameter(mark.polygon, { x: 1, y: 1, source: "" }) ?? 0)
      .sort((a, b) => a - b);
    if (sizes.length) return Math.max(3, sizes[Math.floor(sizes.length / 2)] / 2);
    const scale = this.info.mm_per_pixel;
    return scale ? Math.max(3, 2.5 / Math.sqrt(scale.x * scale.y)) : Math.max(4, this.picture.width / 50);
  }

  /**
   * @param {Point} from
   * @param {Point} to
   * @param {number} since
   */
  addOvary(from, to, since = performance.now()) {
    this.drawn = null;
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) < LEAST_OVARY_PX) {
      this.drawMarks();
      this.say("Draw the ovary from one end to the other.");
      return;
    }
    const doubtful = this.marks.marks.filter((mark) => mark.is_doubtful && mark.kind === "ovary");
    const change = changes.addOvary(ovaryBetween(from, to), doubtful, this.ground);
    if (this.change(change, "Ovary outlined", since)) this.use("select");
  }

  /**
   * @param {Point} from
   * @param {Point} to
   * @param {number} since
   */
  splitAlong(from, to, since = performance.now()) {
    this.drawn = null;
    const follicles = this.marks.marks.filter((mark) => mark.kind !== "ovary");
    const order = [...this.chosen.filter((mark) => mark.kind !== "ovary"), ...follicles];
    for (const mark of order) {
      const change = changes.split(mark, [from, to], this.ground);
      const middle = /** @type {Point} */ ([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]);
      const near = Math.hypot(centroid(mark.polygon)[0] - middle[0], centroid(mark.polygon)[1] - middle[1]);
      const reach = Math.hypot(to[0] - from[0], to[1] - from[1]) / 2
        + (meanDiameter(mark.polygon, { x: 1, y: 1, source: "" }) ?? 0) / 2;
      if (change && near < reach) {
        this.change(change, "Mark split in two", since);
        return;
      }
    }
    this.drawMarks();
    this.say("Draw the line right through the mark you want to split.");
  }

  /**
   * @param {Mark} mark
   * @param {Polygon} polygon
   * @param {number} since
   */
  reshape(mark, polygon, since = performance.now()) {
    const { point } = this;
    this.change(changes.reshape(mark, polygon, this.ground), "Outline changed", since);
    this.point = point;
    this.drawMarks();
  }

  merge() {
    const marks = this.chosen.filter((mark) => mark.kind !== "ovary");
    if (marks.length < 2) {
      this.say("Select two marks or more to merge: Shift and click.");
      return;
    }
    this.change(changes.merge(marks, this.ground), "Marks merged");
  }

  delete() {
    const marks = this.chosen;
    if (!marks.length) {
      this.say("Select what is to be deleted first.");
      return;
    }
    const follicles = marks.length === 1 && marks[0].kind !== "ovary" ? "Follicle deleted" : null;
    this.change(changes.remove(marks), follicles ?? plural(marks.length, "mark deleted", "marks deleted"));
  }

  /** @param {ChosenKind} kind */
  rename(kind) {
    const marks = this.chosen.filter((mark) => mark.kind !== "ovary");
    if (!marks.length) {
      this.say("Select a mark first, then say what it is.");
      return;
    }
    /** @type {string[]} */
    const now = [];
    for (const mark of marks) {
      const change = changes.rename(mark, kind, this.ground);
      if (this.change(change, `Called ${kind}`)) now.push(...change.adds.map((one) => one.id));
    }
    this.selected = new Set(now);
    this.redraw();
  }

  confirm() {
    const ovary = this.marks.marks.filter((mark) => mark.is_doubtful);
    if (ovary.length) this.change(changes.confirm(ovary, this.ground), "Counted as an ovary");
  }

  async notAssessable() {
    if (!this.mayEdit) return this.refuse();
    const words = await askWords({
      title: "This frame cannot be judged",
      text: "Nothing on it is counted or measured then. The reason is kept with the frame.",
      label: "Because",
      choices: ["Shadow", "Too dark", "Ovary not in the picture", "Only part of the ovary", "Moving"],
      needed: true,
    });
    if (words) this.change(changes.remark("not_assessable", words), "Frame called not assessable");
    return undefined;
  }

  async dispute() {
    if (!this.mayEdit) return this.refuse();
    const about = this.onlySelected;
    const words = await askWords({
      title: "I disagree",
      text: about ? "With what is said of the selected mark." : "With what is said of this frame.",
      label: "With what, and why",
      choices: ["This is not the ovary", "Wrong side", "Not a follicle, in my view"],
      needed: true,
    });
    if (words) this.change(changes.remark("label_dispute", words, about), "Disagreement kept");
    return undefined;
  }

  /** @param {string} id */
  withdraw(id) {
    const said = this.marks.remarks.find((remark) => remark.id === id);
    if (said) this.change(changes.withdraw(said), "Taken back");
  }

  /** @param {"undo" | "redo"} which */
  turn(which) {
    const steps = which === "undo" ? this.reading.done : this.reading.undone;
    const where = steps[steps.length - 1]?.edit;
    if (!where) {
      this.say(which === "undo" ? "Nothing to undo." : "Nothing to redo.");
      return;
    }
    const since = performance.now();
    const index = this.manifest.pictures.findIndex((info) => info.id === where.picture);
    if (index !== this.index) void this.open(index, where.frame);
    else if (where.frame !== this.frame) this.show(where.frame);
    this.selected = new Set();
    const edit = this.reading[which](this.#work(where));
    if (edit) this.tell(`${which === "undo" ? "Undone" : "Done again"}. ${this.#countWords()}`);
    else this.say("Somebody changed it meanwhile: it cannot be taken back.");
    this.redraw();
    this.#timed(since);
  }

  /** @param {number} factor */
  resize(factor) {
    const only = this.onlySelected;
    if (!only) return this.say("Select one mark first.");
    this.reshape(only, scaled(only.polygon, factor));
    return undefined;
  }

  /**
   * Move the selected mark, or the point that was taken, by screen pixels.
   * @param {number} dx
   * @param {number} dy
   */
  nudge(dx, dy) {
    const only = this.onlySelected;
    if (!only) return this.say("Select one mark first.");
    const { view } = this.pane;
    const [mx, my] = [dx / view.across.by, dy / (view.zoom * view.stretch)];
    if (this.point === null) {
      this.reshape(only, moved(only.polygon, mx, my));
      return undefined;
    }
    const even = resampled(only.polygon, CORNERS);
    const reach = only.kind === "ovary" ? 0.1 : 0.16;
    this.reshape(only, pulled(even, this.point * (CORNERS / POINTS), mx, my, reach));
    return undefined;
  }

  nextPoint() {
    if (!this.onlySelected) return this.say("Select one mark first.");
    this.point = this.point === null ? 0 : (this.point + 1) % POINTS;
    this.tell(`Point ${this.point + 1} of ${POINTS}`);
    this.drawMarks();
    return undefined;
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  moveCrosshair(dx, dy) {
    const { view } = this.pane;
    const middle = view.toPicture([view.screen.width / 2, view.screen.height / 2]);
    const [x, y] = view.toScreen(this.crosshair ?? this.crosshairWas ?? middle);
    const [w, h] = [view.screen.width, view.screen.height];
    this.crosshair = view.toPicture([Math.min(Math.max(x + dx, 0), w), Math.min(Math.max(y + dy, 0), h)]);
    if (this.begun && this.tool === "ovary") {
      this.drawn = { polygon: ovaryBetween(this.begun, this.crosshair), closed: true };
    } else if (this.begun && this.tool === "split") {
      this.drawn = { polygon: [this.begun, this.crosshair], closed: false };
    } else if (this.begun && this.tool === "ruler") {
      this.ruled = { from: this.begun, to: this.crosshair };
    }
    this.drawMarks();
  }

  /** Enter: place what the tool draws at the crosshair. */
  place() {
    const only = this.onlySelected;
    if (this.tool === "split" && !this.crosshair && only) {
      const change = changes.split(only, null, this.ground);
      if (change) this.change(change, "Mark split in two");
      return;
    }
    if (["select", "pan", "window"].includes(this.tool)) return;
    if (!this.crosshair) return this.moveCrosshair(0, 0);
    const at = this.crosshair;
    if (this.tool === "add") return void this.addAt(at);
    if (!this.begun) {
      this.begun = at;
      return this.tell("First end set. Move and press Enter again.");
    }
    const from = this.begun;
    this.begun = null;
    if (this.tool === "ovary") this.addOvary(from, at);
    else if (this.tool === "split") this.splitAlong(from, at);
    else this.measure(from, at, true);
  }

  escape() {
    if (this.begun || this.drawn || this.ruled || this.point !== null) {
      this.begun = null;
      this.drawn = null;
      this.ruled = null;
      this.point = null;
      this.drawMarks();
    } else if (this.selected.size) {
      this.select([]);
    } else {
      this.crosshair = null;
      this.use("select");
    }
  }

  /**
   * @param {Point} from
   * @param {Point} to
   * @param {boolean} isDone
   */
  measure(from, to, isDone = false) {
    this.ruled = { from, to };
    this.drawMarks();
    if (isDone) this.tell(`Ruler: ${this.lengthWords(from, to)}`);
  }

  /**
   * A length: millimetres only where a scale is known, and only inside its region.
   * @param {Point} from
   * @param {Point} to
   */
  lengthWords(from, to) {
    const scale = this.info.mm_per_pixel;
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    if (!scale) return `no scale (${Math.hypot(dx, dy).toFixed(0)} pixels)`;
    const region = this.picture.tissue_region;
    const isInside = ([x, y] = from) =>
      !region || (x >= region[0] - 1 && x <= region[2] && y >= region[1] - 1 && y <= region[3]);
    if (!isInside(from) || !isInside(to)) return "no scale outside the scan";
    return millimetres(Math.hypot(dx * scale.x, dy * scale.y));
  }

  /**
   * @param {number} level
   * @param {number} width
   */
  windowBy(level, width) {
    this.window.by(level, width);
    this.#corners();
  }

  /** @param {Behind} behind */
  async takeOthers(behind) {
    const clashes = this.reading.behind(behind);
    const who = [...new Set(behind.edits.map((edit) => edit.reader).filter(Boolean))].join(", ");
    if (clashes.length) await this.decide(clashes);
    else if (behind.edits.length) {
      this.say(`${who || "Somebody else"} corrected this study too: ${plural(behind.edits.length, "change was", "changes were")} taken in.`);
    }
    this.redraw();
  }

  /** @param {Clash[]} clashes */
  async decide(clashes) {
    const chosen = await askClashes(clashes, (clash) => this.#where(clash));
    clashes.forEach((clash, i) => {
      if (chosen[i] === "mine") this.reading.keepMine(clash);
    });
    this.dispatchEvent(new CustomEvent("decided", { detail: { clashes, chosen } }));
    this.redraw();
  }

  /** @param {Clash} clash */
  #where(clash) {
    const [first] = clash.mine;
    const info = this.manifest.pictures.find((one) => one.id === first.picture);
    const name = info ? title(info) : "Picture";
    return info && info.frame_count > 1 ? `${name}, frame ${first.frame + 1}` : name;
  }

  async loadMeasures() {
    try {
      const response = await fetch(this.manifest.urls.measures, { credentials: "same-origin" });
      if (!response.ok) return;
      this.measures = /** @type {MeasuresFile} */ (await response.json());
      showMeasures(this.measures, this.isBlinded);
    } catch {
      // Without a connection the numbers stay as they are, and the page says that it is offline.
    }
  }

  /** @param {string} words Shown for a while. */
  say(words) {
    const toast = byId("toast");
    toast.textContent = words;
    toast.hidden = false;
    this.tell(words);
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => {
      toast.hidden = true;
    }, TOAST_MS);
  }

  /** @param {string} words Read out to those who listen to the page. */
  tell(words) {
    const live = byId("live");
    live.textContent = live.textContent === words ? `${words}\u00a0` : words;
  }

  help() {
    showHelp();
  }

  get sideWords() {
    return this.picture.side ? SIDE[this.picture.side] : "";
  }

  /** @param {FrameMarks} marks */
  static count(marks) {
    return sectionCount(marks);
  }
}
