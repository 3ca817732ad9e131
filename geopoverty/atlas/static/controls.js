// The indicator and the year, and the ways to all of them.
geopoverty.controls = (() => {
  const { board, data, dom, facts, numbers, store } = geopoverty;
  const select = dom.byId("gp-indicator");
  const slider = dom.byId("gp-period");
  const buttons = {}; // of the small maps: all years, all indicators

  // Keep the year when the new indicator has it, else take its last.
  function choose(indicator) {
    const year = store.view().period;
    const { periods } = data.indicators[indicator];
    const same = periods.indexOf(year);
    store.set({ indicator, period: same < 0 ? periods.length - 1 : same });
  }

  function showPeriods() {
    const { periods } = store.view().indicator;
    dom.byId("gp-period-field").hidden = periods.length < 2;
    buttons.years.hidden = periods.length < 2;
    buttons.years.textContent = `All ${facts.noun(periods).toLowerCase()}s`;
    dom.byId("gp-period-noun").textContent = facts.noun(periods);
    slider.max = periods.length - 1;
    slider.value = store.state.period;
    slider.setAttribute("aria-valuetext", periods[store.state.period]);
    dom.byId("gp-period-name").textContent = periods[store.state.period];
    // More labels than these would run into each other on a phone.
    const labels = periods.length <= 6 ? periods : [periods[0], periods.at(-1)];
    dom.byId("gp-ticks").replaceChildren(...labels.map((p) => dom.say("span", p)));
  }

  function announce() {
    const view = store.view();
    const missing = view.values.filter((value) => value === null).length;
    dom.byId("gp-status").textContent =
      `${facts.title(view)}: ${numbers.plain(view.values.length - missing)} counties ` +
      `with data, ${numbers.plain(missing)} without`;
  }

  function toggle(mode, text) {
    const button = dom.make("button", {
      type: "button", class: "gp-toggle gp-board-toggle", id: `gp-board-${mode}`,
      "aria-pressed": false, text,
    });
    button.addEventListener("click", () => board.open(board.mode() === mode ? null : mode));
    buttons[mode] = button;
    return button;
  }

  function addToggles() {
    const row = dom.make("div", { class: "gp-field gp-board-toggles", role: "group",
      "aria-label": "Small maps" },
    toggle("years", "All years"),
    data.indicators.length > 1 ? toggle("indicators", "All indicators") : null);
    dom.byId("gp-period-field").after(row);
    board.listen((mode) => {
      for (const [name, button] of Object.entries(buttons)) {
        button.setAttribute("aria-pressed", name === mode);
      }
    });
  }

  function start() {
    data.indicators.forEach((indicator, i) => {
      select.append(dom.make("option", { value: i, text: indicator.label }));
    });
    select.parentElement.hidden = data.indicators.length < 2;
    select.addEventListener("change", () => choose(+select.value));
    slider.addEventListener("input", () => store.set({ period: +slider.value }));
    addToggles();
    showPeriods();
    store.listen((state, before) => {
      if (!store.viewChanged(before)) return;
      select.value = state.indicator;
      showPeriods();
      announce();
    });
  }

  return { start, choose };
})();
