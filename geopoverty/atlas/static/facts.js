// What is said of one county: in the tooltip, on the card, to a screen reader.
geopoverty.facts = (() => {
  const { data, kinds, numbers } = geopoverty;
  const { names, ids, groups } = data.places;
  const ranks = new WeakMap();

  const place = (county) => {
    const group = groups && groups[county];
    return group ? `${names[county]}, ${group}` : names[county];
  };

  // The highest value has rank 1; equal values share a rank.
  function ranking(values) {
    if (!ranks.has(values)) {
      const sorted = Float64Array.from(values.filter((v) => v !== null)).sort().reverse();
      const places = new Map();
      sorted.forEach((value, i) => places.has(value) || places.set(value, i + 1));
      ranks.set(values, { places, sorted, count: sorted.length });
    }
    return ranks.get(values);
  }

  // Half of the counties lie below it; null where no value is known.
  function middle(values) {
    const { sorted, count } = ranking(values);
    if (!count) return null;
    return (sorted[Math.floor((count - 1) / 2)] + sorted[Math.floor(count / 2)]) / 2;
  }

  const hasInterval = (view, county) =>
    view.low && view.low[county] !== null && view.high[county] !== null;

  function interval(view, county) {
    if (!hasInterval(view, county)) return "";
    const { digits } = view.indicator;
    return `${numbers.plain(view.low[county], digits)} to ` +
      numbers.plain(view.high[county], digits);
  }

  function significance(view, county) {
    if (!view.p || view.p[county] === null) return "";
    const weak = view.unsure[county] === "1" ? ", not significant" : "";
    return numbers.pValue(view.p[county]) + weak;
  }

  function value(view, county) {
    const number = view.values[county];
    if (number === null) return "no data";
    if (!kinds.numeric(view)) return kinds.name(view, number);
    return numbers.withUnit(number, view.indicator);
  }

  // Where the unit stands beside: only per cent is said with the number.
  function bare(view, county) {
    const number = view.values[county];
    if (!kinds.numeric(view)) return value(view, county);
    const { digits, unit } = view.indicator;
    return number === null ? "no data"
      : numbers.withUnit(number, { digits, unit: unit === "%" ? unit : "" });
  }

  // What periods are called: years, where they are.
  const noun = (periods) =>
    (periods.every((period) => /^\d{4}$/.test(period)) ? "Year" : "Period");

  function ordinal(number) {
    const teen = Math.floor(number / 10) % 10 === 1;
    const ending = teen ? "th" : ["th", "st", "nd", "rd"][number % 10] ?? "th";
    return numbers.plain(number) + ending;
  }

  // Classes have no rank.
  function rank(view, county) {
    if (view.values[county] === null || !kinds.numeric(view)) return "";
    const { places, count } = ranking(view.values);
    if (places.size === 1 && count > 1) return "the same in every county with data";
    const at = places.get(view.values[county]);
    const place = at === 1 ? "highest" : `${ordinal(at)} highest`;
    return `${place} of ${numbers.plain(count)} counties`;
  }

  // The two numbers of a crossed indicator, also where only one is known.
  const both = (view, county) => [0, 1].map((which) => {
    const axis = kinds.axis(view, which);
    return `${axis.indicator.label} ${value(axis, county)}`;
  });

  // The lines below the value; empty ones are left out.
  function lines(view, county) {
    if (kinds.crossed(view)) return both(view, county);
    if (view.values[county] === null) return [];
    const range = interval(view, county);
    return [
      range && `interval ${range}`,
      significance(view, county),
      rank(view, county),
    ].filter(Boolean);
  }

  const title = (view) =>
    view.indicator.label + (view.period ? `, ${view.period}` : "");

  return {
    ids, names, noun, place, value, bare, lines, rank, ranking, middle, hasInterval, interval,
    significance, title,
  };
})();
