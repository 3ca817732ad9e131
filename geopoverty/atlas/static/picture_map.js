// A map as a drawing: a group a class, a shape a county, borders and frames above.
geopoverty.pictureMap = (() => {
  const { charts, countymap, data, facts, legend, paint, patterns, pictureText, shapes } =
    geopoverty;
  const { svg } = charts;
  const FINEST = 0.35; // pixels: bends below this are left out
  const HATCH = 7;
  const DOTS = 5;

  const flat = (at) => countymap.map.options.crs.latLngToPoint(at, 0);

  // All of the map, or the part of it in view, on the plane of the map.
  function whole() {
    const { arcs, frames } = shapes.all();
    return L.bounds([...arcs, ...frames].flat().map(flat));
  }

  function inView() {
    const bounds = countymap.map.getBounds();
    return L.bounds([flat(bounds.getSouthWest()), flat(bounds.getNorthEast())]);
  }

  const round = (number) => Math.round(number * 10) / 10;

  // Points without those too close to the one before; both ends stay.
  function thinned(points) {
    const kept = [];
    points.forEach((at, k) => {
      const last = kept.at(-1);
      if (!last || k === points.length - 1 ||
        Math.hypot(at[0] - last[0], at[1] - last[1]) >= FINEST) kept.push(at);
    });
    return kept;
  }

  // The arcs in pixels of a frame: { arcs, borders, frames, units }.
  function outlines(bounds, scale) {
    const { arcs, borders, frames } = shapes.all();
    const { min } = bounds;
    const pixels = (line) => line.map((at) => {
      const { x, y } = flat(at);
      return [round((x - min.x) * scale), round((y - min.y) * scale)];
    });
    const made = new Map(arcs.map((arc) => [arc, thinned(pixels(arc))]));
    const list = [...made.values()];
    return {
      arcs: list,
      borders: borders.map((arc) => made.get(arc)),
      frames: frames.map(pixels),
      units: data.shapes.units.map((polygons) => polygons.flat().map((numbers) =>
        shapes.ring(numbers, list))),
    };
  }

  const line = (points, end = "") =>
    `M${points.map(([x, y]) => `${x} ${y}`).join("L")}${end}`;

  const shapeOf = (rings) => rings.map((ring) => line(ring, "Z")).join("");

  function touches(rings, { x, y }) {
    const box = L.bounds(rings.flat());
    return box.isValid() && box.intersects(L.bounds([0, 0], [x, y]));
  }

  // What is laid over a colour, with the colour below, as one tile.
  function tile(id, color, pattern) {
    const size = pattern === "hatch" ? HATCH : DOTS;
    const back = svg("rect", { width: size, height: size, fill: color });
    const marks = pattern === "hatch"
      ? [svg("path", {
        d: `M-1 ${size + 1}L${size + 1} -1M-1 1L1 -1M${size - 1} ${size + 1}L${size + 1} ${size - 1}`,
        stroke: "#8b959e", "stroke-width": 1,
      })]
      : [["#ffffff", 1.2, 0.55], ["#3a4651", 0.75, 1]].map(([fill, r, opacity]) =>
        svg("circle", { cx: size / 2, cy: size / 2, r, fill, "fill-opacity": opacity }));
    return svg("pattern", {
      id, width: size, height: size, patternUnits: "userSpaceOnUse",
    }, back, ...marks);
  }

  // One tile a colour and pattern: { defs, fill({ color, pattern }) }.
  function tiles(prefix) {
    const defs = svg("defs");
    const known = new Map();
    function fill({ color, pattern }) {
      if (!pattern) return color;
      const name = `${prefix}-${pattern}-${color.replace(/\W/g, "")}`;
      if (!known.has(name)) {
        known.set(name, true);
        defs.append(tile(name, color, pattern));
      }
      return `url(#${name})`;
    }
    return { defs, fill };
  }

  // Counties that look the same, together, under what the legend calls them.
  function classes(view, { seen, shape, joined }, fill, lookOf) {
    const groups = new Map();
    seen.forEach((county) => {
      const look = lookOf(view, county);
      const key = fill(look);
      if (!groups.has(key)) groups.set(key, { look, counties: [] });
      groups.get(key).counties.push(county);
    });
    const entries = legend.entries(view);
    const nameOf = ({ color, pattern }) => {
      const entry = entries.find((each) => each.color === color &&
        (each.pattern ?? null) === (pattern === "dots" ? null : pattern));
      const weak = pattern === "dots" ? ", not significant" : "";
      return `${entry ? entry.label : "Counties"}${weak}`;
    };
    return [...groups].map(([key, { look, counties }]) =>
      svg("g", { fill: key }, svg("title", { text: pictureText.clean(nameOf(look)) }),
        ...(joined ? [joined(counties)] : counties.map((county) => shape(county, svg("title", {
          text: pictureText.clean(`${facts.place(county)}: ${facts.value(view, county)}`),
        }))))));
  }

  // How counties are drawn: by a path each, which several maps share; or (on paper) by
  // one path a class.
  function shaper(set, size, { several, joined, prefix }, defs) {
    const seen = set.units.flatMap((rings, county) =>
      (rings.length && touches(rings, size) ? [county] : []));
    const path = (county, ...children) =>
      svg("path", { d: shapeOf(set.units[county]) }, ...children);
    if (joined) {
      return { seen, joined: (counties) => svg("path", {
        d: counties.map((county) => shapeOf(set.units[county])).join(""),
      }) };
    }
    if (!several) return { seen, shape: path };
    const idOf = (county) => `${prefix}-unit-${county}`;
    for (const county of seen) {
      const made = path(county);
      made.id = idOf(county);
      defs.append(made);
    }
    return {
      seen,
      shape: (county, title) => svg("use", { href: `#${idOf(county)}` }, title),
    };
  }

  const lines = (which, title, stroke, width) => (which.length
    ? svg("path", {
      d: which.map((points) => line(points)).join(""), fill: "none", stroke,
      "stroke-width": width, "stroke-linejoin": "round",
    }, svg("title", { text: title })) : null);

  function outlined(set, county, size) {
    if (county === null || !touches(set.units[county], size)) return null;
    const d = shapeOf(set.units[county]);
    const ring = (stroke, width) => svg("path", { d, fill: "none", stroke,
      "stroke-width": width, "stroke-linejoin": "round" });
    return svg("g", {},
      svg("title", { text: pictureText.clean(`Chosen: ${facts.place(county)}`) }),
      ring("#ffffff", 4.5), ring("#14202b", 2.5));
  }

  // The size in pixels of a map that fits into a room.
  function fitted(bounds, room) {
    const { x, y } = bounds.getSize();
    const scale = Math.min(room.x / x, room.y / y);
    return { scale, x: Math.ceil(x * scale), y: Math.ceil(y * scale) };
  }

  // Maps of several views with the same outlines: [g, ...], and their common patterns.
  // look(view, county) is { color, pattern }, as paint.js says it.
  function draw(views, bounds, size, {
    county = null, prefix = "gp", look = paint.of, joined = false,
  } = {}) {
    const set = outlines(bounds, size.scale);
    const { defs, fill } = tiles(prefix);
    defs.append(svg("clipPath", { id: `${prefix}-frame` },
      svg("rect", { width: size.x, height: size.y })));
    const several = views.length > 1;
    const drawn = shaper(set, size, { several, joined, prefix }, defs);
    const fine = several ? 0.5 : 1; // thinner lines on small maps
    const maps = views.map((view) => svg("g", { "clip-path": `url(#${prefix}-frame)` },
      svg("title", { text: pictureText.clean(facts.title(view)) }),
      ...classes(view, drawn, fill, look),
      lines(set.arcs, "Borders of counties", "#707c86", 0.4 * fine),
      lines(set.borders, "Borders of groups", "#47535e", 0.8 * fine),
      lines(set.frames, "Frames", "#9aa5ae", 0.8),
      outlined(set, county, size)));
    return { defs, maps, fill };
  }

  return { whole, inView, fitted, draw, noData: patterns.noData };
})();
