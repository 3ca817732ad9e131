// Which counties the ranking lists, and in which order.
geopoverty.rankingRows = (() => {
  const { data, facts, kinds } = geopoverty;
  const { names, groups } = data.places;
  const compare = new Intl.Collator("en", { numeric: true }).compare;

  // Of two numbers crossed.
  const axis = (which) => (view) => kinds.axis(view, which).values;
  const [x, y] = [axis(0), axis(1)];
  const along = (values) => (a, b) => values[a] - values[b];

  const KEYS = {
    x: (view) => along(x(view)),
    y: (view) => along(y(view)),
    value: (view) => (a, b) => view.values[a] - view.values[b],
    low: (view) => (a, b) => view.low[a] - view.low[b],
    p: (view) => (a, b) => view.p[a] - view.p[b],
    name: () => (a, b) => compare(names[a], names[b]),
    group: () => (a, b) => compare(groups[a], groups[b]) || compare(names[a], names[b]),
  };
  const holds = {
    x: (view, county) => x(view)[county] !== null,
    y: (view, county) => y(view)[county] !== null,
    value: (view, county) => view.values[county] !== null,
    low: (view, county) => view.low[county] !== null,
    p: (view, county) => view.p[county] !== null,
  };

  // `from` and `to` are numbers or null; `group` is a text or null, `code` a class.
  function keep(view, { group, from, to, code }) {
    const bounded = from !== null || to !== null;
    return facts.ids.map((_, county) => county).filter((county) => {
      const value = view.values[county];
      if (group !== null && groups[county] !== group) return false;
      if (code !== null && value !== code) return false;
      if (!bounded) return true;
      return value !== null && (from === null || value >= from) &&
        (to === null || value <= to);
    });
  }

  // Missing values stand last whichever way it goes; ties keep the order of names.
  function order(view, counties, { key, down }) {
    const by = KEYS[key](view);
    const held = holds[key];
    const known = held ? counties.filter((county) => held(view, county)) : [...counties];
    const rest = held ? counties.filter((county) => !held(view, county)) : [];
    const ties = KEYS.name(view);
    known.sort((a, b) => (down ? by(b, a) : by(a, b)) || ties(a, b));
    return [...known, ...rest.sort(ties)];
  }

  const groupNames = () =>
    (groups ? [...new Set(groups)].filter(Boolean).sort(compare) : []);

  return { keep, order, groupNames };
})();
