// Find a county by its name or id: a combobox with a list below.
geopoverty.picker = (() => {
  const { data, dom, facts } = geopoverty;
  const MOST = 12;
  let keys = null; // what is searched, made when first needed

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

  // Makes a field and its list find counties; `choose` learns which one was taken.
  function attach(input, list, choose) {
    let found = [];
    let active = -1;

    function mark(index) {
      active = index;
      [...list.children].forEach((item, i) => {
        item.setAttribute("aria-selected", i === active);
        if (i === active) item.scrollIntoView({ block: "nearest" });
      });
      if (active < 0) input.removeAttribute("aria-activedescendant");
      else input.setAttribute("aria-activedescendant", `${list.id}-${active}`);
    }

    function open() {
      found = matches(simple(input.value));
      const items = found.map((county, i) => {
        const item = dom.make("li", { role: "option", id: `${list.id}-${i}` },
          dom.say("span", facts.place(county)), dom.say("small", facts.ids[county]));
        item.addEventListener("mousedown", (event) => event.preventDefault());
        item.addEventListener("click", () => take(county));
        return item;
      });
      const none = dom.make("li", {
        role: "option", "aria-disabled": "true", class: "gp-none", text: "No county of this name or id",
      });
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

    function take(county) {
      input.value = facts.place(county);
      close();
      choose(county);
    }

    function onKey(event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && found.length) {
        event.preventDefault();
        if (list.hidden) open();
        else mark((active + step + found.length) % found.length);
      } else if (event.key === "Enter" && !list.hidden && active >= 0) {
        event.preventDefault();
        take(found[active]);
      } else if (event.key === "Escape") {
        close();
      }
    }

    input.addEventListener("input", open);
    input.addEventListener("keydown", onKey);
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", close);
  }

  // A field with its label and list, for pages that have none in their markup.
  function field(id, label, choose) {
    const input = dom.make("input", {
      id, type: "text", role: "combobox", "aria-expanded": "false",
      "aria-controls": `${id}-list`, "aria-autocomplete": "list", autocomplete: "off",
      spellcheck: "false", dir: "auto", placeholder: "Name or id",
    });
    const list = dom.make("ul", {
      id: `${id}-list`, class: "gp-found", role: "listbox", "aria-label": "Counties found",
      hidden: "",
    });
    attach(input, list, choose);
    return dom.make("div", { class: "gp-field gp-field-find" },
      dom.make("label", { for: id, text: label }), input, list);
  }

  return { attach, field };
})();
