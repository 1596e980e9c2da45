import assert from "node:assert/strict";
import test from "node:test";
import { GROUND, load, ovaryWithThree, square } from "./load.mjs";

const { Reading } = await load("reading");
const changes = await load("changes");
const marks = await load("marks");

const WORK = { picture: "p", frame: 0, seconds: 1.26, machineSeen: true, release: "seeing-2" };

function begun() {
  const reading = new Reading(4);
  reading.hold("p", 0, ovaryWithThree());
  return reading;
}

const ids = (reading) => reading.marks("p", 0).marks.map((mark) => mark.id).sort();

test("a correction is shown at once and waits to be sent", () => {
  const reading = begun();
  const edit = reading.make(changes.remove([ovaryWithThree().marks[1]]), WORK);
  assert.equal(marks.sectionCount(reading.marks("p", 0)).counted, 2);
  assert.deepEqual(reading.unsent, [edit]);
  assert.equal(edit.seconds, 1.3);
  assert.equal(edit.machine_marks_seen, true);
});

test("undo and redo go back and forth any number of times", () => {
  const reading = begun();
  const start = ids(reading);
  reading.make(changes.remove([ovaryWithThree().marks[1]]), WORK);
  reading.make(changes.addFollicle(square(10, 300, 40), GROUND), WORK);
  const end = ids(reading);
  for (let i = 0; i < 3; i += 1) {
    reading.undo(WORK);
    reading.undo(WORK);
    assert.deepEqual(ids(reading), start);
    reading.redo(WORK);
    reading.redo(WORK);
    assert.deepEqual(ids(reading), end);
  }
  assert.equal(reading.undo(WORK).delta, "undo");
});

test("a new correction ends what could be done again", () => {
  const reading = begun();
  reading.make(changes.addFollicle(square(10, 300, 40), GROUND), WORK);
  reading.undo(WORK);
  reading.make(changes.addFollicle(square(60, 300, 40), GROUND), WORK);
  assert.equal(reading.canRedo, false);
});

test("what the server has kept is not sent again", () => {
  const reading = begun();
  const edit = reading.make(changes.remove([ovaryWithThree().marks[1]]), WORK);
  reading.kept([edit], 5);
  assert.deepEqual(reading.unsent, []);
  assert.equal(reading.version, 5);
  assert.equal(marks.sectionCount(reading.marks("p", 0)).counted, 2);
});

const theirs = (change, number) => ({
  ...change, id: `t${number}`, number, reader: "Dr Bo", picture: "p", frame: 0, undoes: null,
  seconds: 1, at: "", machine_marks_seen: true, release: "",
});

test("others' corrections of other marks are taken in beside mine", () => {
  const reading = begun();
  reading.make(changes.remove([ovaryWithThree().marks[1]]), WORK);
  const other = theirs(changes.remove([ovaryWithThree().marks[3]]), 5);
  assert.deepEqual(reading.behind({ version: 5, edits: [other] }), []);
  assert.equal(marks.sectionCount(reading.marks("p", 0)).counted, 1);
  assert.equal(reading.unsent.length, 1);
  assert.equal(reading.version, 5);
});

test("what both changed is asked, and either answer can be kept", () => {
  for (const mine of [true, false]) {
    const reading = begun();
    const target = ovaryWithThree().marks[1];
    reading.make(changes.reshape(target, square(60, 60, 50), GROUND), WORK);
    const shape = reading.unsent[0].adds[0];
    reading.make(changes.reshape(shape, square(64, 60, 50), GROUND), WORK);
    const other = theirs(changes.reshape(target, square(40, 40, 50), GROUND), 5);
    const [clash, ...more] = reading.behind({ version: 5, edits: [other] });
    assert.deepEqual(more, []);
    assert.equal(clash.mine.length, 2);
    assert.deepEqual(clash.theirs, [other]);
    assert.deepEqual(reading.unsent, []);
    if (mine) reading.keepMine(clash);
    const shown = reading.marks("p", 0).marks.filter((mark) => mark.by === "reader");
    assert.equal(shown.length, 1);
    assert.deepEqual(shown[0].polygon[0], mine ? [64, 60] : [40, 40]);
    assert.equal(reading.unsent.length, mine ? 1 : 0);
    if (mine) assert.deepEqual(reading.unsent[0].removes, [other.adds[0].id]);
  }
});

test("mine can be kept where they deleted what I changed", () => {
  const reading = begun();
  const target = ovaryWithThree().marks[1];
  reading.make(changes.reshape(target, square(60, 60, 50), GROUND), WORK);
  const [clash] = reading.behind({ version: 5, edits: [theirs(changes.remove([target]), 5)] });
  const edit = reading.keepMine(clash);
  assert.equal(edit.delta, "missed");
  assert.equal(marks.sectionCount(reading.marks("p", 0)).counted, 3);
});

test("my own edits that were kept without an answer are not asked about", () => {
  const reading = begun();
  const edit = reading.make(changes.remove([ovaryWithThree().marks[1]]), WORK);
  assert.deepEqual(reading.behind({ version: 5, edits: [{ ...edit, number: 5 }] }), []);
  assert.deepEqual(reading.unsent, []);
  assert.equal(marks.sectionCount(reading.marks("p", 0)).counted, 2);
});

test("an undo of what somebody else has changed is refused and loses nothing", () => {
  const reading = begun();
  const edit = reading.make(changes.addFollicle(square(10, 300, 40), GROUND), WORK);
  reading.kept([edit], 5);
  reading.behind({ version: 6, edits: [theirs(changes.remove(edit.adds), 6)] });
  assert.equal(reading.canUndo, false);
});
