"""Every check: what it lets through, and the words with which it refuses."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from geopoverty import _checks
from geopoverty.errors import GeoPovertyWarning, InputError


def refused(text):
    """Match a message literally."""
    return pytest.raises(InputError, match=re.escape(text))


# --- ids ---------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, ""])
def test_missing_ids_are_counted_and_placed(nothing):
    with refused(
        "The table: every row needs a unit id; 2 of 3 rows have none (row 0, row 2). "
        "Fill or drop these rows."
    ):
        _checks.unit_ids(pd.Series([nothing, "a", nothing]), "The table", unique=True)


@pytest.mark.parametrize(
    ("ids", "kind", "shown"),
    [
        ([1001, 1003], "integer", "1001, 1003"),
        ([1001.0, 1003.0], "floating", "1001.0, 1003.0"),
        (["01001", 1003], "mixed", "01001, 1003"),
        ([b"01001"], "bytes", "b'01001'"),
    ],
)
def test_ids_that_are_not_text_lose_zeros(ids, kind, shown):
    with pytest.raises(InputError) as caught:
        _checks.unit_ids(pd.Series(ids), "The boundaries", unique=True)
    message = str(caught.value)
    assert message.startswith("The boundaries: unit ids must be text; these are ")
    assert kind in message
    assert f"({shown})" in message
    assert "leading zeros are lost" in message
    assert message.endswith("repair it: ids.astype(str).str.zfill(width).")


def test_the_advice_for_lost_zeros_works():
    mended = pd.Series([1001, 48301]).astype(str).str.zfill(5)
    assert list(_checks.unit_ids(mended, "t", unique=True)) == ["01001", "48301"]


def test_repeated_ids_are_counted_once_each():
    ids = pd.Series(["a", "b", "a", "a", "b", "c"])
    with refused("2 of 3 ids stand more than once (a, b). Drop or merge"):
        _checks.unit_ids(ids, "The table", unique=True)
    assert len(_checks.unit_ids(ids, "The table", unique=False)) == 6


def test_long_lists_of_ids_end_in_dots():
    for ids, listed in (
        ([None] * 6, "row 0, row 1, row 2, row 3, row 4, ..."),
        (range(6), "0, 1, 2, 3, 4, ..."),
        (list("abcdef") * 2, "a, b, c, d, e, ..."),
    ):
        with refused(f"({listed})"):
            _checks.unit_ids(pd.Series(ids, dtype=object), "The table", unique=True)
        shorter = listed.removesuffix(", ...")
        keep = [i for i in range(len(ids)) if i % 6 < 5]
        with refused(f"({shorter})"):
            fewer = pd.Series(ids, dtype=object).iloc[keep]
            _checks.unit_ids(fewer, "The table", unique=True)


def test_ids_of_two_levels_are_refused():
    index = pd.MultiIndex.from_tuples([("a", 1960)], names=["unit_id", "period"])
    with refused("The table: unit ids must be one level; these have 2."):
        _checks.unit_ids(index, "The table", unique=True)


@pytest.mark.parametrize("dtype", [object, "string", "category", "string[pyarrow]"])
def test_text_of_any_kind_is_an_id(dtype):
    ids = pd.Series(["02", "01"], dtype=dtype)
    found = _checks.unit_ids(ids, "The table", unique=True)
    assert found.dtype == object
    assert list(found) == ["02", "01"]
    assert ids.dtype == pd.Series([""], dtype=dtype).dtype or dtype == "category"


# --- messages ----------------------------------------------------------------


def test_only_the_first_five_are_listed():
    assert _checks.first(range(5)) == "0, 1, 2, 3, 4"
    assert _checks.first(range(6)) == "0, 1, 2, 3, 4, ..."
    assert _checks.first([]) == ""


def test_a_broken_rule_says_how_many_which_and_the_way_out():
    kept = np.array([False, True, *[False] * 6])
    with refused(
        "Age must be above 0; 7 of 8 rows break this (a, c, d, e, f, ...). Drop them."
    ):
        _checks.require(
            kept, "Age must be above 0", ids="abcdefgh", way_out="Drop them."
        )
    with refused("1 of 1 homes breaks this (a)."):
        _checks.require([False], "x", ids="a", way_out=".", noun="homes")
    _checks.require(np.ones(3, bool), "Age must be above 0", ids="abc", way_out="")
    _checks.require(np.ones(0, bool), "Age must be above 0", ids="", way_out="")


def test_missing_columns_are_named_with_the_nearest():
    table = pd.DataFrame(columns=["density", "age", 1960])
    with refused(
        "logit needs the columns densty, zzz, which the table lacks. Did you mean "
        "'density'? It has: density, age, 1960."
    ):
        _checks.require_columns(table, ["densty", "age", "zzz", "densty"], "logit")
    with refused("logit needs the column ages, which"):
        _checks.require_columns(table, ["ages"], "logit")
    _checks.require_columns(table, ["age", "density"], "logit")


def test_options_are_named_with_the_nearest():
    with refused(
        "how must be one of 'exact', 'inner'; got 'iner'. Did you mean 'inner'"
    ):
        _checks.require_option("iner", ("exact", "inner"), "how")
    with refused("how must be one of 'exact', None; got 3."):
        _checks.require_option(3, ("exact", None), "how")
    _checks.require_option(None, ("exact", None), "how")


def test_units_of_one_side_only_are_listed_for_both_sides():
    names = ("the table", "the boundaries")
    left, right = pd.Index(["a", "b", "x"]), pd.Index(["b", "c", "d", "a"])
    with refused(
        "The table and the boundaries must hold the same units; 1 only in the table "
        "(x); 2 only in the boundaries (c, d). Go."
    ):
        _checks.require_same_units(left, right, names=names, way_out="Go.")
    with refused("the same units; 1 only in the boundaries (c). Go."):
        _checks.require_same_units(left[:2], right[:2].append(right[3:]), names=names,
                                   way_out="Go.")  # fmt: skip
    _checks.require_same_units(left[:2], left[1::-1], names=names, way_out="Go.")


# --- outcomes ----------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [[0, 1, 2], [0.0, 1.0, np.nan], [0, 1, np.inf], ["0", "1", "poor"], [0, 1, None]],
)
def test_an_outcome_is_0_or_1(values):
    with refused(
        "The outcome 'poor' must be 0 or 1; 1 of 3 rows break this (c). "
        "Code it 0/1, such as (income < poverty_line)."
    ):
        _checks.binary_outcome(pd.Series(values, index=list("abc")), "poor")


@pytest.mark.parametrize(("values", "same"), [([1, 1], "1"), ([False, False], "0")])
def test_an_outcome_varies(values, same):
    with refused(f"The outcome 'poor' must vary; it is {same} in all 2 rows."):
        _checks.binary_outcome(pd.Series(values), "poor")


@pytest.mark.parametrize("dtype", [bool, int, float, "boolean", "Int64", object])
def test_outcomes_of_any_type_become_floats(dtype):
    found = _checks.binary_outcome(pd.Series([1, 0, 1], dtype=dtype), "poor")
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 0.0, 1.0]


# --- warnings ----------------------------------------------------------------


def test_a_warning_points_at_the_line_that_asked():
    with pytest.warns(GeoPovertyWarning, match="few") as seen:
        _checks.warn("few clusters")
    assert [w.filename for w in seen] == [__file__]


def test_a_warning_points_past_the_package_and_dataclasses():
    frames = {"geopoverty.x": None, "dataclasses": None}
    for name in frames:
        frames[name] = {"__name__": name}
    exec("def inner(warn): warn('deep')", frames["geopoverty.x"])
    exec("def middle(f, warn): f(warn)", frames["dataclasses"])
    exec("def outer(g, f, warn): g(f, warn)", frames["geopoverty.x"])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        frames["geopoverty.x"]["outer"](
            frames["dataclasses"]["middle"], frames["geopoverty.x"]["inner"],
            _checks.warn,
        )  # fmt: skip
    assert [w.filename for w in seen] == [__file__]
