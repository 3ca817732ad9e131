// What a legend says: its classes with their colours, patterns and counts.
geopoverty.legendRows = (() => {
  const { kinds, numbers, paint } = geopoverty;

  // Whole numbers end one below the next class; others end where it begins. The
  // outer classes stay open where the breaks are rounder than the values.
  function ranges({ breaks, break_digits: digits, range, open_ended: open, whole }) {
    const [low, high] = open ? [Infinity, -Infinity] : range;
    const say = (value) => numbers.plain(value, digits);
    const span = (from, to) => (say(from) === say(to) ? say(from) : `${say(from)} to ${say(to)}`);
    const edges = [null, ...breaks, null];
    return edges.slice(1).map((to, k) => {
      const from = edges[k];
      const end = whole && to !== null ? Math.ceil(to) - 1 : to;
      if (from === null && to === null) return span(...range);
      if (from === null) return low < to ? span(low, end) : `under ${say(to)}`;
      if (to === null) return high >= from ? span(from, high) : `${say(from)} or more`;
      return span(from, end);
    });
  }

  function counted(codes) {
    const counts = {};
    for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
    return counts;
  }

  function names(view) {
    if (kinds.numeric(view)) return ranges(view.indicator);
    return view.indicator.colors.map((_, code) => kinds.name(view, code));
  }

  // From the top: { label, color, pattern, count }. "Not significant" is a pattern upon
  // the classes and has no colour: its counties are counted in a class as well.
  function entries(view) {
    const counts = counted(view.codes);
    const row = (label, code) =>
      ({ label, ...paint.ofCode(view, code), count: counts[code] ?? 0 });
    const list = names(view).map((label, code) => row(label, String(code)));
    if (kinds.numeric(view)) list.reverse(); // the highest class on top
    list.push(row("No data", "."));
    if (view.unsure) {
      list.push({
        label: `Not significant (p \u2265 ${view.indicator.alpha})`, color: null,
        pattern: "dots", count: counted(view.unsure)[1] ?? 0,
      });
    }
    return list;
  }

  // Of two numbers crossed: what stands on either side, and the rows of the square
  // from the top; null for other indicators.
  function grid(view) {
    if (!kinds.crossed(view)) return null;
    const [x, y] = view.indicator.axes.map((axis) => ({
      label: axis.label, unit: axis.unit, levels: axis.levels, ranges: ranges(axis),
    }));
    const cells = entries(view).slice(0, -1);
    const rows = y.levels.map((_, up) =>
      cells.slice(up * x.levels.length, (up + 1) * x.levels.length));
    return { x, y, rows: rows.reverse() };
  }

  return { entries, grid, ranges };
})();
