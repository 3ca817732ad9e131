// What is shown now, and who wants to know when it changes.
geopoverty.data = JSON.parse(geopoverty.dom.byId("gp-data").textContent);

geopoverty.store = (() => {
  const { indicators } = geopoverty.data;
  const state = {
    indicator: 0,
    period: indicators[0].periods.length - 1,
    county: null,
    compare: [], // counties set side by side
    kept: null, // counties that a filter leaves, as a set; null for all
    shade: null, // what a page paints instead: { title, color(county), lines(county) }
  };
  const listeners = [];

  const listen = (listener) => listeners.push(listener);

  // Change some of the state; every listener learns what it was before.
  function set(changes) {
    const before = { ...state };
    Object.assign(state, changes);
    listeners.forEach((listener) => listener(state, before));
  }

  const viewChanged = (before) =>
    before.indicator !== state.indicator || before.period !== state.period;

  // One column of the data: an indicator in a period.
  function view(period = state.period, at = state.indicator) {
    const indicator = indicators[at];
    return {
      indicator,
      period: indicator.periods[period],
      values: indicator.values[period],
      codes: indicator.codes[period],
      low: indicator.low && indicator.low[period],
      high: indicator.high && indicator.high[period],
      p: indicator.p && indicator.p[period],
      unsure: indicator.unsure && indicator.unsure[period],
    };
  }

  return { state, listen, set, view, viewChanged };
})();
