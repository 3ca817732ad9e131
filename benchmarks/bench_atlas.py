"""The atlas file: time to build, size, first render and switch of indicator.

The peer is folium.Choropleth with one layer. A stock folium page is blank without
a network; here it gets Leaflet from this machine, and its legend, which needs d3
from the network, is taken off: both make it lighter than it is in use.
"""

import re
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from harness import Bench, Run

INDICATORS = 20
CHROMIUM = "/usr/bin/chromium"
PACKAGES = ("geopoverty", "folium", "geopandas", "playwright", "XStatic-Leaflet")
PAINTED = """() => [...document.querySelectorAll("canvas")].some(c => {
  if (!c.width || !c.height) return false;
  const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  for (let i = 3; i < data.length; i += 397 * 4) if (data[i]) return true;
  return false;
})"""
PATHS = "() => document.querySelectorAll('path.leaflet-interactive').length > 3000"
# The longest list of choices is the one of indicators.
SWITCH = """(to) => {
  const lists = [...document.querySelectorAll("select")];
  const list = lists.sort((a, b) => b.options.length - a.options.length)[0];
  const start = performance.now();
  list.selectedIndex = to;
  list.dispatchEvent(new Event("input", { bubbles: true }));
  list.dispatchEvent(new Event("change", { bubbles: true }));
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
    () => done((performance.now() - start) / 1000))));
}"""


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    import geopoverty as gp

    counties = gp.datasets.us_counties()
    rng = np.random.default_rng(2)
    # Neighbours alike, as real indicators are: a wave over the map, and noise.
    centre = counties.geometry.representative_point()
    table = pd.DataFrame(
        {
            f"v{i}": np.sin(centre.x / (3 + i) + i) + rng.normal(size=len(counties)) / 3
            for i in range(INDICATORS)
        }
    ).set_axis(counties.index)
    table.to_parquet(folder / "values.parquet")


def _inputs(folder: Path) -> tuple[Any, Any]:
    import pandas as pd

    import geopoverty as gp

    counties = gp.datasets.us_counties()
    table = pd.read_parquet(folder / "values.parquet").set_axis(counties.index)
    return counties, table


class Build:
    """Builds a page and writes it; the note says how large the file is."""

    def __init__(self, write: Callable[[Path], object], path: Path) -> None:
        self.write, self.path = write, path

    def __call__(self) -> Sequence[float]:
        self.write(self.path)
        return ()

    @property
    def note(self) -> str:
        return f"file of {self.path.stat().st_size / 1e6:.2f} MB"


def own_build(folder: Path) -> Build:
    import geopoverty as gp

    counties, table = _inputs(folder)
    table = table.reset_index(names="unit_id")

    def write(path: Path) -> None:
        atlas = gp.Atlas(counties)
        for i in range(INDICATORS):
            atlas = atlas.add(table, f"v{i}", label=f"Indicator {i + 1}")
        atlas.save(path)

    return Build(write, folder / "atlas.html")


def folium_build(folder: Path) -> Build:
    import folium

    counties, table = _inputs(folder)
    table = table.reset_index(names="unit_id")
    shapes = counties[["name", "geometry"]].reset_index(names="unit_id")

    def write(path: Path) -> None:
        page = folium.Map(location=(38, -96), zoom_start=4, tiles=None)
        layer = folium.Choropleth(
            geo_data=shapes,
            data=table,
            columns=["unit_id", "v0"],
            key_on="feature.properties.unit_id",
            bins=6,
        )
        for key in [k for k in layer._children if k.startswith("color_map")]:
            del layer._children[key]
        layer.add_to(page)
        page.save(path)

    return Build(write, folder / "folium.html")


class InChromium:
    """Opens a page afresh in each run, and times it there."""

    def __init__(self, build: Build, done: str, action: str = "") -> None:
        self.build, self.done, self.action = build, done, action

    def seconds(self, runs: int) -> dict[str, object]:
        from playwright.sync_api import sync_playwright

        self.build()
        with sync_playwright() as player:
            browser = player.chromium.launch(
                executable_path=CHROMIUM, chromium_sandbox=False
            )
            self._open(browser)  # Chromium's own first start
            found = [self._open(browser) for _ in range(runs)]
            browser.close()
        note = "; ".join(sorted({text for _, texts in found for text in texts}))
        return {"seconds": [s for s, _ in found], "note": note[:120]}

    def _open(self, browser: Any) -> tuple[float, list[str]]:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.route(re.compile("^https?:"), _from_this_machine)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        start = time.perf_counter()
        page.goto(self.build.path.resolve().as_uri())
        page.wait_for_function(self.done, polling="raf", timeout=60_000)
        seconds = time.perf_counter() - start
        if self.action:
            switches = [page.evaluate(self.action, i) for i in range(1, 6)]
            seconds = sorted(switches)[2]
        context.close()
        return seconds, errors


def _from_this_machine(route: Any) -> None:
    """Answer for the network: Leaflet as installed, all else empty."""
    name = route.request.url.rsplit("/", 1)[-1]
    kind = {"js": "text/javascript", "css": "text/css"}.get(name.rsplit(".", 1)[-1])
    files = metadata.files("XStatic-Leaflet") or ()
    found = [
        f for f in files if f.name == name and name in ("leaflet.js", "leaflet.css")
    ]
    body = found[0].locate().read_bytes() if found else b""
    route.fulfill(status=200, content_type=kind or "text/plain", body=body)


bench = Bench(
    f"Atlas, 3,085 US counties x {INDICATORS} indicators", make_inputs, PACKAGES
)
build_group = "build and write the file"
render_group = "first render in Chromium, offline"
switch_group = "switch the indicator (to the second next frame; 1/30 s is the least)"


@bench.case(build_group, f"geopoverty Atlas, {INDICATORS} indicators")
def build_own(folder: Path) -> Run:
    return own_build(folder)


@bench.case(build_group, "folium Choropleth, 1 layer")
def build_folium(folder: Path) -> Run:
    return folium_build(folder)


@bench.case(render_group, f"geopoverty Atlas, {INDICATORS} indicators")
def render_own(folder: Path) -> Run:
    return InChromium(own_build(folder), PAINTED)


@bench.case(render_group, "folium Choropleth, 1 layer, no legend")
def render_folium(folder: Path) -> Run:
    return InChromium(folium_build(folder), PATHS)


@bench.case(switch_group, f"geopoverty Atlas, {INDICATORS} indicators")
def switch_own(folder: Path) -> Run:
    return InChromium(own_build(folder), PAINTED, SWITCH)


if __name__ == "__main__":
    bench.main()
