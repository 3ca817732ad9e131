// How the compared counties changed: a line through the periods of each indicator.
geopoverty.compareYears = (() => {
  const { charts, chosen, data, dom, facts, numbers, store } = geopoverty;
  const WIDTH = 360;
  const HEIGHT = 200;
  const LEFT = 46;
  const RIGHT = 14;
  const TOP = 12;
  const BOTTOM = HEIGHT - 24;

  // Years stand as far apart as they are; other periods evenly.
  function across(periods) {
    const years = periods.map(Number);
    const even = !periods.every((period) => /^\d{4}$/.test(period));
    const values = even ? periods.map((_, k) => k) : years;
    const at = charts.scale(values[0], values.at(-1), LEFT + 10, WIDTH - RIGHT - 10);
    return (k) => at(values[k]);
  }

  function span(views, counties) {
    const all = views.flatMap((view) => [
      facts.middle(view.values),
      ...counties.flatMap((c) => facts.hasInterval(view, c)
        ? [view.low[c], view.high[c]] : [view.values[c]]),
    ]).filter((value) => value !== null);
    return charts.ticks(Math.min(...all), Math.max(...all), 4);
  }

  const points = (values, x, y) =>
    values.map((value, k) => (value === null ? null : [x(k), y(value)]));

  function series(views, county, x, y) {
    const index = chosen.markOf(county);
    const { color, dash } = charts.MARKS[index];
    const values = views.map((view) => view.values[county]);
    const at = points(values, x, y);
    const whiskers = views.map((view, k) => {
      if (!facts.hasInterval(view, county)) return null;
      const drawn = charts.line(x(k), y(view.low[county]), x(k), y(view.high[county]),
        "gp-whisker");
      drawn.setAttribute("stroke", color);
      return drawn;
    });
    return [
      ...whiskers,
      charts.svg("path", {
        d: charts.path(at), class: "gp-line", stroke: color, "stroke-dasharray": dash,
      }),
      ...at.map((point) => point && charts.mark(index, ...point, 4.5)),
    ];
  }

  function grid({ values, digits }, y) {
    return values.flatMap((value) => [
      charts.line(LEFT, y(value), WIDTH - RIGHT, y(value), "gp-grid"),
      charts.word(LEFT - 6, y(value) + 4, numbers.brief(value, digits),
        { "text-anchor": "end" }),
    ]);
  }

  function names(periods, x) {
    const every = Math.ceil(periods.length / 6);
    return periods.map((period, k) => (k % every ? null : charts.word(
      x(k), HEIGHT - 6, period.length > 12 ? `${period.slice(0, 11)}\u2026` : period,
      { "text-anchor": "middle" })));
  }

  function picture(views, counties) {
    const { periods, label } = views[0].indicator;
    const x = across(periods);
    const marks = span(views, counties);
    const y = charts.scale(marks.values[0], marks.values.at(-1), BOTTOM, TOP);
    const middle = points(views.map((view) => facts.middle(view.values)), x, y);
    return charts.picture(WIDTH, HEIGHT, `${label}, ${periods[0]} to ${periods.at(-1)}`,
      ...grid(marks, y),
      ...names(periods, x),
      charts.svg("path", { d: charts.path(middle), class: "gp-middle" }),
      ...counties.flatMap((county) => series(views, county, x, y)));
  }

  function table(views, counties) {
    const head = ["Period", ...counties.map((c) => facts.place(c)), "Middle county"];
    return dom.make("details", {}, dom.make("summary", { text: "The numbers" }),
      dom.make("div", { class: "gp-scroll", tabindex: "0", role: "region",
        "aria-label": views[0].indicator.label },
      dom.make("table", {},
        dom.make("thead", {}, dom.make("tr", {}, ...head.map((text) =>
          dom.make("th", { scope: "col", text, dir: "auto" })))),
        dom.make("tbody", {}, ...views.map((view) => dom.make("tr", {},
          dom.make("th", { scope: "row", text: view.period, dir: "auto" }),
          ...counties.map((c) => dom.say("td", facts.value(view, c))),
          dom.say("td", numbers.withUnit(facts.middle(view.values), view.indicator))))))));
  }

  function one(views, counties) {
    const { indicator } = views[0];
    return dom.make("figure", {},
      dom.make("figcaption", {}, dom.say("strong", indicator.label), " ",
        indicator.unit ? dom.say("small", indicator.unit) : null),
      picture(views, counties), table(views, counties));
  }

  // Only indicators with several periods that hold a value of these counties.
  function draw(counties) {
    const figures = data.indicators.flatMap((indicator, k) => {
      if (indicator.kind !== "number" || indicator.periods.length < 2) return [];
      const views = indicator.periods.map((_, period) => store.view(period, k))
        .filter((view) => facts.middle(view.values) !== null);
      const any = views.length > 1 &&
        views.some((view) => counties.some((c) => view.values[c] !== null));
      return any ? [one(views, counties)] : [];
    });
    return figures.length ? dom.make("div", { class: "gp-figures" }, ...figures) : null;
  }

  return { draw };
})();
