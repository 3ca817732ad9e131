// The legend of a picture, as words and swatches drawn from the top down.
geopoverty.pictureKey = (() => {
  const { charts, legend, legendSquare, numbers, pictureText } = geopoverty;
  const { svg } = charts;
  const { block, one } = pictureText;
  const SWATCH = { x: 28, y: 17 };
  const CELL = { x: 62, y: 40 };
  const SOFT = "#4d5a65";
  const EDGE = "#6b7780";

  function swatch(x, y, entry, fill) {
    const look = entry.color === null ? { color: "#ffffff", pattern: "dots" } : entry;
    return svg("rect", {
      x, y, width: SWATCH.x, height: SWATCH.y, fill: fill(look), stroke: EDGE,
      "stroke-width": 0.6,
    });
  }

  // Rows of { label, color, pattern, count }.
  function list(x, y, entries, room, { fill, counts }) {
    const nodes = [];
    let at = y;
    for (const entry of entries) {
      const said = block(x + SWATCH.x + 10, at - 1, entry.label, {
        room: room - SWATCH.x - (counts ? 66 : 10), size: 13, most: 3,
      });
      nodes.push(svg("g", {}, swatch(x, at, entry, fill), ...said.nodes,
        counts ? one(x + room, at + 13, numbers.plain(entry.count), {
          size: 13, color: SOFT, "text-anchor": "end",
        }) : null));
      at += Math.max(SWATCH.y, said.height) + 7;
    }
    return { nodes, bottom: at };
  }

  const titled = ({ label, unit }, arrow) => `${label}${unit ? `, ${unit}` : ""} ${arrow}`;

  // Two numbers crossed: a square, x across and y upwards.
  function square(x, y, { x: across, y: up, rows }, room, fill) {
    const nodes = [];
    const top = block(x, y, titled(up, "\u2191"), { room, size: 13, weight: 600, most: 3 });
    nodes.push(...top.nodes);
    let at = y + top.height + 6;
    rows.forEach((row, down) => {
      row.forEach((entry, k) => {
        const left = x + k * CELL.x;
        nodes.push(svg("g", {}, svg("title", { text: pictureText.clean(entry.label) }),
          svg("rect", { x: left, y: at, width: CELL.x, height: CELL.y, fill: fill(entry),
            stroke: EDGE, "stroke-width": 0.6 }),
          one(left + CELL.x / 2, at + CELL.y / 2 + 4.5, numbers.plain(entry.count), {
            size: 13, color: legendSquare.inkOn(entry.color), "text-anchor": "middle",
          })));
      });
      const level = up.levels.length - 1 - down;
      const left = x + row.length * CELL.x + 8;
      nodes.push(one(left, at + 16, up.levels[level], { size: 12 }),
        one(left, at + 31, up.ranges[level], { size: 10.5, color: SOFT }));
      at += CELL.y;
    });
    const below = across.levels.map((level, k) => {
      const middle = x + (k + 0.5) * CELL.x;
      const range = block(middle, at + 20, across.ranges[k], {
        room: CELL.x - 6, size: 10.5, color: SOFT, "text-anchor": "middle",
      });
      nodes.push(one(middle, at + 16, level, { size: 12, "text-anchor": "middle" }),
        ...range.nodes);
      return range.height;
    });
    at += 24 + Math.max(...below);
    const under = block(x, at, titled(across, "\u2192"), {
      room, size: 13, weight: 600, most: 3,
    });
    return { nodes: [...nodes, ...under.nodes], bottom: at + under.height + 12 };
  }

  // How the classes were cut, as the legend beside the map says it.
  function method(view, { counts, part }) {
    const said = legend.parts(view).find((each) => each.className === "gp-method");
    const text = said ? said.textContent : "";
    if (!counts) return text.replace(/\s*(On the right|In the squares): .*$/, "");
    return part ? text.replace(/counties\.$/, "counties of the whole map.") : text;
  }

  function draw(x, y, view, room, { fill, counts = true, part = false }) {
    const grid = legend.grid(view);
    const entries = legend.entries(view);
    const { unit } = view.indicator;
    const nodes = [];
    let at = y;
    if (unit) {
      const said = block(x, at, unit === "%" ? "per cent" : unit,
        { room, size: 13, color: SOFT, most: 2 });
      nodes.push(...said.nodes);
      at += said.height + 6;
    }
    if (grid) {
      const drawn = square(x, at, grid, room, fill);
      nodes.push(...drawn.nodes);
      at = drawn.bottom;
    }
    const rows = list(x, at, grid ? entries.slice(-1) : entries, room, { fill, counts });
    const how = block(x, rows.bottom + 2, method(view, { counts, part }),
      { room, size: 11, color: SOFT });
    return {
      node: svg("g", {}, svg("title", { text: "Legend" }), ...nodes, ...rows.nodes,
        ...how.nodes),
      bottom: rows.bottom + how.height + 4,
    };
  }

  return { draw };
})();
