// The page of spillovers: whom a county reaches, and by whom it is reached.
geopoverty.spillovers = (() => {
  const {
    amounts, arcs, controls, csv, data, dom, facts, numbers, pages, picker, solve, store,
  } = geopoverty;
  const MOST = 12; // links of each kind that are drawn and listed
  const SIDES = { out: "reaches", in: "is reached from" };
  const state = { part: 0, side: "both", layer: 0 };
  const parts = {};
  let stale = true;
  let before = null; // the indicator that the map showed

  const part = () => data.spillovers[state.part];
  const wanted = (kind) => state.side === "both" || state.side === kind;

  // All links of the chosen county, strongest first: { out, in }.
  function links(model, county) {
    const { step } = part();
    return {
      out: wanted("out") ? solve.reaches(model, county, step) : [],
      in: wanted("in") ? solve.reached(model, county, step) : [],
    };
  }

  const drawn = (county, found, write) => Object.entries(found).flatMap(([kind, list]) =>
    strong(list, write).slice(0, MOST).map(({ county: other, effect }) => ({
      kind, size: Math.abs(effect),
      from: kind === "out" ? county : other, to: kind === "out" ? other : county,
    })));

  // What would be written as 0 is counted, but neither listed nor drawn.
  const strong = (list, write) =>
    list.filter(({ effect }) => Math.abs(effect) >= write.least);

  const sum = (list) => list.reduce((total, { effect }) => total + effect, 0);

  const writerOf = (model, found) => amounts.writer(model, part(),
    [...found.out, ...found.in].map(({ effect }) => effect));

  function sentence(kind, county, list, write) {
    const place = facts.place(county);
    if (!list.length) return `${place} ${SIDES[kind]} no other county in this model.`;
    const count = strong(list, write).length;
    const many = count === 1 ? "1 county" : `${numbers.plain(count)} counties`;
    const said = amounts.step(part(), part().step);
    const changed = `\u201c${amounts.about(part())}\u201d`;
    return kind === "out"
      ? `With ${said} in ${place}, ${changed} changes noticeably in ${many}; ` +
        `all changes there add up to ${write.full(sum(list))}.`
      : `With ${said} in any one of ${many}, ${changed} changes noticeably in ${place}; ` +
        `one by one these changes add up to ${write.full(sum(list))}.`;
  }

  function go(county) {
    store.set({ county });
    fit();
  }

  function block(kind, county, list, write) {
    const title = kind === "out" ? "Reaches" : "Is reached from";
    const heads = [["County"], [`Effect${write.unit ? `, ${write.unit}` : ""}`, true]];
    const top = strong(list, write).slice(0, MOST);
    const rows = top.map(({ county: other, effect }) =>
      [amounts.link(other, go), write.bare(effect)]);
    const rest = list.slice(top.length);
    if (rest.length) rows.push([`${numbers.plain(rest.length)} more together`, write.bare(sum(rest))]);
    return dom.make("section", { class: `gp-part gp-spill-${kind}` },
      dom.make("h3", {}, arcs.sample(kind), dom.make("span", { text: ` ${title}` })),
      dom.say("p", sentence(kind, county, list, write)),
      list.length ? amounts.table(`${title}: counties and effects`, heads, rows) : null);
  }

  function save(county, found, write) {
    const line = (kind) => ({ county: other, effect }) => [
      facts.ids[county], facts.names[county], kind === "out" ? "reaches" : "is reached from",
      facts.ids[other], facts.names[other], write.times * effect, write.unit,
    ];
    csv.save(csv.fileName("spillovers", facts.names[county]), [
      ["id", "county", "direction", "other_id", "other_county", "effect", "unit"],
      ...found.out.map(line("out")), ...found.in.map(line("in")),
    ]);
  }

  function saveButton(county, found, write) {
    const button = dom.make("button", {
      type: "button", class: "gp-button", text: "Save all links (CSV)",
    });
    button.addEventListener("click", () => save(county, found, write));
    return button;
  }

  function nothing(text) {
    arcs.clear();
    parts.panel.classList.add("gp-blank"); // not on paper
    parts.body.replaceChildren(dom.say("p", text, "gp-message"));
  }

  function draw() {
    stale = false;
    const { county } = store.state;
    if (county === null) {
      nothing("Choose a county: find it above, or press it on the map.");
      return;
    }
    const model = solve.model(part().model);
    if (!model.counts[model.unitOf.get(county)]) {
      nothing(amounts.absent(county));
      return;
    }
    const found = links(model, county);
    const write = writerOf(model, found);
    parts.panel.classList.remove("gp-blank");
    parts.body.replaceChildren(
      dom.say("h3", facts.place(county), "gp-spill-name"),
      ...["out", "in"].filter(wanted).map((kind) => block(kind, county, found[kind], write)),
      saveButton(county, found, write));
    if (parts.panel.hidden) return;
    arcs.show(county, drawn(county, found, write));
    dom.byId("gp-status").textContent = `${facts.place(county)} reaches ` +
      `${found.out.length} and is reached from ${found.in.length} counties`;
  }

  function radios(name, label, options, value, change) {
    const inputs = options.map(([key, text]) => {
      const input = dom.make("input", { type: "radio", name, value: key });
      input.checked = key === value;
      input.addEventListener("change", () => change(key));
      return dom.make("label", {}, input, dom.make("span", { text }));
    });
    return dom.make("fieldset", { class: "gp-traits" },
      dom.make("legend", { text: label }), ...inputs);
  }

  const paint = () => controls.choose(part().layers[state.layer]);

  function fields() {
    return [
      amounts.modelField("gp-spill-part", data.spillovers, (value) => {
        state.part = value;
        parts.intro.textContent = intro();
        paint();
        draw();
      }),
      picker.field("gp-spill-find", "Find a county", go),
      radios("gp-spill-side", "Arcs", [
        ["both", "Both ways"], ["out", "Reaches"], ["in", "Is reached from"],
      ], "both", (side) => {
        state.side = side;
        draw();
      }),
      radios("gp-spill-layer", "Colours", [
        [0, "What each county receives"], [1, "What each county gives"],
      ], 0, (layer) => {
        state.layer = layer;
        paint();
      }),
    ];
  }

  const intro = () => `${amounts.step(part(), part().step)} in one county: what the ` +
    `model then expects of \u201c${amounts.about(part())}\u201d in others. Arcs lead to ` +
    `the ${MOST} counties that a county reaches most, and come from the ${MOST} that ` +
    "reach it most; the wider, the stronger.";

  // The chosen county and those it is linked with, in view.
  function fit() {
    const { county } = store.state;
    const model = solve.model(part().model);
    if (county === null || !model.counts[model.unitOf.get(county)]) return;
    const found = links(model, county);
    const ends = drawn(county, found, writerOf(model, found));
    arcs.fit([county, ...ends.flatMap(({ from, to }) => [from, to])]);
  }

  function fill(panel) {
    parts.panel = panel;
    parts.map = dom.make("div", { class: "gp-beside-map" });
    parts.body = dom.make("div", { class: "gp-spill-body" });
    parts.intro = dom.say("p", intro());
    parts.legend = dom.make("div", { class: "gp-beside-legend" });
    panel.append(dom.make("div", { class: "gp-beside-list" },
      dom.make("h2", { text: "Spillovers" }), parts.intro, ...fields(), parts.body,
      parts.legend, amounts.caution()), parts.map);
  }

  const legend = dom.byId("gp-legend");
  const shelf = legend.parentElement;
  const next = legend.nextElementSibling;

  function shown() {
    before = store.state.indicator;
    arcs.host(parts.map);
    parts.legend.append(legend);
    paint();
    draw();
  }

  function left() {
    arcs.clear();
    arcs.leave();
    shelf.insertBefore(legend, next);
    controls.choose(before);
  }

  function start() {
    if (!data.spillovers.length) return;
    const panel = pages.add({ name: "spillovers", title: "Spillovers", fill, shown, left });
    panel.classList.add("gp-beside", "gp-blank");
    store.listen((now, was) => {
      if (now.county === was.county) return;
      stale = true;
      if (parts.panel && !panel.hidden) draw();
    });
    window.addEventListener("beforeprint", () => parts.panel && stale && draw());
  }

  return { start };
})();
