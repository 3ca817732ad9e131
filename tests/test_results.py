"""The one result: what it holds, says, shows side by side, and saves."""

import contextlib
import io
import json
import pickle
import re
import zipfile
from dataclasses import FrozenInstanceError
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import result

from geopoverty.errors import InputError
from geopoverty.results import Result, compare, inference_table

# Quantiles and tails as printed in tables of the normal and Student's t (df 10).
Z975, T975 = 1.9599639845400536, 2.2281388519862739
P_NORMAL_2, P_T10_2 = 0.04550026389635842, 0.07338803477074037


def rich_result():
    """Return a result with every kind of column, index and attribute."""
    units = pd.DataFrame(
        {
            "unit_id": ["01", "02", "10"],
            "period": [1980, 1990, 1990],
            "share": np.array([0.5, np.nan, 1.5], dtype="float32"),
            "poor": [True, False, True],
            "region": pd.Categorical(["N", "S", "N"], ["S", "N"], ordered=True),
            "left": pd.to_datetime(["2020-01-01", None, "2021-06-30"]),
            "n": pd.array([1, None, 3], dtype="Int64"),
            "year": pd.period_range("2020", periods=3, freq="Y"),
            "name": ["Osorno", None, "Ñuñoa"],
        },
        index=pd.Index([7, 3, 5], name="row"),
    )
    units.attrs = {"title": "Panel", "status": "measured", "rows": 3}
    tests = pd.DataFrame(
        {"statistic": [1.0, 2.0]},
        index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["term", "lag"]),
    )
    curve = pd.DataFrame([[1.0, 0.9]], columns=[1960, 1970])
    return result(
        units=units,
        facts={
            "n_obs": np.int64(3), "n_dropped": 0, "auc": np.float64(0.75),
            "converged": np.bool_(True), "vcov": "hc1", "nothing": None, "nan": np.nan,
        },
        tables={"../../tests": tests, "empty": pd.DataFrame(), "curve": curve},
        notes=("Few clusters.", "<b>"),
        provenance={"formula": "y ~ x", "options": {"k": (1, 2)}, "where": Path("a")},
    )  # fmt: skip


# --- what it holds -------------------------------------------------------------


@pytest.mark.parametrize("gone", ["n_obs", "n_dropped"])
def test_facts_always_count_rows(gone):
    facts = {k: 1 for k in ("n_obs", "n_dropped") if k != gone}
    with pytest.raises(InputError, match=rf"facts must hold \['{gone}'\]"):
        result(facts=facts)


@pytest.mark.parametrize("side", ["index", "columns"])
def test_the_covariance_has_the_terms_of_the_estimates(side):
    vcov = result().vcov
    swapped = vcov[::-1] if side == "index" else vcov[vcov.columns[::-1]]
    with pytest.raises(InputError, match="must have the terms of Result"):
        result(vcov=swapped)


def test_a_result_cannot_be_changed():
    facts = {"n_obs": 1, "n_dropped": 0}
    fit = result(facts=facts)
    facts["n_obs"] = 2
    assert fit.facts["n_obs"] == 1
    with pytest.raises(FrozenInstanceError):
        fit.estimator = "probit"
    for part in (fit.facts, fit.tables, fit.provenance):
        with pytest.raises(TypeError, match="does not support item assignment"):
            part["n_obs"] = 3


def test_a_result_equals_itself_and_may_be_a_key():
    one, two = result(), result()
    assert one == one
    assert one != two
    assert len({one, two}) == 2


# --- tests and intervals -------------------------------------------------------


def test_tidy_by_the_normal():
    table = result().tidy()
    assert list(table.columns) == [
        "term", "estimate", "std_error", "statistic", "p_value", "conf_low",
        "conf_high",
    ]  # fmt: skip
    assert list(table["term"]) == ["Intercept", "W(density)"]
    first = table.loc[0]
    assert first["statistic"] == 2.0
    assert first["p_value"] == pytest.approx(P_NORMAL_2, rel=1e-13)
    assert first["conf_low"] == pytest.approx(2 - Z975, rel=1e-13)
    assert first["conf_high"] == pytest.approx(2 + Z975, rel=1e-13)
    assert table.loc[1, "statistic"] == pytest.approx(-5.0, rel=1e-13)


def test_tidy_by_student():
    table = result(facts={"n_obs": 1, "n_dropped": 0, "df_t": 10}).tidy()
    assert table.loc[0, "p_value"] == pytest.approx(P_T10_2, rel=1e-12)
    assert table.loc[0, "conf_high"] == pytest.approx(2 + T975, rel=1e-12)


def test_narrower_intervals_for_less_confidence():
    wide, narrow = (result().tidy(level) for level in (0.99, 0.5))
    assert (wide["conf_low"] < narrow["conf_low"]).all()
    assert (narrow["conf_high"] < wide["conf_high"]).all()
    np.testing.assert_array_equal(wide["p_value"], narrow["p_value"])


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, np.nan])
def test_confidence_is_a_share(level):
    with pytest.raises(InputError, match=f"between 0 and 1; got {level}"):
        result().tidy(level)


def test_no_variance_is_no_warning():
    table = inference_table(
        pd.Series({"a": 1.0, "b": 0.0, "c": 1.0}),
        pd.Series({"a": 0.0, "b": 0.0, "c": np.nan}),
    )
    assert table["p_value"].isna().tolist() == [False, True, True]
    assert table.loc[0, "p_value"] == 0
    negative = pd.DataFrame(-np.eye(2), *[["Intercept", "W(density)"]] * 2)
    assert result(vcov=negative).tidy()["std_error"].isna().all()


# --- what it says --------------------------------------------------------------


def test_summary_says_estimates_facts_tables_and_notes():
    fit = rich_result()
    text = fit.summary()
    assert text == repr(fit)
    assert text.startswith("logit: y ~ x\n")
    assert re.search(r"W\(density\) +-0\.5000 +0\.1000 +-5\.000", text)
    assert "n_obs: 3" in text
    assert "auc: 0.7500" in text
    assert "Tables: ../../tests, empty, curve" in text
    assert text.endswith("Note: Few clusters.\nNote: <b>")


def test_glance_is_one_row_of_facts():
    row = rich_result().glance()
    assert len(row) == 1
    assert row.loc[0, "estimator"] == "logit"
    assert row.loc[0, "auc"] == 0.75


def test_html_is_escaped_everywhere():
    evil = "<script>{{7*7}}</script>"
    fit = result(
        estimator=evil,
        terms=(evil, "x"),
        facts={"n_obs": 1, "n_dropped": 0, evil: evil},
        notes=(evil,),
        provenance={"formula": evil},
    )
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):  # noqa: ARG002
            seen.append(tag)

        def handle_data(self, data):
            seen.append(data)

    page = fit._repr_html_()
    Reader().feed(page)
    assert "script" not in seen
    assert "{" not in page
    # Title (twice), term, fact's name and value, note.
    assert sum(text.count(evil) for text in seen) == 6


def test_latex_holds_every_term():
    lines = result().to_latex().splitlines()
    assert lines[0] == r"\begin{tabular}{lrrrrrr}"
    assert r"std\_error" in lines[2]
    assert lines[5].startswith("W(density) & -0.5000 & 0.1000 & -5.000 &")


def test_a_result_without_terms_can_be_shown_compared_and_saved(tmp_path):
    fit = result((), (), ())
    assert "n_obs: 10" in fit.summary()
    assert "<h4>logit</h4>" in fit._repr_html_()
    assert compare(fit).loc[("facts", "n_obs"), "(1)"] == "10"
    fit.save(tmp_path / "fit")
    assert Result.load(tmp_path / "fit").tidy().empty


# --- side by side --------------------------------------------------------------


def test_compare_is_a_journal_table():
    one = result(facts={"n_obs": 1200, "n_dropped": 0, "vcov": "hc1"})
    two = result(
        (-0.5, 3.0, 0.17),
        (0.25, np.nan, 0.1),
        ("W(density)", "zeta", "alpha"),
        estimator="panel",
        facts={"n_obs": 7, "n_dropped": 0, "r_squared": 0.5},
    )
    table = compare(one, two, names=["Logit", "Panel"])
    assert list(table.columns) == ["Logit", "Panel"]
    assert table.index.names == ["term", "row"]
    rows = {
        key: tuple(row) for key, row in zip(table.index, table.to_numpy(), strict=True)
    }
    assert rows == {
        ("Intercept", "estimate"): ("2.000**", ""),
        ("Intercept", "std_error"): ("(1.000)", ""),
        ("W(density)", "estimate"): ("-0.5000***", "-0.5000**"),
        ("W(density)", "std_error"): ("(0.1000)", "(0.2500)"),
        ("zeta", "estimate"): ("", "3.000"),
        ("zeta", "std_error"): ("", ""),
        ("alpha", "estimate"): ("", "0.1700*"),
        ("alpha", "std_error"): ("", "(0.1000)"),
        ("facts", "estimator"): ("logit", "panel"),
        ("facts", "n_obs"): ("1,200", "7"),
        ("facts", "r_squared"): ("", "0.5000"),
        ("facts", "vcov"): ("hc1", ""),
    }
    assert list(table.index) == list(rows)


def test_compare_may_show_statistics():
    table = compare(result(), brackets="statistic")
    assert table.loc[("W(density)", "statistic"), "(1)"] == "(-5.000)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["a"]}, "names must be 2 different texts; got 1"),
        ({"names": ["a", "a"]}, "names must be 2 different texts"),
        (
            {"brackets": "statistics"},
            "brackets must be one of .*Did you mean 'statistic'",
        ),
    ],
)
def test_compare_refuses(options, message):
    with pytest.raises(InputError, match=message):
        compare(result(), result(), **options)


def test_compare_needs_a_result():
    with pytest.raises(InputError, match="at least one Result"):
        compare()


# --- save and load -------------------------------------------------------------


def test_a_saved_result_comes_back_equal(tmp_path):
    fit = rich_result()
    fit.save(tmp_path / "fit.zip")
    back = Result.load(tmp_path / "fit.zip")
    assert back.estimator == fit.estimator
    pd.testing.assert_series_equal(back.estimates, fit.estimates)
    pd.testing.assert_frame_equal(back.vcov, fit.vcov)
    pd.testing.assert_frame_equal(back.units, fit.units)
    assert back.units.attrs == fit.units.attrs
    assert list(back.tables) == list(fit.tables)
    for name, table in fit.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table)
    assert back.notes == fit.notes
    assert np.isnan(back.facts["nan"])
    assert {k: v for k, v in back.facts.items() if k != "nan"} == {
        k: v for k, v in fit.facts.items() if k != "nan"
    }
    assert back.provenance == {
        "formula": "y ~ x", "options": {"k": [1, 2]}, "where": "a",
    }  # fmt: skip
    pd.testing.assert_frame_equal(back.tidy(), fit.tidy())


def test_the_name_of_the_estimates_does_not_matter(tmp_path):
    one = pd.DataFrame([[1.0]], ["x"], ["x"])
    fit = Result("ols", one["x"].rename("beta"), one, one, result().facts)
    fit.save(tmp_path / "fit")
    pd.testing.assert_series_equal(
        Result.load(tmp_path / "fit").estimates, fit.estimates
    )


def test_attributes_that_json_lacks_become_plain(tmp_path):
    fit = result()
    fit.units.attrs = {"n": np.int64(3), "where": Path("a"), 1: (1, 2)}
    fit.save(tmp_path / "fit")
    assert Result.load(tmp_path / "fit").units.attrs == {
        "n": 3, "where": "a", "1": [1, 2],
    }  # fmt: skip
    assert fit.units.attrs["n"] == np.int64(3)
    assert isinstance(fit.units.attrs["where"], Path)


def test_saving_and_loading_never_pickle(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("pickle was used")

    fit = rich_result()
    for name in ("dump", "dumps", "load", "loads", "Pickler", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    fit.save(tmp_path / "fit")
    Result.load(tmp_path / "fit")
    monkeypatch.undo()
    with zipfile.ZipFile(tmp_path / "fit") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert sorted(members) == [*(f"{i}.parquet" for i in range(6)), "result.json"]
    assert json.loads(members.pop("result.json"))["format"] == 1
    for held in members.values():
        assert held[:4] == held[-4:] == b"PAR1"
        table = pd.read_parquet(io.BytesIO(held))
        for column in table.select_dtypes(object):
            assert not any(isinstance(cell, bytes) for cell in table[column])


def test_a_loaded_file_cannot_name_its_way_out(tmp_path):
    rich_result().save(tmp_path / "fit")  # one of its tables is called "../../tests"
    assert [p.name for p in tmp_path.iterdir()] == ["fit"]
    with zipfile.ZipFile(tmp_path / "fit") as archive:
        assert not any("/" in name for name in archive.namelist())


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path):
    target = tmp_path / "fit"
    result().save(target)
    before = target.read_bytes()
    mixed = pd.DataFrame({"value": [1, "one"]})
    with pytest.raises(InputError, match=r"table 'mixed' cannot be saved .* one type"):
        result(tables={"mixed": mixed}).save(target)
    assert target.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["fit"]


def test_saving_needs_a_folder(tmp_path):
    with pytest.raises(InputError, match="output folder must exist"):
        result().save(tmp_path / "nowhere" / "fit")


def test_loading_needs_a_file(tmp_path):
    with pytest.raises(InputError, match=r"There is no file '.*nothing'. Check the"):
        Result.load(tmp_path / "nothing")
    with pytest.raises(InputError, match="There is no file"):
        Result.load(tmp_path)


def archive_of(path, head, frames=(b"",) * 3):
    with zipfile.ZipFile(path, "w") as archive:
        if head is not None:
            archive.writestr("result.json", head)
        for i, frame in enumerate(frames):
            archive.writestr(f"{i}.parquet", frame)


@pytest.mark.parametrize(
    "head",
    [
        None, "", "{", "[1]", "null", '{"tables": []}', b"\xff\xfe",
        '{"format": 1}', '{"format": 1, "tables": []}', '{"format": 1, "tables": 3}',
    ],
)  # fmt: skip
def test_loading_refuses_what_is_no_saved_result(tmp_path, head):
    archive_of(tmp_path / "fit", head)
    with pytest.raises(
        InputError, match=r"'.*fit' is not a saved result .*Result.save"
    ):
        Result.load(tmp_path / "fit")


@pytest.mark.parametrize("gone", ["estimator", "facts", "notes", "provenance"])
def test_loading_needs_every_part(tmp_path, gone):
    result().save(tmp_path / "whole")
    with zipfile.ZipFile(tmp_path / "whole") as archive:
        head = json.loads(archive.read("result.json"))
        frames = [archive.read(f"{i}.parquet") for i in range(3)]
    archive_of(tmp_path / "fit", json.dumps(head), frames)
    assert Result.load(tmp_path / "fit").estimator == "logit"
    del head[gone]
    archive_of(tmp_path / "fit", json.dumps(head), frames)
    with pytest.raises(InputError, match="is not a saved result"):
        Result.load(tmp_path / "fit")


def test_loading_refuses_later_formats(tmp_path):
    archive_of(tmp_path / "fit", '{"format": 2}')
    with pytest.raises(InputError, match=r"format 2; this version reads 1\. Update"):
        Result.load(tmp_path / "fit")


def test_loading_refuses_a_damaged_file(tmp_path):
    result().save(tmp_path / "fit")
    whole = (tmp_path / "fit").read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut").write_bytes(whole[:cut])
        with pytest.raises(InputError, match="is not a saved result"):
            Result.load(tmp_path / "cut")
    middle = whole.index(b"PAR1")
    (tmp_path / "cut").write_bytes(whole[:middle] + b"XXXX" + whole[middle + 4 :])
    with pytest.raises(InputError, match="is not a saved result"):
        Result.load(tmp_path / "cut")


def test_no_byte_of_a_saved_file_can_do_worse_than_be_refused(tmp_path):
    result().save(tmp_path / "fit")
    whole = bytearray((tmp_path / "fit").read_bytes())
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 150):
        damaged = whole.copy()
        damaged[place] ^= 1 + int(rng.integers(255))
        (tmp_path / "cut").write_bytes(damaged)
        with contextlib.suppress(InputError):
            Result.load(tmp_path / "cut")


def test_simulated_data_say_so_wherever_the_numbers_go(tmp_path):
    data = [{"status": "simulated", "title": "A toy_town"}, {"status": "measured"}]
    fit = result(provenance={"formula": "poor ~ x", "data": data})
    note = "Simulated data: they describe no real place or person (A toy_town)."
    assert fit.notes == (note,)
    assert note in fit.summary()
    assert note in fit._repr_html_()
    assert r"\multicolumn{7}{l}{Simulated data" in fit.to_latex()
    assert r"toy\_town" in fit.to_latex().splitlines()[-2]
    both = compare(fit, result(provenance={"data": data[1:]}))
    assert both.loc[("facts", "data")].tolist() == ["simulated", ""]
    fit.save(tmp_path / "fit.zip")
    assert Result.load(tmp_path / "fit.zip").notes == (note,)
