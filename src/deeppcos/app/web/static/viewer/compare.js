// An earlier visit of the same patient beside this one, to look at and nothing else.
// Owns the second pane.

import { byId, make } from "./dom.js";
import { NOTHING, sectionCount } from "./marks.js";
import { EMPTY } from "./overlay.js";
import { Pane, stretchOf } from "./pane.js";
import { PICTURE_KIND, SIDE, capital, plural } from "./words.js";

/** @import {FrameInfo, Manifest, MarksFile, PictureInfo} from "./types.js" */

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
    await this.#visit(0);
  }

  close() {
    this.root.hidden = true;
  }

  /** @param {number} number */
  async #visit(number) {
    const response = await fetch(this.visits[number].url, { credentials: "same-origin" });
    if (!response.ok) {
      byId("earlier-words").textContent = "This visit cannot be shown now.";
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
    const response = await fetch(info.urls.marks, { credentials: "same-origin" });
    const file = response.ok ? /** @type {MarksFile} */ (await response.json()) : null;
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

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const pane = this.pane;
    if (!pane?.info) return;
    if (pane.info.frame_count > 1 && !event.ctrlKey) {
      const next = pane.frame + Math.sign(event.deltaY);
      this.#frame(Math.min(Math.max(next, 0), pane.info.frame_count - 1));
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
    const whose = info?.signed ? "signed" : info?.reader ? "reader’s marks" : "machine’s marks";
    this.pane.overlay.draw({ ...EMPTY, marks });
    const count = plural(sectionCount(marks).counted, "follicle", "follicles");
    byId("earlier-words").textContent = `${count} in this section, ${whose}`;
  }
}

/** @param {PictureInfo} info */
export function title(info) {
  const side = info.side ? `${SIDE[info.side]} ` : "";
  const plane = info.plane ? `, ${info.plane}` : "";
  return capital(`${side}${PICTURE_KIND[info.kind]}${plane}`.trim());
}

/**
 * The frame with the most follicles: the one to begin with.
 * @param {FrameInfo[]} frames
 */
export function fullest(frames) {
  let best = 0;
  let most = -1;
  frames.forEach((info, i) => {
    const count = info.assessable ? sectionCount(info.reader ?? info.machine ?? NOTHING).counted : -1;
    if (count > most) [best, most] = [i, count];
  });
  return best;
}
