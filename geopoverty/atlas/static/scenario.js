// The page of scenarios: what more of something in some counties would change where.
geopoverty.scenario = (() => {
  const {
    amounts, arcs, csv, data, dom, facts, numbers, pages, picker, solve, store,
  } = geopoverty;
  const MOST = 15; // other counties that are listed
  const UNMOVED = "#f4f5f6";
  const DOWN = ["#d8daeb", "#998ec3", "#542788"];
  const UP = ["#fee0b6", "#f1a340", "#b35806"];
  const state = { part: 0, step: 1, chosen: [] };
  const parts = {};

  const part = () => data.scenarios[state.part];
  const tell = (text) => {
    parts.message.textContent = text;
    parts.message.hidden = !text;
  };

  function add(county) {
    const model = solve.model(part().model);
    if (!model.counts[model.unitOf.get(county)]) {
      tell(amounts.absent(county));
      return;
    }
    tell("");
    if (!state.chosen.includes(county)) state.chosen = [...state.chosen, county];
    draw();
  }

  function remove(county) {
    state.chosen = state.chosen.filter((other) => other !== county);
    tell("");
    draw();
    if (store.state.county === county) store.set({ county: null });
    dom.byId("gp-scene-find").focus();
  }

  function chip(county) {
    const out = dom.make("button", {
      type: "button", class: "gp-out", text: "\u00d7",
      "aria-label": `Take out ${facts.place(county)}`,
    });
    out.addEventListener("click", () => remove(county));
    return dom.make("li", {}, dom.say("span", facts.place(county)), out);
  }

  // Three classes of a fall and three of a rise, cut where round numbers are.
  function classes(rows, write) {
    const most = Math.max(...rows.map((row) => Math.abs(row.change)));
    const round = (value) => {
      const power = 10 ** Math.floor(Math.log10(value));
      return Math.round(value / power) * power;
    };
    const edges = most > 0
      ? [write.least, ...[20, 4].map((times) => round((write.times * most) / times) / write.times)]
      : [Infinity, Infinity, Infinity];
    const of = (change) => edges.filter((edge) => Math.abs(change) >= edge).length;
    const color = (change) => {
      const at = of(change);
      return at ? (change < 0 ? DOWN : UP)[at - 1] : UNMOVED;
    };
    return { edges, color };
  }

  const outside = () => dom.make("li", {},
    dom.make("span", { class: "gp-swatch gp-swatch-none", "aria-hidden": "true" }),
    dom.make("span", { text: "not in the model" }));

  function legend({ edges }, rows, write) {
    const [, low, high] = edges.map((edge) => {
      const value = write.times * edge;
      return numbers.plain(value, Math.max(0, Math.ceil(-Math.log10(value) - 1e-9)));
    });
    const ranges = [`less than ${low}`, `${low} to ${high}`, `${high} or more`];
    const entry = (color, text) => {
      const dab = dom.make("span", { class: "gp-dab", "aria-hidden": "true" });
      dab.style.background = color;
      return dom.make("li", {}, dab, dom.make("span", { text }));
    };
    const way = (colors, word, there) => (there
      ? colors.map((color, k) => entry(color, `${word} ${ranges[k]}`)) : []);
    return dom.make("ul", { class: "gp-key", "aria-label": "Colours of the map" },
      ...way(DOWN, "falls by", rows.some((row) => row.change < -write.least)),
      ...way(UP, "rises by", rows.some((row) => row.change > write.least)),
      entry(UNMOVED, "hardly changes"),
      rows.length < data.places.ids.length ? outside() : null);
  }

  function shade(rows, write, found) {
    const of = new Map(rows.map((row) => [row.county, row]));
    store.set({ shade: {
      color: (county) => (of.has(county) ? found.color(of.get(county).change) : null),
      lines: (county) => {
        const row = of.get(county);
        if (!row) return ["not in this model"];
        return [write.full(row.change), ...(row.step
          ? [`own part ${write.bare(row.own)}`, `spillover ${write.bare(row.spillover)}`] : [])];
      },
      title: amounts.about(part()),
    } });
  }

  function columns(model, write) {
    const unit = write.unit ? `, ${write.unit}` : "";
    return [
      ["County"], [`Change${unit}`, true],
      ...(model.levels ? [["Now", true], ["Then", true]] : []),
      ["Own part", true], ["Spillover", true],
    ];
  }

  const cells = (model, write) => (row) => [
    amounts.link(row.county, (county) => geopoverty.countymap.goTo(county)),
    write.bare(row.change),
    ...(model.levels ? [write.level(row.before), write.level(row.after)] : []),
    row.step ? write.bare(row.own) : "\u2013",
    write.bare(row.spillover),
  ];

  function summary(model, rows, write) {
    const here = rows.filter((row) => row.step);
    const others = rows.filter((row) => !row.step && Math.abs(row.change) >= write.least);
    const names = here.length === 1 ? facts.place(here[0].county)
      : `${numbers.plain(here.length)} counties`;
    const mean = here.reduce((total, row) => total + row.change, 0) / here.length;
    const average = here.length === 1 ? "" : " on average";
    return [
      `With ${amounts.step(part(), state.step)} in ${names}, ` +
      `\u201c${amounts.about(part())}\u201d changes there by ${write.full(mean)}${average}.`,
      others.length
        ? `${numbers.plain(others.length)} other ${others.length === 1 ? "county changes" : "counties change"} too, ` +
          `most of all ${facts.place(others[0].county)}: ${write.full(others[0].change)}.`
        : "No other county changes by an amount worth writing down.",
    ];
  }

  // How well the model knows its average effects, from its own table.
  function certainty(model) {
    const { known } = part();
    if (!known.length) return null;
    const write = amounts.writer(model, part(), known.map(([, value]) => value));
    const names = { direct: "in the county itself", indirect: "through other counties",
      total: "together" };
    const said = known.map(([kind, value, low, high]) =>
      `${names[kind]} ${write.bare(value)} (95 % interval ${write.bare(low)} to ${write.bare(high)})`);
    const unit = write.unit ? `, in ${write.unit}` : "";
    return dom.say("p", "How sure is the model? Averaged over all counties, the effect " +
      `of ${amounts.step(part(), 1)}${unit}: ${said.join("; ")}. Where an interval holds ` +
      "0, the data cannot tell the effect from none.", "gp-fine");
  }

  function save(rows, write) {
    const lines = rows.filter((row) => row.step || row.change).map((row) => [
      facts.ids[row.county], facts.names[row.county], row.step,
      ...["before", "after", "change", "own", "spillover"].map((name) =>
        (row[name] === undefined ? null : write.times * row[name])),
    ]);
    csv.save(csv.fileName("scenario", part().label), [
      ["id", "county", "step", "before", "after", "change", "own", "spillover"], ...lines,
    ]);
  }

  function empty(text) {
    parts.body.replaceChildren(dom.say("p", text));
    store.set({ shade: {
      color: () => UNMOVED, lines: () => [], title: amounts.about(part()),
    } });
  }

  function draw() {
    parts.chips.replaceChildren(...state.chosen.map(chip));
    parts.panel.classList.toggle("gp-blank", !state.chosen.length);
    if (!state.chosen.length) {
      empty("Choose a county: find it above, or press it on the map.");
      return;
    }
    if (!Number.isFinite(state.step) || state.step === 0) {
      empty("Write by how much it changes: a number other than 0.");
      return;
    }
    const model = solve.model(part().model);
    const rows = solve.scenario(model, new Map(state.chosen.map((c) => [c, state.step])))
      .filter((row) => row.there)
      .sort((a, b) => (b.step !== 0) - (a.step !== 0) || Math.abs(b.change) - Math.abs(a.change));
    const write = amounts.writer(model, part(), rows.map((row) => row.change));
    show(model, rows, write);
  }

  function show(model, rows, write) {
    const found = classes(rows, write);
    const said = summary(model, rows, write);
    const some = rows.filter((row) => row.step || Math.abs(row.change) >= write.least);
    const shown = some.slice(0, state.chosen.length + MOST);
    const button = dom.make("button", {
      type: "button", class: "gp-button", text: "Save all changes (CSV)",
    });
    button.addEventListener("click", () => save(rows, write));
    parts.body.replaceChildren(
      ...said.map((text) => dom.say("p", text, "gp-scene-said")),
      legend(found, rows, write),
      amounts.table("Counties that change most", columns(model, write),
        shown.map(cells(model, write))),
      dom.make("p", { class: "gp-fine", text: some.length > shown.length
        ? `and ${numbers.plain(some.length - shown.length)} more, in the file` : "" }),
      button, certainty(model) ?? "");
    shade(rows, write, found);
    dom.byId("gp-status").textContent = said.join(" ");
  }

  const stepLabel = () =>
    `Change of ${part().label}${part().unit ? ` (${part().unit})` : ""} in each of them`;

  function stepField() {
    const input = dom.make("input", {
      id: "gp-scene-step", type: "number", step: "any", value: part().step,
    });
    input.addEventListener("input", () => {
      state.step = input.value === "" ? NaN : +input.value;
      tell("");
      draw();
    });
    parts.step = input;
    parts.stepLabel = dom.make("label", { for: "gp-scene-step", text: stepLabel() });
    return dom.make("div", { class: "gp-field" }, parts.stepLabel, input);
  }

  function choose(value) {
    tell("");
    state.part = value;
    state.step = part().step;
    parts.step.value = state.step;
    parts.stepLabel.textContent = stepLabel();
    const model = solve.model(part().model);
    state.chosen = state.chosen.filter((county) => model.counts[model.unitOf.get(county)]);
    draw();
  }

  function fill(panel) {
    state.step = part().step;
    parts.panel = panel;
    parts.map = dom.make("div", { class: "gp-beside-map" });
    parts.body = dom.make("div", { class: "gp-scene-body" });
    parts.chips = dom.make("ul", { class: "gp-chips", "aria-label": "Counties that change" });
    parts.message = dom.make("p", { class: "gp-message", role: "alert", hidden: "" });
    panel.append(dom.make("div", { class: "gp-beside-list" },
      dom.make("h2", { text: "Scenario" }),
      dom.make("p", { text: "What if there were more, or less, in some counties? Choose " +
        "them; the page works out what the model then expects there and elsewhere." }),
      amounts.modelField("gp-scene-part", data.scenarios, choose),
      dom.make("div", { class: "gp-bar-fields" },
        picker.field("gp-scene-find", "Add a county", (county) => {
          dom.byId("gp-scene-find").value = "";
          add(county);
          store.set({ county });
          geopoverty.countymap.goTo(county);
        }), stepField()),
      parts.message, parts.chips, parts.body, amounts.caution()), parts.map);
  }

  function shown() {
    arcs.host(parts.map);
    const { county } = store.state;
    if (!state.chosen.length && county !== null) add(county);
    draw();
  }

  function left() {
    store.set({ shade: null });
    arcs.leave();
  }

  function start() {
    if (!data.scenarios.length) return;
    const panel = pages.add({ name: "scenario", title: "Scenario", fill, shown, left });
    panel.classList.add("gp-beside", "gp-blank");
    store.listen((now, was) => {
      if (now.county === was.county || now.county === null) return;
      if (parts.panel && !panel.hidden) add(now.county);
    });
  }

  return { start };
})();
