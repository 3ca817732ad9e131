// The footer: where everything comes from and how it was made.
geopoverty.footer = (() => {
  const { data, dom } = geopoverty;
  const STATUSES = ["measured", "routed", "modelled", "simulated"];

  const block = (title, ...children) =>
    dom.make("section", {}, dom.make("h3", { text: title }), ...children);

  const list = (lines) =>
    dom.make("ul", {}, ...lines.map((line) => dom.say("li", line)));

  function source({ title, status, source: from, licence, attribution }) {
    const badge = dom.say("span", status || "status not stated", "gp-badge");
    if (STATUSES.includes(status)) badge.classList.add(`gp-badge-${status}`);
    const rest = [
      from, licence && `Licence: ${licence}`, attribution,
    ].filter(Boolean).join(". ");
    return dom.make("li", {},
      dom.say("strong", title || "Data"), " ", badge, rest ? dom.say("p", rest) : null);
  }

  function about({ seeds, projection, version, date }) {
    return list([
      `Made with geopoverty ${version} on ${date}`,
      `Projection: ${projection}; borders simplified for display`,
      ...seeds.map((seed) => `Random seed of ${seed}`),
      "Maps drawn with Leaflet",
    ]);
  }

  function start() {
    const { footer } = data;
    const { sources, methods, notes } = footer;
    dom.byId("gp-foot").append(
      dom.make("h2", { text: "Sources, methods and notes" }),
      dom.make("div", { class: "gp-foot-blocks" },
        sources.length
          ? block("Data", dom.make("ul", {}, ...sources.map(source)))
          : null,
        methods.length ? block("Methods", list(methods)) : null,
        notes.length ? block("Notes", list(notes)) : null,
        block("About this file", about(footer))),
    );
  }

  return { start };
})();
