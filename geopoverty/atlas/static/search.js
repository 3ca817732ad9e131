// Find a county by its name or id: a combobox with a list below.
geopoverty.search = (() => {
  const { countymap, data, dom, facts, store } = geopoverty;
  const MOST = 12;
  const input = dom.byId("gp-find");
  const list = dom.byId("gp-found");
  let keys = null; // what is searched, made when first needed
  let found = [];
  let active = -1;

  // Small letters without accents, so that "dona" finds "Doña Ana".
  const simple = (text) =>
    text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase().trim();

  function prepared() {
    keys ??= data.places.ids.map((id, county) => ({
      county, id: simple(id), name: simple(facts.place(county)),
    }));
    return keys;
  }

  // Best first: the id itself, the start of the name, the start of a word, within.
  function grade({ id, name }, query) {
    if (id === query) return 0;
    if (name.startsWith(query)) return 1;
    if (id.startsWith(query) || name.includes(` ${query}`)) return 2;
    return name.includes(query) ? 3 : null;
  }

  function matches(query) {
    if (!query) return [];
    return prepared()
      .map((key) => ({ ...key, grade: grade(key, query) }))
      .filter((key) => key.grade !== null)
      .sort((a, b) => a.grade - b.grade || (a.name < b.name ? -1 : 1))
      .slice(0, MOST)
      .map((key) => key.county);
  }

  function mark(index) {
    active = index;
    [...list.children].forEach((item, i) => {
      item.setAttribute("aria-selected", i === active);
      if (i === active) item.scrollIntoView({ block: "nearest" });
    });
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", `gp-found-${active}`);
  }

  function open() {
    found = matches(simple(input.value));
    const items = found.map((county, i) => {
      const item = dom.make("li", { role: "option", id: `gp-found-${i}` },
        dom.say("span", facts.place(county)), dom.say("small", facts.ids[county]));
      item.addEventListener("mousedown", (event) => event.preventDefault());
      item.addEventListener("click", () => choose(county));
      return item;
    });
    const none = dom.make("li", { class: "gp-none", text: "No county of this name or id" });
    list.replaceChildren(...(items.length ? items : [none]));
    const visible = simple(input.value) !== "";
    list.hidden = !visible;
    input.setAttribute("aria-expanded", visible);
    mark(items.length ? 0 : -1);
    if (visible) {
      dom.byId("gp-status").textContent = items.length
        ? `${items.length}${items.length === MOST ? " or more" : ""} found`
        : "No county found";
    }
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  }

  function choose(county) {
    input.value = facts.place(county);
    close();
    store.set({ county });
    countymap.goTo(county);
  }

  function onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) {
      event.preventDefault();
      if (list.hidden) open();
      else mark((active + step + found.length) % found.length);
    } else if (event.key === "Enter" && !list.hidden && active >= 0) {
      event.preventDefault();
      choose(found[active]);
    } else if (event.key === "Escape") {
      close();
    }
  }

  function start() {
    input.addEventListener("input", open);
    input.addEventListener("keydown", onKey);
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", close);
  }

  return { start };
})();
