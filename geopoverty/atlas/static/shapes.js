// From shared arcs (TopoJSON) to polygons, the borders between groups, and frames.
geopoverty.shapes = (() => {
  const { data } = geopoverty;
  let drawn = null; // read once, for all maps of the page

  function decode({ scale, translate, arcs }) {
    return arcs.map((arc) => {
      let x = 0;
      let y = 0;
      return arc.map(([dx, dy]) => {
        x += dx;
        y += dy;
        return L.latLng(y * scale[1] + translate[1], x * scale[0] + translate[0]);
      });
    });
  }

  // ~i stands for arc i backwards; each arc begins where the last one ended.
  function ring(numbers, arcs) {
    const points = [];
    for (const number of numbers) {
      const arc = number < 0 ? arcs[~number].slice().reverse() : arcs[number];
      for (let k = points.length ? 1 : 0; k < arc.length; k += 1) points.push(arc[k]);
    }
    return points;
  }

  // Arcs that only one county has, or two counties of different groups.
  function bordersBetween(groups, units, arcs) {
    const sides = arcs.map(() => []);
    units.forEach((polygons, unit) => {
      polygons.flat(2).forEach((number) => {
        sides[number < 0 ? ~number : number].push(groups[unit]);
      });
    });
    return arcs.filter((_, i) => sides[i].length === 1 || new Set(sides[i]).size > 1);
  }

  const framed = ([west, south, east, north]) =>
    [[south, west], [south, east], [north, east], [north, west], [south, west]]
      .map(([y, x]) => L.latLng(y, x));

  function read(shapes, groups) {
    const arcs = decode(shapes);
    return {
      polygons: shapes.units.map((polygons) =>
        polygons.map((rings) => rings.map((numbers) => ring(numbers, arcs)))),
      arcs,
      borders: groups ? bordersBetween(groups, shapes.units, arcs) : [],
      frames: (shapes.frames ?? []).map(framed), // around states that lie apart
    };
  }

  const all = () => (drawn ??= read(data.shapes, data.places.groups));

  return { all, ring };
})();
