// The results page: texts, tables and notes, one section a result.
geopoverty.results = (() => {
  const { data, dom, pages } = geopoverty;

  const paragraphs = (text) =>
    text.split(/\n\s*\n/).filter((part) => part.trim()).map((part) => dom.say("p", part));

  const LONG = 32; // characters: longer texts wrap at a width that reads well

  // Numbers and short texts stay on one line.
  const kind = (texts, numeric) =>
    (numeric ? "gp-number" : texts.some((text) => text.length > LONG) ? "gp-text" : "");

  function table({ title, head, numeric, rows, cut }, section) {
    const kinds = head.map((name, k) =>
      kind([name, ...rows.map((row) => row[k])], numeric[k]));
    const cell = (tag, text, k) => dom.say(tag, text, kinds[k]);
    const top = head.map((text, k) => {
      const element = cell("th", text, k);
      element.scope = "col";
      return element;
    });
    const body = rows.map((row) =>
      dom.make("tr", {}, ...row.map((text, k) => cell("td", text, k))));
    // It scrolls by itself when it is wide, also with the keyboard.
    const frame = dom.make("div", {
      class: "gp-scroll", tabindex: "0", role: "region", "aria-label": title ? `${section}: ${title}` : section,
    }, dom.make("table", {},
      title ? dom.say("caption", title) : null,
      dom.make("thead", {}, dom.make("tr", {}, ...top)),
      dom.make("tbody", {}, ...body)));
    const rest = cut ? dom.make("p", { class: "gp-cut", text: `and ${cut} more rows` }) : "";
    return [frame, rest];
  }

  const facts = (pairs) => dom.make("dl", { class: "gp-facts" },
    ...pairs.filter(([, value]) => value !== "").map(([key, value]) =>
      dom.make("div", {}, dom.say("dt", key), dom.say("dd", value))));

  const notes = (lines) => dom.make("div", { class: "gp-notes" },
    dom.make("h3", { text: "To be read with these numbers" }),
    dom.make("ul", {}, ...lines.map((line) => dom.say("li", line))));

  const section = (part) => dom.make("article", { class: "gp-section" },
    dom.say("h2", part.title),
    ...paragraphs(part.text),
    ...part.tables.flatMap((each) => table(each, part.title)),
    part.facts.length ? facts(part.facts) : null,
    part.notes.length ? notes(part.notes) : null);

  function start() {
    if (!data.sections.length) return;
    const panel = pages.add({ name: "results", title: "Results" });
    panel.append(...data.sections.map(section));
  }

  return { start };
})();
