// What a reader says in words: a frame cannot be judged, she disagrees, and taking that back.
// Owns the questions; the words are kept as a correction like any other.

import * as changes from "./changes.js";
import { askWords } from "./dialogs.js";
import { gettext } from "./i18n.js";

/** @import {Editor} from "./editing.js" */

/** @param {Editor} editor */
export async function notAssessable(editor) {
  if (!editor.viewer.mayEdit) return editor.viewer.refuse();
  const words = await askWords({
    title: gettext("This frame cannot be judged"),
    text: gettext("Nothing on it is counted or measured then. The reason is kept with the frame."),
    label: gettext("Because"),
    choices: [
      gettext("Shadow"), gettext("Too dark"), gettext("Ovary not in the picture"),
      gettext("Only part of the ovary"), gettext("Moving"),
    ],
  });
  if (words) {
    editor.make(changes.remark("not_assessable", words), gettext("Frame called not assessable"));
  }
  return undefined;
}

/** @param {Editor} editor */
export async function dispute(editor) {
  if (!editor.viewer.mayEdit) return editor.viewer.refuse();
  const about = editor.viewer.onlySelected;
  const words = await askWords({
    title: gettext("I disagree"),
    text: about
      ? gettext("With what is said of the selected mark.")
      : gettext("With what is said of this frame."),
    label: gettext("With what, and why"),
    choices: [
      gettext("This is not the ovary"), gettext("Wrong side"), gettext("Not a follicle, in my view"),
    ],
  });
  if (words) editor.make(changes.remark("label_dispute", words, about), gettext("Disagreement kept"));
  return undefined;
}

/**
 * @param {Editor} editor
 * @param {string} id
 */
export function withdraw(editor, id) {
  const said = editor.viewer.marks.remarks.find((remark) => remark.id === id);
  if (said) editor.make(changes.withdraw(said), gettext("Taken back"));
}
