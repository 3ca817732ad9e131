// A map by keyboard: arrows move it, and the county in its middle speaks.
geopoverty.aim = (() => {
  const { countymap, dom, store, tip } = geopoverty;

  // drawn: { map, hover, countyAt }; show(county, point), hide() and text() are of its
  // tooltip.
  function on(drawn, { cross, label, show, hide, text }) {
    const { map } = drawn;
    const container = map.getContainer();
    let touched = false; // whether a pointer brought the focus

    const middle = () => map.getSize().divideBy(2);

    function aim(active) {
      cross.hidden = !active;
      container.classList.toggle("gp-aiming", active);
    }

    function describe() {
      if (cross.hidden) return;
      const county = drawn.countyAt(middle());
      drawn.hover(county);
      if (county === null) return;
      show(county, middle());
      dom.byId("gp-status").textContent = text();
    }

    function onKey(event) {
      if (event.target !== container) return;
      aim(true);
      if (event.key === "Escape") hide();
      if (event.key !== "Enter") return;
      const county = drawn.countyAt(middle());
      if (county !== null) store.set({ county });
    }

    container.setAttribute("role", "application");
    container.setAttribute("aria-label", `${label}. Arrow keys move it, plus and minus ` +
      "zoom, Enter chooses the county in the middle.");
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
      drawn.hover(null);
      hide();
    });
    container.addEventListener("keydown", onKey);
    map.on("moveend", describe);
  }

  function start() {
    const cross = dom.byId("gp-cross");
    on(countymap, { cross, label: "Map of counties", ...tip });
  }

  return { on, start };
})();
