// The counties on the Leaflet map that folium made.
geopoverty.countymap = (() => {
  const { data, dom, patterns, shapes, store, tip } = geopoverty;
  const BORDER = { color: "rgba(112,124,134,.9)", weight: 0.4 };
  const GROUP_BORDER = { color: "#47535e", weight: 0.9 };
  const HOVER = { color: "#14202b", weight: 1.5 };
  const CHOSEN = { color: "#14202b", weight: 3 };
  const LEFT_OUT = "#fbfcfc";
  const SHEET = 680; // pixels across an upright A4 sheet
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  const map = window[document.querySelector(".folium-map").id];
  const container = map.getContainer();
  const pane = (name, order) => {
    map.createPane(name).style.zIndex = order;
    return name;
  };
  // Below 400, where folium's own layers are.
  const countyPane = pane("gp-counties", 350);
  const markPane = pane("gp-marks", 360);
  const renderer = new patterns.Canvas({ pane: countyPane, padding: 0.2 });
  const marker = L.svg({ pane: markPane, padding: 0.2 });

  const { polygons, borders, arcs } = shapes.read(data.shapes, data.places.groups);
  const counties = polygons.map((parts, county) => {
    const layer = L.polygon(parts, {
      stroke: false, renderer, pane: countyPane, fillOpacity: 1, smoothFactor: 0,
    });
    layer.county = county;
    return layer;
  });
  const group = L.featureGroup(counties);
  const home = group.getBounds();
  const mark = (style) => L.polygon([], {
    ...style, fill: false, interactive: false, renderer: marker, pane: markPane,
    smoothFactor: 0,
  });
  const hovered = mark(HOVER);
  const chosen = mark(CHOSEN);
  let homeZoom = 0;
  let moved = false; // whether the reader has left the first view

  function paint() {
    const view = store.view();
    const { colors } = view.indicator;
    const { kept, shade } = store.state;
    counties.forEach((layer, county) => {
      if (shade) {
        const fillColor = shade.color(county);
        layer.setStyle(fillColor === null
          ? { fillColor: patterns.noData, pattern: patterns.hatch }
          : { fillColor, pattern: null });
        return;
      }
      if (kept && !kept.has(county)) {
        layer.setStyle({ fillColor: LEFT_OUT, pattern: null });
        return;
      }
      const code = view.codes[county];
      const unsure = view.unsure && view.unsure[county] === "1";
      layer.setStyle(code === "."
        ? { fillColor: patterns.noData, pattern: patterns.hatch }
        : { fillColor: colors[+code], pattern: unsure ? patterns.dots : null });
    });
  }

  const outline = (layer, county) =>
    layer.setLatLngs(county === null ? [] : counties[county].getLatLngs());
  const hover = (county) => outline(hovered, county);

  function showHome() {
    map.options.minZoom = -8;
    map.fitBounds(home, { padding: [10, 10], animate: false });
    homeZoom = map.getZoom();
    map.options.minZoom = homeZoom - 1;
    moved = false;
  }

  // Height over width, so that a phone gives the map no more room than it fills.
  function shareAspect() {
    const size = L.bounds(
      map.project(home.getSouthWest(), 0), map.project(home.getNorthEast(), 0),
    ).getSize();
    dom.byId("gp-stage").style.setProperty("--aspect", size.y / size.x);
  }

  // On paper the map keeps its size on the screen and is scaled to the sheet, since
  // a canvas cannot be drawn anew while printing.
  function sharePrintSize() {
    const { x, y } = map.getSize();
    const { style } = dom.byId("gp-stage");
    style.setProperty("--print-width", `${x}px`);
    style.setProperty("--print-height", `${y}px`);
    style.setProperty("--print-zoom", Math.min(1, SHEET / x));
  }

  // A point inside the county, in pixels of the map's frame.
  function pointOf(county) {
    return map.latLngToContainerPoint(counties[county].getCenter());
  }

  function countyAt(point) {
    const at = map.containerPointToLayerPoint(point);
    const hit = counties.find((layer) =>
      layer._pxBounds && layer._pxBounds.contains(at) && layer._containsPoint(at));
    return hit ? hit.county : null;
  }

  // Show a county with its surroundings, and its tooltip.
  function goTo(county) {
    map.once("moveend", () => tip.show(county, pointOf(county)));
    const bounds = counties[county].getBounds();
    // Closer than the whole map, but never so close that it does not fit.
    const zoom = Math.min(
      map.getBoundsZoom(bounds),
      Math.max(map.getBoundsZoom(bounds.pad(3)), homeZoom + 1),
    );
    map.setView(bounds.getCenter(), zoom, { animate: !still, duration: 0.4 });
  }

  function followPointer() {
    group.on("mousemove", (event) => {
      const { county } = event.propagatedFrom;
      hover(county);
      tip.show(county, event.containerPoint);
    });
    group.on("mouseout", () => {
      hover(null);
      tip.hide();
    });
    group.on("click", (event) => {
      const { county } = event.propagatedFrom;
      L.DomEvent.stopPropagation(event);
      store.set({ county });
      tip.show(county, event.containerPoint);
    });
    map.on("click", tip.hide);
    map.on("movestart zoomstart", () => {
      moved = true;
      tip.hide();
    });
  }

  function addHomeButton() {
    const control = L.control({ position: "topleft" });
    control.onAdd = () => {
      const button = dom.make("button", {
        type: "button", class: "gp-home", title: "Show the whole map",
        "aria-label": "Show the whole map", text: "\u2302",
      });
      L.DomEvent.disableClickPropagation(button);
      button.addEventListener("click", showHome);
      return dom.make("div", { class: "leaflet-bar" }, button);
    };
    control.addTo(map);
  }

  function start() {
    shareAspect();
    map.invalidateSize({ animate: false });
    showHome();
    paint();
    group.addTo(map);
    L.polyline(arcs, {
      ...BORDER, renderer, pane: countyPane, interactive: false, smoothFactor: 0,
    }).addTo(map);
    if (borders.length) {
      L.polyline(borders, {
        ...GROUP_BORDER, renderer, pane: countyPane, interactive: false, smoothFactor: 0,
      }).addTo(map);
    }
    hovered.addTo(map);
    chosen.addTo(map);
    followPointer();
    addHomeButton();
    new ResizeObserver(() => {
      if (!container.clientWidth) return; // another page is open
      map.invalidateSize({ animate: false });
      if (!moved) showHome();
      sharePrintSize();
    }).observe(container);
    store.listen((state, before) => {
      if (store.viewChanged(before)) {
        paint();
        tip.hide();
      } else if (state.kept !== before.kept || state.shade !== before.shade) {
        paint();
        tip.hide();
      }
      if (state.county !== before.county) outline(chosen, state.county);
    });
  }

  return { start, map, goTo, hover, pointOf, countyAt };
})();
