"""The pages of a study: classes, crossings, spillovers, scenarios, curves, peers."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from atlas_pages import data_in
from study_cases import (
    STUDY,
    changed,
    counties,
    line_of,
    minutes,
    rates,
    write_study,
    write_text,
)

from geopoverty.data.travel_files import read_travel_times
from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.patterns import local_moran
from geopoverty.study import check_study, run_study
from geopoverty.weights import travel_weights

PAGES = """
[models.years]
estimator = "survival_curves"
table = "late"
duration = "jobs"
exited = "poor"
by = "province"

[[pages.maps]]
kind = "classes"
table = "late"
column = "province"
names = ["P4", "P3", "P2", "P1", "P0"]
label = "Province"
description = "Where it lies."

[[pages.maps]]
kind = "crossed"
table = "rates"
columns = ["rate", "log(income)"]
labels = ["Poverty", "Income"]
units = ["%", ""]
cuts = [[15, 25], []]
period = "period"
label = "Poverty and income"

[[pages.spillovers]]
model = "income"
column = "jobs"
label = "Jobs"
unit = "thousand"
outcome = "Log income"

[[pages.scenario]]
model = "income"
column = "jobs"
label = "Jobs"
step = 3

[[pages.scenario]]
model = "poor"
column = "jobs"
label = "Jobs and poverty"

[[pages.curves]]
model = "years"
title = "Still poor"
unit = "years"
group = "province"

[pages.peers]
table = "rates"
periods = [2020]
columns = {jobs = "Jobs", "log(income)" = "Income"}
better = {"Poverty" = "lower"}
k = 4
"""
WHOLE = STUDY + PAGES


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the page of the atlas reads."""
    out = run_study(write_study(tmp_path_factory.mktemp("pages"), WHOLE))
    assert json.loads((out / "manifest.json").read_text())["missing"] == {}
    return data_in((out / "atlas.html").read_text(encoding="utf-8"))


def test_classes_are_shown_in_their_order(page):
    shown = next(i for i in page["indicators"] if i["label"] == "Province")
    text = json.dumps(shown)
    assert [text.index(f'"P{k}"') for k in (4, 3, 2, 1, 0)] == sorted(
        text.index(f'"P{k}"') for k in range(5)
    )


def test_two_numbers_are_crossed(page):
    shown = next(i for i in page["indicators"] if i["label"] == "Poverty and income")
    assert shown["periods"] == ["2010", "2020"]
    assert "Income" in json.dumps(shown)


def test_spillovers_and_scenarios_are_those_of_the_models(page):
    assert [s["label"] for s in page["scenarios"]] == ["Jobs", "Jobs and poverty"]
    assert page["scenarios"][0]["step"] == 3
    assert page["scenarios"][0]["outcome"] == "log_income"
    assert [s["outcome"] for s in page["spillovers"]] == ["Log income"]
    labels = [i["label"] for i in page["indicators"]]
    assert "Received from others: Jobs" in labels


def test_curves_follow_the_group_of_a_county(page):
    (curves,) = page["curves"]
    assert curves["title"] == "Still poor"
    assert "P0" in json.dumps(curves)


def test_peers_are_alike_in_what_was_named(page):
    text = json.dumps(page["peers"])
    assert '"Jobs"' in text
    assert '"Income"' in text


def test_pages_of_a_model_that_failed_are_missing_and_the_others_there(tmp_path):
    text = WHOLE.replace(
        "[tables.rates.columns]\n", '[tables.rates.columns]\nsplit = "jobs > 10"\n', 1
    ).replace('formula = "poor ~ jobs"', 'formula = "split ~ jobs"', 1)
    with pytest.warns(GeoPovertyWarning, match="Scenario 'Jobs and poverty'"):
        out = run_study(write_study(tmp_path, text))
    missing = json.loads((out / "manifest.json").read_text())["missing"]
    assert set(missing) == {
        "Model 'poor'", "Map 'Chance of being poor'", "Scenario 'Jobs and poverty'",
    }  # fmt: skip
    held = data_in((out / "atlas.html").read_text(encoding="utf-8"))
    assert [s["label"] for s in held["scenarios"]] == ["Jobs"]


def test_a_page_that_cannot_be_made_leaves_the_others(tmp_path):
    text = WHOLE.replace("~ jobs + W(jobs)", "~ jobs + W(jobs) + jobs:W(jobs)")
    with pytest.warns(GeoPovertyWarning, match="Spillovers 'Jobs'"):
        out = run_study(write_study(tmp_path, text))
    held = data_in((out / "atlas.html").read_text(encoding="utf-8"))
    assert held["peers"]
    assert [s["label"] for s in held["scenarios"]] == ["Jobs and poverty"]


CASES = [
    # what is changed and into what, the key that is named, the message
    ('kind = "classes"', 'kind = "class"',
     "pages.maps[3]", "kind must be one of .*Did you mean 'classes'|kind must be one"),
    ('column = "province"\nnames', 'column = "provinz"\nnames',
     "pages.maps[3]", "Did you mean 'province'"),
    ('column = "province"\nnames', "names",
     "pages.maps[3]", "'classes' needs the key 'column'"),
    ('["P4", "P3", "P2", "P1", "P0"]', '["P4", "P3"]',
     "pages.maps[3]", "P0"),
    ("description = \"Where", "digits = 1\ndescription = \"Where",
     "pages.maps[3]", "'classes' has no digits. .*kind = 'numbers'"),
    ('columns = ["rate", "log(income)"]', 'columns = ["rate"]',
     "pages.maps[4].columns", "must be a list"),
    ('columns = ["rate", "log(income)"]', 'columns = ["rate", "incom"]',
     "pages.maps[4]", "Did you mean 'income'"),
    ('columns = ["rate", "log(income)"]\n', "",
     "pages.maps[4]", "'crossed' needs the key 'columns'"),
    ("[[15, 25], []]", "[[25, 15], []]",
     "pages.maps[4]", "increas"),
    ('model = "income"\ncolumn = "jobs"\nlabel = "Jobs"\nunit',
     'model = "incom"\ncolumn = "jobs"\nlabel = "Jobs"\nunit',
     "pages.spillovers[1].model", "Did you mean 'income'"),
    ('model = "income"\ncolumn = "jobs"\nlabel = "Jobs"\nunit',
     'model = "poor"\ncolumn = "jobs"\nlabel = "Jobs"\nunit',
     "pages.spillovers[1].model", "need a model with weights; 'poor' has none"),
    ('column = "jobs"\nlabel = "Jobs"\nunit', 'column = "job"\nlabel = "Jobs"\nunit',
     "pages.spillovers[1].column", "Did you mean 'jobs'"),
    ('outcome = "Log', 'outcom = "Log',
     "pages.spillovers[1].outcom", "Did you mean 'outcome'"),
    ("[[pages.spillovers]]", "[[pages.spillover]]",
     "pages.spillover", "Did you mean 'spillovers'"),
    ('model = "poor"\ncolumn = "jobs"\nlabel = "Jobs and', 'model = "years"\n'
     'column = "jobs"\nlabel = "Jobs and',
     "pages.scenario[2].model", "takes a model of logit, .*is of survival_curves"),
    ('model = "years"\ntitle', 'model = "poor"\ntitle',
     "pages.curves[1].model", "takes a model of survival_curves, exit_hazard"),
    ('group = "province"\n\n[pages', 'group = "provinz"\n\n[pages',
     "pages.curves[1].group", "Did you mean 'province'"),
    ('{"Poverty" = "lower"}', '{"Powerty" = "lower"}',
     "pages.peers.better", "no map 'Powerty'. Did you mean 'Poverty'"),
    ('{"Poverty" = "lower"}', '{"Poverty" = "less"}',
     "pages.peers.better", "must be one of"),
    ('table = "rates"\nperiods = [2020]\ncolumns', "periods = [2020]\ncolumns",
     "pages.peers", "Name table or model"),
    ('table = "rates"\nperiods = [2020]\ncolumns',
     'table = "rate"\nperiods = [2020]\ncolumns',
     "pages.peers.table", "Did you mean 'rates'"),
    ('{jobs = "Jobs"', '{job = "Jobs"',
     "pages.peers", "Did you mean 'jobs'"),
    ("[pages.peers]\n", "[pages.peers]\nkk = 3\n",
     "pages.peers.kk", "Unknown key 'kk'"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("cases")
    write_study(made)
    assert check_study(write_text(made, WHOLE)).empty
    return made


@pytest.mark.parametrize(("old", "new", "where", "message"), CASES)
def test_a_problem_is_found_with_its_line(folder, old, new, where, message):
    assert old in WHOLE
    text = WHOLE.replace(old, new, 1)
    found = check_study(write_text(folder, text))
    at = found[found["where"] == where]
    texts = at["problem"].astype(str)
    assert texts.str.contains(message).any(), found.to_dict("records")
    assert at["line"].iloc[0] == line_of(text, where)


def test_pages_need_a_map_to_stand_beside(folder):
    text = STUDY.split("[[pages.maps]]")[0] + PAGES.split("[[pages.maps]]")[0]
    text += "[[pages.spillovers]]" + PAGES.split("[[pages.spillovers]]")[1]
    found = check_study(write_text(folder, text.split("[pages.peers]")[0]))
    assert "at least one [[pages.maps]]" in found["problem"][0]


def test_a_map_of_more_classes_than_colours_is_refused(tmp_path):
    text = changed(('column = "rate"', 'column = "place"\nkind = "classes"'))
    path = write_study(tmp_path, text)
    table = rates().assign(place=np.resize([f"class {k}" for k in range(13)], 50))
    table.to_csv(tmp_path / "rates.csv", index=False)
    found = check_study(path)
    assert found["where"].to_list() == ["pages.maps[1]"]
    assert "13" in found["problem"][0]


# --- where like values gather, and maps for other programs ----------------------

PATTERNS = """
[models.gather]
title = "Where poverty gathers"
estimator = "local_moran"
table = "late"
column = "rate"
weights = "near"
seed = 3

[models.hot]
estimator = "getis_ord"
table = "rates"
column = "rate"
weights = "near"
unit = {sample = "unit_id", period = "period"}
permutations = 199

[[pages.maps]]
kind = "classes"
model = "gather"
column = "class"
label = "Clusters of poverty"

[[pages.maps]]
kind = "classes"
model = "hot"
column = "class"
period = "period"
label = "Hot spots"

[files.poverty]
table = "rates"
columns = {rate = "Poor families, %", province = "Province"}
formats = ["gpkg", "parquet", "csv"]
title = "Poverty by county"

[files.gather]
model = "gather"
"""


@pytest.fixture(scope="module")
def patterned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patterns")
    return run_study(write_study(folder, STUDY + PATTERNS))


def test_local_statistics_are_those_of_the_functions(patterned):
    table = rates().rename(columns={"county": "unit_id"})
    weights = travel_weights(read_travel_times(minutes()), k=3)
    late = table[table["period"] == 2020]
    fit = local_moran("rate", late, weights=weights, seed=3)
    said = pd.read_csv(
        patterned / "tables" / "gather.units.csv", dtype={"unit_id": str}
    )
    np.testing.assert_allclose(said["statistic"], fit.units["statistic"], rtol=1e-7)
    assert said["class"].to_list() == fit.units["class"].to_list()
    held = data_in((patterned / "atlas.html").read_text(encoding="utf-8"))
    shown = {i["label"]: i for i in held["indicators"]}
    assert shown["Hot spots"]["periods"] == ["2010", "2020"]
    assert "High-High" in json.dumps(shown["Clusters of poverty"])


def test_maps_are_written_for_other_programs(patterned):
    folder = patterned / "maps"
    table = rates().set_index(["county", "period"])["rate"]
    for kind in ("gpkg", "parquet"):
        read = gpd.read_file if kind == "gpkg" else gpd.read_parquet
        found = read(folder / f"poverty.{kind}")
        if "unit_id" not in found:
            found = found.reset_index()
        assert found.crs == counties().crs
        found = found.set_index(["unit_id", "period"])["rate"]
        pd.testing.assert_series_equal(
            found.sort_index(), table.sort_index(), check_names=False
        )
    assert "Poverty by county" in (folder / "poverty.csv-metadata.json").read_text(
        encoding="utf-8"
    )
    assert len(gpd.read_file(folder / "gather.gpkg")) == 25
    manifest = json.loads((patterned / "manifest.json").read_text())
    assert "maps/poverty.gpkg" in manifest["outputs"]
    assert manifest["missing"] == {}


def test_a_second_run_writes_the_same_maps_and_tables(patterned, tmp_path):
    again = run_study(write_study(tmp_path, STUDY + PATTERNS))
    for path in sorted(patterned.rglob("*")):
        name = path.relative_to(patterned)
        # A GeoPackage holds the time it was written.
        kept = name.parts[0] in ("tables", "maps") and path.suffix != ".gpkg"
        if path.is_file() and kept:
            assert (again / name).read_bytes() == path.read_bytes(), name


def test_a_file_of_a_model_that_failed_is_missing(tmp_path):
    text = STUDY + PATTERNS.replace(
        'column = "class"\nlabel', 'column = "klass"\nlabel'
    )
    text = text.replace('model = "gather"\n\n', 'model = "gather"\n')
    text = (
        text.replace(
            'title = "Poverty by county"',
            'title = "Poverty by county"\nperiods = [2020]',
        )
        + '\n[files.none]\nmodel = "gather"\ncolumns = ["statistik"]\n'
    )
    with pytest.warns(GeoPovertyWarning, match="File 'none'.*Did you mean 'statistic'"):
        out = run_study(write_study(tmp_path, text))
    assert len(gpd.read_file(out / "maps" / "poverty.gpkg")) == 25
    assert not (out / "maps" / "none.gpkg").exists()


def test_a_disk_that_fills_up_on_a_map_leaves_the_old_output(tmp_path, monkeypatch):
    path = write_study(tmp_path, STUDY + PATTERNS)
    old = {p: p.read_bytes() for p in run_study(path).rglob("*") if p.is_file()}
    write = Path.write_bytes

    def full(file, content):
        if file.parent.name == "maps":
            raise OSError(28, "No space left on device")
        return write(file, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        run_study(path)
    assert {p: p.read_bytes() for p in old} == old


FILE_CASES = [
    ('model = "gather"\n', 'model = "gater"\n',
     "pages.maps[3].model", "Did you mean 'gather'"),
    ('[files.gather]\nmodel = "gather"', '[files.gather]\nmodel = "gater"',
     "files.gather.model", "Did you mean 'gather'"),
    ('"gpkg", "parquet"', '"gpkg", "shp"',
     "files.poverty.formats", "formats must be one of"),
    ('{rate = "Poor', '{rat = "Poor',
     "files.poverty", "Did you mean 'rate'"),
    ('[files.gather]\nmodel', '[files.gather]\ntable = "late"\nmodel',
     "files.gather", "Name table or model"),
    ('column = "rate"\nweights = "near"\nseed',
     'column = "rat"\nweights = "near"\nseed',
     "models.gather.column", "Did you mean 'rate'"),
    ('column = "rate"\nweights = "near"\nseed', 'column = "rate"\nseed',
     "models.gather", "needs the key 'weights'"),
    ('column = "rate"\nweights = "near"\nseed', 'weights = "near"\nseed',
     "models.gather", "needs the key 'column'"),
    ("permutations = 199", 'permutations = "199"',
     "models.hot.permutations", "must be a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "message"), FILE_CASES)
def test_a_problem_of_a_file_is_found_with_its_line(folder, old, new, where, message):
    whole = STUDY + PATTERNS
    assert old in whole
    text = whole.replace(old, new, 1)
    found = check_study(write_text(folder, text))
    at = found[found["where"] == where]
    assert at["problem"].astype(str).str.contains(message).any(), found.to_dict(
        "records"
    )
    assert at["line"].iloc[0] == line_of(text, where)
