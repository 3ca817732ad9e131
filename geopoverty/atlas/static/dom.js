// Building elements. A text from the data only ever becomes a text node.
geopoverty.dom = (() => {
  const byId = (id) => document.getElementById(id);

  // make("li", {class: "a", text: "b"}, child, child)
  function make(tag, options = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === "text") element.textContent = value;
      else if (name === "class") element.className = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  // A text whose direction follows its own letters.
  const say = (tag, text, name = "") =>
    make(tag, { text, dir: "auto", ...(name && { class: name }) });

  return { byId, make, say };
})();
