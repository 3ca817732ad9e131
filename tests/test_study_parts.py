"""The parts of a study: lines of keys, steps of tables, the folder of results."""

import json
import os
import re
import tomllib
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import LAW, squares, times
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.errors import InputError
from geopoverty.study import firms
from geopoverty.study.example import example_text, write_example
from geopoverty.study.fitting import GROUP_KEYS, SCAN_KEYS
from geopoverty.study.folder import MADE_BY, MANIFEST, check_target, whole_folder
from geopoverty.study.inputs import BOUNDARIES, TABLES, TIMES
from geopoverty.study.lines import key_lines, line_of
from geopoverty.study.manifest import data_sha256
from geopoverty.study.models import ESTIMATORS, option_names, read_option
from geopoverty.study.page_schema import (
    Curves,
    Map,
    MapFile,
    Moved,
    Peers,
    Section,
)
from geopoverty.study.reading import parse_study
from geopoverty.study.schema import Boundaries, Head, Model, Table, Times, Weights
from geopoverty.study.steps import computed, take_steps
from geopoverty.study.typed import MISFIT, conform, in_words
from geopoverty.study.weighing import weights_of
from geopoverty.study.writing import csv_text

# --- lines ----------------------------------------------------------------------

TEXT = """\
# [not] = 1
title = "a # [b]"   # remark
"quoted key" = 'x = 1'
dotted.key . deep = 1
many = [
  1,  # one
  "]",
  {inner = 2, other = [3, 4]},
]
long = \"\"\"
[study]
x = 1 \\\" \"\"\"
[a."b.c"]
when = 1979-05-27 07:32:00
[[list]]
x = 1
[[list]]
x = 2
[list.below]
y = '''
z = 3'''
"""


def test_every_key_has_its_line():
    tomllib.loads(TEXT)
    lines = key_lines(TEXT)
    assert lines == {
        ("title",): 2,
        ("quoted key",): 3,
        ("dotted",): 4, ("dotted", "key"): 4, ("dotted", "key", "deep"): 4,
        ("many",): 5, ("many", 0): 6, ("many", 1): 7, ("many", 2): 8,
        ("many", 2, "inner"): 8, ("many", 2, "other"): 8,
        ("many", 2, "other", 0): 8, ("many", 2, "other", 1): 8,
        ("long",): 10,
        ("a",): 13, ("a", "b.c"): 13, ("a", "b.c", "when"): 14,
        ("list",): 15, ("list", 0): 15, ("list", 0, "x"): 16,
        ("list", 1): 17, ("list", 1, "x"): 18,
        ("list", 1, "below"): 19, ("list", 1, "below", "y"): 20,
    }  # fmt: skip


def test_a_key_that_is_not_there_has_the_line_of_its_table():
    assert line_of(key_lines(TEXT), ("list", 1, "none")) == 17
    assert line_of({}, ("a",)) is None


def paths(value, path=()):
    """Yield every path of what tomllib has read."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from paths(inner, (*path, key))


KEYS = st.text("ab.#[]=\"' \\é", max_size=4)
SCALARS = st.one_of(
    st.integers(), st.booleans(), st.text("ab#[]{}=,\"'\\ é", max_size=6)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=6,
)


def written(value):
    """Write a value as TOML: texts and keys as JSON does, which TOML reads."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k)} = {written(v)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[\n{', '.join(map(written, value))} ]  # remark ]"
    return json.dumps(value)


@LAW
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_toml_reads_is_found(table):
    # A remark ends its line, so lists inside inline tables go without one.
    text = "".join(
        f"{json.dumps(k)} = {written(v).replace('  # remark ]', '')}\n"
        for k, v in table.items()
    )
    read = tomllib.loads(text)
    assert read == table
    assert set(key_lines(text)) == set(paths(read))


# --- types ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "hint", "fit"),
    [
        (3, float, 3.0),
        (3.0, int, MISFIT),
        (True, float, MISFIT),
        ("a", tuple[str, ...], MISFIT),
        (["a"], str | tuple[str, ...], ("a",)),
        ([1, 2], tuple[int, int | None], (1, 2)),
        ([1], tuple[int, int | None], MISFIT),
        ({"a": 1}, dict[str, float], {"a": 1.0}),
        ({"a": "b"}, dict[str, float], MISFIT),
        ([], dict[str, float], MISFIT),
        ("2015-11-29", str | None, "2015-11-29"),
    ],
)
def test_values_fit_types(value, hint, fit):
    assert conform(value, hint) == fit or conform(value, hint) is fit


def test_types_are_said_in_words():
    assert in_words(tuple[float, ...] | None) == "a list of number"
    assert in_words(dict[str, str]) == "a table"


# --- steps ----------------------------------------------------------------------

PANEL = pd.DataFrame(
    {
        "unit_id": ["a", "a", "b", "b", "c"],
        "period": [1, 2, 1, 2, 1],
        "rate": [30.0, 10.0, 40.0, None, 5.0],
        "kind": ["x", "x", "y", "y", "y"],
        "odd name": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
)


def stepped(others=None, **keys):
    return take_steps(PANEL, Table(**keys), others or {}, lambda _: nullcontext())


def test_what_is_missing_stays_missing():
    values = computed("rate >= 20", PANEL)
    np.testing.assert_array_equal(values, [1, 0, 1, np.nan, 0])


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("`odd name` * 2", [2, 4, 6, 8, 10]),
        ("odd name", [1, 2, 3, 4, 5]),
        ('kind == "x"', [1, 1, 0, 0, 0]),
        ('(kind == "y") & (period == 1)', [0, 0, 1, 0, 1]),
        ("period ** 2 - 1", [0, 3, 0, 3, 0]),
        ("kind", ["x", "x", "y", "y", "y"]),
    ],
)
def test_expressions(expression, values):
    assert computed(expression, PANEL).to_list() == values


@pytest.mark.parametrize(
    "expression",
    ['(kind == "y") and (period == 1)', "poly(rate, 2)", "C(kind)", "L(rate)", "rate["],
)
def test_expressions_that_are_not_one_number_a_row(expression):
    with pytest.raises(InputError):
        computed(expression, PANEL)


def test_columns_may_rest_on_columns_before():
    out = stepped(columns={"poor": "rate >= 20", "rich": "1 - poor"})
    assert out["rich"].to_list()[:3] == [0, 1, 0]
    assert "poor" not in PANEL.columns


def test_rows_are_kept_by_condition_completeness_and_balance():
    assert stepped(where="rate > 20")["unit_id"].to_list() == ["a", "b"]
    assert stepped(complete=("rate",))["unit_id"].to_list() == ["a", "a", "b", "c"]
    assert stepped(balanced=True)["unit_id"].to_list() == ["a", "a", "b", "b"]
    both = stepped(complete=("rate",), balanced=True)
    assert both["unit_id"].to_list() == ["a", "a"]


def test_a_join_takes_units_and_periods_and_loses_no_row():
    other = pd.DataFrame({"unit_id": ["b", "a"], "jobs": [2.0, 1.0]})
    out = stepped({"other": other}, join={"other": ("jobs",)})
    np.testing.assert_array_equal(out["jobs"], [1, 1, 2, 2, np.nan])
    waves = pd.DataFrame({"unit_id": ["a", "a"], "period": [2, 1], "jobs": [2.0, 1.0]})
    out = stepped({"other": waves}, join={"other": ("jobs",)})
    assert out["jobs"].to_list()[:2] == [1.0, 2.0]


def test_a_join_must_not_multiply_rows():
    twice = pd.DataFrame({"unit_id": ["a", "a"], "jobs": [2.0, 1.0]})
    with pytest.raises(
        InputError, match=r"one row a unit_id .*1 units have more \(a\)"
    ):
        stepped({"other": twice}, join={"other": ("jobs",)})


def test_exits_come_from_a_panel():
    whole = PANEL[PANEL["rate"].notna() & PANEL["unit_id"].eq("a")]
    asked = {"rate": "rate", "line": 20}
    out = take_steps(whole, Table(exits=asked), {}, lambda _: nullcontext())
    assert out[["unit_id", "years", "exited"]].to_numpy().tolist() == [["a", 1, 1]]


def test_households_become_counties():
    out = stepped(average=("rate", "odd name"), weight="odd name")
    assert out.columns.to_list() == ["unit_id", "period", "rows", "rate", "odd name"]
    np.testing.assert_array_equal(out["rate"], [30, 10, 40, np.nan, 5])
    homes = PANEL.drop(columns="period")
    part = Table(average=("rate",), weight="odd name")
    out = take_steps(homes, part, {}, lambda _: nullcontext()).set_index("unit_id")
    np.testing.assert_allclose(out["rate"], [50 / 3, 40, 5])
    assert out["rows"].to_list() == [2, 2, 1]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"average": ("kind",)}, "Only numbers have a mean; 'kind'"),
        ({"average": ("rat",)}, "Did you mean 'rate'"),
        ({"average": ("rate",), "weight": "kind"}, r"weight 'kind' .* 5 of 5 rows"),
        ({"average": ("rate",), "weight": "rate"}, r"at least 0; 1 of 5 rows .*\(b\)"),
    ],
)
def test_means_that_cannot_be_taken(keys, message):
    with pytest.raises(InputError, match=message):
        stepped(**keys)


def test_origin_follows_a_table_through_its_steps():
    table = PANEL.copy()
    table.attrs["status"] = "simulated"
    out = take_steps(table, Table(where="rate > 0"), {}, lambda _: nullcontext())
    assert out.attrs == {"status": "simulated"}


# --- weights --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "links"),
    [
        (Weights(k=2), 12),
        (Weights(kind="contiguity"), 10),
        (Weights(kind="knn", k=1, standardize="none"), 6),
        (Weights(decay="binary", cutoff=1e9), 30),
    ],
)
def test_weights_of_each_kind(part, links):
    found = weights_of(part, squares(6), times(6), None)
    assert (
        np.count_nonzero(
            found.matrix.toarray() if hasattr(found.matrix, "toarray") else found.matrix
        )
        == links
    )


def test_weights_of_some_units_only():
    table = pd.DataFrame({"unit_id": squares(6).index[:4]})
    for part in (Weights(k=2), Weights(kind="knn", k=1)):
        assert weights_of(part, squares(6), times(6), table).n == 4
    strange = pd.DataFrame({"unit_id": ["zzz"]})
    with pytest.raises(InputError, match=r"Every unit of the table .*\(zzz\)"):
        weights_of(Weights(k=2), None, times(6), strange)


# --- the folder -----------------------------------------------------------------


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def filled(target, text="new"):
    with whole_folder(target) as draft:
        (draft / "a.csv").write_text(text)
        (draft / MANIFEST).write_text(
            json.dumps({"made_by": MADE_BY, "outputs": {"a.csv": ""}})
        )


def test_a_folder_is_replaced_whole(tmp_path):
    filled(tmp_path / "out", "old")
    filled(tmp_path / "out")
    assert (tmp_path / "out" / "a.csv").read_text() == "new"
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out").stat().st_mode & 0o700 == 0o700


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_what_stood_there_stays_when_writing_stops(tmp_path, error):
    filled(tmp_path / "out", "old")

    def stop():
        with whole_folder(tmp_path / "out") as draft:
            (draft / "half").write_text("half")
            raise error

    with pytest.raises(error):
        stop()
    assert (tmp_path / "out" / "a.csv").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_swap_that_fails_puts_the_old_folder_back(tmp_path, monkeypatch):
    filled(tmp_path / "out", "old")
    rename = type(tmp_path).rename

    def refuse(path, target):
        if path.suffix == ".draft":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(type(tmp_path), "rename", refuse)
    with pytest.raises(InputError, match="Input/output error"):
        filled(tmp_path / "out")
    assert (tmp_path / "out" / "a.csv").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_run_killed_between_two_renames_is_put_right(tmp_path):
    filled(tmp_path / "out", "old")
    (tmp_path / "out").rename(tmp_path / ".out.previous")
    check_target(tmp_path / "out", [])
    assert (tmp_path / "out" / "a.csv").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    filled(tmp_path / "out")
    check_target(tmp_path / "out", [])
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"1 files in it were not written .*notes.txt"):
        check_target(tmp_path / "out", [])
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / MANIFEST).write_text("{}")
    with pytest.raises(InputError, match=r"not written by an earlier run \(manifest"):
        check_target(tmp_path / "thesis", [])


def test_a_target_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"must be a folder; '.*file' is a file"):
        check_target(tmp_path / "file", [])
    with pytest.raises(InputError, match="must exist"):
        check_target(tmp_path / "no" / "where", [])
    with pytest.raises(InputError, match=r"must not hold the study .*study.toml"):
        check_target(tmp_path, [tmp_path / "study.toml"])


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="must be writable"):
        check_target(tmp_path / "out", [])


# --- writing --------------------------------------------------------------------


def test_csv_keeps_labels_and_quotes_formulas():
    table = pd.DataFrame({"=x": ["-0.5***", "+1", "@a", None]}, index=list("abcd"))
    assert csv_text(table).splitlines() == [
        "index,'=x", "a,-0.5***", "b,+1", "c,'@a", "d,",
    ]  # fmt: skip


def test_the_hash_of_data_sees_values_names_and_geometry():
    places = squares(3)
    moved = places.assign(geometry=places.geometry.translate(1))
    assert data_sha256(places) == data_sha256(squares(3))
    assert data_sha256(places) != data_sha256(moved)
    assert data_sha256(times(3)) != data_sha256(times(3, seed=1))


# --- options --------------------------------------------------------------------


def test_the_option_objects_of_the_manual_are_read():
    manual = (Path(__file__).parents[1] / "docs" / "study.md").read_text("utf-8")
    block = re.search(r"```toml\n(.*?)```", manual, re.DOTALL).group(1)
    owner = {
        "vcov": "ols",
        "method": "match",
        "model": "exit_hazard",
        "duration": "exit_hazard",
        "first_treated": "did",
        "survey": "targeting",
        "options": "survival_curves",
        "unit": "local_moran",
    }
    found = set()
    for line in block.splitlines():
        ((key, value),) = tomllib.loads(line).items()
        found.add(type(read_option(owner[key], key, value, times(3))).__name__)
    assert found == {
        "Cluster", "WildCluster", "Conley", "Nearest", "Hazard", "Timeline", "Adoption",
        "SurveyColumns", "CurveOptions", "Sample",
    }  # fmt: skip


def test_the_manual_names_every_key_estimator_and_data_set():
    manual = (Path(__file__).parents[1] / "docs" / "study.md").read_text("utf-8")
    parts = (
        Head, Boundaries, Times, Weights, Table, Model, Map, Section, Moved, Curves,
        Peers, MapFile,
    )  # fmt: skip
    names = {f.name for p in parts for f in fields(p)} | set(ESTIMATORS)
    names |= {n for e in ESTIMATORS for n in option_names(e)} - {"methods"}
    names |= {k for keys in firms.KEYS.values() for k in keys}
    names |= {*GROUP_KEYS, *SCAN_KEYS}
    names |= {*BOUNDARIES, *TIMES, *TABLES}
    assert [n for n in sorted(names) if f"`{n}`" not in manual] == []


# --- the example ----------------------------------------------------------------


def test_the_example_has_the_form_of_a_study():
    study, report = parse_study(example_text())
    assert report.problems == []
    assert len(study.models) == 6
    assert all(line.isascii() or "km²" in line for line in example_text().splitlines())


def test_what_the_example_has_as_remarks_has_the_form_of_a_study_too():
    told = re.sub(
        r"^# +((\[[a-z_.]+\]|[a-z_]+ = ).*)$", r"\1", example_text(), flags=re.MULTILINE
    )
    for line in ("[tables.clusters]", "groups = {", "scan = {", "vcov = {", 'file = "'):
        assert re.search(f"^{re.escape(line)}", told, re.MULTILINE), line
    # Keys of another part of the file, or of another estimator, stay out.
    told = re.sub(r"^(method|status|vcov) = .*\n", "", told, flags=re.MULTILINE)
    study, report = parse_study(told)
    assert report.problems == []
    assert study.tables["clusters"].clusters["min_firms"] == 10


def test_an_example_overwrites_nothing(tmp_path):
    path = write_example(tmp_path / "study.toml")
    path.write_text("mine")
    with pytest.raises(InputError, match="exists and is not overwritten"):
        write_example(path)
    assert path.read_text() == "mine"
    with pytest.raises(InputError, match="folder must exist"):
        write_example(tmp_path / "none" / "study.toml")
