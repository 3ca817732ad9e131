// Peers: the counties most like one that do better, and on what.
geopoverty.peers = (() => {
  const { charts, chosen, compareTable, countymap, data, dom, facts, numbers, pages, store } =
    geopoverty;
  const MOST = 50;
  const known = data.peers;
  const goals = known
    ? data.indicators.map((_, k) => k).filter((k) => known.better[k]) : [];
  const choice = known
    ? { k: known.k, goal: "any", used: known.labels.map(() => true) } : null;

  // Root mean square of the differences, each in standard deviations.
  function distance(a, b) {
    let sum = 0;
    let count = 0;
    for (let c = 0; c < known.labels.length; c += 1) {
      if (!choice.used[c]) continue;
      const column = known.values[c];
      if (column[a] === null || column[b] === null) return null;
      sum += ((column[a] - column[b]) / known.spread[c]) ** 2;
      count += 1;
    }
    return count ? Math.sqrt(sum / count) : null;
  }

  function nearest(county, count) {
    const found = [];
    for (let other = 0; other < facts.ids.length; other += 1) {
      const apart = other === county ? null : distance(county, other);
      if (apart !== null) found.push([apart, other]);
    }
    return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, count);
  }

  // Whether a peer does better: "yes", "unclear" where intervals overlap, or "no".
  function verdict(view, goal, peer, county) {
    const [theirs, ours] = [view.values[peer], view.values[county]];
    if (theirs === null || ours === null) return "no";
    const gap = known.better[goal] === "lower" ? ours - theirs : theirs - ours;
    const size = numbers.plain(Math.abs(gap), view.indicator.digits);
    if (gap <= 0 || !/[1-9]/.test(size)) return "no";
    return compareTable.unclear(view, peer, county) ? "unclear" : "yes";
  }

  // The peers of a county, with what they do better on; `asked` picks the goal.
  function find(county, views) {
    const asked = choice.goal === "any" ? goals : [+choice.goal];
    return nearest(county, choice.k).map(([apart, peer]) => ({
      apart, peer,
      verdicts: goals.map((goal) => verdict(views[goal], goal, peer, county)),
    })).filter(({ verdicts }) => goals.some((goal, k) =>
      asked.includes(goal) && verdicts[k] !== "no"));
  }

  const WORDS = { yes: "better", unclear: "better, but perhaps by chance" };

  function goalCell(view, { peer, verdicts }, k, county) {
    const apart = compareTable.difference(view, peer, county);
    const what = WORDS[verdicts[k]];
    return dom.make("td", what ? { class: "gp-better" } : {},
      dom.say("strong", facts.bare(view, peer)),
      apart ? dom.say("span", apart, "gp-apart") : null,
      what ? dom.make("span", { class: "gp-fine", text: `\u2714 ${what}` }) : null);
  }

  const likeness = (apart) => (apart < 0.25 ? "very alike" : apart < 0.5 ? "alike"
    : apart < 1 ? "somewhat alike" : "not very alike");

  function name(county) {
    const button = dom.make("button", {
      type: "button", class: "gp-link", text: facts.place(county), dir: "auto",
      title: "Show on the map",
    });
    button.addEventListener("click", () => {
      store.set({ county });
      pages.open("map", { focus: true });
      countymap.goTo(county);
    });
    return button;
  }

  function row(found, county, views, tell) {
    const { peer, apart } = found;
    const traits = known.labels.flatMap((_, c) => (choice.used[c] ? [dom.make("td", {
      text: numbers.plain(known.values[c][peer], known.digits[c]),
    })] : []));
    return dom.make("tr", {},
      dom.make("th", { scope: "row" }, name(peer), chosen.toggle(peer, tell)),
      dom.make("td", {}, dom.make("span", { text: likeness(apart) }),
        dom.make("span", { class: "gp-fine", text: numbers.plain(apart, 2) })),
      ...goals.map((goal, k) => goalCell(views[goal], found, k, county)), ...traits);
  }

  function own(county, views) {
    const traits = known.labels.flatMap((_, c) => (choice.used[c] ? [dom.make("td", {
      text: numbers.plain(known.values[c][county], known.digits[c]),
    })] : []));
    return dom.make("tr", { class: "gp-own" },
      dom.make("th", { scope: "row" }, charts.badge(chosen.markOf(county)),
        dom.say("span", facts.place(county))),
      dom.make("td", { text: "\u2013" }),
      ...goals.map((goal) => dom.make("td", {},
        dom.say("strong", facts.bare(views[goal], county)))), ...traits);
  }

  function table(found, county, views, tell) {
    const traits = known.labels.filter((_, c) => choice.used[c]);
    const heads = ["County", "How alike", ...goals.map((goal) => facts.title(views[goal])),
      ...traits];
    return dom.make("div", {
      class: "gp-scroll gp-compared", tabindex: "0", role: "region",
      "aria-label": "Similar counties that do better",
    }, dom.make("table", {},
      dom.make("thead", {}, dom.make("tr", {}, ...heads.map((text) =>
        dom.make("th", { scope: "col", text, dir: "auto" })))),
      dom.make("tbody", {}, own(county, views),
        ...found.map((each) => row(each, county, views, tell)))));
  }

  const missing = (county) => known.labels.filter((_, c) =>
    choice.used[c] && known.values[c][county] === null);

  function answer(county, views, tell) {
    const place = facts.place(county);
    if (!choice.used.includes(true)) {
      return [dom.make("p", { text: "Tick at least one thing to be alike in." })];
    }
    const lacking = missing(county);
    if (lacking.length) {
      return [dom.say("p",
        `${place} has no similar counties here: ${lacking.join(", ")} is not known.`)];
    }
    const found = find(county, views);
    const all = nearest(county, choice.k).length;
    const about = choice.goal === "any"
      ? "at least one count" : facts.title(views[+choice.goal]);
    const text = found.length
      ? `Of the ${all} counties most like ${place}, ${found.length} ` +
        `${found.length === 1 ? "does" : "do"} better on ${about}.`
      : `None of the ${all} counties most like ${place} does better on ${about}.`;
    return [dom.say("p", text, "gp-answer"),
      found.length ? table(found, county, views, tell) : ""];
  }

  function countField(redraw) {
    const input = dom.make("input", {
      id: "gp-peer-count", type: "number", min: 1, step: 1,
      max: Math.min(MOST, facts.ids.length - 1), value: choice.k,
    });
    input.addEventListener("input", () => {
      const asked = Math.round(input.valueAsNumber);
      if (!(asked >= 1)) return;
      choice.k = Math.min(asked, MOST, facts.ids.length - 1);
      redraw();
    });
    return dom.make("div", { class: "gp-field" },
      dom.make("label", { for: "gp-peer-count", text: "How many similar counties" }), input);
  }

  function goalField(redraw) {
    const select = dom.make("select", { id: "gp-peer-goal" },
      dom.make("option", { value: "any", text: "anything" }),
      ...goals.map((goal) => dom.make("option", {
        value: goal,
        text: `${data.indicators[goal].label} (${known.better[goal]} is better)`,
      })));
    select.value = choice.goal;
    select.addEventListener("change", () => {
      choice.goal = select.value;
      redraw();
    });
    return dom.make("div", { class: "gp-field" },
      dom.make("label", { for: "gp-peer-goal", text: "That do better on" }), select);
  }

  function traitField(redraw) {
    const boxes = known.labels.map((label, c) => {
      const box = dom.make("input", { type: "checkbox", id: `gp-peer-trait-${c}` });
      box.checked = choice.used[c];
      box.addEventListener("change", () => {
        choice.used[c] = box.checked;
        redraw();
      });
      return dom.make("label", {}, box, dom.say("span", label));
    });
    return dom.make("fieldset", { class: "gp-traits" },
      dom.make("legend", { text: "Alike in" }), ...boxes);
  }

  // A section that keeps its controls while its answer changes.
  function build(tell) {
    if (!known || !goals.length) return null;
    const box = dom.make("div");
    let last = null;
    const draw = () => box.replaceChildren(...answer(...last, tell));
    const redraw = () => {
      draw();
      dom.byId("gp-status").textContent = box.firstChild.textContent;
    };
    const section = dom.make("section", { class: "gp-part gp-peers" },
      dom.make("h3", { text: "Similar counties that do better" }),
      dom.make("div", { class: "gp-bar-fields" }, countField(redraw), goalField(redraw)),
      traitField(redraw), box,
      dom.make("p", { class: "gp-fine", text:
        "How alike two counties are: each ticked thing is measured against how much it " +
        "differs between all counties, and the differences are averaged. 0 is the same; " +
        "at 1 they differ as much as counties usually differ from the average. " +
        "Doing better may have other causes than what is shown here." }));
    return {
      section,
      show(county, views) {
        last = [county, views];
        draw();
      },
    };
  }

  return { build, nearest, find, choice };
})();
