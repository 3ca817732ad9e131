// The square that is the legend of two numbers crossed; a table, so that it reads aloud.
geopoverty.legendSquare = (() => {
  const { dom, numbers } = geopoverty;

  // Black or white, whichever stands out more.
  function inkOn(color) {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
  }

  const titled = ({ label, unit }) => label + (unit ? `, ${unit}` : "");

  function head({ levels, ranges }, at, scope) {
    return dom.make("th", { scope }, dom.say("span", levels[at]),
      dom.say("small", ranges[at]));
  }

  function cell({ label, color, count }) {
    const counties = count === 1 ? "1 county" : `${numbers.plain(count)} counties`;
    const made = dom.make("td", { title: `${label} (${counties})`, text: numbers.plain(count) });
    made.style.backgroundColor = color;
    made.style.color = inkOn(color);
    return made;
  }

  function draw({ x, y, rows }) {
    const across = x.levels.map((_, at) => head(x, at, "col"));
    return dom.make("table", { class: "gp-square" },
      dom.say("caption", `Number of counties by ${titled(x)} and ${titled(y)}`, "gp-hidden"),
      dom.make("thead", {},
        dom.make("tr", {}, dom.make("td"), dom.make("th", {
          colspan: x.levels.length, scope: "colgroup", class: "gp-square-x",
        }, dom.say("span", titled(x)), dom.make("span", { "aria-hidden": "true", text: " \u2192" }))),
        dom.make("tr", {}, dom.make("th", { scope: "col", class: "gp-square-y" },
          dom.say("span", titled(y)), dom.make("span", { "aria-hidden": "true", text: " \u2191" })),
        ...across)),
      dom.make("tbody", {}, ...rows.map((row, down) => dom.make("tr", {},
        head(y, rows.length - 1 - down, "row"), ...row.map(cell)))));
  }

  return { draw, inkOn };
})();
