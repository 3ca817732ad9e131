// The counties chosen to compare: up to four, each with a mark of its own.
geopoverty.chosen = (() => {
  const { data, dom, facts, store } = geopoverty;
  const MOST = 4;
  const possible = data.pages.includes("compare");
  const marks = new Map(); // a county keeps its mark while it is chosen

  const list = () => store.state.compare;
  const has = (county) => list().includes(county);
  const markOf = (county) => marks.get(county);
  const say = (text) => { dom.byId("gp-status").textContent = text; };

  const full = "Four counties are the most that fit side by side. Take one out first.";

  // Says why a county cannot be added, or nothing.
  function add(county) {
    if (has(county)) return `${facts.place(county)} is already compared.`;
    if (list().length >= MOST) {
      say(full);
      return full;
    }
    const taken = new Set(marks.values());
    marks.set(county, [0, 1, 2, 3].find((mark) => !taken.has(mark)));
    store.set({ compare: [...list(), county] });
    say(`${facts.place(county)} is compared: ${list().length} of ${MOST}`);
    return "";
  }

  function remove(county) {
    marks.delete(county);
    store.set({ compare: list().filter((other) => other !== county) });
    say(`${facts.place(county)} is no longer compared`);
    return "";
  }

  // A button that takes a county in and out; what cannot be done is said to `tell`.
  function toggle(county, tell = () => {}) {
    const on = has(county);
    const button = dom.make("button", {
      type: "button", class: "gp-toggle", "aria-pressed": on,
      "aria-label": `Compare ${facts.place(county)}`, "data-county": county,
      text: on ? "Compared" : "Compare",
    });
    button.addEventListener("click", () => {
      tell(has(county) ? remove(county) : add(county));
      // The list around it may have been drawn anew.
      const again = document.querySelectorAll(`.gp-toggle[data-county="${county}"]`);
      if (!button.isConnected) [...again].find((one) => one.offsetParent)?.focus();
    });
    return button;
  }

  return { MOST, possible, list, has, markOf, add, remove, toggle };
})();
