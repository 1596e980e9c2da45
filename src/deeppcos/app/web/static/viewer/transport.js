// Going through the frames of a sweep or volume: slider, playing, pace, and the line of frames.
// Owns the controls below the picture. Time is kept by player.js, the line drawn by timeline.js.

import { placeWords } from "./corners.js";
import { byId, make } from "./dom.js";
import { decimal, gettext } from "./i18n.js";
import { tell } from "./notices.js";
import { Player, rateOf, timesOf } from "./player.js";
import { drawTimeline, frameState } from "./timeline.js";

/** @import {Viewer} from "./viewer.js" */

const TIMELINE_WAIT_MS = 120;
const WHILE_PLAYING_MS = 200;
const PACES = [0.25, 0.5, 1, 2];

export class Transport {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.slider = /** @type {HTMLInputElement} */ (byId("frame"));
    this.player = new Player({
      show: (frame) => viewer.show(frame),
      has: (frame) => viewer.pane.has(frame),
      onChange: (isPlaying) => this.#playing(isPlaying),
      onRate: () => this.#showWhen(),
    });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.toldAt = 0;
    this.slider.addEventListener("input", () => {
      this.player.stop();
      viewer.show(Number(this.slider.value));
    });
    viewer.addEventListener("opened", () => this.#opened());
    viewer.addEventListener("loaded", () => this.drawTimeline());
    viewer.addEventListener("frame", () => this.#frame());
    viewer.reading.addEventListener("made", () => {
      // The picture comes first; the line of frames follows.
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.drawTimeline(), TIMELINE_WAIT_MS);
    });
    new ResizeObserver(() => this.drawTimeline()).observe(byId("histogram"));
  }

  toggle() {
    if (this.player.isPlaying) this.player.stop();
    else this.player.start(this.viewer.frame);
  }

  /** @param {number} by Steps of the pace; from the button, round and round. */
  changePace(by) {
    const at = PACES.indexOf(this.player.pace);
    const next = by ? Math.min(Math.max(at + by, 0), PACES.length - 1) : (at + 1) % PACES.length;
    this.player.setPace(PACES[next]);
    const pace = decimal(PACES[next], PACES[next] < 1 ? (PACES[next] < 0.5 ? 2 : 1) : 0);
    byId("pace-is").textContent = `${pace}×`;
    tell(gettext("Played at {pace} times its speed", { pace }));
    this.#showWhen();
  }

  #opened() {
    const { viewer } = this;
    const info = viewer.picture;
    this.player.open(info, viewer.manifest.default_frames_per_second);
    byId("transport").hidden = !(info.is_ready && info.frame_count > 1);
    this.slider.max = String(Math.max(0, info.frame_count - 1));
  }

  #frame() {
    const { frame } = this.viewer;
    this.player.frame = frame;
    // Words and slider, laid out anew with every frame, would cost as much as the frame itself.
    const now = performance.now();
    if (this.player.isPlaying && now - this.toldAt < WHILE_PLAYING_MS) return;
    this.toldAt = now;
    this.slider.value = String(frame);
    this.slider.setAttribute("aria-valuetext", placeWords(this.viewer));
    this.#showWhen();
  }

  #showWhen() {
    byId("when").replaceChildren(make("b", {}, placeWords(this.viewer)), `\n${this.#whenWords()}`);
  }

  #whenWords() {
    const { frame, manifest, picture } = this.viewer;
    if (picture.kind === "volume") {
      return picture.slice_spacing_mm === null ? ""
        : gettext("{length} mm", { length: decimal(frame * picture.slice_spacing_mm, 1) });
    }
    const { rate, isStated } = rateOf(picture, manifest.default_frames_per_second);
    const wanted = rate * this.player.pace;
    const shown = this.player.isPlaying ? this.player.rate : null;
    if (shown !== null && shown < 0.85 * wanted) {
      return gettext("{shown} of {wanted}/s: this computer is slower",
        { shown: decimal(shown, 0), wanted: decimal(wanted, 0) });
    }
    const seconds = decimal(timesOf(picture, manifest.default_frames_per_second)[frame] / 1000, 2);
    return isStated
      ? gettext("{seconds} s · {rate}/s", { seconds, rate: decimal(wanted, 0) })
      : gettext("{seconds} s · {rate}/s assumed", { seconds, rate: decimal(wanted, 0) });
  }

  /** @param {boolean} isPlaying */
  #playing(isPlaying) {
    const { viewer } = this;
    viewer.pane.isPlaying = isPlaying;
    const button = byId("play");
    const icons = byId("viewer").dataset.icons;
    button.querySelector("use")?.setAttribute("href", `${icons}#${isPlaying ? "pause" : "play"}`);
    const words = isPlaying ? gettext("Stop") : gettext("Play");
    /** @type {HTMLElement} */ (button.querySelector(".visually-hidden")).textContent = words;
    button.title = `${words} (P)`;
    if (!isPlaying) viewer.show(viewer.frame);
  }

  drawTimeline() {
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
}
