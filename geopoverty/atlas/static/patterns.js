// Patterns that say something colour cannot: no data, and not significant.
geopoverty.patterns = (() => {
  const HATCH = 7; // pixels from line to line
  const DOTS = 4; // so close that a small county holds one too
  const SHARP = 2; // drawn at twice the size, so that they stay sharp on phones

  function tile(size, draw) {
    const canvas = document.createElement("canvas");
    canvas.width = size * SHARP;
    canvas.height = size * SHARP;
    const context = canvas.getContext("2d");
    context.scale(SHARP, SHARP);
    draw(context);
    const pattern = context.createPattern(canvas, "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / SHARP));
    return pattern;
  }

  const hatch = tile(HATCH, (context) => {
    context.strokeStyle = "#8b959e";
    context.lineWidth = 1;
    for (const shift of [-HATCH, 0, HATCH]) {
      context.moveTo(shift - 1, HATCH + 1);
      context.lineTo(shift + HATCH + 1, -1);
    }
    context.stroke();
  });

  // A dark dot in a light ring shows on light and on dark classes.
  const dots = tile(DOTS, (context) => {
    for (const [radius, color] of [[1, "rgba(255,255,255,.55)"], [0.6, "#3a4651"]]) {
      context.beginPath();
      context.arc(DOTS / 2, DOTS / 2, radius, 0, 2 * Math.PI);
      context.fillStyle = color;
      context.fill();
    }
  });

  // Leaflet's canvas, which can also lay a pattern over a fill.
  const Canvas = L.Canvas.extend({
    _fillStroke(context, layer) {
      const { fill, fillColor, pattern, stroke, weight, color } = layer.options;
      for (const paint of fill ? [fillColor, pattern] : []) {
        if (paint) {
          context.fillStyle = paint;
          context.fill("evenodd");
        }
      }
      if (stroke && weight) {
        context.lineWidth = weight;
        context.strokeStyle = color;
        context.lineJoin = "round";
        context.stroke();
      }
    },
  });

  return { hatch, dots, noData: "#eceff1", Canvas };
})();
