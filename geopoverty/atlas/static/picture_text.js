// Words on a picture: measured, broken into lines, and fit for XML.
geopoverty.pictureText = (() => {
  const { charts, dom } = geopoverty;
  const FAMILY = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', " +
    "'PingFang SC', 'Microsoft YaHei', sans-serif";
  const LEADING = 1.35; // height of a line, in sizes of its letters
  const pen = dom.make("canvas").getContext("2d");

  // Letters that no XML file may hold, and halves of a pair.
  const NONE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
  const clean = (text) => String(text).toWellFormed?.().replace(NONE, "\ufffd") ??
    String(text).replace(NONE, "\ufffd");

  function width(text, size, weight = 400) {
    pen.font = `${weight} ${size}px ${FAMILY}`;
    return pen.measureText(text).width;
  }

  // Words stay whole where they can; what is wider than a line is cut anywhere.
  function lines(text, room, size, weight) {
    const fits = (part) => width(part, size, weight) <= room;
    const out = [];
    let line = "";
    for (const word of clean(text).trim().split(/[ \t\n\r\u2028\u2029]+/)) {
      const longer = line ? `${line} ${word}` : word;
      if (fits(longer)) {
        line = longer;
        continue;
      }
      if (line) out.push(line);
      line = "";
      for (const letter of word) {
        if (line && !fits(line + letter)) {
          out.push(line);
          line = "";
        }
        line += letter;
      }
    }
    if (line) out.push(line);
    return out;
  }

  function shortened(found, most) {
    if (found.length <= most) return found;
    return [...found.slice(0, most - 1), `${found[most - 1]} \u2026`];
  }

  const one = (x, y, text, { size, weight = 400, color = "#1c2730", ...more }) =>
    charts.svg("text", {
      x, y, "font-size": size, "font-weight": weight, fill: color, text: clean(text), ...more,
    });

  // A text in lines from y down: { nodes, height }.
  function block(x, y, text, { room, size, most = Infinity, ...look }) {
    const found = shortened(lines(text, room, size, look.weight), most);
    const step = size * LEADING;
    return {
      nodes: found.map((line, k) => one(x, y + size + k * step, line, { size, ...look })),
      height: found.length * step,
    };
  }

  return { FAMILY, clean, width, lines, one, block };
})();
