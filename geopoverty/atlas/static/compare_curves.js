// Who is still poor when: the curve of each compared county, or of its group.
geopoverty.compareCurves = (() => {
  const { charts, chosen, data, dom, facts, numbers } = geopoverty;
  const WIDTH = 360;
  const HEIGHT = 210;
  const LEFT = 40;
  const RIGHT = 14;
  const TOP = 10;
  const BOTTOM = HEIGHT - 38;
  const y = charts.scale(0, 1000, BOTTOM, TOP);

  const percent = (share) => (share === null ? "" : `${numbers.plain(share / 10)} %`);
  const row = (grid, set, county) => grid && grid[set.of[county]];
  const wordsOf = ({ names, of }, county) => names[of[county]]
    ? `${facts.place(county)}: ${names[of[county]]}` : facts.place(county);

  // The interval's ends as one shape around the curve.
  function band(set, county, x, color) {
    const [low, high] = [row(set.low, set, county), row(set.high, set, county)];
    if (!low) return null;
    const known = set.times.map((_, k) => k)
      .filter((k) => low[k] !== null && high[k] !== null);
    const edge = (grid) => known.map((k) => [x(set.times[k]), y(grid[k])]);
    const back = set.stepwise ? stairs(edge(low)) : edge(low);
    const out = set.stepwise ? stairs(edge(high)) : edge(high);
    return charts.svg("path", {
      d: `${charts.path([...out, ...back.reverse()])}Z`, fill: color, class: "gp-band",
    });
  }

  // The corners of a stair, so that it can be walked backwards.
  const stairs = (points) => points.flatMap((point, k) =>
    (k ? [[point[0], points[k - 1][1]], point] : [point]));

  function curve(set, county, x) {
    const index = chosen.markOf(county);
    const { color, dash } = charts.MARKS[index];
    const points = row(set.shares, set, county).map((share, k) =>
      (share === null ? null : [x(set.times[k]), y(share)]));
    const last = points.filter(Boolean).at(-1);
    return [
      band(set, county, x, color),
      charts.svg("path", {
        d: charts.path(points, set.stepwise), class: "gp-line", stroke: color,
        "stroke-dasharray": dash,
      }),
      charts.mark(index, ...last, 4.5),
    ];
  }

  function picture(set, counties) {
    const marks = charts.ticks(0, set.times.at(-1), 5);
    const x = charts.scale(0, marks.values.at(-1), LEFT, WIDTH - RIGHT);
    return charts.picture(WIDTH, HEIGHT, `${set.title}: share still poor by time`,
      ...[0, 250, 500, 750, 1000].flatMap((share) => [
        charts.line(LEFT, y(share), WIDTH - RIGHT, y(share), "gp-grid"),
        charts.word(LEFT - 5, y(share) + 4, `${share / 10}`, { "text-anchor": "end" }),
      ]),
      ...marks.values.map((time) => charts.word(x(time), BOTTOM + 15,
        numbers.plain(time, marks.digits), { "text-anchor": "middle" })),
      charts.word((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, set.unit || "time",
        { "text-anchor": "middle" }),
      ...counties.flatMap((county) => curve(set, county, x)));
  }

  function table(set, counties) {
    const head = [set.unit ? `After (${set.unit})` : "After",
      ...counties.map((county) => wordsOf(set, county))];
    const said = (county, k) => {
      const [low, high] = ["low", "high"].map((end) => row(set[end], set, county)?.[k] ?? null);
      const share = percent(row(set.shares, set, county)[k]);
      return low === null || share === "" ? share
        : `${share} (${percent(low)} to ${percent(high)})`;
    };
    return dom.make("details", {}, dom.make("summary", { text: "The numbers" }),
      dom.make("div", {
        class: "gp-scroll", tabindex: "0", role: "region", "aria-label": set.title,
      }, dom.make("table", {},
        dom.make("thead", {}, dom.make("tr", {}, ...head.map((text) =>
          dom.make("th", { scope: "col", text, dir: "auto" })))),
        dom.make("tbody", {}, ...set.times.map((time, k) => dom.make("tr", {},
          dom.make("th", { scope: "row", text: String(time) }),
          ...counties.map((county) => dom.make("td", { text: said(county, k) }))))))));
  }

  function one(set, counties) {
    const having = counties.filter((county) => set.of[county] >= 0);
    const without = counties.filter((county) => set.of[county] < 0);
    const groups = having.filter((county) => set.names[set.of[county]]);
    return dom.make("figure", {},
      dom.make("figcaption", {}, dom.say("strong", set.title), " ",
        dom.make("small", { text: "share still poor, %" })),
      set.description ? dom.say("p", set.description, "gp-fine") : null,
      groups.length
        ? charts.key(groups.map((c) => [chosen.markOf(c), wordsOf(set, c)])) : null,
      having.length ? picture(set, having) : null,
      having.length ? table(set, having) : null,
      ...without.map((county) =>
        dom.say("p", `${facts.place(county)}: no curve`, "gp-fine")));
  }

  function draw(counties) {
    if (!data.curves.length) return null;
    return dom.make("div", { class: "gp-figures" },
      ...data.curves.map((set) => one(set, counties)));
  }

  return { draw };
})();
