// The table of the comparison: values, intervals, ranks and differences.
geopoverty.compareTable = (() => {
  const { charts, chosen, dom, facts, numbers } = geopoverty;

  const overlap = (view, a, b) =>
    view.low[a] <= view.high[b] && view.low[b] <= view.high[a];

  // "3.2 points higher", or nothing where one of the two has no value.
  function difference(view, county, base) {
    const { values, indicator: { digits, unit } } = view;
    if (values[county] === null || values[base] === null) return "";
    const gap = values[county] - values[base];
    const size = numbers.plain(Math.abs(gap), digits);
    if (!/[1-9]/.test(size)) return "the same";
    const points = /^%$|points?$/.test(unit) ? " points" : "";
    return `${size}${points} ${gap > 0 ? "higher" : "lower"}`;
  }

  // Whether both intervals hold values in common, so that chance could part them.
  const unclear = (view, county, base) =>
    facts.hasInterval(view, county) && facts.hasInterval(view, base) &&
    overlap(view, county, base);

  function cell(view, county, base) {
    const range = facts.interval(view, county);
    const apart = county === base ? "" : difference(view, county, base);
    const same = apart && apart !== "the same" && unclear(view, county, base);
    return dom.make("td", {},
      dom.say("strong", facts.bare(view, county)),
      ...[range && `interval ${range}`, facts.significance(view, county),
        facts.rank(view, county)]
        .filter(Boolean).map((text) => dom.say("span", text, "gp-fine")),
      apart ? dom.say("span", apart, "gp-apart") : null,
      same ? dom.make("span", {
        class: "gp-fine", text: "the intervals overlap: this may be chance",
      }) : null);
  }

  function head(county, base) {
    return dom.make("th", { scope: "col" },
      charts.badge(chosen.markOf(county)), dom.say("span", facts.place(county)),
      county === base && chosen.list().length > 1
        ? dom.make("small", { text: "others are set against it" }) : null);
  }

  function draw(views, counties, base) {
    const rows = views.map((view) => dom.make("tr", {},
      dom.make("th", { scope: "row" },
        dom.say("span", facts.title(view)),
        view.indicator.unit && view.indicator.unit !== "%"
          ? dom.say("small", view.indicator.unit) : null),
      ...counties.map((county) => cell(view, county, base))));
    return dom.make("div", {
      class: "gp-scroll gp-compared", tabindex: "0", role: "region",
      "aria-label": "Values, ranks and differences",
    }, dom.make("table", {},
      dom.make("thead", {}, dom.make("tr", {},
        dom.make("th", { scope: "col", text: "Indicator" }),
        ...counties.map((county) => head(county, base)))),
      dom.make("tbody", {}, ...rows)));
  }

  // The same as rows of a file.
  function rows(views, counties, base) {
    const { groups, group_name: group } = geopoverty.data.places;
    const heads = ["id", "county", groups && (group || "group"), "indicator", "period",
      "unit", "value", "low", "high", "p", "rank", "difference"];
    const lines = views.flatMap((view) => counties.map((county) => {
      const values = [view.values[county], view.values[base]];
      const { places } = facts.ranking(view.values);
      return [
        facts.ids[county], facts.names[county], groups && groups[county],
        view.indicator.label, view.period, view.indicator.unit, values[0],
        view.low && view.low[county], view.high && view.high[county],
        view.p && view.p[county], places.get(values[0]) ?? null,
        county === base || values.includes(null)
          ? null : +(values[0] - values[1]).toPrecision(12),
      ];
    }));
    const kept = heads.map((name) => name !== null);
    return [heads, ...lines].map((row) => row.filter((_, k) => kept[k]));
  }

  return { draw, rows, difference, unclear };
})();
