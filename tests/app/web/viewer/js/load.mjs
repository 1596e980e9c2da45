// Where the viewer's modules lie, for the tests that node runs.

const folder = new URL("../../../../../src/deeppcos/app/web/static/viewer/", import.meta.url);

/** @param {string} name */
export function load(name) {
  return import(new URL(`${name}.js`, folder).href);
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} side
 */
export function square(x, y, side = 10) {
  return [[x, y], [x + side, y], [x + side, y + side], [x, y + side]];
}

export const SCALE = { x: 0.1, y: 0.1, source: "dicom_regions" };
export const GROUND = {
  scale: SCALE, limits: { smallest_counted_mm: 2, dominant_from_mm: 10 }, width: 640, height: 480,
};

/**
 * @param {string} id
 * @param {number[][]} polygon
 * @param {object} more
 */
export function mark(id, polygon, more = {}) {
  return { id, kind: "antral", polygon, by: "machine", kind_by: "size", probability: 0.9, ...more };
}

export function ovaryWithThree() {
  return {
    marks: [
      mark("m:p:0:o0", square(0, 0, 400), { kind: "ovary" }),
      mark("m:p:0:o0f0", square(50, 50, 50)),
      mark("m:p:0:o0f1", square(150, 50, 50)),
      mark("m:p:0:o0f2", square(250, 50, 50)),
    ],
    remarks: [],
  };
}
