"""A study runs from one file: tables, pages, manifest; what fails leaves the rest."""

import dataclasses
import functools
import json

import numpy as np
import pandas as pd
import pytest
from study_cases import (
    STUDY,
    changed,
    counties,
    minutes,
    rates,
    write_study,
    write_text,
)

from geopoverty import cli
from geopoverty.covariances import Conley
from geopoverty.data.travel_files import read_travel_times
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.binary import logit
from geopoverty.estimators.linear import ols
from geopoverty.study import check_study, models, run_study
from geopoverty.study.folder import MANIFEST
from geopoverty.weights import travel_weights

# Ones and zeros that one covariate tells apart: a logit that has no finite fit.
SEPARATED = '[tables.rates.columns]\nsplit = "jobs > 10"\n'
DIVERGING = ('formula = "poor ~ jobs"', 'formula = "split ~ jobs"')


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study that has been run once; tests only read it."""
    folder = tmp_path_factory.mktemp("study")
    path = write_study(folder)
    return path, run_study(path)


def held(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


# --- what comes out -------------------------------------------------------------


def test_the_tables_say_what_the_estimators_say(study):
    table = rates().rename(columns={"county": "unit_id"}).query("period == 2020")
    table = table.assign(poor=(table["rate"] >= 20).astype(float))
    fit = logit("poor ~ jobs", table, vcov="hc0").tidy()
    said = pd.read_csv(study[1] / "tables" / "poor.estimates.csv")
    assert said["term"].to_list() == fit["term"].to_list()
    for column in ("estimate", "std_error", "p_value"):
        np.testing.assert_allclose(said[column], fit[column], rtol=1e-7)


def test_clusters_come_from_a_joined_column(tmp_path):
    text = changed(("{conley = 70}", '{cluster = "province"}'))
    with pytest.warns(GeoPovertyWarning, match="only 5 clusters"):
        out = run_study(write_study(tmp_path, text))
    income = json.loads((out / MANIFEST).read_text())["models"]["income"]
    assert income["facts"]["n_clusters"] == 5
    assert income["facts"]["n_obs"] == 25
    assert any("only 5 clusters" in note for note in income["notes"])


def test_conley_measures_by_the_travel_times(study):
    table = rates().rename(columns={"county": "unit_id"}).query("period == 2020")
    table = table.assign(log_income=np.log(table["income"]))
    times = read_travel_times(minutes())
    fit = ols(
        "log_income ~ jobs + W(jobs)", table, weights=travel_weights(times, k=3),
        vcov=Conley(times, 70.0),
    ).tidy()  # fmt: skip
    said = pd.read_csv(study[1] / "tables" / "income.estimates.csv")
    np.testing.assert_allclose(said["std_error"], fit["std_error"], rtol=1e-7)


def test_every_table_comes_as_csv_latex_and_html(study):
    names = {p.name for p in (study[1] / "tables").iterdir()}
    for table in ("poor.estimates", "income.estimates", "comparison_1", "poor.effects"):
        assert {f"{table}.{kind}" for kind in ("csv", "tex", "html")} <= names
    assert {"poor.units.csv", "income.units.csv"} <= names


def test_codes_keep_their_zeros(study):
    units = pd.read_csv(study[1] / "tables" / "poor.units.csv", dtype=str)
    assert units["unit_id"].iloc[0] == "01"


def test_the_atlas_shows_every_layer_and_section(study):
    page = (study[1] / "atlas.html").read_text(encoding="utf-8")
    for text in (
        "Made-up counties", "Poverty and jobs", "Side by side", "Chance of being poor",
        "More jobs, less poverty.",
    ):  # fmt: skip
        assert text in page
    assert "Simulated data" in page


def test_the_manifest_names_inputs_versions_options_and_outputs(study):
    path, out = study
    manifest = json.loads((out / MANIFEST).read_text())
    inputs = {i["part"]: i for i in manifest["inputs"]}
    assert set(inputs["boundaries"]["files"]) == {"counties.gpkg"}
    assert inputs["tables.rates"]["rows"] == 50
    assert inputs["tables.rates"]["status"] == "simulated"
    assert inputs["travel_times"]["status"] == "simulated"
    assert len(manifest["study"]["sha256"]) == 64
    assert manifest["models"]["income"]["options"] == {"vcov": {"conley": 70}}
    assert manifest["models"]["poor"]["fitted"]
    assert {"geopoverty", "python", "numpy"} <= set(manifest["versions"])
    assert set(manifest["outputs"]) == set(held(out)) - {MANIFEST}
    assert str(path.parent) not in (out / MANIFEST).read_text()


def test_seeds_stand_in_the_manifest(tmp_path):
    text = changed(
        ("{conley = 70}", '{wild_cluster = "province", draws = 99, seed = 5}'),
        ('log_income ~ jobs + W(jobs)"\nweights = "near"', 'log_income ~ jobs"'),
    )
    with pytest.warns(GeoPovertyWarning, match="5 clusters"):
        out = run_study(write_study(tmp_path, text))
    manifest = json.loads((out / MANIFEST).read_text())
    assert manifest["models"]["income"]["seeds"] == {"vcov": 5}


def test_a_second_run_is_the_same_byte_for_byte(tmp_path):
    path = write_study(tmp_path)
    first = held(run_study(path))
    second = held(run_study(path))
    assert first == second
    other = held(run_study(path, out=tmp_path / "elsewhere"))
    assert {k: v for k, v in other.items() if k.startswith("tables/")} == {
        k: v for k, v in first.items() if k.startswith("tables/")
    }


def test_the_order_of_rows_changes_no_estimate(tmp_path, study):
    path = write_study(tmp_path)
    rates().iloc[::-1].to_csv(tmp_path / "rates.csv", index=False)
    counties().iloc[::-1].to_file(tmp_path / "counties.gpkg")
    names = ("poor.estimates.csv", "income.estimates.csv")
    out = run_study(path)
    for name in names:
        there, here = (pd.read_csv(o / "tables" / name) for o in (study[1], out))
        pd.testing.assert_frame_equal(there, here, rtol=1e-6)


def test_without_pages_there_is_no_atlas_but_a_section_a_model(tmp_path):
    out = run_study(write_study(tmp_path, STUDY.split("[[pages.maps]]")[0]))
    assert not (out / "atlas.html").exists()
    page = (out / "results.html").read_text(encoding="utf-8")
    assert "<h2>Is it poor?</h2>" in page
    assert "<h2>income</h2>" in page


def test_option_objects_reach_the_estimator():
    given = models.read_option("match", "method", {"nearest": 2, "ties": "first"}, None)
    assert (given.neighbors, given.ties) == (2, "first")
    inner = models.read_option(
        "exit_hazard", "model", {"hazard": "cox", "vcov": {"cluster": "state"}}, None
    )
    assert inner.vcov.by == "state"
    assert models.columns_of("vcov", inner.vcov) == ("state",)


@pytest.mark.parametrize("name", models.ESTIMATORS)
def test_every_choice_of_every_estimator_is_an_option(name):
    assert set(models.ESTIMATORS[name].choices) <= set(models.option_names(name))
    assert "weights" not in models.option_names(name)


# --- names from data ------------------------------------------------------------

NASTY = ["<img src=x onerror=alert(1)>", "{{7*7}}", "</script>", "=1+1", "50 % & more"]


def test_markup_in_names_and_texts_is_escaped(tmp_path):
    text = changed(
        ('title = "Made-up counties"', 'title = "<b>{{7*7}}</b>"'),
        ('title = "Is it poor?"', 'title = "<script>alert(1)</script>"'),
        ('"More jobs, less poverty."', '"</p><img src=x onerror=alert(2)>"'),
        ('"poor ~ jobs"', '"poor ~ jobs + province"'),
    )
    path = write_study(tmp_path, text)
    table = counties()
    table["province"] = table["province"].map(
        dict(zip([f"P{i}" for i in range(5)], NASTY, strict=True))
    )
    table.to_file(tmp_path / "counties.gpkg")
    rows = rates()  # so that no province separates poor from not
    rows["rate"] = np.where(np.arange(len(rows)) % 4 < 2, 10.0, 30.0) + rows["jobs"] / 9
    rows.loc[rows["period"] == 2020, "rate"] = np.resize([10.0, 30.0, 25.0, 12.0], 25)
    rows.to_csv(tmp_path / "rates.csv", index=False)
    out = run_study(path)
    for page in [out / "results.html", *(out / "tables").glob("*.html")]:
        shown = page.read_text(encoding="utf-8")
        assert "<img" not in shown
        assert "<script" not in shown
        assert "{{" not in shown
        assert "<b>" not in shown
    latex = (out / "tables" / "poor.estimates.tex").read_text(encoding="utf-8")
    assert r"province[T.\{\{7*7\}\}]" in latex


def test_a_cell_that_a_spreadsheet_would_run_is_quoted(tmp_path):
    text = changed(
        ('formula = "poor ~ jobs"', 'formula = "poor ~ jobs"\nunit = "county"')
    )
    text = text.replace('unit_id = "county"\njoin', "join").replace(
        'join = {boundaries = ["province"]}\n', ""
    )
    text = text.split("[models.income]")[0]
    path = write_study(tmp_path, text)
    rows = rates()
    rows["county"] = rows["county"].map(lambda n: f"=cmd|{n}")
    rows.to_csv(tmp_path / "rates.csv", index=False)
    out = run_study(path)
    assert "'=cmd|01" in (out / "tables" / "poor.units.csv").read_text()


# --- a model that fails ---------------------------------------------------------


def failing():
    return changed(("[tables.rates.columns]\n", SEPARATED), DIVERGING)


def test_a_model_that_does_not_converge_leaves_the_others(tmp_path):
    path = write_study(tmp_path, failing())
    assert check_study(path).empty
    with pytest.warns(GeoPovertyWarning, match="'jobs' separates the outcome 'split'"):
        out = run_study(path)
    assert (out / "tables" / "income.estimates.csv").exists()
    assert not list((out / "tables").glob("poor.*"))
    page = (out / "results.html").read_text(encoding="utf-8")
    assert "What is missing" in page
    assert "separates the outcome" in page
    atlas = (out / "atlas.html").read_text(encoding="utf-8")
    assert "What is missing" in atlas
    assert "separates the outcome" in atlas
    assert "Map 'Chance of being poor'" in atlas
    manifest = json.loads((out / MANIFEST).read_text())
    assert set(manifest["missing"]) == {"Model 'poor'", "Map 'Chance of being poor'"}
    assert manifest["models"]["poor"]["fitted"] is False
    assert manifest["models"]["income"]["fitted"] is True


def test_the_shell_exits_with_1_and_says_why(tmp_path, capsys):
    path = write_study(tmp_path, failing())
    assert cli.main(["run", str(path)]) == 1
    said = capsys.readouterr()
    assert "Wrote" in said.out
    assert "missing: Model 'poor'. 'jobs' separates" in said.err


@pytest.mark.parametrize(
    "error", [EstimationError("no end"), MemoryError(), np.linalg.LinAlgError("no end")]
)
def test_all_models_may_fail_and_the_pages_still_say_why(tmp_path, monkeypatch, error):
    for name in ("logit", "ols"):

        @functools.wraps(models.ESTIMATORS[name].call)
        def refuse(*_, **__):
            raise error

        broken = dataclasses.replace(models.ESTIMATORS[name], call=refuse)
        monkeypatch.setitem(models.ESTIMATORS, name, broken)
    path = write_study(tmp_path)
    with pytest.warns(GeoPovertyWarning, match="Part of the study is missing"):
        out = run_study(path)
    page = (out / "results.html").read_text(encoding="utf-8")
    assert ("no end" in page) or ("more memory" in page)
    assert (out / "atlas.html").exists()


def test_a_result_table_that_is_not_there_is_missing(tmp_path):
    text = changed(
        ('model = "poor"\ntext', 'model = "poor"\ntables = ["efects"]\ntext')
    )
    with pytest.warns(GeoPovertyWarning, match=r"no table 'efects'.*'effects'"):
        out = run_study(write_study(tmp_path, text))
    assert "no table &#x27;efects&#x27;" in (out / "results.html").read_text()


def test_a_column_that_a_model_lacks_leaves_the_other_maps(tmp_path):
    text = changed(('column = "probability"', 'column = "probabilty"'))
    with pytest.warns(GeoPovertyWarning, match="Did you mean 'probability'"):
        out = run_study(write_study(tmp_path, text))
    assert "Poverty" in (out / "atlas.html").read_text(encoding="utf-8")


# --- the output is whole --------------------------------------------------------


def test_an_interrupted_run_leaves_the_old_output_whole(tmp_path, monkeypatch, capsys):
    path = write_study(tmp_path)
    old = held(run_study(path))
    around = sorted(p.name for p in tmp_path.iterdir())

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("geopoverty.study.running.write_manifest", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_study(path)
    assert held(tmp_path / "results") == old
    assert cli.main(["run", str(path)]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert held(tmp_path / "results") == old
    assert sorted(p.name for p in tmp_path.iterdir()) == around


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch, capsys):
    path = write_study(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("geopoverty.study.running.write_manifest", full)
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(InputError, match=r"No space left on device.*is unchanged"):
        run_study(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert cli.main(["run", str(path)]) == 2
    assert "No space left" in capsys.readouterr().err


def test_a_bad_study_writes_nothing(tmp_path):
    path = write_text(tmp_path, "[study]\ntitel = 'x'\n")
    with pytest.raises(InputError, match=r"has 1 problem; nothing was run:\n  line 2"):
        run_study(path)
    assert [p.name for p in tmp_path.iterdir()] == ["study.toml"]


def test_an_earlier_output_is_replaced_whole(tmp_path):
    out = run_study(write_study(tmp_path))
    assert (out / "tables" / "poor.estimates.csv").exists()
    text = STUDY.split("[[pages")[0].replace("models.poor", "models.povre")
    run_study(write_text(tmp_path, text))
    assert not (out / "tables" / "poor.estimates.csv").exists()
    assert (out / "tables" / "povre.estimates.csv").exists()
    assert not (out / "atlas.html").exists()
