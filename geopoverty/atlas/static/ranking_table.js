// The table of the ranking: a part of its rows at a time.
geopoverty.rankingTable = (() => {
  const { chosen, countymap, data, dom, facts, kinds, paint } = geopoverty;
  const { names, groups, group_name: group } = data.places;

  // One of the two numbers of a crossed indicator.
  function crossed(view, which, key) {
    const axis = kinds.axis(view, which);
    const { label, unit } = axis.indicator;
    return { title: label, name: "number", key, note: unit === "%" ? "" : unit,
      cell: (county) => dom.say("span", facts.bare(axis, county)) };
  }

  // The columns that this indicator has: title, sort key, and what a cell holds.
  function columns(view, act) {
    const rank = facts.ranking(view.values);
    const swatch = (county) => {
      const box = dom.make("span", { class: "gp-dab", "aria-hidden": "true" });
      box.style.background = paint.of(view, county).color;
      return box;
    };
    const button = (county) => {
      const made = dom.make("button", {
        type: "button", class: "gp-link", text: names[county], dir: "auto",
      });
      made.addEventListener("click", () => act.choose(county));
      return made;
    };
    const words = !kinds.numeric(view);
    const said = (county) => (kinds.crossed(view) && view.values[county] !== null
      ? kinds.brief(view, view.values[county]) : facts.bare(view, county));
    return [
      !words && { title: "Rank", name: "rank", cell: (county) => dom.make("span", {
        text: view.values[county] === null
          ? "\u2013" : String(rank.places.get(view.values[county])),
      }) },
      { title: "County", name: "county", key: "name", cell: button },
      { title: kinds.crossed(view) ? "Both" : view.indicator.label,
        name: words ? "class" : "value", key: "value",
        note: view.indicator.unit === "%" ? "" : view.indicator.unit,
        cell: (county) => dom.make("span", {}, dom.say("span", said(county)),
          swatch(county)) },
      ...(kinds.crossed(view) ? [crossed(view, 0, "x"), crossed(view, 1, "y")] : []),
      view.low && { title: "Interval", name: "interval", key: "low",
        cell: (county) => dom.make("span", { text: facts.interval(view, county) }) },
      view.p && { title: "Significance", name: "p", key: "p",
        cell: (county) => dom.make("span", { text: facts.significance(view, county) }) },
      groups && { title: group || "Group", name: "group", key: "group",
        cell: (county) => dom.say("span", groups[county]) },
      chosen.possible && { title: "Compare", name: "compare",
        cell: (county) => chosen.toggle(county, act.tell) },
    ].filter(Boolean);
  }

  function head(column, sort, act) {
    const options = { scope: "col", class: `gp-col-${column.name}` };
    if (!column.key) return dom.make("th", { ...options, text: column.title });
    const on = sort.key === column.key;
    const button = dom.make("button", {
      type: "button", class: "gp-sort", "data-key": column.key,
    }, dom.say("span", column.title), dom.make("span", {
      "aria-hidden": "true", class: "gp-arrow",
      text: on ? (sort.down ? "\u25bc" : "\u25b2") : "\u21f5",
    }));
    button.addEventListener("click", () => act.sort(column.key));
    return dom.make("th", {
      ...options, "aria-sort": on ? (sort.down ? "descending" : "ascending") : "none",
    }, button, column.note ? dom.say("small", column.note) : null);
  }

  function row(county, all, chosenCounty) {
    const made = dom.make("tr", { "data-county": county },
      ...all.map((column) => dom.make(column.name === "county" ? "th" : "td", {
        class: `gp-col-${column.name}`, ...(column.name === "county" && { scope: "row" }),
      }, column.cell(county))));
    mark(made, county === chosenCounty);
    for (const on of ["mouseenter", "focusin"]) {
      made.addEventListener(on, () => countymap.hover(county));
    }
    for (const off of ["mouseleave", "focusout"]) {
      made.addEventListener(off, () => countymap.hover(null));
    }
    return made;
  }

  function mark(made, on) {
    made.classList.toggle("gp-now", on);
    if (on) made.setAttribute("aria-current", "true");
    else made.removeAttribute("aria-current");
  }

  // Up and down go from county to county.
  function onKey(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" };
    const link = event.target.closest("tbody .gp-link");
    if (!link || !step[event.key]) return;
    const next = link.closest("tr")[step[event.key]];
    if (!next) return;
    event.preventDefault();
    next.querySelector(".gp-link").focus();
  }

  // `act` says what choosing, sorting and telling do.
  function draw(view, counties, { sort, county, caption }, act) {
    const all = columns(view, act);
    const table = dom.make("table", {},
      dom.make("caption", { class: "gp-hidden", text: caption, dir: "auto" }),
      dom.make("thead", {}, dom.make("tr", {}, ...all.map((column) => head(column, sort, act)))),
      dom.make("tbody", {}, ...counties.map((each) => row(each, all, county))));
    table.addEventListener("keydown", onKey);
    return table;
  }

  // The same as rows of a file, with every county that passes the filter.
  function rows(view, counties) {
    const { places } = facts.ranking(view.values);
    const words = !kinds.numeric(view);
    const both = kinds.crossed(view) ? [kinds.axis(view, 0), kinds.axis(view, 1)] : [];
    const heads = [words ? null : "rank", "id", "county", groups && (group || "group"),
      "indicator", "period", words ? null : "unit", words ? "class" : "value",
      view.low ? "low" : null, view.high ? "high" : null, view.p ? "p" : null,
      ...both.map(({ indicator }) => indicator.label)];
    const value = (county) => (words && view.values[county] !== null
      ? facts.value(view, county) : view.values[county]);
    const lines = counties.map((county) => [
      places.get(view.values[county]) ?? null, facts.ids[county], names[county],
      groups && groups[county], view.indicator.label, view.period, view.indicator.unit,
      value(county), view.low && view.low[county], view.high && view.high[county],
      view.p && view.p[county], ...both.map(({ values }) => values[county]),
    ]);
    const kept = heads.map((name) => name !== null);
    return [heads, ...lines].map((line) => line.filter((_, k) => kept[k]));
  }

  return { draw, rows, mark };
})();
