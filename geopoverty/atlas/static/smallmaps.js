// Small maps on canvas: one set of outlines, however many maps are drawn with it.
geopoverty.smallmaps = (() => {
  const { countymap, dom, patterns, shapes } = geopoverty;
  const FINEST = 0.6; // pixels: bends below this are left out
  const SEAM = "rgba(112,124,134,.8)"; // shows where two counties meet
  const BORDER = "rgba(71,83,94,.9)";
  const FRAME = "#9aa5ae";
  const MARK = "#14202b";
  const RING = 16; // pixels
  const PAD = 2; // pixels around, for outlines at the edge
  const sets = new Map(); // outlines by width; the last one only

  // All points on the plane of the map, y downwards, and how far they reach.
  function plane() {
    const { crs } = countymap.map.options;
    const { arcs, borders, frames } = shapes.all();
    const flat = new Map(arcs.map((arc) =>
      [arc, arc.map((at) => crs.latLngToPoint(at, 0))]));
    const framed = frames.map((frame) => frame.map((at) => crs.latLngToPoint(at, 0)));
    const bounds = L.bounds([...flat.values(), ...framed].flat());
    return { flat, borders: borders.map((arc) => flat.get(arc)), framed, bounds };
  }

  // Points of an arc in pixels, without those too close to the one before.
  function thinned(points, { min }, scale) {
    const kept = [];
    points.forEach(({ x, y }, k) => {
      const at = [PAD + (x - min.x) * scale, PAD + (y - min.y) * scale];
      const last = kept.at(-1);
      if (!last || k === points.length - 1 ||
        Math.hypot(at[0] - last[0], at[1] - last[1]) >= FINEST) kept.push(at);
    });
    return kept;
  }

  function trace(path, points) {
    points.forEach(([x, y], k) => (k ? path.lineTo(x, y) : path.moveTo(x, y)));
  }

  function unitOf(polygons, arcs) {
    const path = new Path2D();
    const box = L.bounds([]);
    for (const numbers of polygons.flat()) {
      const points = shapes.ring(numbers, arcs);
      trace(path, points);
      path.closePath();
      points.forEach(([x, y]) => box.extend([x, y]));
    }
    return { path, box };
  }

  const together = (lines) => {
    const path = new Path2D();
    lines.forEach((points) => trace(path, points));
    return path;
  };

  // The outlines of all counties for maps of a width in pixels.
  function outlines(width) {
    if (!sets.has(width)) {
      const { flat, borders, framed, bounds } = plane();
      const size = bounds.getSize();
      const scale = (width - 2 * PAD) / size.x;
      const thin = new Map([...flat.values()].map((arc) => [arc, thinned(arc, bounds, scale)]));
      const arcs = [...thin.values()];
      sets.clear();
      sets.set(width, {
        width,
        height: Math.ceil(size.y * scale) + 2 * PAD,
        units: geopoverty.data.shapes.units.map((polygons) => unitOf(polygons, arcs)),
        seams: together(arcs),
        borders: together(borders.map((arc) => thin.get(arc))),
        frames: together(framed.map((points) => thinned(points, bounds, scale))),
      });
    }
    return sets.get(width);
  }

  function sized(canvas, { width, height }) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = canvas.getContext("2d");
    if (canvas.width === wide && canvas.height === high) context.clearRect(0, 0, width, height);
    else Object.assign(canvas, { width: wide, height: high });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  function line(context, path, color, width) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke(path);
  }

  // color(county) is { color, pattern }, as paint.js says it.
  function draw(canvas, set, color) {
    const context = sized(canvas, set);
    context.lineJoin = "round";
    line(context, set.seams, SEAM, 0.6);
    const marked = [];
    set.units.forEach(({ path }, county) => {
      const { color: fill, pattern } = color(county);
      context.fillStyle = fill;
      context.fill(path, "evenodd");
      if (pattern) marked.push([path, patterns[pattern]]);
    });
    for (const [path, pattern] of marked) {
      context.fillStyle = pattern;
      context.fill(path, "evenodd");
    }
    line(context, set.borders, BORDER, 0.5);
    line(context, set.frames, FRAME, 0.8);
  }

  // A county too small to be seen by its outline stands in a ring.
  function ringAround({ x, y }) {
    const path = new Path2D();
    path.arc(x, y, RING * 0.6, 0, 2 * Math.PI);
    return path;
  }

  // The outline of counties, on a canvas of its own above the map.
  function mark(canvas, set, counties) {
    const context = sized(canvas, set);
    context.lineJoin = "round";
    for (const county of counties) {
      const { path, box } = set.units[county];
      const drawn = [path];
      const { x, y } = box.getSize();
      if (Math.max(x, y) < RING) drawn.push(ringAround(box.getCenter()));
      drawn.forEach((each) => line(context, each, "#fff", 3.5));
      drawn.forEach((each) => line(context, each, MARK, 1.5));
    }
  }

  const probe = dom.make("canvas").getContext("2d");

  function countyAt(set, x, y) {
    const found = set.units.findIndex(({ path, box }) =>
      box.isValid() && box.contains([x, y]) && probe.isPointInPath(path, x, y, "evenodd"));
    return found < 0 ? null : found;
  }

  return { outlines, draw, mark, countyAt };
})();
