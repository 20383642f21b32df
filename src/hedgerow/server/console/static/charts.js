(() => {
  "use strict";

  const HEIGHT = 240;
  const CROWD = 60;
  const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

  const figures = [...document.querySelectorAll("figure.chart")];
  const drawn = new Map();

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const short = (value) => {
    const size = Math.abs(value);
    for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
      if (size >= unit) return `${Number((value / (unit === 1e4 ? 1e3 : unit)).toPrecision(3))} ${name}`;
    }
    return String(Number(value.toPrecision(4)));
  };

  // The table beside a chart is all that is known of it: its columns say how they are drawn.
  function read(figure) {
    const heads = [...figure.querySelectorAll("thead th")];
    const rows = [...figure.querySelectorAll("tbody tr")].reverse();
    const columns = heads.map((head, place) => ({
      head: head.textContent,
      drawn: head.dataset.drawn,
      colour: head.dataset.colour,
      values: rows.map((row) => {
        const value = row.cells[place].dataset.v;
        return value === undefined ? null : Number(value);
      }),
    }));
    return {
      x: columns.find((column) => column.drawn === "x"),
      lines: columns.filter((column) => column.drawn === "line"),
      low: columns.find((column) => column.drawn === "low"),
      high: columns.find((column) => column.drawn === "high"),
      levels: JSON.parse(figure.dataset.levels),
      unit: figure.dataset.unit,
      zero: "zero" in figure.dataset,
    };
  }

  function range(chart) {
    const values = [...chart.lines, chart.low, chart.high]
      .filter(Boolean)
      .flatMap((column) => column.values)
      .concat(chart.levels.map((level) => level.value))
      .filter((value) => value !== null);
    const high = Math.max(...values);
    const low = chart.zero ? 0 : Math.min(...values);
    const space = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    return [chart.zero ? 0 : low - space, high + space];
  }

  function levels(chart) {
    return (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash([6, 4].map((length) => length * devicePixelRatio));
      for (const level of chart.levels) {
        const y = Math.round(plot.valToPos(level.value, "y", true));
        ctx.strokeStyle = colour(level.colour);
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
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
        tip.hidden = idx === null || idx === undefined || left < 0;
        if (tip.hidden) return;
        const figures = chart.lines
          .filter((line) => line.values[idx] !== null)
          .map((line) => `${line.head} ${short(line.values[idx])}`);
        tip.textContent = [`${chart.x.head} ${chart.x.values[idx]}`, ...figures].join(" · ");
        const at = plot.valToPos(chart.x.values[idx], "x");
        const furthest = plot.over.clientWidth - tip.offsetWidth;
        tip.style.left = `${Math.max(0, Math.min(at - tip.offsetWidth / 2, furthest))}px`;
      },
    };
  }

  function options(chart, width) {
    const tip = readout(chart);
    const axis = { stroke: colour("muted"), font: FONT, labelFont: FONT, labelSize: 20 };
    const grid = { stroke: colour("line"), width: 1 };
    const points = chart.x.values.length <= CROWD;
    const series = chart.lines.map((line) => ({
      stroke: colour(line.colour),
      width: 2,
      spanGaps: true,
      points: { show: points, size: 6, fill: colour(line.colour) },
    }));
    const bounds = chart.low ? [{ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } }] : [];
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false }, y: { range: () => range(chart) } },
      axes: [
        { ...axis, label: chart.x.head, size: 30, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000], ticks: grid },
        { ...axis, label: chart.unit, size: 56, grid, ticks: grid, values: (plot, splits) => splits.map(short) },
      ],
      series: [{}, ...series, ...bounds],
      bands: chart.low
        ? [{ series: [series.length + 2, series.length + 1], fill: colour(chart.lines[0].colour) + "2e" }]
        : [],
      hooks: {
        init: [tip.init],
        setCursor: [tip.setCursor],
        drawAxes: [levels(chart)],
      },
    };
  }

  function draw(figure) {
    const place = figure.querySelector(".plot");
    const chart = read(figure);
    drawn.get(figure)?.destroy();
    place.textContent = "";
    // The place has a width only once it is not empty.
    place.append(document.createElement("i"));
    const width = place.clientWidth;
    place.textContent = "";
    const data = [chart.x, ...chart.lines, chart.low, chart.high]
      .filter(Boolean)
      .map((column) => column.values);
    drawn.set(figure, new uPlot(options(chart, width), data, place));
  }

  const drawAll = () => figures.forEach(draw);
  drawAll();

  // Canvases do not follow the style sheet: they are drawn anew in the colours that hold now.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const plot = drawn.get(target.closest("figure"));
      if (plot && target.clientWidth && plot.width !== target.clientWidth) {
        plot.setSize({ width: target.clientWidth, height: HEIGHT });
      }
    }
  });
  figures.forEach((figure) => sizes.observe(figure.querySelector(".plot")));
})();
