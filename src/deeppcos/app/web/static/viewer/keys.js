// Every key of the viewer, in one table: what is pressed, what it does, what the help says.
// Owns the table and who gets a key press. Doing it is the business of viewer.js.

/** @typedef {{keys: string[], shown: string[], action: string, words: string, group: string}} Key */

/** @type {Key[]} */
export const KEYS = [
  key("Marks", ["v"], "tool:select", "Select and change"),
  key("Marks", ["a"], "tool:add", "Add a follicle with one click"),
  key("Marks", ["o"], "tool:ovary", "Outline an ovary: from one end to the other"),
  key("Marks", ["s"], "tool:split", "Split along a line; Enter halves the selected mark"),
  key("Marks", ["m"], "merge", "Merge the selected marks"),
  key("Marks", ["Delete", "Backspace"], "delete", "Delete the selected marks", ["Del"]),
  key("Marks", ["1"], "kind:antral", "Call it antral"),
  key("Marks", ["2"], "kind:dominant", "Call it dominant"),
  key("Marks", ["3"], "kind:cyst", "Call it a cyst"),
  key("Marks", ["4"], "kind:vessel", "Call it a vessel"),
  key("Marks", ["ArrowUp"], "previous-mark", "Select the mark before", ["↑"]),
  key("Marks", ["ArrowDown"], "next-mark", "Select the next mark", ["↓"]),
  key("Marks", ["Shift+ArrowDown", "Shift+ArrowUp"], "add-mark", "Select one more", ["Shift", "↑↓"]),
  key("Marks", ["Alt+ArrowLeft", "Alt+ArrowRight", "Alt+ArrowUp", "Alt+ArrowDown"], "nudge",
    "Move the selected mark, or its point", ["Alt", "arrows"]),
  key("Marks", ["]"], "larger", "Larger"),
  key("Marks", ["["], "smaller", "Smaller"),
  key("Marks", ["x"], "next-point", "Take its next point; Esc lets go"),
  key("Marks", ["Control+z", "Meta+z"], "undo", "Undo", ["Ctrl", "Z"]),
  key("Marks", ["Control+Shift+z", "Meta+Shift+z", "Control+y"], "redo", "Redo", ["Ctrl", "Shift", "Z"]),
  key("Marks", ["n"], "not-assessable", "This frame cannot be judged"),
  key("Marks", ["d"], "dispute", "I disagree"),
  key("Drawing with keys", ["ArrowLeft", "ArrowRight"], "arrow", "With a drawing tool: move the crosshair", ["arrows"]),
  key("Drawing with keys", ["Shift+ArrowLeft", "Shift+ArrowRight"], "arrow-fine", "Move it finely", ["Shift", "arrows"]),
  key("Drawing with keys", ["Enter"], "place", "Place what the tool draws", ["Enter"]),
  key("Drawing with keys", ["Escape"], "escape", "Let go, then nothing selected", ["Esc"]),
  key("Frames and pictures", [","], "frame-back", "Frame before, also ←"),
  key("Frames and pictures", ["."], "frame-next", "Next frame, also →"),
  key("Frames and pictures", ["Home"], "frame-first", "First frame", ["Home"]),
  key("Frames and pictures", ["End"], "frame-last", "Last frame", ["End"]),
  key("Frames and pictures", ["p"], "play", "Play, and stop"),
  key("Frames and pictures", ["PageUp"], "picture-back", "Picture before", ["Page ↑"]),
  key("Frames and pictures", ["PageDown"], "picture-next", "Next picture", ["Page ↓"]),
  key("Seeing", ["+", "="], "zoom-in", "Zoom in", ["+"]),
  key("Seeing", ["-"], "zoom-out", "Zoom out"),
  key("Seeing", ["0"], "fit", "Whole picture"),
  key("Seeing", [" "], "pan-while", "While held: move the picture", ["Space"]),
  key("Seeing", ["f"], "flip", "Flip left and right"),
  key("Seeing", ["w"], "window", "Brightness and contrast"),
  key("Seeing", ["h"], "hide", "Hide and show marks"),
  key("Seeing", ["g"], "ghost", "The machine’s marks below mine"),
  key("Seeing", ["c"], "confidence", "How sure the machine is"),
  key("Seeing", ["l"], "saliency", "Where the network looked"),
  key("Seeing", ["e"], "compare", "An earlier visit beside"),
  key("Seeing", ["t"], "planes", "Three planes of a volume"),
  key("Seeing", ["r"], "tool:ruler", "Ruler"),
  key("Seeing", ["?"], "help", "This help"),
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
  if (/^(Shift\+)?Arrow/.test(name) && !isOnStage && !target.closest(".mark-list")) return null;
  return ACTIONS.get(name) ?? null;
}
