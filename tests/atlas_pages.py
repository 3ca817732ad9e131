"""What the tests of the atlas share: a small country, and reading its page."""

import json
import re
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import box

from geopoverty.atlas import Atlas, MapStyle
from geopoverty.results import Result, compare

PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NARROW NO-BREAK SPACE}"
# The colours in a square of the county canvas around a county, and how many.
COLORS = """(county) => {
  const { x, y } = geopoverty.countymap.pointOf(county);
  const canvas = document.querySelector("canvas");
  const box = canvas.getBoundingClientRect();
  const stage = document.querySelector(".folium-map").getBoundingClientRect();
  const scale = canvas.width / box.width;
  const copy = document.createElement("canvas").getContext("2d");
  copy.drawImage(canvas, (x + stage.x - box.x - 8) * scale,
    (y + stage.y - box.y - 8) * scale, 16, 16, 0, 0, 16, 16);
  const pixels = copy.getImageData(0, 0, 16, 16).data;
  const found = {};
  for (let i = 0; i < pixels.length; i += 4) {
    const hex = "#" + [0, 1, 2].map((k) =>
      pixels[i + k].toString(16).padStart(2, "0")).join("");
    const name = pixels[i + 3] ? hex : "none";
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}"""


def shown(atlas: Atlas) -> dict[str, Any]:
    """What the page of an atlas reads."""
    page = atlas.county_map().get_root().render()
    return data_in(page)


def data_in(page: str) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="gp-data">(.*?)</script>', page
    )
    return json.loads(found[1])


def grid(columns=4, rows=3):
    """Square counties; county 5 is called 木里藏族自治县."""
    cells = [(i, j) for j in range(rows) for i in range(columns)]
    ids = [f"{k:02d}" for k in range(1, len(cells) + 1)]
    names = [f"County {i}" for i in ids]
    names[4] = "木里藏族自治县"
    names[6] = "Doña Ana"
    frame = gpd.GeoDataFrame(
        {"name": names, "state": ["East" if i < 2 else "West" for i, _ in cells]},
        index=pd.Index(ids, name="unit_id"),
        geometry=[box(i, -j - 1, i + 1, -j) for i, j in cells],
        crs=4326,
    )
    frame.attrs = {
        "title": "Grid of squares",
        "status": "simulated",
        "source": "made for this test",
        "licence": "CC0",
        "attribution": "The tests",
    }
    return frame


def point(page, county):
    """Where a county is on the screen."""
    at = page.evaluate("(c) => geopoverty.countymap.pointOf(c)", county)
    stage = page.locator(".folium-map").bounding_box()
    return stage["x"] + at["x"], stage["y"] + at["y"]


def tip_of(page, county):
    """The tooltip's lines when the pointer stands on a county."""
    x, y = point(page, county)
    page.mouse.move(x, y)
    page.wait_for_timeout(50)  # Leaflet looks at the pointer every 32 ms
    page.mouse.move(x + 1, y)
    return page.inner_text("#gp-tip").splitlines()


def luminance(rgb):
    parts = [int(c) / 255 for c in rgb[4:-1].split(",")]
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def contrasts(page):
    """Each text that is shown: what holds it, and its contrast with what is behind."""
    pairs = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((e) => e.offsetParent && [...e.childNodes].some(
            (n) => n.nodeType === 3 && n.textContent.trim()))
          .map((e) => {
            let at = e;
            const clear = "rgba(0, 0, 0, 0)";
            while (at.parentElement && getComputedStyle(at).backgroundColor === clear)
              at = at.parentElement;
            return [e.className || e.tagName, getComputedStyle(e).color,
                    getComputedStyle(at).backgroundColor];
          })"""
    )
    for name, ink, paper in pairs:
        dark, light = sorted(luminance(color) for color in (ink, paper))
        yield f"{name} {ink} on {paper}", (light + 0.05) / (dark + 0.05)


def settle(page):
    """Wait until the canvas is painted."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => "
        "requestAnimationFrame(done)))"
    )


def sample_atlas():
    counties = grid()
    ids = counties.index
    poverty = pd.concat(
        pd.DataFrame({"unit_id": ids, "period": year, "poor": start + np.arange(12.0)})
        for year, start in ((1980, 20.0), (1990, 5.5))
    )
    poverty = poverty[~((poverty["unit_id"] == "12") & (poverty["period"] == 1990))]
    effect = np.linspace(-0.0301, 0.025, 12)
    effects = pd.DataFrame(
        {
            "unit_id": ids,
            "effect": effect,
            "low": effect - 0.01,
            "high": effect + 0.01,
            "p": np.where(np.abs(effect) > 0.0196, 0.0004, 0.32),
        }
    )
    terms = ["Intercept", "W(density)"]
    result = Result(
        "logit",
        pd.Series([0.5, -0.25], index=terms),
        pd.DataFrame(np.diag([0.01, 0.01]), index=terms, columns=terms),
        pd.DataFrame(),
        {"n_obs": 24, "n_dropped": 1},
        tables={"effects": pd.DataFrame({"term": ["density"], "estimate": [-0.05]})},
        notes=("Only 12 counties.",),
        provenance={
            "formula": "poor ~ W(density)",
            "seed": 11,
            "data": [{"title": "Travel times", "status": "modelled"}],
        },
    )
    wide = pd.DataFrame(np.arange(60.0).reshape(2, 30)).add_prefix("a long heading ")
    return (
        Atlas(counties, title="Sample atlas", group="state")
        .add(
            poverty, "poor", label="Poor families", unit="%", period="period",
            style=MapStyle(breaks=(10, 20, 30)), description="Families below the line.",
        )
        .add(
            effects, "effect", label="Effect of a cluster", unit="points",
            interval=("low", "high"), p_value="p", style=MapStyle(diverging=True),
        )
        .add(
            pd.DataFrame({"unit_id": ids, "n": np.arange(12) - 1}), "n", label="Change",
            period=None, style=MapStyle(scheme="quantiles", classes=3),
        )
        .add_result(result, title="What was found", text="First.\n\nSecond.")
        .add_table(compare(result, result), title="Two models")
        .add_table(wide, title="A wide table")
    )  # fmt: skip
