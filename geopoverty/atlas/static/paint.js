// The colour and the pattern of a county: the one place that decides them.
geopoverty.paint = (() => {
  const { patterns, store } = geopoverty;
  const LEFT_OUT = "#fbfcfc"; // what a filter leaves out
  const NONE = { color: patterns.noData, pattern: "hatch" };

  // A class of a view, from 0, or "." for no data. `pattern` is "hatch", "dots" or null.
  const ofCode = (view, code) => (code === "." ? NONE
    : { color: view.indicator.colors[+code], pattern: null });

  // A county in a view: { color, pattern }.
  function of(view, county) {
    const found = ofCode(view, view.codes[county]);
    const unsure = found !== NONE && view.unsure && view.unsure[county] === "1";
    return unsure ? { color: found.color, pattern: "dots" } : found;
  }

  // The same on the map: a page may shade it or leave counties out.
  function shown(view, county) {
    const { kept, shade } = store.state;
    if (shade) {
      const color = shade.color(county);
      return color === null ? NONE : { color, pattern: null };
    }
    if (kept && !kept.has(county)) return { color: LEFT_OUT, pattern: null };
    return of(view, county);
  }

  return { of, ofCode, shown };
})();
