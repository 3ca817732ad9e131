// The whole picture: title, map or maps, legend, and where everything comes from.
geopoverty.pictureSheet = (() => {
  const { charts, data, facts, pictureKey, pictureMap, pictureText } = geopoverty;
  const { svg } = charts;
  const { block, clean } = pictureText;
  const WIDTH = 1100;
  const EDGE = 26;
  const KEY = 272; // pixels of the legend, at the right
  const ROOM = { x: WIDTH - 2 * EDGE - KEY - 26, y: 860 };
  const SOFT = "#4d5a65";
  const STATUSES = ["measured", "routed", "modelled", "simulated"]; // firmest first

  // What a reader must know of the data; nothing if they are measured.
  function status() {
    const all = data.footer.sources.map((source) => source.status)
      .filter((name) => STATUSES.includes(name));
    const worst = STATUSES[Math.max(0, ...all.map((name) => STATUSES.indexOf(name)))];
    if (worst === "measured" || worst === "routed") return "";
    const part = all.every((name) => name === worst) ? "" : "partly ";
    return `${part}${worst} data`.replace(/^./, (letter) => letter.toUpperCase());
  }

  function sources() {
    return data.footer.sources.map(({ title, status: how, source, licence, attribution }) => {
      const held = [how, licence].filter(Boolean).join("; ");
      const who = attribution && attribution !== title ? `. ${attribution}` : "";
      return `${title || source || "Data"}${held ? ` (${held})` : ""}${who}`;
    });
  }

  function foot(y) {
    const { version, date, projection } = data.footer;
    const named = sources();
    const said = [
      named.length ? `${named.length > 1 ? "Sources" : "Source"}: ${named.join("; ")}.` : "",
      `From the atlas \u201c${data.title}\u201d, made with geopoverty ${version} on ${date}. ` +
      `Projection: ${projection}.`,
    ].filter(Boolean);
    let at = y;
    const nodes = said.flatMap((text) => {
      const drawn = block(EDGE, at, text, {
        room: WIDTH - 2 * EDGE, size: 11, color: SOFT, most: 14,
      });
      at += drawn.height;
      return drawn.nodes;
    });
    return { node: svg("g", {}, svg("title", { text: "Sources" }), ...nodes), bottom: at };
  }

  function heading(views, county) {
    const [view] = views;
    const room = WIDTH - 2 * EDGE;
    const span = views.length > 1
      ? `${view.period} to ${views.at(-1).period}` : view.period;
    const chosen = county === null ? "" : `Outlined: ${facts.place(county)}${
      views.length > 1 ? "" : `, ${facts.value(view, county)}`}`;
    const parts = [
      [view.indicator.label, { size: 24, weight: 650, most: 3 }],
      [[span, status()].filter(Boolean).join(" \u00b7 "), { size: 15, color: SOFT, most: 2 }],
      [chosen, { size: 14, most: 2 }],
    ];
    let at = EDGE - 6;
    const nodes = [];
    for (const [text, look] of parts) {
      if (!text) continue;
      const drawn = block(EDGE, at, text, { room, ...look });
      nodes.push(...drawn.nodes);
      at += drawn.height + 3;
    }
    return { node: svg("g", {}, svg("title", { text: "Title" }), ...nodes), bottom: at + 12 };
  }

  // Where maps stand: as many columns as make them largest.
  function places(count, bounds) {
    if (count === 1) {
      const size = pictureMap.fitted(bounds, ROOM);
      return { size, at: [[(ROOM.x - size.x) / 2, 0]], height: size.y };
    }
    const TITLE = 24;
    const GAP = 14;
    const options = Array.from({ length: count }, (_, k) => {
      const across = k + 1;
      const rows = Math.ceil(count / across);
      const size = pictureMap.fitted(bounds, {
        x: (ROOM.x - GAP * (across - 1)) / across,
        y: (ROOM.y - (TITLE + GAP) * rows) / rows,
      });
      return { across, rows, size };
    });
    const best = options.reduce((a, b) => (b.size.scale > a.size.scale ? b : a));
    const { across, rows, size } = best;
    return {
      size,
      at: Array.from({ length: count }, (_, k) => [
        (k % across) * (size.x + GAP), Math.floor(k / across) * (size.y + TITLE + GAP) + TITLE,
      ]),
      height: rows * (size.y + TITLE + GAP),
    };
  }

  // The picture of a view, or of several with one legend, as an SVG element. With
  // `part` it shows what is in view.
  function draw(views, { part = false, county = null } = {}) {
    const bounds = part ? pictureMap.inView() : pictureMap.whole();
    const head = heading(views, county);
    const { size, at, height } = places(views.length, bounds);
    const { defs, maps, fill } = pictureMap.draw(views, bounds, size, { county });
    const placed = maps.map((map, k) => svg("g", {
      transform: `translate(${EDGE + at[k][0]} ${head.bottom + at[k][1]})`,
    }, views.length > 1
      ? pictureText.one(0, -8, views[k].period, { size: 13, weight: 600 }) : null, map));
    const key = pictureKey.draw(WIDTH - EDGE - KEY, head.bottom, views[0], KEY,
      { fill, part, counts: views.length === 1 });
    const end = foot(Math.max(head.bottom + height, key.bottom) + 18);
    const tall = Math.ceil(end.bottom + EDGE / 2);
    const title = clean(views.length > 1 ? views[0].indicator.label : facts.title(views[0]));
    return svg("svg", {
      width: WIDTH, height: tall,
      viewBox: `0 0 ${WIDTH} ${tall}`, "font-family": pictureText.FAMILY, role: "img",
      lang: "en",
    },
    svg("title", { text: title }),
    svg("desc", { text: clean([status(), ...sources()].filter(Boolean).join(". ")) }),
    defs,
    svg("rect", { width: WIDTH, height: tall, fill: "#ffffff" }),
    head.node, ...placed, key.node, end.node);
  }

  return { draw };
})();
