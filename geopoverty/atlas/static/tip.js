// The tooltip: beside the pointer, and always inside the map.
geopoverty.tip = (() => {
  const { dom, facts, store } = geopoverty;
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
      dom.say("span", facts.value(view, county), "gp-tip-value"),
      ...facts.lines(view, county).map((line) => dom.say("span", line)),
    );
  }

  function show(county, { x, y }) {
    if (county !== shown) fill(county);
    shown = county;
    box.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = box;
    const right = x + GAP + width <= stage.clientWidth;
    const left = right ? x + GAP : x - GAP - width;
    const top = y + GAP + height <= stage.clientHeight ? y + GAP : y - GAP - height;
    const inside = (at, most) => Math.max(4, Math.min(at, most - 4));
    box.style.left = `${inside(left, stage.clientWidth - width)}px`;
    box.style.top = `${inside(top, stage.clientHeight - height)}px`;
  }

  function hide() {
    shown = null;
    box.hidden = true;
  }

  const text = () => [...box.children].map((line) => line.textContent).join(", ");

  return { show, hide, text };
})();
