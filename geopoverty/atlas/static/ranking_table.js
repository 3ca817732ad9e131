// The table of the ranking: a part of its rows at a time.
geopoverty.rankingTable = (() => {
  const { chosen, countymap, data, dom, facts, patterns } = geopoverty;
  const { names, groups, group_name: group } = data.places;

  // The columns that this indicator has: title, sort key, and what a cell holds.
  function columns(view, act) {
    const rank = facts.ranking(view.values);
    const swatch = (county) => {
      const code = view.codes[county];
      const box = dom.make("span", { class: "gp-dab", "aria-hidden": "true" });
      box.style.background = code === "." ? patterns.noData : view.indicator.colors[+code];
      return box;
    };
    const button = (county) => {
      const made = dom.make("button", {
        type: "button", class: "gp-link", text: names[county], dir: "auto",
      });
      made.addEventListener("click", () => act.choose(county));
      return made;
    };
    return [
      { title: "Rank", name: "rank", cell: (county) => dom.make("span", {
        text: view.values[county] === null
          ? "\u2013" : String(rank.places.get(view.values[county])),
      }) },
      { title: "County", name: "county", key: "name", cell: button },
      { title: view.indicator.label, name: "value", key: "value",
        note: view.indicator.unit === "%" ? "" : view.indicator.unit,
        cell: (county) => dom.make("span", {}, dom.say("span", facts.bare(view, county)),
          swatch(county)) },
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
    const heads = ["rank", "id", "county", groups && (group || "group"), "indicator",
      "period", "unit", "value", view.low && "low", view.high && "high", view.p && "p"];
    const lines = counties.map((county) => [
      places.get(view.values[county]) ?? null, facts.ids[county], names[county],
      groups && groups[county], view.indicator.label, view.period, view.indicator.unit,
      view.values[county], view.low && view.low[county], view.high && view.high[county],
      view.p && view.p[county],
    ]);
    const kept = heads.map((name) => name !== null);
    return [heads, ...lines].map((line) => line.filter((_, k) => kept[k]));
  }

  return { draw, rows, mark };
})();
