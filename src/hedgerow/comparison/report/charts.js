(() => {
  "use strict";

  const HEIGHT = 240;
  const CROWD = 40;
  const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
  const DASHES = { popularity: [2, 4], pooled: [8, 4], without: [] };
  const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

  const charts = JSON.parse(document.getElementById("chart-data").textContent);
  const places = [...document.querySelectorAll("[data-chart]")];
  const drawn = new Map();

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const text = (value) => String(Number(value.toPrecision(3)));
  const decimals = (step) => (text(step).split(".")[1] ?? "").length;

  function referenceLines(references) {
    return (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.lineWidth = 1.5 * devicePixelRatio;
      for (const { contender, value } of references) {
        const y = Math.round(plot.valToPos(value, "y", true));
        ctx.strokeStyle = colour(contender);
        ctx.setLineDash(DASHES[contender].map((length) => length * devicePixelRatio));
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
      ctx.restore();
    };
  }

  function intervals(series) {
    return (plot) => {
      const { ctx, bbox } = plot;
      const cap = 4 * devicePixelRatio;
      ctx.save();
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      for (const { contender, intervals = [] } of series) {
        ctx.strokeStyle = colour(contender);
        ctx.beginPath();
        intervals.forEach((bounds, place) => {
          if (bounds === null) return;
          const x = plot.valToPos(plot.data[0][place], "x", true);
          const [low, high] = bounds.map((bound) => plot.valToPos(bound, "y", true));
          ctx.moveTo(x, low);
          ctx.lineTo(x, high);
          for (const y of [low, high]) {
            ctx.moveTo(x - cap, y);
            ctx.lineTo(x + cap, y);
          }
        });
        ctx.stroke();
      }
      ctx.restore();
    };
  }

  function readout(chart) {
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    return {
      init: (plot) => plot.over.append(tip),
      setCursor: (plot) => {
        const { idx, left } = plot.cursor;
        const inside = idx !== null && idx !== undefined && left >= 0;
        const series = inside && chart.series.find((s) => s.values[idx] !== null);
        tip.hidden = !series;
        if (!series) return;
        tip.textContent =
          `${chart.x_title} ${text(chart.x[idx])} · ${chart.y_title} ${text(series.values[idx])}`;
        const at = plot.valToPos(chart.x[idx], "x");
        const furthest = plot.over.clientWidth - tip.offsetWidth;
        tip.style.left = `${Math.max(0, Math.min(at - tip.offsetWidth / 2, furthest))}px`;
      },
    };
  }

  function options(chart, width) {
    const tip = readout(chart);
    const axis = {
      stroke: colour("muted"),
      font: FONT,
      values: (plot, splits, index, space, step) =>
        splits.map((split) => split.toFixed(decimals(step))),
    };
    const grid = { stroke: colour("line"), width: 1 };
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: () => chart.x_range, ...(chart.x_ticks && { distr: 3, log: 2 }) },
        y: { range: () => chart.y_range },
      },
      axes: [
        {
          ...axis,
          label: chart.x_title,
          labelFont: FONT,
          labelSize: 22,
          size: 32,
          grid: { show: false },
          ticks: { ...grid, size: 5 },
          space: chart.whole ? 30 : 50,
          incrs: chart.whole ? WHOLE : undefined,
          ...(chart.x_ticks && { splits: () => chart.x_ticks, values: () => chart.x_ticks.map(text) }),
        },
        { ...axis, size: 48, grid, ticks: { show: false } },
      ],
      series: [
        {},
        ...chart.series.map(({ contender }) => ({
          stroke: colour(contender),
          width: 2,
          paths: chart.joined ? undefined : () => null,
          points: { show: true, size: chart.x.length > CROWD ? 4 : 8, fill: colour(contender) },
        })),
      ],
      hooks: {
        init: [tip.init],
        setCursor: [tip.setCursor],
        drawAxes: [referenceLines(chart.references)],
        draw: [intervals(chart.series)],
      },
    };
  }

  function draw(place) {
    const chart = charts[Number(place.dataset.chart)];
    drawn.get(place)?.destroy();
    const data = [chart.x, ...chart.series.map((series) => series.values)];
    drawn.set(place, new uPlot(options(chart, place.clientWidth), data, place));
  }

  const drawAll = () => places.forEach(draw);
  drawAll();

  // Canvases do not follow the style sheet: they are drawn anew in the colours that hold now.
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", drawAll);
  }
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const plot = drawn.get(target);
      if (plot.width !== target.clientWidth) {
        plot.setSize({ width: target.clientWidth, height: HEIGHT });
      }
    }
  });
  places.forEach((place) => sizes.observe(place));
})();
