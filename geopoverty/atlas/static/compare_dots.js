// Where the compared counties stand among all: a dot with its interval on a line.
geopoverty.compareDots = (() => {
  const { charts, chosen, dom, facts, kinds, numbers } = geopoverty;
  const WIDTH = 360;
  const EDGE = 14;
  const LANE = 17;

  // Where all but the outermost counties are, and whatever is drawn.
  function ends(view, counties) {
    const { sorted } = facts.ranking(view.values);
    const cut = Math.floor(sorted.length / 50);
    const reached = counties.flatMap((county) => facts.hasInterval(view, county)
      ? [view.low[county], view.high[county]] : [view.values[county]]);
    return [
      Math.min(sorted.at(-1 - cut), ...reached), Math.max(sorted[cut], ...reached),
    ];
  }

  function lane(view, county, at, y) {
    const index = chosen.markOf(county);
    const whisker = facts.hasInterval(view, county)
      ? charts.line(at(view.low[county]), y, at(view.high[county]), y, "gp-whisker") : null;
    whisker?.setAttribute("stroke", charts.MARKS[index].color);
    return [whisker, charts.mark(index, at(view.values[county]), y)];
  }

  function picture(view, counties) {
    const known = counties.filter((county) => view.values[county] !== null);
    const [low, high] = ends(view, known);
    const { digits } = view.indicator;
    const at = charts.scale(low, high, EDGE, WIDTH - EDGE);
    const bottom = known.length * LANE + 8;
    const half = at(facts.middle(view.values));
    const said = known.map((c) => `${facts.place(c)} ${facts.value(view, c)}`).join("; ");
    return charts.picture(WIDTH, bottom + 20, `${facts.title(view)}: ${said}`,
      charts.line(half, 2, half, bottom, "gp-middle"),
      ...known.flatMap((county, k) => lane(view, county, at, 10 + k * LANE)),
      charts.line(EDGE, bottom, WIDTH - EDGE, bottom, "gp-axis"),
      charts.word(EDGE - 8, bottom + 15, numbers.plain(low, digits)),
      low < high ? charts.word(WIDTH - EDGE + 8, bottom + 15,
        numbers.plain(high, digits), { "text-anchor": "end" }) : null);
  }

  function one(view, counties) {
    const nobody = counties.every((county) => view.values[county] === null);
    return dom.make("figure", {},
      dom.make("figcaption", {}, dom.say("strong", facts.title(view)), " ",
        view.indicator.unit ? dom.say("small", view.indicator.unit) : null),
      nobody ? dom.make("p", { class: "gp-fine", text: "no data for these counties" })
        : picture(view, counties));
  }

  // Classes stand nowhere on a line; null where there are only those.
  function draw(views, counties) {
    const drawn = views.filter(kinds.numeric);
    return drawn.length ? dom.make("div", { class: "gp-figures" },
      ...drawn.map((view) => one(view, counties))) : null;
  }

  return { draw };
})();
