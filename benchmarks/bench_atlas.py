"""The atlas file: time to build, size, and how long a reader waits for each thing.

Each of the page's measures has a goal, and the note says whether its median keeps it;
any request to a network and any error of the page are counted there as well. Times are
taken inside the page, to the frame that shows the change; 1/60 s is the least.

The peer is folium.Choropleth with one layer. A stock folium page is blank without
a network; here it gets Leaflet from this machine, and its legend, which needs d3
from the network, is taken off: both make it lighter than it is in use.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from harness import Bench, Run

INDICATORS = 20
YEARS = range(1960, 2020, 5)
MAX_BYTES = 3_000_000
OWN = "atlas.html"
CHROMIUM = "/usr/bin/chromium"
PACKAGES = ("geopoverty", "folium", "geopandas", "playwright", "XStatic-Leaflet")
PAINTED = """() => [...document.querySelectorAll("canvas")].some(c => {
  if (!c.width || !c.height) return false;
  const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  for (let i = 3; i < data.length; i += 397 * 4) if (data[i]) return true;
  return false;
})"""
PATHS = "() => document.querySelectorAll('path.leaflet-interactive').length > 3000"
# Runs what it is given and returns the seconds until the change is painted.
UNTIL_PAINTED = """async (act) => {
  const start = performance.now();
  act();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return (performance.now() - start) / 1000;
}"""
FIRST_PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0]
  .startTime / 1000"""
USABLE = "() => geopoverty.readyAt / 1000"
READY = "() => window.geopoverty && geopoverty.ready"


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
        size = self.path.stat().st_size
        text = f"file of {size / 1e6:.2f} MB"
        if self.path.name == OWN:
            text += f", goal {MAX_BYTES / 1e6:.0f}: {_kept(size, MAX_BYTES)}"
        return text


def _kept(found: float, goal: float) -> str:
    return "kept" if found <= goal else "MISSED"


def own_build(folder: Path, years: Sequence[int] = ()) -> Build:
    """Build an atlas of 20 indicators; the first may have several years."""
    import pandas as pd

    import geopoverty as gp

    counties, table = _inputs(folder)
    table = table.reset_index(names="unit_id")
    several = [table.assign(year=y, v0=table["v0"] + y / 50) for y in years]

    def write(path: Path) -> None:
        atlas = gp.Atlas(counties)
        for i in range(INDICATORS):
            if several and i == 0:
                told = {"table": pd.concat(several), "period": "year"}
            else:
                told = {"table": table}
            atlas = atlas.add(column=f"v{i}", label=f"Indicator {i + 1}", **told)
        atlas.save(path)

    return Build(write, folder / (f"atlas{len(years)}.html" if years else OWN))


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


@dataclass(frozen=True)
class Reading:
    """What is timed on a page.

    Attributes
    ----------
    read : str
        A function that returns seconds; empty for the time from opening the file
        until `done`. With `act`, it is given that.
    act : str
        What the page does, as a function of 1 to 5: the median of the five counts.
    before : str
        What is done first, untimed.
    goal : float
        Seconds that the median should not exceed; 0 for none.
    done : str
        When the page counts as open.
    """

    read: str = ""
    act: str = ""
    before: str = ""
    goal: float = 0
    done: str = READY


class InChromium:
    """Opens a page afresh in each run, and times it there."""

    def __init__(self, build: Build, reading: Reading) -> None:
        self.build, self.reading = build, reading

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
        times = [seconds for seconds, _ in found]
        trouble = sorted({text for _, texts in found for text in texts})
        said = "; ".join(trouble)[:120] or "no request, no error"
        if self.reading.goal:
            kept = _kept(median(times), self.reading.goal)
            said = f"goal {kept}; {said}"
        return {"seconds": times, "note": said}

    def _open(self, browser: Any) -> tuple[float, list[str]]:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.route(re.compile("^https?:"), _from_this_machine)
        page = context.new_page()
        trouble: list[str] = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda sent: _note_request(sent.url, trouble))
        start = time.perf_counter()
        page.goto(self.build.path.resolve().as_uri())
        page.wait_for_function(self.reading.done, polling="raf", timeout=60_000)
        seconds = time.perf_counter() - start
        if self.reading.read:
            seconds = self._read(page)
        context.close()
        return seconds, trouble

    def _read(self, page: Any) -> float:
        reading = self.reading
        if reading.before:
            page.evaluate(reading.before)
            page.wait_for_timeout(300)
        if not reading.act:
            return float(page.evaluate(reading.read))
        act = f"(k) => ({reading.read})(() => ({reading.act})(k))"
        return median(page.evaluate(act, k) for k in range(1, 6))


def _note_request(url: str, trouble: list[str]) -> None:
    if url.startswith("http"):
        trouble.append(f"request of {url}")


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
open_group = "open, in Chromium without a network"
render_group = "counties on the screen, timed from outside"
act_group = "what a reader does, until it is painted"

# (group, name, years, what is timed)
ON_THE_PAGE = (
    (open_group, "first paint", (), Reading(FIRST_PAINT, goal=1)),
    (open_group, "usable", (), Reading(USABLE, goal=2)),
    (open_group, "usable, one indicator in 12 years", YEARS, Reading(USABLE, goal=2)),
    (
        act_group,
        "another indicator",
        (),
        Reading(UNTIL_PAINTED, "(k) => geopoverty.controls.choose(k)", goal=0.1),
    ),
    (
        act_group,
        "a fourth county to compare",
        (),
        Reading(
            UNTIL_PAINTED,
            """(k) => {
              if (k > 1) geopoverty.chosen.remove(98 + k);
              geopoverty.chosen.add(99 + k);
            }""",
            before="""() => {
              [7, 900, 2000].forEach((county) => geopoverty.chosen.add(county));
              document.getElementById("gp-tab-compare").click();
            }""",
            goal=0.1,
        ),
    ),
    (
        act_group,
        "12 small maps, one a year",
        YEARS,
        Reading(
            UNTIL_PAINTED,
            """(k) => {
              geopoverty.board.open(null);
              geopoverty.board.open("years");
            }""",
            before="() => { geopoverty.store.set({ indicator: 0, period: 0 }); }",
            goal=1,
        ),
    ),
    (
        act_group,
        "20 small maps, one an indicator",
        YEARS,
        Reading(
            UNTIL_PAINTED,
            """(k) => {
              geopoverty.board.open(null);
              geopoverty.board.open("indicators");
            }""",
            goal=1,
        ),
    ),
    (
        act_group,
        "a county marked in 12 small maps",
        YEARS,
        Reading(
            UNTIL_PAINTED,
            "(k) => geopoverty.store.set({ county: 500 * k })",
            before="""() => {
              geopoverty.store.set({ indicator: 0, period: 0 });
              geopoverty.board.open("years");
            }""",
            goal=0.1,
        ),
    ),
    (
        act_group,
        "two maps, opened",
        YEARS,
        Reading(
            f"""() => ({UNTIL_PAINTED})(() =>
              document.getElementById("gp-tab-two").click())""",
            goal=1,
        ),
    ),
    (
        act_group,
        "two maps, another indicator on one",
        YEARS,
        Reading(
            UNTIL_PAINTED,
            """(k) => {
              const list = document.getElementById("gp-two-second");
              list.selectedIndex = k;
              list.dispatchEvent(new Event("change"));
            }""",
            before="""() => document.getElementById("gp-tab-two").click()""",
            goal=0.1,
        ),
    ),
    (
        act_group,
        "two maps, moved together by a drag",
        YEARS,
        Reading(
            UNTIL_PAINTED,
            """(k) => {
              const { map } = geopoverty.twomaps.sides[k % 2].drawn;
              map._rawPanBy(L.point(12, 7));
              map.fire("move");
            }""",
            before="""() => document.getElementById("gp-tab-two").click()""",
            goal=0.05,
        ),
    ),
    (
        act_group,
        "two maps, zoomed together",
        YEARS,
        Reading(
            UNTIL_PAINTED,
            """(k) => {
              const { map } = geopoverty.twomaps.sides[k % 2].drawn;
              map.setZoom(map.getZoom() + 0.5, { animate: false });
            }""",
            before="""() => document.getElementById("gp-tab-two").click()""",
        ),
    ),
)


def _add(group: str, name: str, years: Sequence[int], reading: Reading) -> None:
    told = f"{name} (goal {reading.goal:g} s)" if reading.goal else name

    @bench.case(group, told, check=False)
    def load(folder: Path) -> Run:
        return InChromium(own_build(folder, years), reading)


@bench.case(build_group, f"geopoverty Atlas, {INDICATORS} indicators")
def build_own(folder: Path) -> Run:
    return own_build(folder)


@bench.case(build_group, "folium Choropleth, 1 layer")
def build_folium(folder: Path) -> Run:
    return folium_build(folder)


@bench.case(render_group, f"geopoverty Atlas, {INDICATORS} indicators")
def render_own(folder: Path) -> Run:
    return InChromium(own_build(folder), Reading(done=PAINTED))


@bench.case(render_group, "folium Choropleth, 1 layer, no legend")
def render_folium(folder: Path) -> Run:
    return InChromium(folium_build(folder), Reading(done=PATHS))


for row in ON_THE_PAGE:
    _add(*row)

if __name__ == "__main__":
    bench.main()
