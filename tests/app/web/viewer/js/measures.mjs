// Prints what the browser measures of outlines given on standard input, for the test that
// compares it with what the server measures.

import { load } from "./load.mjs";

const geometry = await load("geometry");
const marks = await load("marks");
let text = "";
for await (const part of process.stdin) text += part;
const { outlines, scale, limits } = JSON.parse(text);
process.stdout.write(JSON.stringify(outlines.map((polygon) => {
  const { longest, across } = geometry.diameters(polygon, scale);
  return {
    area: geometry.area(polygon),
    centroid: geometry.centroid(polygon),
    longest,
    across,
    kind: marks.kindBySize(polygon, scale, limits),
  };
})));
