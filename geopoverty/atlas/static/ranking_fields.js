// The fields above the ranking: what it ranks by, and which counties it keeps.
geopoverty.rankingFields = (() => {
  const { controls, data, dom, facts, kinds, picker, rankingRows, store } = geopoverty;

  function select(id, label, options, change) {
    const input = dom.make("select", { id }, ...options.map(([value, text]) =>
      dom.make("option", { value, text })));
    input.addEventListener("change", () => change(input.value));
    return { input, field: dom.make("div", { class: "gp-field" },
      dom.make("label", { for: id, text: label }), input) };
  }

  function number(id, label, change) {
    const input = dom.make("input", { id, type: "number", step: "any" });
    input.addEventListener("input", () =>
      change(Number.isNaN(input.valueAsNumber) ? null : input.valueAsNumber));
    return { input, field: dom.make("div", { class: "gp-field" },
      dom.make("label", { for: id, text: label }), input) };
  }

  const fill = (input, options) => input.replaceChildren(...options.map(([value, text]) =>
    dom.make("option", { value, text })));

  // The classes of a view in the order of its legend.
  function classes(view) {
    if (kinds.numeric(view)) return [];
    return view.indicator.colors.map((_, code) => [code, kinds.name(view, code)]);
  }

  // `state` is filled with what is chosen; `act` says what then happens.
  function build(state, act) {
    const groups = rankingRows.groupNames();
    const limit = (name) => (value) => {
      state[name] = value;
      act.soon();
    };
    const parts = {
      indicator: select("gp-rank-indicator", "Rank by",
        data.indicators.map(({ label }, k) => [k, label]),
        (value) => controls.choose(+value)),
      period: select("gp-rank-period", "Period", [],
        (value) => store.set({ period: +value })),
      group: groups.length > 1 ? select("gp-rank-group", data.places.group_name || "Group",
        [["", "All"], ...groups.map((name, k) => [k, name])], (value) => {
          state.group = value === "" ? null : groups[+value];
          act.update();
        }) : null,
      code: select("gp-rank-class", "Class", [], (value) => {
        state.code = value === "" ? null : +value;
        act.update();
      }),
      from: number("gp-rank-from", "Value from", limit("from")),
      to: number("gp-rank-to", "Value to", limit("to")),
    };

    // Limits and classes are those of one indicator.
    function forget() {
      for (const name of ["from", "to", "code"]) {
        state[name] = null;
        parts[name].input.value = "";
      }
    }

    const clear = dom.make("button", {
      type: "button", class: "gp-button", text: "Clear filters",
    });
    clear.addEventListener("click", () => {
      forget();
      state.group = null;
      if (parts.group) parts.group.input.value = "";
      act.update();
    });

    // What fits the indicator that is shown.
    function show() {
      const view = store.view();
      const { periods } = view.indicator;
      parts.indicator.input.value = store.state.indicator;
      parts.period.input.labels[0].textContent = facts.noun(periods);
      fill(parts.period.input, periods.map((name, k) => [k, name]));
      parts.period.input.value = store.state.period;
      parts.period.field.hidden = periods.length < 2;
      fill(parts.code.input, [["", "All"], ...classes(view)]);
      parts.code.input.value = state.code ?? "";
      parts.code.field.hidden = kinds.numeric(view);
      parts.from.field.hidden = !kinds.numeric(view);
      parts.to.field.hidden = !kinds.numeric(view);
    }

    const box = dom.make("div", { class: "gp-bar-fields" },
      ...Object.values(parts).filter(Boolean).map(({ field }) => field),
      picker.field("gp-rank-find", "Find a county", act.choose), clear);
    return { box, forget, show };
  }

  return { build };
})();
