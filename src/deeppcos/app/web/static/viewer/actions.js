// What every button and key does, in one table by the name of the action.
// Owns the table and the layers that can be laid beside or over the picture.

import { Compare } from "./compare.js";
import { showHelp } from "./dialogs.js";
import { gettext } from "./i18n.js";
import { say, tell } from "./notices.js";
import { Planes } from "./planes.js";
import { dispute, notAssessable } from "./remarks.js";
import { SaliencyLayer } from "./saliency.js";
import { selectNext } from "./selection.js";
import { DRAWING } from "./viewer.js";
import { WindowPanel } from "./windowpanel.js";

/** @import {Transport} from "./transport.js" */
/** @import {ChosenKind} from "./types.js" */
/** @import {Tool, Viewer} from "./viewer.js" */

const STEP_PX = 14;
const FINE_PX = 2;
const NUDGE_PX = 2;
const PAN_PX = 60;
const WINDOW_STEP = 5;
const GROWTH = 1.06;
const ZOOM = 1.25;

export class Actions {
  /**
   * @param {Viewer} viewer
   * @param {Transport} transport
   */
  constructor(viewer, transport) {
    this.viewer = viewer;
    this.transport = transport;
    this.saliency = new SaliencyLayer(viewer);
    this.compare = new Compare(viewer.manifest.earlier, () => viewer.picture);
    this.planes = new Planes((frame, at) => {
      viewer.show(frame);
      void this.planes.show(frame, at);
    });
    this.windowPanel = new WindowPanel(viewer);
    this.table = { ...this.#marks(), ...this.#seeing(), ...this.#going() };
    viewer.stage.addEventListener("pointed", (event) => {
      const { at } = /** @type {CustomEvent} */ (event).detail;
      void this.planes.show(viewer.frame, at);
    });
  }

  /**
   * @param {string} action ``tool:…``, ``kind:…`` or a name of the table.
   * @param {Event} event
   */
  act(action, event) {
    const [name, what] = action.split(":");
    if (name === "tool") this.viewer.use(/** @type {Tool} */ (what));
    else if (name === "kind") this.viewer.editor.rename(/** @type {ChosenKind} */ (what));
    else this.table[name]?.(event);
  }

  /** @returns {Record<string, (event: Event) => unknown>} */
  #marks() {
    const { viewer } = this;
    const { editor, pen } = viewer;
    return {
      "undo": () => editor.turn("undo"),
      "redo": () => editor.turn("redo"),
      "delete": () => editor.delete(),
      "merge": () => editor.merge(),
      "confirm": () => editor.confirm(),
      "not-assessable": () => notAssessable(editor),
      "dispute": () => dispute(editor),
      "previous-mark": (event) => this.#upDown(event, -1),
      "next-mark": (event) => this.#upDown(event, 1),
      "add-mark": (event) => this.#addMark(event),
      "nudge": (event) => editor.nudge(...arrowOf(event, NUDGE_PX)),
      "arrow": (event) => this.#arrow(event, STEP_PX),
      "arrow-fine": (event) => this.#arrow(event, FINE_PX),
      "larger": () => editor.resize(GROWTH),
      "smaller": () => editor.resize(1 / GROWTH),
      "next-point": () => pen.nextPoint(),
      "place": () => pen.place(),
      "escape": () => pen.escape(),
    };
  }

  /** @returns {Record<string, (event: Event) => unknown>} */
  #going() {
    const { transport, viewer } = this;
    return {
      "frame-back": () => viewer.step(-1),
      "frame-next": () => viewer.step(1),
      "frame-first": () => viewer.show(0),
      "frame-last": () => viewer.show(viewer.picture.frame_count - 1),
      "picture-back": () => this.#picture(-1),
      "picture-next": () => this.#picture(1),
      "play": () => transport.toggle(),
      "pace": () => transport.changePace(0),
      "slower": () => transport.changePace(-1),
      "faster": () => transport.changePace(1),
      "help": () => showHelp(),
    };
  }

  /** @returns {Record<string, (event: Event) => unknown>} */
  #seeing() {
    const { viewer } = this;
    const { view } = viewer.pane;
    return {
      "zoom-in": () => this.#zoom(ZOOM),
      "zoom-out": () => this.#zoom(1 / ZOOM),
      "fit": () => {
        view.fit();
        viewer.place();
      },
      "pan-while": () => {
        viewer.isPanHeld = true;
      },
      "pan-by": (event) => this.#pan(event),
      "flip": () => {
        view.flip();
        viewer.place();
        tell(view.isFlipped ? gettext("Picture flipped") : gettext("Picture as recorded"));
      },
      "window": () => this.windowPanel.toggle(),
      "window-reset": () => this.windowPanel.reset(),
      "hide": () => {
        viewer.isHidden = !viewer.isHidden;
        viewer.redraw();
        tell(viewer.isHidden ? gettext("Marks hidden") : gettext("Marks shown"));
      },
      "ghost": () => {
        if (viewer.isBlinded) return;
        viewer.hasGhost = !viewer.hasGhost;
        viewer.redraw();
        tell(viewer.hasGhost
          ? gettext("The machine’s marks are shown below") : gettext("Only your marks are shown"));
      },
      "confidence": () => this.#confidence(),
      "saliency": () => this.#saliency(),
      "compare": () => this.#compare(),
      "planes": () => this.#planes(),
    };
  }

  /** @param {number} factor */
  #zoom(factor) {
    const { view } = this.viewer.pane;
    view.zoomBy(factor, [view.screen.width / 2, view.screen.height / 2]);
    this.viewer.place();
  }

  /** @param {Event} event */
  #pan(event) {
    const [dx, dy] = arrowOf(event, PAN_PX);
    this.viewer.pane.view.panBy(-dx, -dy);
    this.viewer.place();
  }

  #confidence() {
    const { viewer } = this;
    if (viewer.isBlinded) return;
    viewer.hasConfidence = !viewer.hasConfidence;
    viewer.drawMarks();
    if (viewer.hasConfidence) {
      say(gettext("Whole line: sure, 80 % and over. Dashed: likely. Dotted: unsure, under 50 %."));
    }
  }

  #saliency() {
    if (!this.viewer.isBlinded) this.saliency.toggle();
  }

  /** @param {Event} event */
  #addMark(event) {
    if (DRAWING.has(this.viewer.tool)) this.#arrow(event, FINE_PX);
    else selectNext(this.viewer, keyOf(event) === "ArrowUp" ? -1 : 1, true);
  }

  /**
   * @param {Event} event
   * @param {number} by
   */
  #upDown(event, by) {
    if (["pan", "window"].includes(this.viewer.tool) || DRAWING.has(this.viewer.tool)) {
      this.#arrow(event, STEP_PX);
    } else selectNext(this.viewer, by);
  }

  /**
   * @param {Event} event
   * @param {number} px
   */
  #arrow(event, px) {
    const { viewer } = this;
    const [dx, dy] = arrowOf(event, px);
    if (DRAWING.has(viewer.tool)) viewer.pen.move(dx, dy);
    else if (viewer.tool === "pan") this.#pan(event);
    else if (viewer.tool === "window") {
      this.windowPanel.by(Math.sign(dy) * WINDOW_STEP, Math.sign(dx) * WINDOW_STEP);
    } else if (dx) viewer.step(Math.sign(dx));
  }

  /** @param {number} by */
  #picture(by) {
    const { viewer } = this;
    const count = viewer.manifest.pictures.length;
    if (count) void viewer.open((viewer.index + by + count) % count);
  }

  #compare() {
    if (!this.viewer.manifest.earlier.length) say(gettext("There is no earlier visit."));
    else if (this.compare.isOpen) this.compare.close();
    else void this.compare.open();
  }

  #planes() {
    const { viewer } = this;
    if (viewer.picture.kind !== "volume") say(gettext("Three planes need a volume."));
    else if (this.planes.isOpen) this.planes.close();
    else {
      this.planes.open(viewer.picture, viewer.info.mm_per_pixel);
      void this.planes.show(viewer.frame);
    }
  }

  /** Another picture was opened: layers that do not fit it go. */
  opened() {
    const { picture, info } = this.viewer;
    if (picture.kind !== "volume") this.planes.close();
    else if (this.planes.isOpen) this.planes.open(picture, info.mm_per_pixel);
    this.saliency.clear();
  }

  frameChanged() {
    this.saliency.frameChanged();
    void this.planes.show(this.viewer.frame);
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
