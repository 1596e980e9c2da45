// How long the reader sits at the pictures, with corrections or without, and whether she had seen
// the machine's marks before her first. Owns telling the server, now and then and when she leaves.

import { freshId } from "./changes.js";
import { Clock } from "./clock.js";

/** @import {Viewer} from "./viewer.js" */

const FIRST_MS = 4_000;
const EVERY_MS = 30_000;

export class Sitting {
  /**
   * @param {Viewer} viewer
   * @param {string} token Against forged requests.
   */
  constructor(viewer, token) {
    this.viewer = viewer;
    this.token = token;
    this.id = freshId();
    this.clock = new Clock();
    this.seconds = 0;
    this.told = -1;
    /** @type {boolean | null} Null until her first correction. */
    this.sawFirst = null;
  }

  begin() {
    const { viewer } = this;
    if (!viewer.manifest.reading.may_edit) return;
    for (const name of ["pointerdown", "pointermove", "keydown", "wheel"]) {
      document.addEventListener(name, () => this.clock.touch(), { passive: true });
    }
    viewer.reading.addEventListener("made", () => {
      this.sawFirst ??= viewer.machineSeen.size > 0;
    });
    document.addEventListener("visibilitychange", () => {
      const isVisible = document.visibilityState === "visible";
      this.clock.seen(isVisible);
      if (!isVisible) void this.#tell();
    });
    setTimeout(() => void this.#tell(), FIRST_MS);
    setInterval(() => void this.#tell(), EVERY_MS);
  }

  async #tell() {
    this.seconds += this.clock.take();
    const seconds = Math.round(this.seconds * 10) / 10;
    if (seconds <= this.told) return;
    const body = {
      id: this.id, seconds, machine_marks_seen: this.sawFirst ?? this.viewer.machineSeen.size > 0,
    };
    try {
      const response = await fetch(this.viewer.manifest.urls.sitting, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.token },
        body: JSON.stringify(body),
        credentials: "same-origin",
        redirect: "manual",
        keepalive: true,
      });
      if (response.ok) this.told = seconds;
    } catch {
      // The seconds add up, and are told when the network is back.
    }
  }
}
