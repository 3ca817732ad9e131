"""The study that `init` writes runs on the bundled data, and fast enough."""

import json
import time

import geopandas as gpd
import pandas as pd
import pytest
from atlas_pages import data_in

from geopoverty import cli

LIMIT = 60.0  # seconds of processor time, issue 7


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    path = tmp_path_factory.mktemp("example") / "study.toml"
    assert cli.main(["init", str(path)]) == 0
    start = time.process_time()
    assert cli.main(["run", str(path)]) == 0
    return path.parent / "results", time.process_time() - start


def test_the_example_runs_in_a_minute(example):
    assert example[1] < LIMIT


def test_the_example_fills_every_page(example):
    manifest = json.loads((example[0] / "manifest.json").read_text())
    assert manifest["missing"] == {}
    assert len(manifest["models"]) == 6
    assert {i["part"] for i in manifest["inputs"]} >= {"boundaries", "travel_times"}
    page = (example[0] / "atlas.html").read_text(encoding="utf-8")
    assert len(page) < 3e6
    held = data_in(page)
    assert len(held["indicators"]) == 10  # two of them are those of the spillovers
    for part in ("spillovers", "scenarios", "curves", "peers", "sections"):
        assert held[part], part
    assert {"compare", "ranking"} <= set(held["pages"])


def test_the_example_writes_a_map_for_other_programs(example):
    counties = gpd.read_file(example[0] / "maps" / "poverty_1990.gpkg")
    assert len(counties) == 3085
    assert "family_poverty_rate" in counties


def test_the_example_finds_what_the_demo_finds(example):
    # -0.035: a county of twice the density is 3.5 percentage points less likely poor
    # in 1980; the other two are counts in the documentation of us_county_exits.
    effects = pd.read_csv(example[0] / "tables" / "poor_1980.effects.csv")
    own = effects.query("term == 'log2_density' and effect == 'direct'")
    assert own["estimate"].item() == pytest.approx(-0.035, abs=0.001)
    units = pd.read_csv(example[0] / "tables" / "leaving.units.csv")
    assert len(units) == 2510
    assert int((units["exited"] == 0).sum()) == 284
