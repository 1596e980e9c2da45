// Questions and help. Owns the two dialogs; decisions are returned, nothing is done here.

import { byId, make } from "./dom.js";
import { gettext } from "./i18n.js";
import { KEYS } from "./keys.js";
import { capital, editsWords } from "./words.js";

/** @import {Clash} from "./merging.js" */

const SINGLE_KEYS = "deeppcos-single-keys";

/** Whether keys without Ctrl work outside the picture too. */
export function singleKeys() {
  try {
    return localStorage.getItem(SINGLE_KEYS) !== "off";
  } catch {
    return true;
  }
}

/** Show every key. */
export function showHelp() {
  const dialog = byId(/** @type {const} */ ("help"));
  const groups = [...new Set(KEYS.map((entry) => entry.group))];
  const toggle = /** @type {HTMLInputElement} */ (
    make("input", { type: "checkbox", id: "single-keys", checked: singleKeys() })
  );
  toggle.addEventListener("change", () => {
    try {
      localStorage.setItem(SINGLE_KEYS, toggle.checked ? "on" : "off");
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  });
  dialog.replaceChildren(
    make("div", { class: "dialog-head" },
      make("h2", { id: "help-title" }, gettext("Keys and help")), closeButton(dialog)),
    make("div", { class: "keys" }, ...groups.map(keyGroup)),
    make("p", { class: "quiet" },
      gettext("With the mouse: the wheel turns frames, with Ctrl it zooms. Drag the picture to move it, a selected follicle to move the follicle, its points to bend the outline. Shift and click selects more. With fingers: two move and zoom.")),
    make("label", { class: "row", for: "single-keys" }, toggle,
      gettext("Single keys work everywhere on this page, not only in the picture")),
  );
  /** @type {HTMLDialogElement} */ (dialog).showModal();
}

/** @param {string} group */
function keyGroup(group) {
  const rows = KEYS.filter((entry) => entry.group === group).map((entry) =>
    make("div", {}, make("dt", {}, ...entry.shown.map((name) => make("kbd", {}, name))),
      make("dd", {}, entry.words)));
  return make("section", {}, make("h3", {}, group), make("dl", {}, ...rows));
}

/** @param {HTMLElement} dialog */
function closeButton(dialog) {
  const button = make("button", { type: "button", class: "small" }, gettext("Close"));
  button.addEventListener("click", () => /** @type {HTMLDialogElement} */ (dialog).close());
  return button;
}

/**
 * Ask for words.
 * @param {{title: string, text: string, label: string, choices: string[]}} asked
 * @returns {Promise<string | null>} Null when the reader thought better of it.
 */
export function askWords({ title, text, label, choices }) {
  const field = /** @type {HTMLTextAreaElement} */ (
    make("textarea", { id: "ask-words", maxlength: 500, required: true })
  );
  const quick = choices.map((choice) => {
    const button = make("button", { type: "button", class: "small" }, choice);
    button.addEventListener("click", () => {
      field.value = choice;
      field.focus();
    });
    return button;
  });
  return opened(title, [
    make("p", { class: "quiet" }, text),
    make("div", { class: "row" }, ...quick),
    make("div", { class: "field" }, make("label", { for: "ask-words" }, label), field),
  ], gettext("Say so"), () => field.value.trim());
}

/**
 * Two people corrected the same things: which shall stand?
 * @param {Clash[]} clashes
 * @param {(clash: Clash) => string} where
 * @returns {Promise<("mine" | "theirs")[]>}
 */
export async function askClashes(clashes, where) {
  const rows = clashes.map((clash, i) => {
    const names = new Set(clash.theirs.map((edit) => edit.reader).filter(Boolean));
    const who = [...names].join(", ") || gettext("Somebody else");
    const option = (/** @type {string} */ value, /** @type {string} */ words, /** @type {boolean} */ on) =>
      make("label", {}, make("input", { type: "radio", name: `clash-${i}`, value, checked: on }), words);
    return make("fieldset", { class: "clash" },
      make("legend", {}, where(clash)),
      make("p", {}, gettext("You: {mine}. {who}: {theirs}.", {
        mine: editsWords(clash.mine), who,
        theirs: editsWords(clash.theirs) || gettext("changed the same mark"),
      })),
      option("theirs", gettext("Keep what {who} did", { who }), true),
      option("mine", gettext("Keep mine instead"), false));
  });
  const answer = await opened(gettext("Somebody changed the same marks"), [
    make("p", { class: "quiet" },
      gettext("While you worked, somebody else corrected this study too. Everything of yours that does not touch theirs has been kept. Decide on the rest; nothing is lost before you do.")),
    ...rows,
  ], gettext("Go on"), () =>
    clashes
      .map((_, i) => /** @type {HTMLInputElement | null} */ (
        document.querySelector(`input[name=clash-${i}]:checked`))?.value ?? "theirs")
      .join(" "), false);
  const chosen = (answer ?? "").split(" ");
  return clashes.map((_, i) => (chosen[i] === "mine" ? "mine" : "theirs"));
}

/**
 * @param {string} title
 * @param {HTMLElement[]} content
 * @param {string} done
 * @param {() => string} read
 * @param {boolean} mayCancel
 * @returns {Promise<string | null>}
 */
function opened(title, content, done, read, mayCancel = true) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("ask"));
  const form = make("form", { method: "dialog" },
    make("h2", { id: "ask-title" }, capital(title)),
    make("div", { class: "stack" }, ...content),
    make("div", { class: "dialog-foot" },
      mayCancel ? make("button", { type: "button", class: "cancel" }, gettext("Cancel")) : null,
      make("button", { class: "primary", value: "done" }, done)));
  dialog.replaceChildren(form);
  form.querySelector(".cancel")?.addEventListener("click", () => dialog.close(""));
  dialog.oncancel = (event) => {
    if (!mayCancel) event.preventDefault();
  };
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "done" ? read() : null);
    }, { once: true });
  });
}
