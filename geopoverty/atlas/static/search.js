// Find a county on the map by its name or id.
geopoverty.search = (() => {
  const { countymap, dom, picker, store } = geopoverty;

  function start() {
    picker.attach(dom.byId("gp-find"), dom.byId("gp-found"), (county) => {
      store.set({ county });
      countymap.goTo(county);
    });
  }

  return { start };
})();
