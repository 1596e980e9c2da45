// The frames of a sweep as a line: how many follicles stand in each, where somebody corrected,
// where no ovary can be judged. Owns the drawing behind the slider.

import { sectionCount } from "./marks.js";

/** @import {FrameMarks} from "./types.js" */

/**
 * One frame as the line shows it.
 * @typedef {{count: number, assessable: boolean, edited: boolean}} FrameState
 */

/**
 * @param {FrameMarks} marks
 * @param {boolean} assessable
 * @param {boolean} edited
 * @returns {FrameState}
 */
export function frameState(marks, assessable, edited) {
  const count = sectionCount(marks);
  const isRefused = marks.remarks.some((remark) => remark.kind === "not_assessable");
  return { count: count.counted, assessable: assessable && !isRefused && count.hasOvary, edited };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {FrameState[]} states
 */
export function drawTimeline(canvas, states) {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  if (!context || !states.length) return;
  context.scale(ratio, ratio);
  const thumb = 14;
  const step = (width - thumb) / Math.max(1, states.length - 1);
  const most = Math.max(4, ...states.map((state) => state.count));
  const bar = Math.max(1, Math.min(12, step - 1));
  states.forEach((state, i) => {
    const x = thumb / 2 + i * step;
    const tall = state.assessable ? 3 + ((height - 16) * state.count) / most : 2;
    context.fillStyle = state.assessable ? "#5f7fb8" : "#39445a";
    context.fillRect(x - bar / 2, height - 6 - tall, bar, tall);
    if (state.edited) {
      context.fillStyle = "#f4dc4e";
      context.beginPath();
      context.arc(x, height - 2.5, 2.2, 0, 2 * Math.PI);
      context.fill();
    }
  });
}
