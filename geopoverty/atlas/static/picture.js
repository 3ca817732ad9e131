// Saving the map as a picture, made in the page from its own shapes.
geopoverty.picture = (() => {
  const { board, csv, dom, facts, pictureSheet, store } = geopoverty;
  const SHARP = 2; // pixels of a PNG for each of the drawing
  const parts = {};

  function views() {
    if (board.mode() !== "years") return [store.view()];
    return store.view().indicator.periods.map((_, at) => store.view(at));
  }

  function drawn() {
    const small = board.mode() !== null; // then the large map has no view
    return pictureSheet.draw(views(), {
      part: parts.part.value === "view" && !small, county: store.state.county,
    });
  }

  // An SVG file as text.
  const text = () =>
    `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(drawn())}\n`;

  // The same as pixels. A data address needs no network, and leaves the canvas readable.
  async function pixels(source) {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
    await image.decode();
    const canvas = dom.make("canvas");
    canvas.width = image.naturalWidth * SHARP;
    canvas.height = image.naturalHeight * SHARP;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done, fail) => {
      canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture"))), "image/png");
    });
  }

  function fileName(ending) {
    const found = views();
    const name = found.length > 1 ? found[0].indicator.label : facts.title(found[0]);
    return csv.stem(name, "map") + ending;
  }

  function tell(words) {
    parts.said.textContent = words;
  }

  function saveDrawing() {
    const name = fileName(".svg");
    csv.put(name, new Blob([text()], { type: "image/svg+xml" }));
    tell(`Saved as ${name}.`);
  }

  async function savePicture() {
    const name = fileName(".png");
    try {
      csv.put(name, await pixels(text()));
      tell(`Saved as ${name}.`);
    } catch {
      tell("This browser could not make the picture. Save the drawing (SVG) instead.");
    }
  }

  function button(words, press) {
    const made = dom.make("button", { type: "button", class: "gp-button", text: words });
    made.addEventListener("click", press);
    return made;
  }

  function build() {
    parts.part = dom.make("select", { id: "gp-picture-part" },
      dom.make("option", { value: "whole", text: "The whole map" }),
      dom.make("option", { value: "view", text: "What is in view now" }));
    parts.said = dom.make("p", { class: "gp-fine", role: "status" });
    return dom.make("details", { class: "gp-picture" },
      dom.make("summary", { text: "Save this map" }),
      dom.make("div", { class: "gp-field" },
        dom.make("label", { for: "gp-picture-part", text: "Show" }), parts.part),
      dom.make("div", { class: "gp-picture-buttons" },
        button("Picture (PNG)", savePicture), button("Drawing (SVG)", saveDrawing)),
      dom.make("p", { class: "gp-fine", text: "PNG suits letters and slides. SVG stays " +
        "sharp at any size and can be changed in a drawing program." }),
      parts.said);
  }

  function start() {
    const panel = document.querySelector("#gp-page-map .gp-panel");
    panel.insertBefore(build(), panel.querySelector(".gp-more"));
    store.listen(() => tell(""));
  }

  return { start, text, pixels };
})();
