"""The study that `init` writes runs on the bundled data, and fast enough."""

import json
import time

import pandas as pd
import pytest

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


def test_the_example_has_four_models_and_six_maps(example):
    manifest = json.loads((example[0] / "manifest.json").read_text())
    assert manifest["missing"] == {}
    assert len(manifest["models"]) == 4
    assert {i["part"] for i in manifest["inputs"]} >= {"boundaries", "travel_times"}
    page = (example[0] / "atlas.html").read_text(encoding="utf-8")
    assert page.count('"break_digits"') == 6
    assert len(page) < 3e6


def test_the_example_finds_what_the_demo_finds(example):
    # -0.035: a county of twice the density is 3.5 percentage points less likely poor
    # in 1980; the other two are counts in the documentation of us_county_exits.
    effects = pd.read_csv(example[0] / "tables" / "poor_1980.effects.csv")
    own = effects.query("term == 'log2_density' and effect == 'direct'")
    assert own["estimate"].item() == pytest.approx(-0.035, abs=0.001)
    units = pd.read_csv(example[0] / "tables" / "leaving.units.csv")
    assert len(units) == 2510
    assert int((units["exited"] == 0).sum()) == 284
