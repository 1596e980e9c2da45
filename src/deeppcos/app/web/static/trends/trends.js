// Draws each series with uPlot: line, value, interval, and the laboratory's limit.
"use strict";

const DAY = 86400;
const HEIGHT = 208;

/** A colour of the design system, as it is in the theme in use. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Seconds of the start of a day. */
function seconds(day) {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}

/** One calendar for all charts, so that the same day stands at the same place. */
function calendar(all) {
  const days = all.flatMap((one) => one.points.map((point) => seconds(point.day)));
  const low = Math.min(...days);
  const high = Math.max(...days);
  const room = Math.max(15 * DAY, (high - low) * 0.06);
  return [low - room, high + room];
}

/** From zero to above the highest value, interval or limit: a truncated axis exaggerates. */
function height(one) {
  const values = one.points.flatMap((p) => [p.value, p.high, p.limit]).filter((v) => v !== null);
  return [0, Math.max(...values) * 1.15 || 1];
}

/** Days as people here write them; the year where it changes. */
function dayWords(plot, splits) {
  const words = new Intl.DateTimeFormat(document.documentElement.lang || "en-GB", {
    day: "numeric", month: "short", timeZone: "UTC",
  });
  let before = null;
  return splits.map((split) => {
    const day = new Date(split * 1000);
    const year = day.getUTCFullYear();
    const isNew = year !== before;
    before = year;
    return isNew ? `${words.format(day)}\n${year}` : words.format(day);
  });
}

/** Draws intervals and points over the line. */
function markPoints(one) {
  return (plot) => {
    const { ctx } = plot;
    const ratio = window.devicePixelRatio || 1;
    ctx.save();
    ctx.setLineDash([]);
    ctx.lineWidth = 2 * ratio;
    ctx.strokeStyle = colour("accent");
    for (const point of one.points) {
      const x = plot.valToPos(seconds(point.day), "x", true);
      if (point.low !== null && point.high !== null) {
        ctx.beginPath();
        ctx.moveTo(x, plot.valToPos(point.low, "y", true));
        ctx.lineTo(x, plot.valToPos(point.high, "y", true));
        ctx.stroke();
      }
      ctx.beginPath();
      ctx.arc(x, plot.valToPos(point.value, "y", true), 4.5 * ratio, 0, 2 * Math.PI);
      ctx.fillStyle = colour(point.signed ? "accent" : "card");
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  };
}

function draw(place, one, days) {
  place.replaceChildren();
  const axis = {
    stroke: colour("muted"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  const options = {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { range: () => days }, y: { range: () => height(one) } },
    axes: [{ ...axis, space: 70, values: dayWords }, { ...axis, size: 46 }],
    series: [
      {},
      { stroke: colour("accent"), width: 2, points: { show: false } },
      { stroke: colour("unknown"), width: 2, dash: [6, 5], points: { show: one.points.length < 2 } },
    ],
    hooks: { draw: [markPoints(one)] },
  };
  const data = [
    one.points.map((point) => seconds(point.day)),
    one.points.map((point) => point.value),
    one.points.map((point) => point.limit),
  ];
  new uPlot(options, data, place);
}

function drawAll() {
  const all = JSON.parse(document.getElementById("trends").textContent);
  const days = calendar(all);
  for (const place of document.querySelectorAll(".chart")) {
    draw(place, all[Number(place.dataset.series)], days);
  }
}

if (document.getElementById("trends")) {
  drawAll();
  let waiting = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(drawAll);
  }).observe(document.querySelector(".lines"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
}
