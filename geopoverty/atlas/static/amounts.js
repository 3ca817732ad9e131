// Effects in words: so many percentage points more, so many of a covariate's units.
geopoverty.amounts = (() => {
  const { dom, facts, numbers } = geopoverty;
  const PLUS = "+";
  const RULE = "The model\u2019s best guess with all else equal, no forecast. It rests " +
    "on associations in the data: that places with more of one thing have less of " +
    "another does not prove that the one changes the other.";

  // As many decimals as tell the largest number in three figures, at most six.
  const digitsFor = (largest) =>
    (largest > 0 ? Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(largest)))) : 0);

  // Writes effects of a model, all with the decimals that suit the largest.
  function writer(model, part, values) {
    const times = model.levels ? 100 : 1;
    const unit = model.levels ? "percentage points" : part.outcome_unit;
    const largest = values.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    const digits = digitsFor(times * largest);
    const least = 0.5 / 10 ** digits / times; // below this a number is written as 0
    function bare(value) {
      const text = numbers.plain(times * value, digits);
      return value > 0 && /[1-9]/.test(text) ? PLUS + text : text;
    }
    const full = (value) => bare(value) + (unit ? ` ${unit}` : "");
    const level = (value) => numbers.withUnit(100 * value, { digits, unit: "%" });
    return { bare, full, level, unit, digits, times, least };
  }

  const decimals = (value) => Math.min(6, (String(value).split(".")[1] ?? "").length);

  // "Clusters up by 3"
  function step(part, size) {
    const amount = numbers.plain(Math.abs(size), decimals(size));
    const unit = part.unit ? ` ${part.unit}` : "";
    return `${part.label} ${size < 0 ? "down" : "up"} by ${amount}${unit}`;
  }

  const caution = () => dom.make("p", { class: "gp-notes", text: RULE });

  // Which model, where there are several.
  function modelField(id, parts, change) {
    const select = dom.make("select", { id }, ...parts.map((part, k) =>
      dom.make("option", { value: k, text: `${part.label}: ${part.outcome}` })));
    select.addEventListener("change", () => change(+select.value));
    const field = dom.make("div", { class: "gp-field" },
      dom.make("label", { for: id, text: "Question" }), select);
    field.hidden = parts.length < 2;
    return field;
  }

  const about = (part) => (part.period ? `${part.outcome}, ${part.period}` : part.outcome);

  function absent(county) {
    return `${facts.place(county)} is not in this model, which has no data for it.`;
  }

  // A table with heads (text, or [text, true] for numbers) and rows of cells.
  function table(label, heads, rows) {
    const cell = (tag, content, number, options = {}) => {
      const made = content instanceof Node
        ? dom.make(tag, options, content) : dom.make(tag, { ...options, text: content });
      if (number) made.className = "gp-number";
      return made;
    };
    return dom.make("div", {
      class: "gp-scroll gp-effects", tabindex: "0", role: "region", "aria-label": label,
    }, dom.make("table", {},
      dom.make("caption", { class: "gp-hidden", text: label, dir: "auto" }),
      dom.make("thead", {}, dom.make("tr", {}, ...heads.map(([text, number]) =>
        cell("th", text, number, { scope: "col" })))),
      dom.make("tbody", {}, ...rows.map((row) => dom.make("tr", {}, ...row.map((text, k) =>
        (k === 0 ? cell("th", text, false, { scope: "row" })
          : cell("td", text, heads[k][1]))))))));
  }

  // A county's name that can be pressed.
  function link(county, press) {
    const button = dom.make("button", {
      type: "button", class: "gp-link", dir: "auto", text: facts.place(county),
    });
    button.addEventListener("click", () => press(county));
    return button;
  }

  return { writer, step, caution, modelField, about, absent, table, link };
})();
