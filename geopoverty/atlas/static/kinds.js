// Kinds of indicators: numbers, named classes, and two numbers crossed.
geopoverty.kinds = (() => {
  const { data } = geopoverty;

  const numeric = ({ indicator }) => indicator.kind === "number";
  const crossed = ({ indicator }) => indicator.kind === "crossed";

  // A class counts as a value, so that who has data is asked the same way everywhere.
  for (const indicator of data.indicators) {
    indicator.values ??= indicator.codes.map((row) =>
      [...row].map((code) => (code === "." ? null : +code)));
  }

  // One of the two numbers of a crossed indicator, as a view of its own.
  function axis(view, which) {
    const { indicator, period } = view;
    const at = indicator.periods.indexOf(period);
    const told = indicator.axes[which];
    return { indicator: { ...told, kind: "number" }, period, values: told.values[at] };
  }

  // Which class of each of the two numbers a class of the crossed indicator is.
  function place({ indicator }, code) {
    const [across] = indicator.axes;
    const width = across.breaks.length + 1;
    return [code % width, Math.floor(code / width)];
  }

  // What a class is called.
  function name(view, code) {
    const { indicator } = view;
    if (!crossed(view)) return indicator.names[code];
    return place(view, code).map((level, k) =>
      `${indicator.axes[k].label}: ${indicator.axes[k].levels[level]}`).join("; ");
  }

  // The same where both numbers are named beside: "low, high".
  function brief(view, code) {
    if (!crossed(view)) return name(view, code);
    return place(view, code).map((level, k) => view.indicator.axes[k].levels[level]).join(", ");
  }

  return { axis, brief, crossed, name, numeric, place };
})();
