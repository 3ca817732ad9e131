// The chosen county: its value now, and in every year.
geopoverty.card = (() => {
  const { chosen, dom, facts, kinds, pages, store } = geopoverty;
  const box = dom.byId("gp-card");

  function years(county) {
    const { indicator } = store.view();
    if (indicator.periods.length < 2) return null;
    const rows = indicator.periods.map((period, at) => {
      const view = store.view(at);
      return dom.make("tr", at === store.state.period ? { class: "gp-now" } : {},
        dom.make("th", { scope: "row", text: period }),
        dom.say("td", facts.value(view, county)),
        view.low ? dom.say("td", facts.interval(view, county)) : null);
    });
    return dom.make("table", {}, dom.make("tbody", {}, ...rows));
  }

  // Into the comparison and out of it, and what came of that.
  function comparison(county) {
    if (!chosen.possible) return "";
    const said = dom.make("p", { class: "gp-fine", role: "alert" });
    const open = dom.make("button", {
      type: "button", class: "gp-button",
      text: `See the comparison (${chosen.list().length})`,
    });
    open.hidden = !chosen.list().length;
    open.addEventListener("click", () => pages.open("compare", { focus: true }));
    return dom.make("div", { class: "gp-card-buttons" },
      chosen.toggle(county, (text) => { said.textContent = text; }), open, said);
  }

  function draw() {
    const { county } = store.state;
    box.hidden = county === null;
    if (county === null) return;
    const view = store.view();
    const close = dom.make("button", {
      type: "button", class: "gp-close", "aria-label": "Forget this county", text: "\u00d7",
    });
    close.addEventListener("click", () => {
      store.set({ county: null });
      dom.byId("gp-find").focus();
    });
    box.replaceChildren(
      close,
      dom.say("h2", facts.place(county)),
      dom.say("p", `id ${facts.ids[county]}`, "gp-id"),
      dom.say("p", facts.value(view, county),
        kinds.numeric(view) ? "gp-value" : "gp-value gp-value-words"),
      dom.say("p", facts.lines(view, county).join(" \u00b7 ")),
      years(county) ?? "",
      comparison(county),
    );
  }

  function announce() {
    const { county } = store.state;
    const view = store.view();
    dom.byId("gp-status").textContent =
      `${facts.place(county)}: ${facts.title(view)} ${facts.value(view, county)}`;
  }

  function start() {
    store.listen((state, before) => {
      const other = state.county !== before.county || store.viewChanged(before);
      if (other || state.compare !== before.compare) draw();
      if (other && state.county !== null) announce();
    });
  }

  return { start };
})();
