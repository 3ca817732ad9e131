// Many small maps at once, in the place of the large one: all years of an indicator, or
// all indicators.
geopoverty.board = (() => {
  const {
    countymap, data, dom, facts, mapKey, mapTable, paint, smallmaps, store,
  } = geopoverty;
  const page = dom.byId("gp-page-map");
  const parts = {};
  let mode = null; // "years", "indicators", or null for the large map
  let figures = []; // { view, canvas, marks, value, seen, painted }
  let hovered = null;
  let observer = null;
  const listeners = [];

  const views = () => (mode === "years"
    ? store.view().indicator.periods.map((_, at) => store.view(at))
    : data.indicators.map((indicator, at) => {
      const same = indicator.periods.indexOf(store.view().period);
      return store.view(same < 0 ? indicator.periods.length - 1 : same, at);
    }));

  const marked = () => [...new Set([store.state.county, hovered])].filter((c) => c !== null);

  function outlines() {
    const width = Math.floor(figures[0].canvas.parentElement.clientWidth);
    return width > 0 ? smallmaps.outlines(width) : null;
  }

  function paintOne(figure, set) {
    smallmaps.draw(figure.canvas, set, (county) => paint.of(figure.view, county));
    smallmaps.mark(figure.marks, set, marked());
    figure.painted = set.width;
  }

  // Only those in sight are painted, the others when they come into sight.
  function paintSeen(all = false) {
    if (!figures.length) return;
    const set = outlines();
    if (!set) return;
    for (const figure of figures) {
      figure.canvas.parentElement.style.aspectRatio = `${set.width} / ${set.height}`;
      if ((all || figure.seen) && figure.painted !== set.width) paintOne(figure, set);
    }
  }

  // Which county is spoken of: the one under the pointer, else the chosen one.
  function speak() {
    const county = hovered ?? store.state.county;
    parts.place.textContent = county === null
      ? "Press a county to mark it in every map." : facts.place(county);
    for (const { view, value } of figures) {
      value.textContent = county === null ? "" : facts.value(view, county);
    }
  }

  function markAll() {
    speak();
    const set = figures.length && outlines();
    if (!set) return;
    for (const figure of figures) {
      if (figure.painted === set.width) smallmaps.mark(figure.marks, set, marked());
    }
  }

  function hover(county) {
    if (county === hovered) return;
    hovered = county;
    markAll();
  }

  const countyUnder = (event) => {
    const set = outlines();
    return set && smallmaps.countyAt(set, event.offsetX, event.offsetY);
  };

  // To the large map, with what the small one shows.
  function enlarge(at) {
    if (mode === "years") store.set({ period: at });
    else geopoverty.controls.choose(at);
    open(null);
    countymap.map.getContainer().focus();
  }

  function figureOf(view, at) {
    const button = dom.make("button", {
      type: "button", class: "gp-link", text: nameOf(view), dir: "auto",
      title: "Show this on the large map",
    });
    button.addEventListener("click", () => enlarge(at));
    const value = dom.say("span", "", "gp-small-value");
    const canvas = dom.make("canvas", {
      role: "img", "aria-label": `Map: ${facts.title(view)}. The numbers stand below.`,
    });
    const marks = dom.make("canvas", { "aria-hidden": "true" });
    marks.addEventListener("mousemove", (event) => hover(countyUnder(event)));
    marks.addEventListener("mouseleave", () => hover(null));
    marks.addEventListener("click", (event) => {
      const county = countyUnder(event);
      if (county !== null) store.set({ county });
    });
    const box = dom.make("figure", { class: "gp-small" },
      dom.make("figcaption", {}, button, value),
      dom.make("div", { class: "gp-small-map" }, canvas, marks),
      mode === "indicators" ? mapKey.draw(view) : null);
    return { view, canvas, marks, value, box, seen: false, painted: 0 };
  }

  const nameOf = (view) => (mode === "years" ? view.period : facts.title(view));

  function showTable() {
    const first = mode === "years" ? facts.noun(store.view().indicator.periods) : "Indicator";
    parts.table.show(first, figures.map(({ view }) => [nameOf(view), view]));
  }

  function fill() {
    observer?.disconnect();
    figures = views().map(figureOf);
    parts.grid.replaceChildren(...figures.map(({ box }) => box));
    parts.title.textContent = mode === "years"
      ? store.view().indicator.label : "All indicators";
    showTable();
    observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        figures.find(({ box }) => box === entry.target).seen = entry.isIntersecting;
      }
      paintSeen();
    }, { rootMargin: "150px" });
    paintFirst();
    figures.forEach(({ box }) => observer.observe(box));
    showNow();
    markAll();
  }

  // What is in sight at once; the observer tells only a frame later.
  function paintFirst() {
    paintSeen(); // gives each map its height
    const { bottom } = parts.board.getBoundingClientRect();
    const end = Math.min(bottom, window.innerHeight);
    const tops = figures.map(({ box }) => box.getBoundingClientRect().top);
    figures.forEach((figure, at) => { figure.seen = tops[at] < end; });
    paintSeen();
  }

  function showNow() {
    figures.forEach(({ box }, at) => box.classList.toggle("gp-now",
      at === (mode === "years" ? store.state.period : store.state.indicator)));
  }

  function build() {
    parts.title = dom.say("h2", "");
    parts.place = dom.say("p", "", "gp-board-place");
    parts.grid = dom.make("div", { class: "gp-board-grid" });
    parts.table = mapTable.fold("The numbers of the small maps");
    parts.board = dom.make("section", { class: "gp-board", "aria-label": "Small maps", hidden: "" },
      dom.make("div", { class: "gp-board-head" }, parts.title, parts.place),
      parts.grid, parts.table.box);
    page.append(parts.board);
    new ResizeObserver(() => mode && paintSeen()).observe(parts.grid);
  }

  function open(wanted) {
    if (wanted === mode) return;
    mode = wanted;
    page.classList.toggle("gp-boarded", mode !== null);
    parts.board.hidden = mode === null;
    hovered = null;
    if (mode) {
      fill();
      parts.board.scrollTop = 0;
      dom.byId("gp-status").textContent = `${figures.length} small maps`;
    } else {
      observer?.disconnect();
      figures = [];
      parts.grid.replaceChildren();
    }
    listeners.forEach((listener) => listener(mode));
  }

  function follow(now, before) {
    if (!mode) return;
    if (now.indicator !== before.indicator && mode === "years") {
      if (store.view().indicator.periods.length < 2) open(null);
      else fill();
    } else if (store.viewChanged(before)) {
      if (mode === "indicators" && now.period !== before.period) fill();
      else showNow();
    }
    if (mode && now.county !== before.county) {
      markAll();
      showTable();
    }
  }

  function start() {
    build();
    store.listen(follow);
    window.addEventListener("beforeprint", () => mode && paintSeen(true));
  }

  return { start, open, mode: () => mode, listen: (listener) => listeners.push(listener) };
})();
