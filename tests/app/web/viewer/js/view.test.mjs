import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./load.mjs";

const { View } = await load("view");
const { Clock } = await load("clock");
const { rateOf, timesOf } = await load("player");
const { nameOf } = await load("keys");
const { unpacked } = await load("reels");
const { gettext, ngettext } = await load("i18n");

function view(stretch = 1) {
  const made = new View();
  made.setScreen(800, 600);
  made.setPicture(640, 480, stretch);
  return made;
}

test("the whole picture is seen at first", () => {
  const made = view();
  const [left, top] = made.toScreen([-0.5, -0.5]);
  const [right, bottom] = made.toScreen([639.5, 479.5]);
  assert.deepEqual([left, top, right, bottom], [0, 0, 800, 600]);
});

test("screen and picture go back and forth at any zoom, flipped and stretched", () => {
  for (const flip of [false, true]) {
    for (const stretch of [1, 1.7]) {
      const made = view(stretch);
      if (flip) made.flip();
      made.zoomBy(3.3, [123, 456]);
      made.panBy(17, -9);
      const [x, y] = made.toPicture(made.toScreen([101.25, 44.5]));
      assert.ok(Math.abs(x - 101.25) < 1e-9 && Math.abs(y - 44.5) < 1e-9);
    }
  }
});

test("zooming keeps the point under the pointer", () => {
  for (const flip of [false, true]) {
    const made = view();
    if (flip) made.flip();
    const before = made.toPicture([200, 150]);
    made.zoomBy(2, [200, 150]);
    const after = made.toPicture([200, 150]);
    assert.ok(Math.hypot(before[0] - after[0], before[1] - after[1]) < 1e-6);
  }
});

test("panning follows the hand, flipped too", () => {
  const made = view();
  made.flip();
  made.zoomBy(2, [400, 300]);
  const [x] = made.toScreen([300, 200]);
  made.panBy(30, 0);
  assert.ok(Math.abs(made.toScreen([300, 200])[0] - x - 30) < 1e-9);
});

test("time counts only while something is done", () => {
  let now = 0;
  const clock = new Clock(() => now);
  now = 5_000;
  assert.equal(clock.take(), 5);
  now = 605_000;
  assert.equal(clock.take(), 60);
  clock.seen(false);
  now = 1_205_000;
  clock.seen(true);
  now = 1_207_000;
  assert.equal(clock.take(), 2);
});

test("a sweep is played at the times of its file, or says that the rate is assumed", () => {
  const stated = { frame_count: 3, frame_times_s: [1, 1.05, 1.1], frames_per_second: null };
  assert.deepEqual(timesOf(stated, 15).map(Math.round), [0, 50, 100]);
  assert.deepEqual(rateOf(stated, 15).isStated, true);
  const unknown = { frame_count: 3, frame_times_s: null, frames_per_second: null };
  assert.deepEqual(timesOf(unknown, 10), [0, 100, 200]);
  assert.equal(rateOf(unknown, 10).isStated, false);
  const broken = { frame_count: 3, frame_times_s: [0, 5, 2], frames_per_second: null };
  assert.deepEqual(timesOf(broken, 10), [0, 100, 200]);
});

test("keys are named as the table writes them", () => {
  const press = (key, more = {}) => nameOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
  assert.equal(press("Z", { ctrlKey: true, shiftKey: true }), "Control+Shift+z");
  assert.equal(press("?", { shiftKey: true }), "?");
  assert.equal(press("ArrowUp", { altKey: true }), "Alt+ArrowUp");
  assert.equal(press("]"), "]");
});

test("a reel is unpacked into its pictures", async () => {
  const packed = new Uint8Array([0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 97, 98, 99]);
  const pictures = await Promise.all(unpacked(packed.buffer).map((one) => one.text()));
  assert.deepEqual(pictures, ["ab", "c"]);
});

test("words are filled, in English where there is no catalogue", () => {
  assert.equal(gettext("{a} of {b}, {c}", { a: 1, b: 2 }), "1 of 2, {c}");
  assert.equal(ngettext("{count} mark", "{count} marks", 1), "1 mark");
  assert.equal(ngettext("{count} mark", "{count} marks", 0), "0 marks");
});
