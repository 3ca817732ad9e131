// What several maps show, as one table: a row each.
geopoverty.mapTable = (() => {
  const { dom, facts, kinds, legend, numbers, store } = geopoverty;

  function amounts(view) {
    const { sorted, count } = facts.ranking(view.values);
    const say = (value) => (count ? numbers.withUnit(value, view.indicator) : "no data");
    return [
      ["Lowest", say(sorted.at(-1))],
      ["Middle county", say(facts.middle(view.values))],
      ["Highest", say(sorted[0])],
      ["Counties without data", numbers.plain(view.values.length - count)],
    ];
  }

  const classes = (view) => legend.entries(view).map(({ label, count }) =>
    [label, numbers.plain(count)]);

  function cells(view) {
    const { county } = store.state;
    const chosen = county === null ? [] : [[facts.place(county), facts.value(view, county)]];
    return [...chosen, ...(kinds.numeric(view) ? amounts(view) : classes(view))];
  }

  // Views of one kind share their columns; names say what each row is called.
  function table(first, rows) {
    const heads = [first, ...cells(rows[0][1]).map(([name]) => name)];
    return dom.make("table", {},
      dom.make("thead", {}, dom.make("tr", {}, ...heads.map((text) =>
        dom.make("th", { scope: "col", text, dir: "auto" })))),
      dom.make("tbody", {}, ...rows.map(([name, view]) => dom.make("tr", {},
        dom.make("th", { scope: "row", dir: "auto", text: name }),
        ...cells(view).map(([, value]) => dom.say("td", value))))));
  }

  // rows: [name, view] each. Named classes differ from map to map: a table each.
  function draw(first, rows) {
    const numeric = rows.filter(([, view]) => kinds.numeric(view));
    const named = new Map();
    for (const row of rows.filter(([, view]) => !kinds.numeric(view))) {
      const { indicator } = row[1];
      named.set(indicator, [...(named.get(indicator) ?? []), row]);
    }
    return [numeric, ...named.values()].filter((part) => part.length)
      .map((part) => table(first, part));
  }

  // The tables behind a word to press, made when it is pressed.
  function fold(label) {
    const frame = dom.make("div", {
      class: "gp-scroll", tabindex: "0", role: "region", "aria-label": label,
    });
    const box = dom.make("details", { class: "gp-map-table" },
      dom.make("summary", { text: "The numbers" }), frame);
    let now = null; // what they show: the name of the rows, and the rows

    function fill() {
      if (box.open && now) frame.replaceChildren(...draw(...now));
    }

    box.addEventListener("toggle", fill);
    return {
      box,
      show(first, rows) {
        now = [first, rows];
        fill();
      },
    };
  }

  return { fold };
})();
