// The map by keyboard: arrows move it, and the county in its middle speaks.
geopoverty.aim = (() => {
  const { countymap, dom, store, tip } = geopoverty;
  const { map } = countymap;
  const container = map.getContainer();
  const cross = dom.byId("gp-cross");
  let touched = false; // whether a pointer brought the focus

  const middle = () => map.getSize().divideBy(2);

  function aim(on) {
    cross.hidden = !on;
    container.classList.toggle("gp-aiming", on);
  }

  function describe() {
    if (cross.hidden) return;
    const county = countymap.countyAt(middle());
    countymap.hover(county);
    if (county === null) return;
    tip.show(county, middle());
    dom.byId("gp-status").textContent = tip.text();
  }

  function onKey(event) {
    if (event.target !== container) return;
    aim(true);
    if (event.key === "Escape") tip.hide();
    if (event.key !== "Enter") return;
    const county = countymap.countyAt(middle());
    if (county !== null) store.set({ county });
  }

  function start() {
    container.setAttribute("role", "application");
    container.setAttribute(
      "aria-label",
      "Map of counties. Arrow keys move it, plus and minus zoom, Enter chooses the " +
      "county in the middle.",
    );
    container.addEventListener("pointerdown", () => {
      touched = true;
      aim(false);
    }, true);
    container.addEventListener("focus", () => {
      aim(!touched);
      touched = false;
      describe();
    });
    container.addEventListener("blur", () => {
      aim(false);
      countymap.hover(null);
      tip.hide();
    });
    container.addEventListener("keydown", onKey);
    map.on("moveend", describe);
  }

  return { start };
})();
