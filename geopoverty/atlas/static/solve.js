// What a step in some counties changes where: the model's own sums, done in the page.
geopoverty.solve = (() => {
  const { data } = geopoverty;
  const CLOSE = 1e-13; // of the largest move, where the sum over ever wider rings ends
  const TURNS = 20000;
  const kept = { links: [], models: [] };

  function unpack(text, Kind) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const size = Kind.BYTES_PER_ELEMENT;
    const view = new DataView(bytes.buffer);
    const read = { Uint16Array: "getUint16", Float32Array: "getFloat32",
      Float64Array: "getFloat64" }[Kind.name];
    return Kind.from({ length: bytes.length / size }, (_, k) => view[read](k * size, true));
  }

  const startsOf = (counts) => {
    const starts = new Uint32Array(counts.length + 1);
    counts.forEach((count, k) => { starts[k + 1] = starts[k] + count; });
    return starts;
  };

  function readLinks(at) {
    const { counts, columns, values, even } = data.links[at];
    const starts = startsOf(unpack(counts, Uint16Array));
    const given = unpack(values, Float64Array);
    const read = { starts, columns: unpack(columns, Uint16Array), values: given };
    if (!even) return read;
    read.values = new Float64Array(read.columns.length);
    given.forEach((value, row) => read.values.fill(value, starts[row], starts[row + 1]));
    return read;
  }

  function readModel(at) {
    const given = data.models[at];
    const counts = unpack(given.counts, Uint16Array);
    const counties = unpack(given.counties, Uint16Array);
    const unitOf = new Map();
    counties.forEach((county, unit) => unitOf.set(county, unit));
    const links = given.links === null ? null
      : (kept.links[given.links] ??= readLinks(given.links));
    const maybe = (text) => text && unpack(text, Float32Array);
    return {
      ...given, counts, counties, unitOf, links, n: counts.length, starts: startsOf(counts),
      alone: typeof given.alone === "number"
        ? new Float64Array(counts.length).fill(given.alone)
        : unpack(given.alone, Float64Array),
      base: maybe(given.base),
      share: maybe(given.share), scale: maybe(given.scale),
    };
  }

  const model = (at) => (kept.models[at] ??= readModel(at));

  // W x, or W'x: what reaches each unit, or what each unit gives.
  function lag({ starts, columns, values }, x, back) {
    const y = new Float64Array(x.length);
    for (let row = 0; row < x.length; row += 1) {
      for (let k = starts[row]; k < starts[row + 1]; k += 1) {
        if (back) y[columns[k]] += values[k] * x[row];
        else y[row] += values[k] * x[columns[k]];
      }
    }
    return y;
  }

  const size = (x) => x.reduce((most, each) => Math.max(most, Math.abs(each)), 0);

  // x + rho W x + rho^2 W^2 x + ...: from ring to ring until nothing moves.
  function resolve(m, x, back) {
    if (!m.links || m.rho === 0) return x;
    const sum = Float64Array.from(x);
    let term = x;
    for (let turn = 0; turn < TURNS; turn += 1) {
      term = lag(m.links, term, back).map((each) => m.rho * each);
      term.forEach((each, k) => { sum[k] += each; });
      if (size(term) <= CLOSE * size(sum)) break;
    }
    return sum;
  }

  // By how much steps d move the index of each unit.
  function spread(m, d) {
    const around = m.links && m.lag ? lag(m.links, d, false) : null;
    return resolve(m, d.map((each, k) => m.own * each + (around ? m.lag * around[k] : 0)),
      false);
  }

  // By how much the index of one unit moves with one more in each unit.
  function sources(m, unit) {
    const one = new Float64Array(m.n);
    one[unit] = 1;
    const weights = resolve(m, one, true);
    const around = m.links && m.lag ? lag(m.links, weights, true) : null;
    return weights.map((each, k) => m.own * each + (around ? m.lag * around[k] : 0));
  }

  // The normal law below x: a series that loses no digits where it matters.
  function normal(x) {
    if (x < -8) return 0;
    if (x > 8) return 1;
    let sum = x;
    let term = x;
    for (let k = 3; sum + term !== sum; k += 2) {
      term *= (x * x) / k;
      sum += term;
    }
    return 0.5 + (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
  }

  const CURVES = {
    logit: () => (x) => 1 / (1 + Math.exp(-x)),
    probit: () => normal,
    cloglog: () => (x) => -Math.expm1(-Math.exp(x)),
    hazard: (m) => (x) => -Math.expm1(-m.hazard * Math.exp(x)),
  };

  // The outcome of a unit whose index has moved; without a curve the move itself.
  function outcome(m, unit, moved) {
    if (!m.levels) return moved;
    m.curve ??= CURVES[m.link](m);
    let sum = 0;
    for (let row = m.starts[unit]; row < m.starts[unit + 1]; row += 1) {
      const index = m.base[row] + moved / (m.scale ? m.scale[row] : 1);
      sum += m.curve(index) * (m.share ? m.share[row] : 1 / m.counts[unit]);
    }
    return sum;
  }

  const effect = (m, unit, moved) => outcome(m, unit, moved) - outcome(m, unit, 0);

  // All counties after steps in some (a map from county to step), by unit.
  function scenario(m, steps) {
    const d = new Float64Array(m.n);
    steps.forEach((step, county) => { d[m.unitOf.get(county)] = step; });
    const moved = spread(m, d);
    return Array.from({ length: m.n }, (_, unit) => {
      const before = outcome(m, unit, 0);
      const after = outcome(m, unit, moved[unit]);
      const own = d[unit] ? effect(m, unit, m.alone[unit] * d[unit]) : 0;
      const change = after - before;
      return {
        county: m.counties[unit], step: d[unit], there: m.counts[unit] > 0,
        before, after, change, own, spillover: change - own,
      };
    });
  }

  // Strongest first: [{ county, effect }] without the county itself.
  function sorted(m, unit, effects) {
    return Array.from(effects, (each, k) => ({ county: m.counties[k], effect: each, k }))
      .filter(({ k, effect: each }) => k !== unit && each && m.counts[k] > 0)
      .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
  }

  function reaches(m, county, step) {
    const unit = m.unitOf.get(county);
    const d = new Float64Array(m.n);
    d[unit] = step;
    return sorted(m, unit, spread(m, d).map((moved, k) => moved && effect(m, k, moved)));
  }

  function reached(m, county, step) {
    const unit = m.unitOf.get(county);
    return sorted(m, unit,
      sources(m, unit).map((moved) => moved && effect(m, unit, moved * step)));
  }

  return { model, scenario, reaches, reached };
})();
