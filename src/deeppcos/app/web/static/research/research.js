"use strict";
// Draws the figures that have an axis with uPlot, and tells each mark's numbers under the pointer.
(() => {
  const place = document.getElementById("charts");
  if (!place) return;
  const charts = JSON.parse(place.textContent);
  const WITHHELD = "withheld";
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const isNumber = (value) => typeof value === "number";

  function showTip(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.min(innerWidth - box.width - 8, Math.max(8, x + 14))}px`;
    tip.style.top = `${Math.max(8, y - box.height - 10)}px`;
  }

  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (mark) showTip(mark.dataset.tip, event.clientX, event.clientY);
    else if (!event.target.closest?.(".chart")) tip.hidden = true;
  });

  // A block of the flow lights the ribbons that begin or end in it.
  for (const flow of document.querySelectorAll(".flow")) {
    const light = (test) => {
      flow.classList.toggle("is-asked", Boolean(test));
      for (const ribbon of flow.querySelectorAll(".ribbon")) {
        ribbon.classList.toggle("is-lit", Boolean(test && test(ribbon)));
      }
    };
    flow.addEventListener("pointerover", (event) => {
      const block = event.target.closest(".block");
      const ribbon = event.target.closest(".ribbon");
      if (block) light((one) => one.dataset[block.dataset.side] === block.dataset.label);
      else if (ribbon) light((one) => one === ribbon);
      else light(null);
    });
    flow.addEventListener("pointerleave", () => light(null));
  }

  function records(chart) {
    return chart.rows.map((row) => Object.fromEntries(chart.columns.map((name, n) => [name, row[n]])));
  }

  /** Hatches the room of a withheld mark from the bottom to the top. */
  function hatch(ctx, left, right, top, bottom) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, right - left, bottom - top);
    ctx.clip();
    ctx.fillStyle = colour("sunken");
    ctx.fillRect(left, top, right - left, bottom - top);
    ctx.strokeStyle = colour("hatch");
    ctx.lineWidth = 1.2;
    const step = 7 * (devicePixelRatio || 1);
    for (let x = left - (bottom - top); x < right; x += step) {
      ctx.beginPath();
      ctx.moveTo(x, bottom);
      ctx.lineTo(x + (bottom - top), top);
      ctx.stroke();
    }
    ctx.restore();
  }

  const main = { bars: (row) => row.share, lines: (row) => row.women, intervals: (row) => row.median };
  const ends = {
    bars: (row) => [row.low, row.high],
    lines: (row) => [row.women],
    intervals: (row) => [row.low, row.high, row.lower_quartile, row.upper_quartile],
  };

  function words(kind, row, unit) {
    if (!isNumber(main[kind](row))) return `${row.label}: withheld`;
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    if (kind === "bars") return `${row.label}: ${row.women} (${percent(row.share)}, ${percent(row.low)} to ${percent(row.high)})`;
    if (kind === "lines") return `${row.label}: ${row.women} women`;
    return `${row.label}: median ${row.median} (${row.low} to ${row.high}) ${unit}, quartiles ${row.lower_quartile} and ${row.upper_quartile}; ${row.women} women`;
  }

  /** Marks over the grid: bars with intervals, points with quartiles, withheld room. */
  function marks(kind, rows) {
    return (plot) => {
      const { ctx, bbox } = plot;
      const ratio = devicePixelRatio || 1;
      const x = (n) => plot.valToPos(n, "x", true);
      const y = (value) => plot.valToPos(value, "y", true);
      const half = Math.min(28 * ratio, (x(1) - x(0)) * 0.34);
      ctx.save();
      ctx.setLineDash([]);
      rows.forEach((row, n) => {
        const value = main[kind](row);
        if (!isNumber(value)) {
          if (value === WITHHELD) hatch(ctx, x(n) - half, x(n) + half, bbox.top, bbox.top + bbox.height);
          return;
        }
        if (kind === "bars") {
          ctx.fillStyle = colour("ramp-2");
          ctx.fillRect(x(n) - half, y(value), 2 * half, y(0) - y(value));
        }
        if (kind === "intervals") {
          ctx.fillStyle = colour("ramp-1");
          ctx.fillRect(x(n) - half * 0.55, y(row.upper_quartile), half * 1.1, y(row.lower_quartile) - y(row.upper_quartile));
        }
        if (kind !== "lines") {
          ctx.strokeStyle = colour("ink");
          ctx.lineWidth = 2 * ratio;
          ctx.beginPath();
          ctx.moveTo(x(n), y(row.low));
          ctx.lineTo(x(n), y(row.high));
          ctx.stroke();
        }
        if (kind !== "bars") {
          ctx.fillStyle = colour("accent");
          ctx.strokeStyle = colour("card");
          ctx.lineWidth = 1.5 * ratio;
          ctx.beginPath();
          ctx.arc(x(n), y(value), (kind === "lines" ? 4 : 5.5) * ratio, 0, 2 * Math.PI);
          ctx.fill();
          ctx.stroke();
        }
      });
      ctx.restore();
    };
  }

  /** Short labels where there is little room: every second, third ... of a long row. */
  function named(rows, width) {
    const most = Math.max(2, Math.floor(width / 64));
    const step = Math.ceil(rows.length / most);
    return (plot, splits) => splits.map((n) => {
      const row = rows[n];
      if (!row || n % step) return "";
      return row.label.replace("AMH ", "").replace(" ng/mL", "");
    });
  }

  function draw(host) {
    const chart = charts[host.dataset.chart];
    const kind = chart.drawing;
    const rows = records(chart).filter((row) => row.women !== 0 || kind === "lines");
    const values = rows.map((row) => (isNumber(main[kind](row)) ? main[kind](row) : null));
    const most = Math.max(...rows.flatMap((row) => ends[kind](row)).filter(isNumber), 0);
    const axis = {
      stroke: colour("muted"), font: "12px system-ui, sans-serif",
      grid: { stroke: colour("line"), width: 1 }, ticks: { show: false },
    };
    host.replaceChildren();
    const width = host.clientWidth;
    const plot = new uPlot({
      width, height: host.clientHeight,
      legend: { show: false },
      cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: () => [-0.6, rows.length - 0.4] }, y: { range: () => [0, most * 1.1 || 1] } },
      axes: [
        { ...axis, grid: { show: false }, splits: () => rows.map((_, n) => n), values: named(rows, width), size: 34,
          label: host.dataset.chart === "follicles_amh" ? "AMH, ng/mL" : undefined, labelSize: 18, labelFont: "12px system-ui, sans-serif" },
        { ...axis, size: 50, values: (_, splits) => splits.map((v) => (kind === "bars" ? `${Math.round(v * 100)} %` : v)) },
      ],
      series: [{}, { stroke: colour("accent"), width: kind === "lines" ? 2 : 0, points: { show: false }, paths: kind === "lines" ? undefined : () => null, spanGaps: false }],
      hooks: {
        draw: [marks(kind, rows)],
        setCursor: [(own) => {
          const { left, top } = own.cursor;
          if (left < 0) { tip.hidden = true; return; }
          const row = rows[Math.round(own.posToVal(left, "x"))];
          const box = own.over.getBoundingClientRect();
          if (row) showTip(words(kind, row, chart.unit), box.left + left, box.top + top);
        }],
      },
    }, [rows.map((_, n) => n), values], host);
    host.plot = plot;
  }

  function drawAll() {
    for (const host of document.querySelectorAll("[data-chart]")) draw(host);
  }

  drawAll();
  let waiting = 0;
  const soon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(drawAll);
  };
  new ResizeObserver(soon).observe(document.querySelector(".figures"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
})();
