// The legend: what the colours and patterns mean, and how many counties each has.
geopoverty.legend = (() => {
  const { dom, kinds, legendRows, legendSquare, numbers, store } = geopoverty;
  const PATTERNS = { hatch: "gp-swatch-none", dots: "gp-swatch-unsure" };
  const box = dom.byId("gp-legend");

  const swatchOf = (name) =>
    dom.make("span", { class: `gp-swatch ${name ?? ""}`, "aria-hidden": "true" });
  const countOf = (count) =>
    dom.make("span", { class: "gp-count", text: numbers.plain(count) });

  function row({ label, color, pattern, count }, most) {
    const swatch = swatchOf(PATTERNS[pattern]);
    const text = dom.say("span", label, "gp-range");
    // These counties are counted in a class as well, so they get no bar.
    if (color === null) {
      return dom.make("li", { class: "gp-class gp-class-marked" }, swatch, text, countOf(count));
    }
    swatch.style.backgroundColor = color;
    const bar = dom.make("span", { class: "gp-bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", most ? count / most : 0);
    return dom.make("li", { class: "gp-class" }, swatch, text, bar, countOf(count));
  }

  // `words` leaves more room for names than ranges need.
  function list(entries, words) {
    const most = Math.max(...entries.map(({ color, count }) => (color ? count : 0)));
    return dom.make("ul", { class: `gp-classes ${words ? "gp-classes-words" : ""}` },
      ...entries.map((each) => row(each, most)));
  }

  function scale(view) {
    const square = legendRows.grid(view);
    const entries = legendRows.entries(view);
    const words = !kinds.numeric(view);
    return square ? [legendSquare.draw(square), list(entries.slice(-1), words)]
      : [list(entries, words)];
  }

  function method({ method: how, periods, colors, kind, range }) {
    const always = periods.length > 1 ? ", the same in every year" : "";
    const right = "On the right: number of counties.";
    if (kind === "crossed") {
      return `${how}${always}. In the squares: number of counties.`;
    }
    if (kind === "class") return right;
    if (range[0] === range[1]) {
      return `Every county with data has the same value${periods.length > 1
        ? ", in every year" : ""}. ${right}`;
    }
    return `${colors.length === 1 ? "1 class" : `${colors.length} classes`} by ${how}` +
      `${always}. ${right}`;
  }

  // All of it, for any view.
  function parts(view) {
    const { label, unit, description } = view.indicator;
    return [
      dom.make("h2", {},
        dom.say("span", label),
        view.period ? dom.say("span", ` ${view.period}`, "gp-when") : null),
      unit ? dom.say("p", unit === "%" ? "per cent" : unit, "gp-unit") : "",
      ...scale(view),
      dom.make("p", { class: "gp-method", text: method(view.indicator) }),
      description ? dom.say("p", description, "gp-description") : "",
    ];
  }

  const draw = () => box.replaceChildren(...parts(store.view()));

  function start() {
    draw();
    store.listen((_, before) => store.viewChanged(before) && draw());
  }

  return { start, parts, entries: legendRows.entries, grid: legendRows.grid };
})();
