import assert from "node:assert/strict";
import test from "node:test";
import { GROUND, load, mark, ovaryWithThree, square } from "./load.mjs";

const changes = await load("changes");
const marks = await load("marks");
const geometry = await load("geometry");

test("a new follicle takes its kind from its size", () => {
  const kinds = [12, 50, 120].map((side) => changes.addFollicle(square(0, 0, side), GROUND).adds[0].kind);
  assert.deepEqual(kinds, ["below_range", "antral", "dominant"]);
});

test("without a scale a follicle has no size", () => {
  const [one] = changes.addFollicle(square(0, 0, 120), { ...GROUND, scale: null }).adds;
  assert.equal(one.kind, "unsized");
});

test("a kind that a reader chose stays when the outline grows", () => {
  const cyst = mark("r1", square(0, 0, 30), { kind: "cyst", kind_by: "reader", by: "reader" });
  const [now] = changes.reshape(cyst, square(0, 0, 200), GROUND).adds;
  assert.equal(now.kind, "cyst");
  assert.deepEqual(now.made_from, ["r1"]);
});

test("outlines stay in the picture and are rounded as the server rounds", () => {
  const [one] = changes.addFollicle([[-5, 10.12345], [700, 10], [50, 500]], GROUND).adds;
  assert.deepEqual(one.polygon, [[0, 10.12], [639, 10], [50, 479]]);
});

test("a split gives two parts that together are the whole", () => {
  const whole = square(100, 100, 60);
  const change = changes.split(mark("a", whole), [[130, 90], [130, 170]], GROUND);
  assert.equal(change.delta, "split");
  const areas = change.adds.map((one) => geometry.area(one.polygon));
  assert.ok(Math.abs(areas[0] + areas[1] - 3600) < 40);
});

test("a cut beside the mark splits nothing", () => {
  assert.equal(changes.split(mark("a", square(100, 100)), [[0, 0], [0, 50]], GROUND), null);
});

test("without a cut a mark is halved across its longest diameter", () => {
  const long = [[0, 0], [100, 0], [100, 20], [0, 20]];
  const { adds } = changes.split(mark("a", long), null, GROUND);
  const areas = adds.map((one) => geometry.area(one.polygon));
  assert.ok(Math.abs(areas[0] - areas[1]) < 120);
});

test("a merge holds all of its parts", () => {
  const parts = [mark("a", square(50, 50, 20)), mark("b", square(75, 55, 20))];
  const change = changes.merge(parts, GROUND);
  assert.deepEqual(change.removes, ["a", "b"]);
  for (const part of parts) {
    assert.ok(geometry.contains(change.adds[0].polygon, geometry.centroid(part.polygon)));
  }
});

test("what is taken back is exactly what was", () => {
  const before = ovaryWithThree();
  for (const change of [
    changes.remove([before.marks[1]]),
    changes.rename(before.marks[2], "vessel", GROUND),
    changes.merge(before.marks.slice(1, 3), GROUND),
    changes.addFollicle(square(10, 300, 40), GROUND),
    changes.remark("not_assessable", "shadow"),
  ]) {
    const after = marks.applied(before, change);
    const back = marks.applied(after, marks.reversed(before, change));
    assert.deepEqual(new Set(back.marks), new Set(before.marks));
    assert.deepEqual(back.remarks, before.remarks);
  }
});

test("ids are fresh, also without randomUUID", () => {
  const { randomUUID } = crypto;
  try {
    crypto.randomUUID = undefined;
    const ids = new Set(Array.from({ length: 50 }, () => changes.freshId()));
    assert.equal(ids.size, 50);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  } finally {
    crypto.randomUUID = randomUUID;
  }
});
