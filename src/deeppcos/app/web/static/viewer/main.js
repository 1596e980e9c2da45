// Starts the viewer: reads what the page was given, joins the parts, and hands actions out.
// Owns the wiring; every part can be read and tested without this file.

import { Compare, title } from "./compare.js";
import { singleKeys } from "./dialogs.js";
import { byId, glyph, make } from "./dom.js";
import { actionOf } from "./keys.js";
import { Outbox, openShelf } from "./outbox.js";
import { showStanding } from "./panel.js";
import { Planes } from "./planes.js";
import { Player, rateOf, timesOf } from "./player.js";
import { Reading } from "./reading.js";
import { SaliencyLayer } from "./saliency.js";
import { drawTimeline, frameState } from "./timeline.js";
import { Tools } from "./tools.js";
import { Viewer } from "./viewer.js";
import { PICTURE_KIND, PLANE_SHORT, SIDE, capital, plural } from "./words.js";

/** @import {ChosenKind, Manifest} from "./types.js" */
/** @import {Tool} from "./viewer.js" */

const NEWS_MS = 20_000;
const MEASURE_WAIT_MS = 1200;
const TIMELINE_WAIT_MS = 120;
const AHEAD = 16;
const STEP_PX = 14;
const FINE_PX = 2;
const NUDGE_PX = 2;

const root = byId("viewer");

async function start() {
  const response = await fetch(root.dataset.manifest ?? "", { credentials: "same-origin" });
  if (!response.ok) throw new Error(String(response.status));
  const manifest = /** @type {Manifest} */ (await response.json());
  const reading = new Reading(manifest.reading.version);
  const token = root.dataset.token ?? "";
  const owner = `${manifest.user}/${manifest.study.id}/${manifest.reading.purpose}`;
  const shelf = await openShelf(owner);
  const over = byId("over");
  over.append(make("div", {}, make("h3", {}), make("p", {})));
  const viewer = new Viewer(manifest, reading, token);
  const outbox = new Outbox({
    reading, shelf, token, url: manifest.urls.edits,
    onBehind: (behind) => viewer.takeOthers(behind),
  });
  const left = await shelf.all();
  if (left.length) {
    reading.restore(left);
    viewer.say(`${plural(left.length, "correction", "corrections")} from before, not sent yet, `
      + `${left.length === 1 ? "is" : "are"} being sent now.`);
  }
  // Another tab's or an earlier decision's edits are dropped from the shelf once decided.
  viewer.addEventListener("decided", (event) => {
    const { clashes } = /** @type {CustomEvent} */ (event).detail;
    for (const clash of clashes) void shelf.drop(clash.mine);
  });
  const desk = new Desk(viewer, outbox);
  await desk.begin();
  if (left.length) outbox.soon(0);
  Object.assign(window, { viewer });
}

class Desk {
  /**
   * @param {Viewer} viewer
   * @param {Outbox} outbox
   */
  constructor(viewer, outbox) {
    this.viewer = viewer;
    this.outbox = outbox;
    this.tools = new Tools(viewer);
    this.saliency = new SaliencyLayer(viewer);
    this.compare = new Compare(viewer.manifest.earlier, () => viewer.picture);
    this.planes = new Planes((frame, at) => {
      viewer.show(frame);
      void this.planes.show(frame, at);
    });
    this.player = new Player({
      show: (frame) => viewer.show(frame),
      has: (frame) => {
        const isThere = viewer.pane.has(frame);
        if (!isThere) viewer.pane.frames?.want(frame, { exact: false, ahead: AHEAD });
        return isThere;
      },
      onChange: (isPlaying) => this.#playing(isPlaying),
    });
    this.slider = /** @type {HTMLInputElement} */ (byId("frame"));
  }

  async begin() {
    const { viewer } = this;
    this.#listen();
    this.#strip();
    viewer.use("select");
    this.#allow();
    if (!viewer.manifest.pictures.length) this.#empty();
    else {
      const first = viewer.manifest.pictures.findIndex((info) => info.is_ready);
      await viewer.open(Math.max(0, first));
    }
    root.classList.remove("is-loading");
    root.dataset.ready = "yes";
    showStanding(this.outbox);
    if (!viewer.manifest.reading.may_edit) viewer.say(viewer.manifest.reading.why_not);
    void viewer.loadMeasures();
    setInterval(() => void this.#news(), NEWS_MS);
  }

  #empty() {
    const over = byId("over");
    over.hidden = false;
    const [head, words] = over.querySelectorAll("h3, p");
    head.textContent = "No pictures yet";
    words.textContent = "Add images to the study; they appear here.";
  }

  #listen() {
    const { viewer } = this;
    document.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest?.("[data-action]");
      if (button) this.act(/** @type {HTMLElement} */ (button).dataset.action ?? "", event);
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("keyup", (event) => {
      if (event.key === " ") viewer.isPanHeld = false;
    });
    for (const name of ["pointerdown", "keydown", "wheel"]) {
      document.addEventListener(name, () => viewer.clock.touch(), { passive: true });
    }
    document.addEventListener("visibilitychange", () =>
      viewer.clock.seen(document.visibilityState === "visible"));
    window.addEventListener("beforeunload", (event) => {
      // Kept either way; but a person who leaves a broken connection should know.
      if (viewer.reading.unsent.length && !this.outbox.shelf.isDurable) event.preventDefault();
    });
    this.outbox.addEventListener("standing", () => showStanding(this.outbox));
    viewer.addEventListener("opened", () => this.#opened());
    viewer.addEventListener("loaded", () => this.#drawTimeline());
    viewer.addEventListener("frame", () => this.#frame());
    viewer.addEventListener("drawn", () => this.#drawn());
    viewer.addEventListener("tool", () => this.#pressed());
    this.slider.addEventListener("input", () => {
      this.player.stop();
      viewer.show(Number(this.slider.value));
    });
    new ResizeObserver(() => this.#drawTimeline()).observe(byId("histogram"));
    viewer.reading.addEventListener("kept", () => this.#measureSoon());
    viewer.reading.addEventListener("made", () => {
      byId("measures-state").textContent = "updating …";
      // The picture comes first; the line of frames follows.
      clearTimeout(this.timelineTimer);
      this.timelineTimer = setTimeout(() => this.#drawTimeline(), TIMELINE_WAIT_MS);
    });
    for (const id of ["level", "width"]) {
      byId(id).addEventListener("input", () => this.#setWindow());
    }
    this.#rove();
  }

  /** Arrow keys move along the toolbar, as in every toolbar. */
  #rove() {
    const bar = byId("toolbar");
    bar.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const tools = [...bar.querySelectorAll("button:not(:disabled)")];
      const at = tools.indexOf(/** @type {Element} */ (document.activeElement));
      /** @type {HTMLElement} */ (tools[(at + step + tools.length) % tools.length]).focus();
      event.preventDefault();
    });
  }

  #strip() {
    const { viewer } = this;
    byId("strip").replaceChildren(...viewer.manifest.pictures.map((info, i) => {
      const picture = info.is_ready
        ? make("img", { src: info.urls.playing.replace("{frame}", String(Math.floor(info.frame_count / 2))), alt: "", loading: "lazy" })
        : make("span", { class: "thumb-none" }, glyph("warning"));
      const words = info.side ? SIDE[info.side] : "Side ?";
      const kind = info.is_ready ? PLANE_SHORT[info.plane ?? ""] ?? PICTURE_KIND[info.kind] : "not read";
      const button = make("button", {
        type: "button", class: info.is_ready ? "thumb" : "thumb is-refused", title: info.name,
        "aria-label": `${title(info)}, ${info.name}${info.is_ready ? "" : ", could not be read"}`,
      }, picture, make("span", { class: "thumb-words" }, make("b", {}, words), make("span", {}, kind)));
      button.addEventListener("click", () => {
        this.player.stop();
        void viewer.open(i);
      });
      return button;
    }));
  }

  #allow() {
    const { viewer } = this;
    const may = viewer.manifest.reading.may_edit;
    for (const button of document.querySelectorAll("[data-edits]")) {
      /** @type {HTMLButtonElement} */ (button).disabled = !may;
    }
    this.#tool("compare")?.toggleAttribute("hidden", !viewer.manifest.earlier.length);
    this.#tool("ghost")?.toggleAttribute("hidden", !may);
  }

  /** @param {string} action @returns {HTMLElement | null} */
  #tool(action) {
    return document.querySelector(`[data-action="${action}"]`);
  }

  #opened() {
    const { viewer } = this;
    const info = viewer.picture;
    this.player.open(info, viewer.manifest.default_frames_per_second);
    const isMany = info.is_ready && info.frame_count > 1;
    byId("transport").hidden = !isMany;
    this.slider.max = String(Math.max(0, info.frame_count - 1));
    [...byId("strip").children].forEach((thumb, i) =>
      thumb.setAttribute("aria-current", String(i === viewer.index)));
    byId("strip").children[viewer.index]?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.#tool("planes")?.toggleAttribute("hidden", info.kind !== "volume");
    if (info.kind !== "volume") this.planes.close();
    else if (this.planes.isOpen) this.planes.open(info, viewer.info.mm_per_pixel);
    this.saliency.clear();
    this.#pressed();
  }

  #frame() {
    const { viewer } = this;
    const { frame, picture } = viewer;
    this.slider.value = String(frame);
    this.player.frame = frame;
    const count = picture.frame_count;
    const times = timesOf(picture, viewer.manifest.default_frames_per_second);
    const { rate, isStated } = rateOf(picture, viewer.manifest.default_frames_per_second);
    const unit = picture.kind === "volume" ? "Slice" : "Frame";
    const at = picture.kind === "volume"
      ? picture.slice_spacing_mm === null ? "" : `${(frame * picture.slice_spacing_mm).toFixed(1)} mm`
      : `${(times[frame] / 1000).toFixed(2)} s · ${rate.toFixed(0)}/s${isStated ? "" : " assumed"}`;
    byId("when").replaceChildren(make("b", {}, `${unit} ${frame + 1} of ${count}`), `\n${at}`);
    this.slider.setAttribute("aria-valuetext", `${unit} ${frame + 1} of ${count}`);
    if (this.player.isPlaying) return;
    this.saliency.frameChanged();
    void this.planes.show(frame);
  }

  #drawn() {
    const { reading } = this.viewer;
    const may = this.viewer.manifest.reading.may_edit;
    /** @type {HTMLButtonElement} */ (this.#tool("undo")).disabled = !may || !reading.canUndo;
    /** @type {HTMLButtonElement} */ (this.#tool("redo")).disabled = !may || !reading.canRedo;
  }

  #drawTimeline() {
    const { viewer } = this;
    const { picture } = viewer;
    const frames = viewer.files.get(picture.id);
    if (!frames || picture.frame_count < 2) return;
    drawTimeline(/** @type {HTMLCanvasElement} */ (byId("histogram")), frames.map((info) => {
      const edited = viewer.isEdited(info.frame);
      const marks = viewer.reading.marks(picture.id, info.frame);
      return frameState(marks, info.assessable || edited, edited);
    }));
  }

  #measureSoon() {
    clearTimeout(this.measureTimer);
    if (this.viewer.reading.unsent.length) return;
    this.measureTimer = setTimeout(async () => {
      await this.viewer.loadMeasures();
      byId("measures-state").textContent = "";
    }, MEASURE_WAIT_MS);
  }

  /** Hear of others' corrections, while nothing of one's own is on its way. */
  async #news() {
    const { viewer, outbox } = this;
    const isQuiet = document.visibilityState === "visible" && !viewer.reading.unsent.length
      && !outbox.isSending && !outbox.isAsking;
    if (!isQuiet) return;
    const url = new URL(viewer.manifest.urls.edits, location.href);
    url.searchParams.set("version", String(viewer.reading.version));
    try {
      const response = await fetch(url, { credentials: "same-origin", redirect: "manual" });
      const answer = response.ok ? await response.json() : null;
      if (!answer?.edits.length || viewer.reading.unsent.length) return;
      await viewer.takeOthers(answer);
      this.#drawTimeline();
      this.#measureSoon();
    } catch {
      // The next correction says that there is no connection.
    }
  }

  /** @param {boolean} isPlaying */
  #playing(isPlaying) {
    const { viewer } = this;
    viewer.pane.isPlaying = isPlaying;
    const button = byId("play");
    button.querySelector("use")?.setAttribute("href", `${root.dataset.icons}#${isPlaying ? "pause" : "play"}`);
    const words = isPlaying ? "Stop" : "Play";
    /** @type {HTMLElement} */ (button.querySelector(".visually-hidden")).textContent = words;
    button.title = `${words} (P)`;
    if (!isPlaying) viewer.show(viewer.frame);
  }

  #setWindow() {
    const level = Number(/** @type {HTMLInputElement} */ (byId("level")).value);
    const width = Number(/** @type {HTMLInputElement} */ (byId("width")).value);
    this.viewer.window.set(level, width);
    this.viewer.windowBy(0, 0);
    this.#windowWords();
  }

  #windowWords() {
    const { level, width } = this.viewer.window;
    /** @type {HTMLInputElement} */ (byId("level")).value = String(level);
    /** @type {HTMLInputElement} */ (byId("width")).value = String(width);
    byId("level-is").textContent = String(Math.round(level));
    byId("width-is").textContent = String(Math.round(width));
  }

  #pressed() {
    const { viewer } = this;
    const states = {
      hide: viewer.isHidden, ghost: viewer.hasGhost, confidence: viewer.hasConfidence,
      flip: viewer.pane.view.isFlipped, saliency: this.saliency.isOn, compare: this.compare.isOpen,
      planes: this.planes.isOpen, window: !byId("window-panel").hidden,
    };
    for (const tool of document.querySelectorAll("[data-action^='tool:']")) {
      const name = /** @type {HTMLElement} */ (tool).dataset.action?.slice(5);
      tool.setAttribute("aria-pressed", String(name === viewer.tool));
    }
    for (const [action, on] of Object.entries(states)) {
      this.#tool(action)?.setAttribute("aria-pressed", String(on));
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const action = actionOf(event, singleKeys());
    if (!action) return;
    event.preventDefault();
    this.act(action, event);
  }

  /**
   * Do an action of a button or a key.
   * @param {string} action
   * @param {Event} event
   */
  act(action, event) {
    const [name, what] = action.split(":");
    if (name === "tool") this.viewer.use(/** @type {Tool} */ (what));
    else if (name === "kind") this.viewer.rename(/** @type {ChosenKind} */ (what));
    else this.#plain(name, event);
    this.#pressed();
  }

  /**
   * @param {string} name
   * @param {Event} event
   */
  #plain(name, event) {
    const { viewer } = this;
    const { view } = viewer.pane;
    const middle = /** @type {[number, number]} */ ([view.screen.width / 2, view.screen.height / 2]);
    const zoom = (/** @type {number} */ factor) => {
      view.zoomBy(factor, middle);
      viewer.pane.place();
      viewer.drawMarks();
    };
    /** @type {Record<string, () => unknown>} */
    const actions = {
      "undo": () => viewer.turn("undo"),
      "redo": () => viewer.turn("redo"),
      "delete": () => viewer.delete(),
      "merge": () => viewer.merge(),
      "confirm": () => viewer.confirm(),
      "not-assessable": () => viewer.notAssessable(),
      "dispute": () => viewer.dispute(),
      "previous-mark": () => this.#upDown(-1),
      "next-mark": () => this.#upDown(1),
      "add-mark": () => viewer.selectNext(keyOf(event) === "ArrowUp" ? -1 : 1, true),
      "nudge": () => viewer.nudge(...arrowOf(event, NUDGE_PX)),
      "arrow": () => this.#arrow(event, STEP_PX),
      "arrow-fine": () => this.#arrow(event, FINE_PX),
      "larger": () => viewer.resize(1.06),
      "smaller": () => viewer.resize(1 / 1.06),
      "next-point": () => viewer.nextPoint(),
      "place": () => viewer.place(),
      "escape": () => viewer.escape(),
      "frame-back": () => viewer.step(-1),
      "frame-next": () => viewer.step(1),
      "frame-first": () => viewer.show(0),
      "frame-last": () => viewer.show(viewer.picture.frame_count - 1),
      "picture-back": () => this.#picture(-1),
      "picture-next": () => this.#picture(1),
      "play": () => (this.player.isPlaying ? this.player.stop() : this.player.start(viewer.frame)),
      "zoom-in": () => zoom(1.25),
      "zoom-out": () => zoom(0.8),
      "fit": () => {
        view.fit();
        viewer.pane.place();
        viewer.drawMarks();
      },
      "pan-while": () => {
        viewer.isPanHeld = true;
      },
      "flip": () => {
        view.flip();
        viewer.pane.place();
        viewer.drawMarks();
      },
      "window": () => this.#windowPanel(),
      "window-reset": () => {
        viewer.window.reset();
        viewer.windowBy(0, 0);
        this.#windowWords();
      },
      "hide": () => {
        viewer.isHidden = !viewer.isHidden;
        viewer.drawMarks();
        viewer.tell(viewer.isHidden ? "Marks hidden" : "Marks shown");
      },
      "ghost": () => {
        viewer.hasGhost = !viewer.hasGhost;
        viewer.drawMarks();
      },
      "confidence": () => {
        viewer.hasConfidence = !viewer.hasConfidence;
        viewer.drawMarks();
        if (viewer.hasConfidence) viewer.say("Whole line: sure, 80 % and over. Dashed: likely. Dotted: unsure, under 50 %.");
      },
      "saliency": () => this.saliency.toggle(),
      "compare": () => this.#compare(),
      "planes": () => this.#planes(),
      "help": () => viewer.help(),
    };
    actions[name]?.();
  }

  /** @param {number} by */
  #upDown(by) {
    if (["add", "ovary", "split", "ruler"].includes(this.viewer.tool)) {
      this.viewer.moveCrosshair(0, by * STEP_PX);
    } else {
      this.viewer.selectNext(by);
    }
  }

  /**
   * @param {Event} event
   * @param {number} px
   */
  #arrow(event, px) {
    const [dx, dy] = arrowOf(event, px);
    if (["add", "ovary", "split", "ruler"].includes(this.viewer.tool)) this.viewer.moveCrosshair(dx, dy);
    else if (dx) this.viewer.step(Math.sign(dx));
  }

  /** @param {number} by */
  #picture(by) {
    const count = this.viewer.manifest.pictures.length;
    if (count) void this.viewer.open((this.viewer.index + by + count) % count);
  }

  #windowPanel() {
    const panel = byId("window-panel");
    panel.hidden = !panel.hidden;
    this.#windowWords();
    if (!panel.hidden) this.viewer.use("window");
    else if (this.viewer.tool === "window") this.viewer.use("select");
  }

  #compare() {
    if (!this.viewer.manifest.earlier.length) return this.viewer.say("There is no earlier visit.");
    if (this.compare.isOpen) this.compare.close();
    else void this.compare.open();
    return undefined;
  }

  #planes() {
    const { viewer } = this;
    if (viewer.picture.kind !== "volume") return viewer.say("Three planes need a volume.");
    if (this.planes.isOpen) this.planes.close();
    else {
      this.planes.open(viewer.picture, viewer.info.mm_per_pixel);
      void this.planes.show(viewer.frame);
    }
    return undefined;
  }
}

/** @param {Event} event */
function keyOf(event) {
  return event instanceof KeyboardEvent ? event.key : "";
}

/**
 * @param {Event} event
 * @param {number} px
 * @returns {[number, number]}
 */
function arrowOf(event, px) {
  const steps = /** @type {Record<string, [number, number]>} */ ({
    ArrowLeft: [-px, 0], ArrowRight: [px, 0], ArrowUp: [0, -px], ArrowDown: [0, px],
  });
  return steps[keyOf(event)] ?? [0, 0];
}

start().catch((error) => {
  const stage = byId("over");
  root.classList.remove("is-loading");
  stage.hidden = false;
  stage.replaceChildren(make("div", {}, make("h3", {}, "The study could not be opened"),
    make("p", {}, capital(`check the connection and load the page again. Corrections made here before are kept on this computer. (${error.message})`))));
});
