// The page that sets up to four counties side by side.
geopoverty.compare = (() => {
  const {
    charts, chosen, compareCurves, compareDots, compareTable, compareYears, csv, data, dom,
    facts, pages, peers, picker, store,
  } = geopoverty;
  const state = { base: null, period: null };
  const parts = {};
  let stale = true;

  const periods = [...new Set(data.indicators.flatMap((each) => each.periods))]
    .filter(Boolean).sort((a, b) => (a < b ? -1 : 1));

  const tell = (text) => {
    parts.message.textContent = text;
    parts.message.hidden = !text;
  };

  // Each indicator in the chosen period, else in its last one.
  const views = () => data.indicators.map((indicator, k) => {
    const at = indicator.periods.indexOf(state.period);
    return store.view(at < 0 ? indicator.periods.length - 1 : at, k);
  });

  function choice(id, label, change) {
    const select = dom.make("select", { id });
    select.addEventListener("change", () => change(select.value));
    const field = dom.make("div", { class: "gp-field" },
      dom.make("label", { for: id, text: label }), select);
    return { field, select };
  }

  function chip(county) {
    const out = dom.make("button", {
      type: "button", class: "gp-out", "aria-label": `Take out ${facts.place(county)}`,
      text: "\u00d7",
    });
    out.addEventListener("click", () => {
      chosen.remove(county);
      tell("");
      dom.byId("gp-compare-find").focus();
    });
    return dom.make("li", {}, charts.badge(chosen.markOf(county)),
      dom.say("span", facts.place(county)), out);
  }

  function part(title, text, ...children) {
    return dom.make("section", { class: "gp-part" }, dom.make("h3", { text: title }),
      text ? dom.make("p", { class: "gp-fine", text }) : null, ...children);
  }

  function saveCsv() {
    csv.save(csv.fileName("compare", ...chosen.list().map((c) => facts.names[c])),
      compareTable.rows(views(), chosen.list(), state.base));
  }

  function chartParts(seen, counties) {
    const key = () => charts.key(counties.map((c) => [chosen.markOf(c), facts.place(c)]));
    const dots = compareDots.draw(seen, counties);
    const years = compareYears.draw(counties);
    const curves = compareCurves.draw(counties);
    return [
      dots && part("Where they stand", "Each line runs from the lowest to the highest county, " +
        "without the outermost few. The grey line is the middle county: half lie below " +
        "it. Bars are intervals.", key(), dots),
      years && part("Over the years", "The grey line is the middle county of each " +
        "period.", key(), years),
      curves && part("Time in poverty",
        "The share still poor after so much time; shaded are intervals.", key(), curves),
    ].filter(Boolean);
  }

  function draw() {
    stale = false;
    const counties = chosen.list();
    if (!counties.includes(state.base)) state.base = counties[0] ?? null;
    parts.chips.replaceChildren(...counties.map(chip));
    parts.panel.classList.toggle("gp-blank", !counties.length);
    parts.settings.hidden = !counties.length;
    parts.body.hidden = !counties.length;
    if (!counties.length) {
      parts.body.replaceChildren();
      return;
    }
    parts.base.field.hidden = counties.length < 2;
    parts.base.select.replaceChildren(...counties.map((county) =>
      dom.make("option", { value: county, text: facts.place(county) })));
    parts.base.select.value = state.base;
    const seen = views();
    parts.body.replaceChildren(
      part("Side by side", counties.length < 2
        ? "Add another county to see how they differ." : "",
      compareTable.draw(seen, counties, state.base), parts.save),
      ...chartParts(seen, counties));
    if (parts.peers) {
      parts.peers.show(state.base, seen);
      parts.body.append(parts.peers.section);
    }
  }

  function addPeriods() {
    parts.period.select.append(...periods.map((period) =>
      dom.make("option", { value: period, text: period })));
    parts.period.field.hidden = periods.length < 2;
  }

  function fill(panel) {
    parts.panel = panel;
    parts.message = dom.make("p", { class: "gp-message", role: "alert", hidden: "" });
    parts.chips = dom.make("ul", { class: "gp-chips", "aria-label": "Compared counties" });
    parts.base = choice("gp-compare-base", "Set the others against", (value) => {
      state.base = +value;
      draw();
    });
    parts.period = choice("gp-compare-period", facts.noun(periods),
      (value) => {
        state.period = value;
        draw();
      });
    addPeriods();
    parts.save = dom.make("button", {
      type: "button", class: "gp-button", text: "Save this table (CSV)",
    });
    parts.save.addEventListener("click", saveCsv);
    parts.peers = peers.build(tell);
    parts.settings = dom.make("div", { class: "gp-bar-fields" },
      parts.base.field, parts.period.field);
    parts.body = dom.make("div", {});
    panel.append(dom.make("div", { class: "gp-wide" },
      dom.make("h2", { text: "Compare counties" }),
      dom.make("p", { text: "Choose two to four counties: find them here, or " +
        "press \u201cCompare\u201d on the map or in the ranking." }),
      picker.field("gp-compare-find", "Add a county", (county) => {
        tell(chosen.add(county));
        dom.byId("gp-compare-find").value = "";
      }),
      parts.message, parts.chips, parts.settings, parts.body));
    shown();
  }

  // The period follows the map when the page is opened.
  function shown() {
    const { period } = store.view();
    if (period && state.period !== period) {
      state.period = period;
      stale = true;
    }
    state.period ??= periods.at(-1) ?? "";
    parts.period.select.value = state.period;
    if (stale) draw();
  }

  function start() {
    if (!chosen.possible) return;
    const panel = pages.add({ name: "compare", title: "Compare", fill, shown });
    panel.classList.add("gp-blank");
    store.listen((now, before) => {
      if (now.compare === before.compare) return;
      stale = true;
      if (parts.panel && !panel.hidden) draw();
    });
    // Paper gets what was chosen, whichever page is open.
    window.addEventListener("beforeprint", () => parts.panel && stale && shown());
  }

  return { start };
})();
