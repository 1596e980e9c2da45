// An earlier visit of the same patient beside this one, to look at and nothing else.
// Owns the second pane.

import { byId, make } from "./dom.js";
import { gettext } from "./i18n.js";
import { NOTHING, fullest, sectionCount } from "./marks.js";
import { EMPTY } from "./overlay.js";
import { Pane, stretchOf } from "./pane.js";
import { follicles, title } from "./words.js";

/** @import {FrameInfo, Manifest, MarksFile, PictureInfo} from "./types.js" */

const ZOOM = 1.25;
const PAN_PX = 60;

export class Compare {
  /**
   * @param {Manifest["earlier"]} visits
   * @param {() => PictureInfo} current The picture that is read now.
   */
  constructor(visits, current) {
    this.visits = visits;
    this.current = current;
    this.root = byId("earlier");
    /** @type {Pane | null} */
    this.pane = null;
    /** @type {Manifest | null} */
    this.manifest = null;
    /** @type {FrameInfo[]} */
    this.frames = [];
  }

  get isOpen() {
    return !this.root.hidden;
  }

  async open() {
    this.root.hidden = false;
    if (this.pane) return;
    this.pane = new Pane(this.root);
    this.pane.addEventListener("painted", () => this.#draw());
    const visit = byId(/** @type {const} */ ("earlier-visit"));
    visit.replaceChildren(...this.visits.map((one, i) => make("option", { value: i }, one.title)));
    visit.addEventListener("change", () =>
      void this.#visit(Number(/** @type {HTMLSelectElement} */ (visit).value)));
    byId("earlier-picture").addEventListener("change", (event) =>
      void this.#picture(Number(/** @type {HTMLSelectElement} */ (event.target).value)));
    byId("earlier-frame").addEventListener("input", (event) =>
      this.#frame(Number(/** @type {HTMLInputElement} */ (event.target).value)));
    this.root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.root.addEventListener("pointermove", (event) => this.#drag(event));
    this.root.addEventListener("keydown", (event) => this.#key(event));
    await this.#visit(0);
  }

  close() {
    this.root.hidden = true;
  }

  /** @param {number} number */
  async #visit(number) {
    const response = await fetch(this.visits[number].url, { credentials: "same-origin" })
      .catch(() => null);
    if (!response?.ok) {
      byId("earlier-words").textContent = gettext("This visit cannot be shown now.");
      return;
    }
    this.manifest = /** @type {Manifest} */ (await response.json());
    const shown = this.manifest.pictures;
    byId("earlier-picture").replaceChildren(...shown.map((info, i) =>
      make("option", { value: i }, title(info))));
    const now = this.current();
    const alike = shown.findIndex((info) => info.side === now.side && info.kind === now.kind);
    const sameSide = shown.findIndex((info) => info.side === now.side);
    await this.#picture(Math.max(0, alike >= 0 ? alike : sameSide));
  }

  /** @param {number} number */
  async #picture(number) {
    const info = this.manifest?.pictures[number];
    if (!info || !this.pane) return;
    /** @type {HTMLSelectElement} */ (byId("earlier-picture")).value = String(number);
    const response = await fetch(info.urls.marks, { credentials: "same-origin" }).catch(() => null);
    const file = response?.ok ? /** @type {MarksFile} */ (await response.json()) : null;
    this.frames = file?.frames ?? [];
    const slider = /** @type {HTMLInputElement} */ (byId("earlier-frame"));
    slider.max = String(Math.max(0, info.frame_count - 1));
    slider.hidden = info.frame_count < 2;
    this.pane.open(info, stretchOf(this.frames[0]));
    this.#frame(fullest(this.frames));
  }

  /** @param {number} frame */
  #frame(frame) {
    /** @type {HTMLInputElement} */ (byId("earlier-frame")).value = String(frame);
    this.pane?.show(frame);
    this.#draw();
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const isOnControl = /** @type {HTMLElement} */ (event.target).closest("select, input");
    if (!this.pane || event.buttons !== 1 || isOnControl) return;
    this.pane.view.panBy(event.movementX, event.movementY);
    this.pane.place();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { pane } = this;
    if (!pane?.info || event.target !== this.root || event.altKey || event.metaKey) return;
    const { view } = pane;
    const middle = /** @type {[number, number]} */ ([view.screen.width / 2, view.screen.height / 2]);
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => view.zoomBy(ZOOM, middle),
      "=": () => view.zoomBy(ZOOM, middle),
      "-": () => view.zoomBy(1 / ZOOM, middle),
      "0": () => view.fit(),
      ",": () => this.#step(-1),
      ".": () => this.#step(1),
      "ArrowLeft": () => (event.ctrlKey ? view.panBy(PAN_PX, 0) : this.#step(-1)),
      "ArrowRight": () => (event.ctrlKey ? view.panBy(-PAN_PX, 0) : this.#step(1)),
      "ArrowUp": () => view.panBy(0, PAN_PX),
      "ArrowDown": () => view.panBy(0, -PAN_PX),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    pane.place();
    event.preventDefault();
  }

  /** @param {number} by */
  #step(by) {
    const { pane } = this;
    if (!pane?.info) return;
    this.#frame(Math.min(Math.max(pane.frame + by, 0), pane.info.frame_count - 1));
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const pane = this.pane;
    if (!pane?.info) return;
    if (pane.info.frame_count > 1 && !event.ctrlKey) {
      this.#step(Math.sign(event.deltaY));
      return;
    }
    const box = this.root.getBoundingClientRect();
    pane.view.zoomBy(Math.exp(-event.deltaY * 0.0016), [event.clientX - box.left, event.clientY - box.top]);
    pane.place();
  }

  #draw() {
    if (!this.pane) return;
    const info = this.frames[this.pane.frame];
    const marks = info?.signed ?? info?.reader ?? info?.machine ?? NOTHING;
    const whose = info?.signed ? gettext("signed")
      : info?.reader ? gettext("reader’s marks") : gettext("machine’s marks");
    this.pane.overlay.draw({ ...EMPTY, marks });
    byId("earlier-words").textContent = gettext("{follicles} in this section, {whose}", {
      follicles: follicles(sectionCount(marks).counted), whose,
    });
  }
}
