// The counties on a Leaflet map: painted, outlined, and found under a point.
geopoverty.counties = (() => {
  const { patterns, shapes } = geopoverty;
  const BORDER = { color: "rgba(112,124,134,.9)", weight: 0.4 };
  const GROUP_BORDER = { color: "#47535e", weight: 0.9 };
  const FRAME = { color: "#9aa5ae", weight: 0.8 };
  const HOVER = { color: "#14202b", weight: 1.5 };
  const CHOSEN = { color: "#14202b", weight: 3 };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  // What every map of the page is made with, beside what folium gave the first.
  const LEAFLET = {
    zoomSnap: 0.1, zoomDelta: 0.5, wheelPxPerZoomLevel: 90, minZoom: -8,
    attributionControl: false, fadeAnimation: false,
  };

  function panes(map) {
    const pane = (name, order) => {
      map.createPane(name).style.zIndex = order;
      return name;
    };
    // Below 400, where folium's own layers are.
    const county = pane("gp-counties", 350);
    const mark = pane("gp-marks", 360);
    return {
      county: { pane: county, renderer: new patterns.Canvas({ pane: county, padding: 0.2 }) },
      mark: { pane: mark, renderer: L.svg({ pane: mark, padding: 0.2 }) },
    };
  }

  // color(county) is { color, pattern }, as paint.js says it.
  function on(map, color) {
    const { polygons, borders, arcs, frames } = shapes.all();
    const place = panes(map);
    const layers = polygons.map((parts, county) => {
      const layer = L.polygon(parts, {
        // Cutting each county at the edge takes longer than drawing a little beyond it.
        ...place.county, stroke: false, fillOpacity: 1, smoothFactor: 0, noClip: true,
      });
      layer.county = county;
      return layer;
    });
    const group = L.featureGroup(layers);
    const home = group.getBounds();
    frames.flat().forEach((corner) => home.extend(corner));
    const outline = (style) => L.polygon([], {
      ...style, ...place.mark, fill: false, interactive: false, smoothFactor: 0,
    });
    const lines = (which, style) => which.length && L.polyline(which, {
      ...style, ...place.county, interactive: false, smoothFactor: 0,
    }).addTo(map);
    const hovered = outline(HOVER);
    const chosen = outline(CHOSEN);
    let homeZoom = 0;

    function paint() {
      layers.forEach((layer, county) => {
        const { color: fillColor, pattern } = color(county);
        layer.setStyle({ fillColor, pattern: pattern && patterns[pattern] });
      });
    }

    const mark = (layer) => (county) =>
      layer.setLatLngs(county === null ? [] : layers[county].getLatLngs());

    function showHome() {
      map.options.minZoom = -8;
      map.fitBounds(home, { padding: [10, 10], animate: false });
      homeZoom = map.getZoom();
      map.options.minZoom = homeZoom - 1;
    }

    // A point inside the county, in pixels of the map's frame.
    const pointOf = (county) => map.latLngToContainerPoint(layers[county].getCenter());

    function countyAt(point) {
      const at = map.containerPointToLayerPoint(point);
      const hit = layers.find((layer) =>
        layer._pxBounds && layer._pxBounds.contains(at) && layer._containsPoint(at));
      return hit ? hit.county : null;
    }

    // Show a county with its surroundings.
    function goTo(county) {
      const bounds = layers[county].getBounds();
      // Closer than the whole map, but never so close that it does not fit.
      const zoom = Math.min(
        map.getBoundsZoom(bounds),
        Math.max(map.getBoundsZoom(bounds.pad(3)), homeZoom + 1),
      );
      map.setView(bounds.getCenter(), zoom, { animate: !still, duration: 0.4 });
    }

    // What the pointer does: over(county, point), out(), press(county, point).
    function follow({ over, out, press }) {
      const told = (tell) => (event) => tell(event.propagatedFrom.county, event.containerPoint);
      group.on("mousemove", told(over));
      group.on("mouseout", out);
      group.on("click", (event) => {
        L.DomEvent.stopPropagation(event);
        told(press)(event);
      });
    }

    function add() {
      map.invalidateSize({ animate: false });
      showHome();
      paint();
      group.addTo(map);
      lines(arcs, BORDER);
      lines(borders, GROUP_BORDER);
      lines(frames, FRAME);
      hovered.addTo(map);
      chosen.addTo(map);
    }

    return {
      map, home, add, paint, showHome, goTo, pointOf, countyAt, follow,
      hover: mark(hovered), choose: mark(chosen),
    };
  }

  // A button on the map that leads back to all of it.
  function homeButton(map, press) {
    const { dom } = geopoverty;
    const control = L.control({ position: "topleft" });
    control.onAdd = () => {
      const button = dom.make("button", {
        type: "button", class: "gp-home", title: "Show the whole map",
        "aria-label": "Show the whole map", text: "\u2302",
      });
      L.DomEvent.disableClickPropagation(button);
      button.addEventListener("click", press);
      return dom.make("div", { class: "leaflet-bar" }, button);
    };
    control.addTo(map);
  }

  return { on, homeButton, still, LEAFLET };
})();
