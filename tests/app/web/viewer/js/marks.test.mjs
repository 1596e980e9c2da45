import assert from "node:assert/strict";
import test from "node:test";
import { load, mark, ovaryWithThree, square } from "./load.mjs";

const marks = await load("marks");

test("follicles in the ovary are counted, others are told apart", () => {
  const state = ovaryWithThree();
  state.marks.push(
    mark("d", square(50, 150, 120), { kind: "dominant" }),
    mark("s", square(300, 300), { kind: "below_range" }),
    mark("v", square(300, 200), { kind: "vessel" }),
    mark("out", square(500, 400, 50)),
  );
  const count = marks.sectionCount(state);
  assert.deepEqual(
    [count.counted, count.dominant, count.small, count.outside],
    [3, 1, 1, 1],
  );
});

test("without any outline of an ovary follicles are counted where they are", () => {
  const count = marks.sectionCount({ marks: [mark("a", square(0, 0))], remarks: [] });
  assert.deepEqual([count.counted, count.hasOvary], [1, false]);
});

test("nothing doubtful is counted", () => {
  const state = ovaryWithThree();
  for (const one of state.marks) one.is_doubtful = true;
  assert.equal(marks.sectionCount(state).counted, 0);
  assert.ok(marks.sectionCount(state).isDoubtful);
});

test("follicles are numbered from the top and from left to right", () => {
  const state = { marks: [mark("c", square(50, 200)), mark("b", square(90, 11)), mark("a", square(10, 10))], remarks: [] };
  const numbers = marks.numbered(state).map(({ mark: one, number }) => [one.id, number]);
  assert.deepEqual(numbers, [["a", 1], ["b", 2], ["c", 3]]);
});

test("a point means the smallest mark around it", () => {
  assert.equal(marks.markAt(ovaryWithThree(), [70, 70]).id, "m:p:0:o0f0");
  assert.equal(marks.markAt(ovaryWithThree(), [20, 300]).id, "m:p:0:o0");
  assert.equal(marks.markAt(ovaryWithThree(), [600, 300]), null);
});

test("a change of what is gone does not fit and changes nothing", () => {
  const state = ovaryWithThree();
  const change = { delta: "extra", removes: ["gone"], adds: [], remarks: [] };
  assert.equal(marks.applied(state, change), null);
  assert.deepEqual(marks.misfits(state, change), ["gone"]);
});
