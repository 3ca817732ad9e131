// Putting the page together.
geopoverty.main = (() => {
  const { data, dom, pages } = geopoverty;

  document.title = data.title;
  dom.byId("gp-title").textContent = data.title;
  pages.add({ name: "map", title: "Map" });
  for (const part of [
    "countymap", "aim", "board", "controls", "legend", "picture", "search", "card", "compare",
    "ranking", "twomaps", "spillovers", "scenario", "results", "footer", "print",
  ]) {
    geopoverty[part].start();
  }
  pages.start();
  // Two frames later the counties are on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    geopoverty.readyAt = performance.now();
    geopoverty.ready = true;
  }));
})();
