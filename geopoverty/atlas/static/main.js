// Putting the page together.
geopoverty.main = (() => {
  const { data, dom } = geopoverty;

  const tabs = ["map", "results"].map((name) => ({
    button: dom.byId(`gp-tab-${name}`),
    page: dom.byId(`gp-page-${name}`),
  }));

  function open(chosen) {
    tabs.forEach(({ button, page }, i) => {
      const on = i === chosen;
      button.setAttribute("aria-selected", on);
      button.tabIndex = on ? 0 : -1;
      page.hidden = !on;
    });
  }

  function startTabs() {
    dom.byId("gp-tabs").hidden = false;
    dom.byId("gp-page-map").setAttribute("role", "tabpanel");
    tabs.forEach(({ button }, i) => {
      button.addEventListener("click", () => open(i));
      button.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        open(1 - i);
        tabs[1 - i].button.focus();
      });
    });
  }

  document.title = data.title;
  dom.byId("gp-title").textContent = data.title;
  for (const part of [
    "countymap", "aim", "controls", "legend", "search", "card", "results", "footer",
  ]) {
    geopoverty[part].start();
  }
  if (data.sections.length) startTabs();
  // Two frames later the counties are on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    geopoverty.readyAt = performance.now();
    geopoverty.ready = true;
  }));
})();
