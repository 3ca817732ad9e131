// The map as a guest on other pages, with arcs from county to county.
geopoverty.arcs = (() => {
  const { countymap, dom } = geopoverty;
  const { map } = countymap;
  const BEND = 0.18; // how far an arc swings out, of its length
  const POINTS = 24;
  const WIDEST = 7; // pixels
  // Apart in colour, in their dashes, and in the side to which they bend.
  const KINDS = {
    out: { color: "#14202b", dashArray: null, bend: BEND },
    in: { color: "#9c2b00", dashArray: "6 5", bend: BEND },
  };
  const pane = "gp-marks";
  const renderer = L.svg({ pane, padding: 0.2 });
  const layer = L.layerGroup();

  const stage = dom.byId("gp-stage");
  const home = stage.parentElement;
  const host = (box) => box.append(stage);
  const leave = () => home.append(stage);

  const centre = (county) => map.containerPointToLatLng(countymap.pointOf(county));

  // A curve that bends to the right of its way, so that there and back lie apart.
  function path(from, to, bend) {
    const a = map.project(from, 0);
    const b = map.project(to, 0);
    const way = b.subtract(a);
    const top = a.add(b).divideBy(2).add(L.point(-way.y, way.x).multiplyBy(bend));
    return Array.from({ length: POINTS + 1 }, (_, k) => {
      const t = k / POINTS;
      const at = a.multiplyBy((1 - t) ** 2).add(top.multiplyBy(2 * t * (1 - t)))
        .add(b.multiplyBy(t ** 2));
      return map.unproject(at, 0);
    });
  }

  function arc(from, to, kind, share) {
    const { color, dashArray, bend } = KINDS[kind];
    const style = { renderer, pane, interactive: false };
    const line = (more) => L.polyline(path(from, to, bend), {
      ...style, fill: false, smoothFactor: 0, lineCap: "butt", ...more,
    }).addTo(layer);
    const weight = 1.2 + (WIDEST - 1.2) * share;
    line({ color: "#fff", weight: weight + 2, opacity: 0.85 });
    line({ color, weight, dashArray, opacity: 1 });
    return [color, style];
  }

  // links: [{ from, to, kind, size }]; the county in the middle is marked, too.
  function show(county, links) {
    layer.clearLayers();
    const most = Math.max(...links.map(({ size }) => size));
    for (const { from, to, kind, size } of [...links].reverse()) {
      const [color, style] = arc(centre(from), centre(to), kind, size / most);
      L.circleMarker(centre(from === county ? to : from), {
        ...style, radius: 4, color: "#fff", weight: 1.5, fillColor: color, fillOpacity: 1,
      }).addTo(layer);
    }
    L.circleMarker(centre(county), {
      renderer, pane, interactive: false, radius: 6, color: "#fff", weight: 2,
      fillColor: "#14202b", fillOpacity: 1,
    }).addTo(layer);
    layer.addTo(map);
  }

  function clear() {
    layer.clearLayers();
    layer.remove();
  }

  // All counties named, in view.
  function fit(counties) {
    map.fitBounds(L.latLngBounds(counties.map(centre)), {
      padding: [40, 40], maxZoom: map.getMinZoom() + 5, animate: false,
    });
  }

  // The line of the key that says what a kind looks like.
  function sample(kind) {
    const { color, dashArray } = KINDS[kind];
    return geopoverty.charts.svg("svg", {
      viewBox: "0 0 34 10", class: "gp-arc-sample", "aria-hidden": "true",
    }, geopoverty.charts.svg("line", {
      x1: 1, y1: 5, x2: 33, y2: 5, stroke: color, "stroke-width": 3.5,
      ...(dashArray && { "stroke-dasharray": dashArray }),
    }));
  }

  return { host, leave, show, clear, fit, sample };
})();
