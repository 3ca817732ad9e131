// Small charts: marks, axes, dots with intervals, lines and steps, drawn as SVG.
geopoverty.charts = (() => {
  const { dom } = geopoverty;
  const SVG = "http://www.w3.org/2000/svg";
  // Apart in colour for every reader, in shape, and in the dashes of their lines.
  const MARKS = [
    { shape: "circle", color: "#0b5a9d", dash: "" },
    { shape: "square", color: "#a63c00", dash: "7 3" },
    { shape: "triangle", color: "#00684f", dash: "2 3" },
    { shape: "diamond", color: "#7a2f8f", dash: "9 3 2 3" },
  ];

  function svg(tag, options = {}, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === "text") element.textContent = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  // One picture; the table beside it says the same in words.
  const picture = (width, height, label, ...children) => svg("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "gp-chart",
  }, ...children);

  const line = (x1, y1, x2, y2, name) => svg("line", { x1, y1, x2, y2, class: name });

  const word = (x, y, text, options = {}) =>
    svg("text", { x, y, text, direction: "ltr", ...options });

  const ROUNDS = {
    circle: (x, y, r) => svg("circle", { cx: x, cy: y, r }),
    square: (x, y, r) => svg("rect", {
      x: x - 0.9 * r, y: y - 0.9 * r, width: 1.8 * r, height: 1.8 * r,
    }),
    triangle: (x, y, r) => svg("polygon", {
      points: `${x},${y - 1.2 * r} ${x + 1.15 * r},${y + 0.85 * r} ${x - 1.15 * r},${y + 0.85 * r}`,
    }),
    diamond: (x, y, r) => svg("polygon", {
      points: `${x},${y - 1.3 * r} ${x + 1.3 * r},${y} ${x},${y + 1.3 * r} ${x - 1.3 * r},${y}`,
    }),
  };

  function mark(index, x, y, r = 5) {
    const { shape, color } = MARKS[index];
    const drawn = ROUNDS[shape](x, y, r);
    drawn.setAttribute("fill", color);
    drawn.setAttribute("class", "gp-mark");
    return drawn;
  }

  const badge = (index) => svg("svg", {
    viewBox: "0 0 16 16", class: "gp-badge-mark", "aria-hidden": "true",
  }, mark(index, 8, 8, 6));

  // Round numbers from low to high, at most about `count`.
  function ticks(low, high, count = 5) {
    const rough = (high - low) / count || Math.abs(high) || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((times) => times * power >= rough * 0.999) * power;
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const from = Math.floor(low / step + 1e-9);
    const to = Math.max(Math.ceil(high / step - 1e-9), from + 1);
    const values = [];
    for (let k = from; k <= to; k += 1) values.push(+(k * step).toFixed(digits));
    return { values, digits };
  }

  // Where a value lies between two ends of an axis.
  const scale = (low, high, start, end) => (value) =>
    start + (high > low ? (value - low) / (high - low) : 0.5) * (end - start);

  // A path through points; a null breaks it, `stepwise` holds each value to the next.
  function path(points, stepwise = false) {
    let text = "";
    let last = null;
    for (const point of points) {
      if (point === null) {
        last = null;
        continue;
      }
      const [x, y] = point.map((part) => part.toFixed(1));
      if (last === null) text += `M${x},${y}`;
      else text += stepwise ? `H${x}V${y}` : `L${x},${y}`;
      last = point;
    }
    return text;
  }

  // The marks and names of what is drawn, above a chart.
  const key = (entries) => dom.make("ul", { class: "gp-key" },
    ...entries.map(([index, text]) => dom.make("li", {}, badge(index), dom.say("span", text))));

  return { MARKS, svg, picture, line, word, mark, badge, ticks, scale, path, key };
})();
