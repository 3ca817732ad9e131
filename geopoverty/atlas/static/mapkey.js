// A short legend for a small map: colours and what they mean, without counts.
geopoverty.mapKey = (() => {
  const { dom, legend, legendSquare } = geopoverty;
  const PATTERNS = { hatch: "gp-swatch-none", dots: "gp-swatch-unsure" };

  function entry({ label, color, pattern }) {
    const swatch = dom.make("span", {
      class: `gp-swatch ${PATTERNS[pattern] ?? ""}`, "aria-hidden": "true",
    });
    swatch.style.backgroundColor = color ?? "";
    return dom.make("li", {}, swatch, dom.say("span", label));
  }

  const list = (entries) =>
    dom.make("ul", { class: "gp-small-key" }, ...entries.map(entry));

  function draw(view) {
    const square = legend.grid(view);
    const entries = legend.entries(view);
    const { unit } = view.indicator;
    return dom.make("div", {},
      unit ? dom.say("p", unit === "%" ? "per cent" : unit, "gp-unit") : null,
      square ? legendSquare.draw(square) : null,
      list(square ? entries.slice(-1) : entries));
  }

  return { draw };
})();
