// The pictures of the study in a row, to choose from. Owns the row.

import { byId, glyph, make } from "./dom.js";
import { gettext } from "./i18n.js";
import { PICTURE_KIND, PLANE_SHORT, SIDE, title } from "./words.js";

/** @import {Transport} from "./transport.js" */
/** @import {PictureInfo} from "./types.js" */
/** @import {Viewer} from "./viewer.js" */

/**
 * @param {Viewer} viewer
 * @param {Transport} transport
 */
export function showStrip(viewer, transport) {
  const strip = byId("strip");
  strip.replaceChildren(...viewer.manifest.pictures.map((info, i) => {
    const button = thumb(info);
    button.addEventListener("click", () => {
      transport.player.stop();
      void viewer.open(i);
    });
    return button;
  }));
  viewer.addEventListener("opened", () => {
    [...strip.children].forEach((one, i) =>
      one.setAttribute("aria-current", String(i === viewer.index)));
    strip.children[viewer.index]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}

/** @param {PictureInfo} info */
function thumb(info) {
  const picture = info.is_ready
    ? make("img", { src: info.urls.small, alt: "", loading: "lazy" })
    : make("span", { class: "thumb-none" }, glyph("warning"));
  const side = info.side ? SIDE[info.side] : gettext("Side ?");
  const kind = info.is_ready
    ? PLANE_SHORT[info.plane ?? ""] ?? PICTURE_KIND[info.kind] : gettext("not read");
  const words = `${title(info)}, ${info.name}`;
  return make("button", {
    type: "button", class: info.is_ready ? "thumb" : "thumb is-refused", title: info.name,
    "aria-label": info.is_ready ? words : gettext("{picture}, could not be read", { picture: words }),
  }, picture, make("span", { class: "thumb-words" }, make("b", {}, side), make("span", {}, kind)));
}
