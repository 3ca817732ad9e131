// The large map, which folium made: one indicator, wherever the page shows it.
geopoverty.countymap = (() => {
  const { counties, dom, paint, store, tip } = geopoverty;
  const SHEET = 680; // pixels across an upright A4 sheet

  const map = window[document.querySelector(".folium-map").id];
  const container = map.getContainer();
  const drawn = counties.on(map, (county) => paint.shown(store.view(), county));
  const { hover, pointOf, countyAt } = drawn;
  let moved = false; // whether the reader has left the first view

  function showHome() {
    drawn.showHome();
    moved = false;
  }

  // Height over width, so that a phone gives the map no more room than it fills.
  function shareAspect() {
    const size = L.bounds(
      map.project(drawn.home.getSouthWest(), 0), map.project(drawn.home.getNorthEast(), 0),
    ).getSize();
    document.documentElement.style.setProperty("--aspect", size.y / size.x);
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

  // Show a county with its surroundings, and its tooltip.
  function goTo(county) {
    if (!container.clientWidth) return; // small maps stand in its place
    map.once("moveend", () => tip.show(county, pointOf(county)));
    drawn.goTo(county);
  }

  function followPointer() {
    drawn.follow({
      over(county, point) {
        hover(county);
        tip.show(county, point);
      },
      out() {
        hover(null);
        tip.hide();
      },
      press(county, point) {
        store.set({ county });
        tip.show(county, point);
      },
    });
    map.on("click", tip.hide);
    map.on("movestart zoomstart", () => {
      moved = true;
      tip.hide();
    });
  }

  function start() {
    shareAspect();
    drawn.add();
    moved = false;
    followPointer();
    counties.homeButton(map, showHome);
    new ResizeObserver(() => {
      if (!container.clientWidth) return; // another page is open
      const before = map.getSize();
      map.invalidateSize({ animate: false });
      if (!moved && !map.getSize().equals(before)) showHome();
      sharePrintSize();
    }).observe(container);
    store.listen((state, before) => {
      const other = store.viewChanged(before) || state.kept !== before.kept ||
        state.shade !== before.shade;
      if (other) {
        drawn.paint();
        tip.hide();
      }
      if (state.county !== before.county) drawn.choose(state.county);
    });
  }

  return { start, map, goTo, hover, pointOf, countyAt };
})();
