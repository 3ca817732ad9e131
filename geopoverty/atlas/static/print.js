// What paper gets: the open page, with its map as a drawing that fits the sheet.
geopoverty.print = (() => {
  const { charts, countymap, dom, facts, mapKey, paint, pictureMap, store } = geopoverty;
  const { map } = countymap;
  const ROOM = { x: 1000, y: 1000 };
  let sheet = null; // what stands on the page while it is printed

  // All of the map if it is in view, else the part that is.
  function bounds() {
    const [all, seen] = [pictureMap.whole(), pictureMap.inView()];
    return seen.contains(all) ? all : seen;
  }

  // What lies above the counties: outlines, arcs, and layers of the author's own.
  function marks({ min }, scale) {
    const { x, y } = map.options.crs.latLngToPoint(map.containerPointToLatLng([0, 0]), 0);
    const zoom = scale / map.options.crs.scale(map.getZoom());
    const unit = map.options.crs.scale(0);
    const pane = map.layerPointToContainerPoint([0, 0]);
    const group = charts.svg("g", {
      transform: `translate(${(x - min.x) * scale} ${(y - min.y) * scale}) ` +
        `scale(${zoom * unit}) translate(${pane.x} ${pane.y})`,
    });
    for (const drawn of map.getContainer().querySelectorAll(".leaflet-pane svg > g")) {
      group.append(drawn.cloneNode(true));
    }
    return group;
  }

  function drawing() {
    const where = bounds();
    const size = pictureMap.fitted(where, ROOM);
    const look = (_, county) => paint.shown(store.view(), county);
    const { defs, maps } = pictureMap.draw([store.view()], where, size,
      { look, prefix: "gp-paper", joined: true });
    const above = charts.svg("g", { "clip-path": "url(#gp-paper-frame)" },
      marks(where, size.scale));
    return charts.svg("svg", {
      viewBox: `0 0 ${size.x} ${size.y}`, role: "img",
      "aria-label": `Map: ${facts.title(store.view())}`,
    }, defs, ...maps, above);
  }

  // A page whose legend stands elsewhere gets a short one.
  function key(page) {
    if (store.state.shade || page.contains(dom.byId("gp-legend"))) return null;
    return dom.make("div", { class: "gp-paper-key" },
      dom.say("p", facts.title(store.view())), mapKey.draw(store.view()));
  }

  function before() {
    after();
    const stage = dom.byId("gp-stage");
    if (!map.getContainer().clientWidth) return; // this page has no map
    sheet = dom.make("div", { class: "gp-paper" }, drawing(), key(stage.closest("main > *")));
    stage.before(sheet);
    document.body.classList.add("gp-printing");
  }

  function after() {
    sheet?.remove();
    sheet = null;
    document.body.classList.remove("gp-printing");
  }

  function start() {
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
  }

  return { start, before, after };
})();
