// Where the network looked, as a layer over the picture. Owns asking, waiting and saying why not.

import { gettext } from "./i18n.js";
import { say, tell } from "./notices.js";

/** @import {Viewer} from "./viewer.js" */

const AGAIN_MS = 1200;
const MOST_TIMES = 100;

export class SaliencyLayer {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.isOn = false;
    this.asked = 0;
  }

  toggle() {
    this.isOn = !this.isOn;
    if (this.isOn) void this.#show();
    else this.clear();
  }

  frameChanged() {
    this.clear();
    if (this.isOn) void this.#show();
  }

  clear() {
    this.asked += 1;
    this.viewer.pane.paintHeat(null);
  }

  async #show() {
    this.asked += 1;
    const mine = this.asked;
    const url = this.viewer.picture.urls.saliency.replace("{frame}", String(this.viewer.frame));
    let hasSaid = false;
    for (let i = 0; i < MOST_TIMES && this.isOn && mine === this.asked; i += 1) {
      let response;
      try {
        response = await fetch(url, { credentials: "same-origin" });
      } catch {
        say(gettext("No connection: the heat map cannot be shown now."));
        return;
      }
      if (mine !== this.asked) return;
      if (response.status !== 202) return void (await this.#paint(response, mine));
      if (!hasSaid) say(gettext("Asking the network where it looked. It takes some seconds."));
      hasSaid = true;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /**
   * @param {Response} response
   * @param {number} mine
   */
  async #paint(response, mine) {
    if (!response.ok) return say(gettext("The heat map cannot be shown now."));
    if (response.headers.get("Content-Type")?.startsWith("image/")) {
      const map = await createImageBitmap(await response.blob());
      if (mine === this.asked) {
        this.viewer.pane.paintHeat(map);
        tell(gettext("Bright places spoke most for an ovary."));
      }
      return undefined;
    }
    const { reason } = await response.json();
    return say(gettext("Nothing is shown of where it looked: {reason}", { reason }));
  }
}
