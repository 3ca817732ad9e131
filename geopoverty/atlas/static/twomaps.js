// The page with two maps that move together: any two indicators, or two years of one.
geopoverty.twomaps = (() => {
  const {
    aim, counties, countymap, data, dom, facts, kinds, mapKey, mapTable, numbers, pages,
    paint, picker, store, tip,
  } = geopoverty;
  const SHEET = { upright: 680, across: 1000 }; // pixels across an A4 sheet
  const GAP = 14; // pixels between the maps
  const NAMES = ["First map", "Second map"];
  const sides = []; // { at, indicator, period, frame, box, tip, key, drawn, ... }
  const parts = {};
  let moving = false; // one map is being moved after the other
  let moved = false; // whether the reader has left the first view

  const viewOf = ({ indicator, period }) => store.view(period, indicator);

  // At first what the large map shows, beside its first year or the next indicator.
  function begin() {
    const { indicator, period } = store.state;
    const several = store.view().indicator.periods.length > 1;
    const next = (indicator + 1) % data.indicators.length;
    const other = several ? { indicator, period: period ? 0 : 1 }
      : { indicator: next, period: data.indicators[next].periods.length - 1 };
    const now = { indicator, period };
    // Time runs from left to right.
    return several && period ? [other, now] : [now, other];
  }

  // Second minus first, where both are the same number.
  function apart(county) {
    const [first, second] = sides.map(viewOf);
    const [a, b] = [first, second].map((view) => view.values[county]);
    if (first.indicator !== second.indicator || !kinds.numeric(first)) return "";
    if (a === null || b === null) return "";
    const { digits, unit } = first.indicator;
    const told = unit === "%" ? "percentage points" : unit;
    return `Second minus first: ${numbers.withUnit(b - a, { digits, unit: told })}`;
  }

  function lines(county) {
    return [
      dom.say("strong", facts.place(county)),
      ...sides.map(viewOf).map((view) => dom.make("span", { class: "gp-tip-row" },
        dom.say("span", facts.title(view), "gp-tip-what"), " ",
        dom.say("b", facts.value(view, county)))),
      apart(county) ? dom.say("span", apart(county)) : null,
    ].filter(Boolean);
  }

  function hide() {
    sides.forEach((side) => { side.tip.hidden = true; });
  }

  function show(side, county, point) {
    hide();
    side.tip.replaceChildren(...lines(county));
    side.tip.hidden = false;
    tip.put(side.tip, side.frame, point);
  }

  const hover = (county) => sides.forEach(({ drawn }) => drawn.hover(county));

  // Both values of the chosen county, for those who see no tooltip.
  function say() {
    const { county } = store.state;
    parts.said.replaceChildren(...(county === null
      ? [dom.make("span", { text: "Press a county to mark it in both maps." })]
      : [dom.say("strong", facts.place(county)), ...sides.map(viewOf).map((view) =>
        dom.say("span", `${facts.title(view)}: ${facts.value(view, county)}`)),
      dom.say("span", apart(county))]));
    parts.table.show("Map", sides.map((side) =>
      [`${NAMES[side.at]}: ${facts.title(viewOf(side))}`, viewOf(side)]));
  }

  function choose(county) {
    store.set({ county });
    sides[0].drawn.goTo(county);
  }

  function showHome() {
    moving = true;
    sides.forEach(({ drawn }) => drawn.showHome());
    moving = false;
    moved = false;
  }

  // The other map follows at once, whichever is moved. While the first one glides, the
  // second only slides along; it is drawn anew when both have come to rest.
  function follow(side, other) {
    const [from, to] = [side.drawn.map, other.drawn.map];
    let slid = false;
    const after = (move) => () => {
      if (moving) return;
      moving = true;
      move();
      moving = false;
    };
    from.on("movestart zoomstart", hide);
    from.on("move", after(() => {
      moved = true;
      slid = from.getZoom() === to.getZoom();
      if (!slid) {
        to.setView(from.getCenter(), from.getZoom(), { animate: false });
        return;
      }
      const way = to.project(from.getCenter()).subtract(to.project(to.getCenter()));
      to._rawPanBy(way.round());
    }));
    from.on("moveend", after(() => {
      if (slid) to.setView(from.getCenter(), from.getZoom(), { animate: false });
      slid = false;
    }));
  }

  function addMap(side) {
    const map = L.map(side.box, {
      ...counties.LEAFLET, crs: countymap.map.options.crs, zoomAnimation: false,
      zoomControl: side.at === 0, center: [0, 0], zoom: 0,
    });
    side.drawn = counties.on(map, (county) => paint.of(viewOf(side), county));
    side.drawn.add();
    side.drawn.choose(store.state.county);
    side.drawn.follow({
      over(county, point) {
        hover(county);
        show(side, county, point);
      },
      out() {
        hover(null);
        hide();
      },
      press(county, point) {
        store.set({ county });
        show(side, county, point);
      },
    });
    map.on("click", hide);
    aim.on({ ...side.drawn, hover }, {
      cross: side.cross, label: NAMES[side.at], hide,
      show: (county, point) => show(side, county, point),
      text: () => [...side.tip.children].map((each) => each.textContent).join(", "),
    });
  }

  function addMaps() {
    sides.forEach(addMap);
    follow(sides[0], sides[1]);
    follow(sides[1], sides[0]);
    const { map } = sides[0].drawn;
    counties.homeButton(map, showHome);
    moved = false;
    new ResizeObserver(() => {
      if (!sides[0].box.clientWidth) return; // another page is open
      const before = map.getSize();
      moving = true;
      sides.forEach(({ drawn }) => drawn.map.invalidateSize({ animate: false }));
      moving = false;
      if (!moved && !map.getSize().equals(before)) showHome();
      sharePrintSize();
    }).observe(sides[0].box);
  }

  // On paper both maps keep their size on the screen and are scaled to the sheet.
  function sharePrintSize() {
    const { style } = parts.pair;
    const { clientWidth: width, clientHeight: height } = sides[0].frame;
    const fitting = (sheet) => Math.min(1, (sheet - GAP) / 2 / width);
    style.setProperty("--print-width", `${width}px`);
    style.setProperty("--print-height", `${height}px`);
    style.setProperty("--print-zoom", fitting(SHEET.upright));
    style.setProperty("--print-zoom-wide", fitting(SHEET.across));
  }

  function select(id, label, change) {
    const made = dom.make("select", { id });
    made.addEventListener("change", () => change(+made.value));
    const field = dom.make("div", { class: "gp-field" },
      dom.make("label", { for: id, text: label }), made);
    return { field, made };
  }

  function showSide(side) {
    const view = viewOf(side);
    const { periods } = view.indicator;
    side.which.made.value = side.indicator;
    side.when.made.replaceChildren(...periods.map((name, k) =>
      dom.make("option", { value: k, text: name })));
    side.when.made.value = side.period;
    side.when.made.labels[0].textContent = facts.noun(periods);
    side.when.field.hidden = periods.length < 2;
    side.title.textContent = facts.title(view);
    side.key.replaceChildren(mapKey.draw(view));
    side.drawn?.paint();
    say();
  }

  function addSide(start, at) {
    const side = { at, ...start };
    const id = `gp-two-${at ? "second" : "first"}`;
    side.which = select(id, NAMES[at], (indicator) => {
      const { periods } = data.indicators[indicator];
      const same = periods.indexOf(viewOf(side).period);
      Object.assign(side, { indicator, period: same < 0 ? periods.length - 1 : same });
      showSide(side);
    });
    side.which.made.append(...data.indicators.map(({ label }, k) =>
      dom.make("option", { value: k, text: label })));
    side.when = select(`${id}-period`, "Period", (period) => {
      side.period = period;
      showSide(side);
    });
    side.box = dom.make("div", { class: "gp-two-map" });
    side.tip = dom.make("div", { class: "gp-tip", role: "tooltip", hidden: "" });
    side.cross = dom.make("div", { class: "gp-cross", "aria-hidden": "true", hidden: "" });
    side.frame = dom.make("div", { class: "gp-two-frame" }, side.box, side.cross, side.tip);
    side.title = dom.say("p", "", "gp-two-title"); // on paper, in place of the choices
    side.key = dom.make("div", { class: "gp-two-key" });
    parts.pair.append(dom.make("section", { class: "gp-two-side", "aria-label": NAMES[at] },
      dom.make("div", { class: "gp-bar-fields" }, side.which.field, side.when.field),
      side.title, side.frame, side.key));
    sides.push(side);
  }

  function fill(panel) {
    parts.panel = panel;
    parts.pair = dom.make("div", { class: "gp-pair" });
    parts.said = dom.make("p", { class: "gp-two-said" });
    parts.table = mapTable.fold("The numbers of both maps");
    begin().forEach(addSide);
    panel.append(dom.make("div", { class: "gp-two-head" },
      dom.make("h2", { text: "Two maps" }),
      picker.field("gp-two-find", "Find a county", choose)),
    parts.pair, parts.said, parts.table.box);
    sides.forEach(showSide);
  }

  function shown() {
    if (!sides[0].drawn) addMaps();
  }

  function start() {
    const views = data.indicators.flatMap(({ periods }) => periods);
    if (!data.pages.includes("two maps") || views.length < 2) return;
    pages.add({ name: "two", title: "Two maps", fill, shown });
    store.listen((now, before) => {
      if (!parts.panel || now.county === before.county) return;
      sides.forEach(({ drawn }) => drawn?.choose(now.county));
      say();
    });
  }

  return { start, sides };
})();
