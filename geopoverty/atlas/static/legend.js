// The legend: class ranges, how many counties each holds, and the patterns.
geopoverty.legend = (() => {
  const { dom, numbers, patterns, store } = geopoverty;
  const box = dom.byId("gp-legend");

  // Whole numbers end one below the next class; others end where it begins. The
  // outer classes stay open where the breaks are rounder than the values.
  function ranges({ breaks, break_digits: digits, range, open_ended: open, whole }) {
    const [low, high] = open ? [Infinity, -Infinity] : range;
    const say = (value) => numbers.plain(value, digits);
    const span = (from, to) => (say(from) === say(to) ? say(from) : `${say(from)} to ${say(to)}`);
    const edges = [null, ...breaks, null];
    return edges.slice(1).map((to, k) => {
      const from = edges[k];
      const end = whole && to !== null ? Math.ceil(to) - 1 : to;
      if (from === null && to === null) return span(...range);
      if (from === null) return low < to ? span(low, end) : `under ${say(to)}`;
      if (to === null) return high >= from ? span(from, high) : `${say(from)} or more`;
      return span(from, end);
    });
  }

  const swatchOf = (name) =>
    dom.make("span", { class: `gp-swatch ${name}`, "aria-hidden": "true" });
  const rangeOf = (text) => dom.make("span", { class: "gp-range", text });
  const countOf = (count) =>
    dom.make("span", { class: "gp-count", text: numbers.plain(count) });

  function row(label, count, most, paint, name = "") {
    const swatch = swatchOf(name);
    swatch.style.backgroundColor = paint;
    const bar = dom.make("span", { class: "gp-bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", most ? count / most : 0);
    return dom.make("li", { class: "gp-class" },
      swatch, rangeOf(label), bar, countOf(count));
  }

  function rows(view) {
    const { colors, alpha } = view.indicator;
    const has = (mark, marks) => [...marks].filter((m) => m === mark).length;
    const counts = colors.map((_, k) => has(String(k), view.codes));
    const none = has(".", view.codes);
    const most = Math.max(none, ...counts);
    const list = ranges(view.indicator).map((range, k) =>
      row(range, counts[k], most, colors[k]));
    list.reverse(); // the highest class on top
    list.push(row("No data", none, most, patterns.noData, "gp-swatch-none"));
    if (view.unsure) {
      // These counties are counted in a class as well, so they get no bar.
      list.push(dom.make("li", { class: "gp-class gp-class-marked" },
        swatchOf("gp-swatch-unsure"), rangeOf(`Not significant (p \u2265 ${alpha})`),
        countOf(has("1", view.unsure))));
    }
    return list;
  }

  function draw() {
    const view = store.view();
    const { label, unit, description, method, periods, colors } = view.indicator;
    box.replaceChildren(
      dom.make("h2", {},
        dom.say("span", label),
        view.period ? dom.say("span", ` ${view.period}`, "gp-when") : null),
      unit ? dom.say("p", unit === "%" ? "per cent" : unit, "gp-unit") : "",
      dom.make("ul", { class: "gp-classes" }, ...rows(view)),
      dom.make("p", { class: "gp-method", text:
        `${colors.length === 1 ? "1 class" : `${colors.length} classes`} by ${method}` +
        `${periods.length > 1 ? ", the same in every year" : ""}. ` +
        "On the right: number of counties." }),
      description ? dom.say("p", description, "gp-description") : "",
    );
  }

  function start() {
    draw();
    store.listen((_, before) => store.viewChanged(before) && draw());
  }

  return { start };
})();
