// The tooltip: beside the pointer, and always inside the map.
geopoverty.tip = (() => {
  const { dom, facts, kinds, store } = geopoverty;
  const GAP = 14;
  const box = dom.byId("gp-tip");
  const stage = dom.byId("gp-stage");
  let shown = null;

  function fill(county) {
    const view = store.view();
    const { shade } = store.state;
    if (shade) {
      box.replaceChildren(
        dom.say("strong", facts.place(county)), dom.say("span", shade.title, "gp-tip-what"),
        ...shade.lines(county).map((line) => dom.say("span", line)));
      return;
    }
    box.replaceChildren(
      dom.say("strong", facts.place(county)),
      dom.say("span", facts.title(view), "gp-tip-what"),
      dom.say("span", facts.value(view, county),
        kinds.numeric(view) ? "gp-tip-value" : "gp-tip-value gp-value-words"),
      ...facts.lines(view, county).map((line) => dom.say("span", line)),
    );
  }

  // Set a box beside a point, and inside its frame.
  function put(what, frame, { x, y }) {
    const { offsetWidth: width, offsetHeight: height } = what;
    const right = x + GAP + width <= frame.clientWidth;
    const left = right ? x + GAP : x - GAP - width;
    const top = y + GAP + height <= frame.clientHeight ? y + GAP : y - GAP - height;
    const inside = (at, most) => Math.max(4, Math.min(at, most - 4));
    what.style.left = `${inside(left, frame.clientWidth - width)}px`;
    what.style.top = `${inside(top, frame.clientHeight - height)}px`;
  }

  function show(county, point) {
    if (county !== shown) fill(county);
    shown = county;
    box.hidden = false;
    put(box, stage, point);
  }

  function hide() {
    shown = null;
    box.hidden = true;
  }

  const text = () => [...box.children].map((line) => line.textContent).join(", ");

  return { show, hide, put, text };
})();
