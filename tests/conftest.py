"""What the tests share: a browser that cannot reach a network."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from geopoverty.results import Result

IDS = ["01", "02", "03"]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Visit:
    """A page that was opened, and everything it asked for or complained of."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", self._note_request)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note_console)

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "about:")):
            self.requests.append(request.url)

    def _note_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def assert_calm(self) -> None:
        """The page asked for nothing, nothing broke, and nothing foreign ran."""
        assert self.requests == []
        assert self.complaints == []
        assert self.page.evaluate("window.__p") is None


# One browser a module: Playwright's event loop must be gone before other tests
# (notebooks) start their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.fail(f"These tests need Chromium: install one of {', '.join(CHROMIUM)}.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found, chromium_sandbox=False, args=["--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Open a file, offline, and wait until the atlas is on the screen."""
    contexts = []

    def opened(path: Path, *, width: int = 1440, height: int = 900, **options: Any):
        context = browser.new_context(
            offline=True, viewport={"width": width, "height": height}, **options
        )
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.watch()
        seen.page.goto(path.as_uri())
        seen.page.wait_for_function("window.geopoverty && window.geopoverty.ready")
        return seen

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A small atlas with everything on it."""
    from atlas_pages import sample_atlas

    return sample_atlas().save(tmp_path_factory.mktemp("atlas") / "atlas.html")


@pytest.fixture
def counties():
    shapes = [box(i, 0, i + 1, 1) for i in range(3)]
    frame = gpd.GeoDataFrame(
        {"name": ["Ash", "Elm", "Oak"], "state": ["East", "East", "West"]},
        index=pd.Index(IDS, name="unit_id"),
        geometry=shapes,
        crs=4326,
    )
    frame.attrs = {"title": "Three counties", "status": "measured", "licence": "CC0"}
    return frame


@pytest.fixture
def rates():
    return pd.DataFrame({"unit_id": IDS, "poor": [10.0, 20.0, 40.0]})


@pytest.fixture
def effects():
    return pd.DataFrame(
        {
            "effect": [-0.1, 0.0, 0.2],
            "low": [-0.2, -0.1, 0.1],
            "high": [0.0, 0.1, 0.3],
            "p": [0.04, 0.05, np.nan],
        },
        index=pd.Index(IDS, name="unit_id"),
    )


@pytest.fixture
def logit_result():
    terms = ["Intercept", "density"]
    return Result(
        "logit",
        pd.Series([1.0, -0.5], index=terms),
        pd.DataFrame(np.diag([0.04, 0.01]), index=terms, columns=terms),
        pd.DataFrame({"unit_id": IDS, "period": 1990, "chance": [0.1, 0.2, 0.3]}),
        {"n_obs": 3, "n_dropped": 1, "log_likelihood": -12.5},
        tables={
            "effects": pd.DataFrame({"term": ["density"], "estimate": [-0.02]}),
            "tests": pd.DataFrame({"statistic": [1.5]}, index=["Wald"]),
        },
        notes=("Only 3 clusters.",),
        provenance={
            "formula": "poor ~ density",
            "seed": 7,
            "data": [
                {"title": "Times", "status": "modelled", "source": "great circle"}
            ],
        },
    )
