// Every key of the viewer, in one table: what is pressed, what it does, what the help says.
// Owns the table and who gets a key press. Doing it is the business of actions.js.

import { gettext } from "./i18n.js";

/** @typedef {{keys: string[], shown: string[], action: string, words: string, group: string}} Key */

const MARKS = gettext("Marks");
const DRAWING = gettext("Drawing with keys");
const FRAMES = gettext("Frames and pictures");
const SEEING = gettext("Seeing");
const ARROWS = gettext("arrows");

/** @type {Key[]} */
export const KEYS = [
  key(MARKS, ["v"], "tool:select", gettext("Select and change")),
  key(MARKS, ["a"], "tool:add", gettext("Add a follicle with one click")),
  key(MARKS, ["o"], "tool:ovary", gettext("Outline an ovary: from one end to the other")),
  key(MARKS, ["s"], "tool:split", gettext("Split along a line; Enter halves the selected mark")),
  key(MARKS, ["m"], "merge", gettext("Merge the selected marks")),
  key(MARKS, ["Delete", "Backspace"], "delete", gettext("Delete the selected marks"), ["Del"]),
  key(MARKS, ["1"], "kind:antral", gettext("Call it antral")),
  key(MARKS, ["2"], "kind:dominant", gettext("Call it dominant")),
  key(MARKS, ["3"], "kind:cyst", gettext("Call it a cyst")),
  key(MARKS, ["4"], "kind:vessel", gettext("Call it a vessel")),
  key(MARKS, ["ArrowUp"], "previous-mark", gettext("Select the mark before"), ["↑"]),
  key(MARKS, ["ArrowDown"], "next-mark", gettext("Select the next mark"), ["↓"]),
  key(MARKS, ["Shift+ArrowDown", "Shift+ArrowUp"], "add-mark", gettext("Select one more"), ["Shift", "↑↓"]),
  key(MARKS, ["Alt+ArrowLeft", "Alt+ArrowRight", "Alt+ArrowUp", "Alt+ArrowDown"], "nudge",
    gettext("Move the selected mark, or its point"), ["Alt", ARROWS]),
  key(MARKS, ["]"], "larger", gettext("Larger")),
  key(MARKS, ["["], "smaller", gettext("Smaller")),
  key(MARKS, ["x"], "next-point", gettext("Take its next point; Esc lets go")),
  key(MARKS, ["Control+z", "Meta+z"], "undo", gettext("Undo"), ["Ctrl", "Z"]),
  key(MARKS, ["Control+Shift+z", "Meta+Shift+z", "Control+y"], "redo", gettext("Redo"), ["Ctrl", "Shift", "Z"]),
  key(MARKS, ["y"], "confirm", gettext("It is an ovary: count in it")),
  key(MARKS, ["n"], "not-assessable", gettext("This frame cannot be judged")),
  key(MARKS, ["d"], "dispute", gettext("I disagree")),
  key(DRAWING, ["ArrowLeft", "ArrowRight"], "arrow", gettext("With a drawing tool: move the crosshair"), [ARROWS]),
  key(DRAWING, ["Shift+ArrowLeft", "Shift+ArrowRight"], "arrow-fine", gettext("Move it finely"), ["Shift", ARROWS]),
  key(DRAWING, ["Enter"], "place", gettext("Place what the tool draws"), ["Enter"]),
  key(DRAWING, ["Escape"], "escape", gettext("Let go, then nothing selected"), ["Esc"]),
  key(FRAMES, [","], "frame-back", gettext("Frame before, also ←")),
  key(FRAMES, ["."], "frame-next", gettext("Next frame, also →")),
  key(FRAMES, ["Home"], "frame-first", gettext("First frame"), ["Home"]),
  key(FRAMES, ["End"], "frame-last", gettext("Last frame"), ["End"]),
  key(FRAMES, ["p"], "play", gettext("Play, and stop")),
  key(FRAMES, ["j"], "slower", gettext("Play slower")),
  key(FRAMES, ["k"], "faster", gettext("Play faster")),
  key(FRAMES, ["PageUp"], "picture-back", gettext("Picture before"), ["Page ↑"]),
  key(FRAMES, ["PageDown"], "picture-next", gettext("Next picture"), ["Page ↓"]),
  key(SEEING, ["+", "="], "zoom-in", gettext("Zoom in"), ["+"]),
  key(SEEING, ["-"], "zoom-out", gettext("Zoom out")),
  key(SEEING, ["0"], "fit", gettext("Whole picture")),
  key(SEEING, [" "], "pan-while", gettext("While held: move the picture"), ["Space"]),
  key(SEEING, ["b"], "tool:pan", gettext("Move the picture with the mouse, or with arrows")),
  key(SEEING, ["Control+ArrowLeft", "Control+ArrowRight", "Control+ArrowUp", "Control+ArrowDown"],
    "pan-by", gettext("Move the picture"), ["Ctrl", ARROWS]),
  key(SEEING, ["f"], "flip", gettext("Flip left and right")),
  key(SEEING, ["w"], "window", gettext("Brightness and contrast, then with arrows")),
  key(SEEING, ["q"], "window-reset", gettext("Brightness as recorded")),
  key(SEEING, ["h"], "hide", gettext("Hide and show marks")),
  key(SEEING, ["g"], "ghost", gettext("The machine’s marks below mine")),
  key(SEEING, ["c"], "confidence", gettext("How sure the machine is")),
  key(SEEING, ["l"], "saliency", gettext("Where the network looked")),
  key(SEEING, ["e"], "compare", gettext("An earlier visit beside")),
  key(SEEING, ["t"], "planes", gettext("Three planes of a volume")),
  key(SEEING, ["r"], "tool:ruler", gettext("Ruler")),
  key(SEEING, ["?"], "help", gettext("This help")),
];

/**
 * @param {string} group
 * @param {string[]} keys
 * @param {string} action
 * @param {string} words
 * @param {string[]} shown
 * @returns {Key}
 */
function key(group, keys, action, words, shown = [keys[0].toUpperCase()]) {
  return { keys, shown, action, words, group };
}

const ACTIONS = new Map(KEYS.flatMap((entry) => entry.keys.map((name) => [name, entry.action])));
for (const arrow of ["ArrowUp", "ArrowDown"]) {
  if (!ACTIONS.has(arrow)) ACTIONS.set(arrow, "arrow");
}

/**
 * The press as the table writes it.
 * @param {KeyboardEvent} event
 */
export function nameOf(event) {
  const parts = [];
  if (event.ctrlKey) parts.push("Control");
  if (event.metaKey) parts.push("Meta");
  if (event.altKey) parts.push("Alt");
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isLetter = /^[a-z]$/.test(name);
  if (event.shiftKey && (name.length > 1 || isLetter)) parts.push("Shift");
  return [...parts, name].join("+");
}

/**
 * What a press does here; null where it belongs to somebody else.
 * @param {KeyboardEvent} event
 * @param {boolean} singleKeys Whether keys without Ctrl are on.
 * @returns {string | null}
 */
export function actionOf(event, singleKeys) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.defaultPrevented || target.closest("dialog")) return null;
  if (target.matches("input:not([type=range]), select, textarea")) return null;
  const name = nameOf(event);
  const isOnStage = target.matches(".stage");
  const isPlain = /^.$/.test(name);
  if (isPlain && !singleKeys && !isOnStage) return null;
  if ((name === "Enter" || name === " ") && !isOnStage) return null;
  if (target.matches("input[type=range]") && /Arrow|Home|End|Page/.test(name)) return null;
  if (/^((Shift|Control)\+)?Arrow/.test(name) && !isOnStage && !target.closest(".mark-list")) return null;
  return ACTIONS.get(name) ?? null;
}
