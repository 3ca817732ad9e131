// The page that ranks counties, beside the map that it is linked with.
geopoverty.ranking = (() => {
  const {
    chosen, countymap, csv, data, dom, facts, kinds, numbers, pages, rankingFields,
    rankingRows, rankingTable, store,
  } = geopoverty;
  const SHOWN = 50; // rows at a time
  const state = {
    group: null, from: null, to: null, code: null, sort: null, start: 0,
  };
  const parts = {};
  let counties = []; // those that pass, in order
  let asked = false; // whether a redraw is already on its way
  let stale = false; // whether the map's choice changed while another page was open

  const tell = (text) => {
    parts.message.textContent = text;
    parts.message.hidden = !text;
  };

  const filtered = () =>
    ["group", "from", "to", "code"].some((name) => state[name] !== null);

  // Numbers from the highest down, classes in the order of the legend.
  const usual = () => ({ key: "value", down: kinds.numeric(store.view()) });

  // The map leaves blank what the filter leaves out, while this page is open.
  function shareFilter() {
    const kept = filtered() ? new Set(counties) : null;
    if (kept || store.state.kept) store.set({ kept });
  }

  function update() {
    const view = store.view();
    counties = rankingRows.order(view, rankingRows.keep(view, state), state.sort);
    state.start = 0;
    draw();
    shareFilter();
  }

  // Typing asks for many updates; one a frame is enough.
  function soon() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      update();
    });
  }

  function count() {
    const all = facts.ids.length;
    if (!counties.length) {
      return state.from !== null && state.to !== null && state.from > state.to
        ? "\u201cFrom\u201d lies above \u201cto\u201d, so no county can match."
        : "No county matches. Change or clear the filters.";
    }
    const end = Math.min(state.start + SHOWN, counties.length);
    const of = counties.length === all ? `${numbers.plain(all)} counties`
      : `${numbers.plain(counties.length)} that match, of ${numbers.plain(all)} counties`;
    return `${numbers.plain(state.start + 1)} to ${numbers.plain(end)} of ${of}`;
  }

  // What is listed, for screen readers and on paper.
  function what(view) {
    const { digits } = view.indicator;
    const limit = (name) =>
      state[name] !== null && `${name} ${numbers.plain(state[name], digits)}`;
    const named = state.code !== null && kinds.name(view, state.code);
    return [facts.title(view), state.group, named, limit("from"), limit("to")]
      .filter(Boolean).join(", ");
  }

  const act = {
    choose(county) {
      store.set({ county });
      if (parts.map.offsetParent) countymap.goTo(county);
    },
    sort(key) {
      const { sort } = state;
      state.sort = { key, down: sort.key === key ? !sort.down
        : ["x", "y"].includes(key) || (key === "value" && usual().down) };
      update();
      parts.frame.querySelector(`.gp-sort[data-key="${key}"]`).focus();
    },
    tell,
  };

  function draw() {
    const view = store.view();
    const part = counties.slice(state.start, state.start + SHOWN);
    const table = rankingTable.draw(view, part, {
      sort: state.sort, county: store.state.county, caption: what(view),
    }, act);
    parts.frame.replaceChildren(table);
    parts.frame.scrollTop = 0;
    const said = count();
    if (parts.count.textContent !== said) parts.count.textContent = said;
    parts.before.disabled = state.start === 0;
    parts.after.disabled = state.start + SHOWN >= counties.length;
    parts.pager.hidden = counties.length <= SHOWN;
  }

  function turn(step) {
    state.start += step * SHOWN;
    draw();
  }

  // Go to the rows that hold a county, and say what it has.
  function showCounty() {
    const { county } = store.state;
    parts.one.hidden = county === null;
    if (county !== null) {
      const at = counties.indexOf(county);
      const start = at < 0 ? state.start : Math.floor(at / SHOWN) * SHOWN;
      if (start !== state.start) {
        state.start = start;
        draw();
      }
      fillOne(county, at < 0);
    }
    for (const row of parts.frame.querySelectorAll("tbody tr")) {
      const on = +row.dataset.county === county;
      rankingTable.mark(row, on);
      if (on && !parts.panel.hidden) row.scrollIntoView({ block: "nearest" });
    }
  }

  function fillOne(county, out) {
    const view = store.view();
    const map = dom.make("button", {
      type: "button", class: "gp-button gp-to-map", text: "Show on the map",
    });
    map.addEventListener("click", () => {
      pages.open("map", { focus: true });
      countymap.goTo(county);
    });
    parts.one.replaceChildren(...[
      dom.say("strong", facts.place(county)),
      dom.say("span", [facts.value(view, county), facts.rank(view, county)]
        .filter(Boolean).join(", ")),
      out ? dom.make("span", { class: "gp-fine", text: "left out by the filter" }) : null,
      map, chosen.possible ? chosen.toggle(county, tell) : null,
    ].filter(Boolean));
  }

  function pager() {
    const button = (text, step) => {
      const made = dom.make("button", { type: "button", class: "gp-button", text });
      made.addEventListener("click", () => turn(step));
      return made;
    };
    parts.before = button("Back", -1);
    parts.after = button("Next", 1);
    parts.pager = dom.make("div", { class: "gp-pager" }, parts.before, parts.after);
    return parts.pager;
  }

  function saveButton() {
    const button = dom.make("button", { type: "button", class: "gp-button", text: "Save as CSV" });
    button.addEventListener("click", () => {
      const view = store.view();
      csv.save(csv.fileName("ranking", view.indicator.label, view.period),
        rankingTable.rows(view, counties));
    });
    return button;
  }

  function fill(panel) {
    parts.panel = panel;
    parts.fields = rankingFields.build(state, { choose: act.choose, soon, update });
    state.sort = usual();
    parts.map = dom.make("div", { class: "gp-ranking-map" });
    parts.message = dom.make("p", { class: "gp-message", role: "alert", hidden: "" });
    parts.count = dom.make("p", { class: "gp-fine", role: "status", id: "gp-rank-count" });
    parts.one = dom.make("div", { class: "gp-one", hidden: "" });
    parts.frame = dom.make("div", {
      class: "gp-scroll gp-ranked", tabindex: "0", role: "region", "aria-label": "Ranking",
    });
    panel.append(dom.make("div", { class: "gp-ranking-list" },
      dom.make("h2", { text: "Ranking" }), parts.fields.box,
      parts.message, parts.one,
      dom.make("div", { class: "gp-ranking-bar" }, parts.count, saveButton(), pager()),
      parts.frame), parts.map);
    parts.fields.show();
    update();
    showCounty();
  }

  // The map moves here, and back when the page is left.
  const stage = dom.byId("gp-stage");
  const home = stage.parentElement;

  function shown() {
    parts.map.append(stage);
    if (stale) refresh();
    else shareFilter();
    showCounty();
  }

  function left() {
    home.append(stage);
    if (store.state.kept) store.set({ kept: null });
  }

  // Limits on values, and columns to sort by, are those of one indicator.
  function forget() {
    parts.fields.forget();
    if (!["name", "group"].includes(state.sort.key)) state.sort = usual();
  }

  function refresh() {
    stale = false;
    parts.fields.show();
    update();
  }

  function follow(now, before) {
    if (!parts.panel) return;
    const other = store.viewChanged(before) || now.compare !== before.compare;
    if (now.indicator !== before.indicator) forget();
    if (parts.panel.hidden) stale ||= other;
    else if (store.viewChanged(before)) refresh();
    else if (other) draw();
    if (!parts.panel.hidden && (other || now.county !== before.county)) showCounty();
  }

  function start() {
    if (!data.pages.includes("ranking")) return;
    pages.add({ name: "ranking", title: "Ranking", fill, shown, left });
    store.listen(follow);
  }

  return { start, state };
})();
