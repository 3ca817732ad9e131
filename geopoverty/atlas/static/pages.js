// The pages of the atlas: a tab each, one shown at a time.
geopoverty.pages = (() => {
  const { dom } = geopoverty;
  const main = document.querySelector("main");
  const strip = dom.byId("gp-tabs");
  const pages = [];

  // A part of the atlas has a page; its panel is returned. `fill` makes what takes time
  // when the page is first opened, `shown` and `left` are told each time.
  function add({ name, title, fill = () => {}, shown = () => {}, left = () => {} }) {
    const panel = dom.byId(`gp-page-${name}`) ?? dom.make("section", {
      class: `gp-page gp-page-${name}`, id: `gp-page-${name}`,
    });
    panel.hidden = pages.length > 0;
    main.append(panel);
    pages.push({ name, title, fill, shown, left, panel, button: null, filled: false });
    return panel;
  }

  function open(name, { focus = false } = {}) {
    for (const page of pages) {
      const on = page.name === name;
      const was = !page.panel.hidden;
      page.panel.hidden = !on;
      if (was && !on) page.left();
    }
    for (const page of pages) {
      const on = page.name === name;
      page.button.setAttribute("aria-selected", on);
      page.button.tabIndex = on ? 0 : -1;
      if (!on) continue;
      if (!page.filled) page.fill(page.panel);
      page.filled = true;
      page.shown();
      if (focus) page.button.focus();
    }
  }

  function onKey(event, at) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to = { Home: 0, End: pages.length - 1 }[event.key] ??
      (step && (at + step + pages.length) % pages.length);
    if (to === undefined) return;
    event.preventDefault();
    open(pages[to].name, { focus: true });
  }

  function start() {
    if (pages.length < 2) return;
    strip.hidden = false;
    pages.forEach((page, at) => {
      page.button = dom.make("button", {
        role: "tab", type: "button", id: `gp-tab-${page.name}`, text: page.title,
        "aria-controls": page.panel.id, "aria-selected": at === 0,
        tabindex: at === 0 ? 0 : -1,
      });
      page.button.addEventListener("click", () => open(page.name));
      page.button.addEventListener("keydown", (event) => onKey(event, at));
      page.panel.setAttribute("role", "tabpanel");
      page.panel.setAttribute("aria-labelledby", page.button.id);
      page.panel.removeAttribute("aria-label");
      strip.append(page.button);
    });
    pages[0].filled = true;
  }

  return { add, open, start };
})();
