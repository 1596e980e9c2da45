// Starts the viewer: reads what the page was given, joins the parts, listens to keys and buttons.
// Owns the wiring; every part can be read and tested without this file.

import { Actions } from "./actions.js";
import { byId, make } from "./dom.js";
import { singleKeys } from "./dialogs.js";
import { gettext, ngettext } from "./i18n.js";
import { actionOf } from "./keys.js";
import { cover, say } from "./notices.js";
import { Outbox } from "./outbox.js";
import { Reading } from "./reading.js";
import { openShelf } from "./shelf.js";
import { Sitting } from "./sitting.js";
import { showStanding } from "./standing.js";
import { showStrip } from "./strip.js";
import { allow, listenToToolbar, showPressed } from "./toolbar.js";
import { Tools } from "./tools.js";
import { Transport } from "./transport.js";
import { Viewer } from "./viewer.js";
import { capital } from "./words.js";

/** @import {Manifest} from "./types.js" */

const MEASURE_WAIT_MS = 150;

const root = byId("viewer");

async function start() {
  byId("over").append(make("div", {}, make("h3", {}), make("p", {})));
  const response = await fetch(root.dataset.manifest ?? "", { credentials: "same-origin" });
  if (!response.ok) throw new Error(String(response.status));
  const manifest = /** @type {Manifest} */ (await response.json());
  const reading = new Reading(manifest.reading.version);
  const token = root.dataset.token ?? "";
  const shelf = await openShelf(`${manifest.user}/${manifest.study.id}/${manifest.reading.purpose}`);
  const viewer = new Viewer(manifest, reading, token);
  const outbox = new Outbox({
    reading, shelf, token, url: manifest.urls.edits,
    onBehind: (behind) => viewer.others.take(behind),
  });
  const left = await shelf.all();
  if (left.length) reading.restore(left);
  // Another tab's or an earlier decision's edits are dropped from the shelf once decided.
  viewer.addEventListener("decided", (event) => {
    const { clashes } = /** @type {CustomEvent} */ (event).detail;
    for (const clash of clashes) void shelf.drop(clash.mine);
  });
  Object.assign(window, { viewer });
  await begin(viewer, outbox);
  new Sitting(viewer, token).begin();
  if (left.length) {
    say(ngettext("{count} correction from before, not sent yet, is being sent now.",
      "{count} corrections from before, not sent yet, are being sent now.", left.length));
    outbox.soon(0);
  }
}

/**
 * @param {Viewer} viewer
 * @param {Outbox} outbox
 */
async function begin(viewer, outbox) {
  const transport = new Transport(viewer);
  const actions = new Actions(viewer, transport);
  new Tools(viewer);
  const pressed = () => showPressed(viewer, actions);
  listenToPeople(viewer, actions, outbox);
  listenToToolbar();
  showStrip(viewer, transport);
  viewer.addEventListener("tool", pressed);
  viewer.addEventListener("opened", () => {
    actions.opened();
    pressed();
  });
  viewer.addEventListener("frame", () => {
    if (!transport.player.isPlaying) actions.frameChanged();
  });
  viewer.use("select");
  allow(viewer);
  if (!viewer.manifest.pictures.length) {
    cover(gettext("No pictures yet"), gettext("Add images to the study; they appear here."));
  } else {
    const asked = askedPlace(viewer.manifest);
    await viewer.open(asked.index, asked.frame);
  }
  root.classList.remove("is-loading");
  root.dataset.ready = "yes";
  showStanding(outbox);
  if (!viewer.manifest.reading.may_edit) say(viewer.manifest.reading.why_not);
  const measureSoon = measuring(viewer, outbox);
  viewer.others.listen(outbox, () => {
    transport.drawTimeline();
    measureSoon();
  });
}

/**
 * The picture and frame that the address names, else the first picture and its fullest frame.
 * @param {Manifest} manifest
 */
function askedPlace(manifest) {
  const asked = new URLSearchParams(location.search);
  const named = manifest.pictures.findIndex((info) => info.id === asked.get("picture"));
  if (named < 0) {
    const first = manifest.pictures.findIndex((info) => info.is_ready);
    return { index: Math.max(0, first), frame: null };
  }
  const frame = asked.get("frame") ?? "";
  return { index: named, frame: /^\d+$/.test(frame) ? Number(frame) : null };
}

/**
 * @param {Viewer} viewer
 * @param {Actions} actions
 * @param {Outbox} outbox
 */
function listenToPeople(viewer, actions, outbox) {
  const act = (/** @type {string} */ action, /** @type {Event} */ event) => {
    actions.act(action, event);
    showPressed(viewer, actions);
  };
  document.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest?.("[data-action]");
    if (button) act(/** @type {HTMLElement} */ (button).dataset.action ?? "", event);
  });
  document.addEventListener("keydown", (event) => {
    const action = actionOf(event, singleKeys());
    if (!action) return;
    event.preventDefault();
    act(action, event);
  });
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
    if (viewer.reading.unsent.length && !outbox.shelf.isDurable) event.preventDefault();
  });
  outbox.addEventListener("standing", () => showStanding(outbox));
}

/**
 * Bring the study's numbers up to date as soon as the last correction is kept.
 * @param {Viewer} viewer
 * @param {Outbox} outbox
 */
function measuring(viewer, outbox) {
  const state = byId("measures-state");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const soon = () => {
    clearTimeout(timer);
    if (viewer.reading.unsent.length) return;
    timer = setTimeout(async () => {
      const isNow = await viewer.loadMeasures();
      if (!viewer.reading.unsent.length) state.textContent = isNow ? "" : gettext("not up to date");
    }, MEASURE_WAIT_MS);
  };
  viewer.reading.addEventListener("kept", soon);
  viewer.reading.addEventListener("made", () => {
    state.textContent = gettext("updating …");
  });
  outbox.addEventListener("standing", () => {
    const isWaiting = ["offline", "signed_out", "refused", "locked"].includes(outbox.standing);
    if (isWaiting) state.textContent = gettext("not up to date");
  });
  soon();
  return soon;
}

start().catch((error) => {
  root.classList.remove("is-loading");
  cover(gettext("The study could not be opened"), capital(gettext(
    "check the connection and load the page again. Corrections made here before are kept on this computer. ({error})",
    { error: error.message })));
});
