// The table of the comparison: values, intervals, ranks and differences.
geopoverty.compareTable = (() => {
  const { charts, chosen, dom, facts, kinds, numbers } = geopoverty;

  const overlap = (view, a, b) =>
    view.low[a] <= view.high[b] && view.low[b] <= view.high[a];

  const SAME = "the same";

  // "3.2 points higher", or nothing where one of the two has no value.
  function difference(view, county, base) {
    const { values, indicator: { digits, unit } } = view;
    if (values[county] === null || values[base] === null) return "";
    if (!kinds.numeric(view)) {
      return values[county] === values[base] ? SAME : "another class";
    }
    const gap = values[county] - values[base];
    const size = numbers.plain(Math.abs(gap), digits);
    if (!/[1-9]/.test(size)) return SAME;
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
    const same = apart && apart !== SAME && unclear(view, county, base);
    const below = kinds.numeric(view) ? [
      range && `interval ${range}`, facts.significance(view, county),
      facts.rank(view, county),
    ] : facts.lines(view, county);
    return dom.make("td", {},
      dom.say("strong", facts.bare(view, county)),
      ...below.filter(Boolean).map((text) => dom.say("span", text, "gp-fine")),
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

  // A number of a county, its rank, and what parts it from the base.
  function amounts(view, county, base) {
    const values = [view.values[county], view.values[base]];
    const { places } = facts.ranking(view.values);
    return [
      values[0], view.low && view.low[county], view.high && view.high[county],
      view.p && view.p[county], places.get(values[0]) ?? null,
      county === base || values.includes(null)
        ? null : +(values[0] - values[1]).toPrecision(12),
    ];
  }

  // A class by its name; two numbers crossed are written as numbers too.
  const spread = (view) => (kinds.crossed(view)
    ? [view, kinds.axis(view, 0), kinds.axis(view, 1)] : [view]);

  const named = (view, county) =>
    [view.values[county] === null ? null : facts.value(view, county)];

  // The same as rows of a file.
  function rows(views, counties, base) {
    const { groups, group_name: group } = geopoverty.data.places;
    const heads = ["id", "county", groups && (group || "group"), "indicator", "period",
      "unit", "value", "low", "high", "p", "rank", "difference"];
    const lines = views.flatMap(spread).flatMap((view) => counties.map((county) => [
      facts.ids[county], facts.names[county], groups && groups[county],
      view.indicator.label, view.period, view.indicator.unit,
      ...(kinds.numeric(view) ? amounts(view, county, base) : named(view, county)),
    ]));
    const kept = heads.map((name) => name !== null);
    return [heads, ...lines].map((row) =>
      heads.map((_, k) => row[k] ?? null).filter((_, k) => kept[k]));
  }

  return { draw, rows, difference, unclear };
})();
