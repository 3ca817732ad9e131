"""L(x) in formulas: earlier values by key, gaps as gaps, beside W(x)."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st

from geopoverty.design import Roles, build_design
from geopoverty.design.build import columns_of_table
from geopoverty.design.periods import time_axis
from geopoverty.errors import InputError
from geopoverty.estimators.binary import logit
from geopoverty.estimators.panel import panel
from geopoverty.estimators.predict import predict
from geopoverty.weights import SpatialWeights

KEYS = Roles("unit_id", "year")
RING = SpatialWeights(
    ["a", "b", "c"], [[0, 0.5, 0.5], [1, 0, 0], [0.5, 0.5, 0]], standardize="row"
)


def rows(years=(2000, 2001, 2002, 2003)):
    rng = np.random.default_rng(0)
    n = 3 * len(years)
    return pd.DataFrame(
        {
            "unit_id": np.repeat(["a", "b", "c"], len(years)),
            "year": np.tile(years, 3),
            "x": rng.normal(size=n),
            "z": rng.uniform(1, 2, size=n),
            "my col": rng.normal(size=n),
            "y": rng.integers(0, 2, size=n),
        }
    )


def columns(expressions, data=None, weights=None, **options):
    data = rows() if data is None else data
    options = {"roles": KEYS, **options}
    return columns_of_table(expressions, data, weights=weights, **options)


def test_lags_are_the_units_own_earlier_values():
    data = rows()
    found = columns(["L(x)", "L(x, 2)", "L(log(z))", "L(`my col`)", "L(L(x))"], data)
    by = data.groupby("unit_id")
    pd.testing.assert_series_equal(found["L(x)"], by["x"].shift(1), check_names=False)
    for name in ("L(x, 2)", "L(L(x))"):
        pd.testing.assert_series_equal(found[name], by["x"].shift(2), check_names=False)
    logs = np.log(data["z"]).groupby(data["unit_id"]).shift(1)
    pd.testing.assert_series_equal(found["L(log(z))"], logs, check_names=False)
    mine = by["my col"].shift(1)
    pd.testing.assert_series_equal(found["L(`my col`)"], mine, check_names=False)


@given(st.permutations(range(12)), st.sets(st.integers(0, 11), max_size=6))
@LAW
def test_keys_count_not_the_order_of_rows(order, gone):
    whole = rows()
    full = columns(["L(x)"], whole).assign(year=whole["year"])
    kept = [i for i in order if i not in gone]
    part = whole.iloc[kept]
    found = columns(["L(x)"], part)["L(x)"]
    there = set(zip(part["unit_id"], part["year"], strict=True))
    for i, unit, year in zip(part.index, part["unit_id"], part["year"], strict=True):
        step = np.diff(sorted(part["year"].unique())).min() if len(
            part["year"].unique()) > 1 else 1  # fmt: skip
        if step != 1:
            return  # the step is another one when every second year is gone
        expected = full["L(x)"][i] if (unit, year - 1) in there else np.nan
        np.testing.assert_equal(found[i], expected)


def test_gaps_are_gaps():
    data = rows().drop(index=[1])  # a in 2001
    found = columns(["L(x)"], data)["L(x)"]
    assert np.isnan(found[2])
    assert found[3] == data["x"][2]


@pytest.mark.parametrize(
    ("years", "positions"),
    [
        ([2004, 2008], [0, 1]),
        ([1980, 1990, 2010], [0, 1, 3]),
        ([0.5, 1.0, 2.0], [0, 1, 3]),
        ([7], [0]),
    ],
)
def test_the_step_is_the_least_distance(years, positions):
    assert time_axis(pd.Series(years), "year").positions.tolist() == positions


def test_ordered_categories_and_periods_have_an_order():
    waves = pd.Categorical(["w3", "w1"], categories=["w1", "w2", "w3"], ordered=True)
    axis = time_axis(pd.Series(waves), "wave")
    assert axis.positions.tolist() == [0, 2]
    assert axis.label(0) == "w1"
    assert axis.label(1) is None
    assert axis.at(pd.Series(["w3", "w9", None])).tolist() == [2, -1, -1]
    quarters = pd.Series(pd.PeriodIndex(["2000Q3", "2000Q1", "NaT"], freq="Q"))
    axis = time_axis(quarters, "quarter")
    assert axis.positions.tolist() == [0, 2]
    assert axis.at(quarters).tolist() == [2, 0, -1]
    data = rows().assign(
        year=lambda t: pd.Categorical(
            t["year"].map({2000: "i", 2001: "a", 2002: "z", 2003: "b"}),
            categories=["i", "a", "z", "b"],
            ordered=True,
        )
    )
    found = columns(["L(x)"], data)["L(x)"]
    plain = columns(["L(x)"])["L(x)"]
    np.testing.assert_array_equal(found, plain)


@pytest.mark.parametrize(
    ("years", "message"),
    [
        ([2004, 2008, 2013], r"whole steps apart.*'year' holds 2004, 2008, 2013"),
        (["i", "ii"], r"must be a number or an ordered categorical.*i, ii"),
        ([True, False], "must be a number or an ordered categorical"),
        (pd.to_datetime(["2004-01-01", "2008-01-01"]), "ordered categorical.*the year"),
        (pd.Categorical(["i", "ii"]), "must be a number or an ordered categorical"),
    ],
)
def test_periods_without_a_step_are_refused(years, message):
    with pytest.raises(InputError, match=message):
        time_axis(pd.Series(years), "year")


def test_lags_over_neighbours_and_periods():
    data = rows()
    found = columns(["W(x)", "L(W(x))", "W(L(x))", "L(W(x), 2)"], data, RING)
    shifted = found["W(x)"].groupby(data["unit_id"]).shift(1)
    pd.testing.assert_series_equal(found["L(W(x))"], shifted, check_names=False)
    # The weights do not change, so both orders are one.
    pd.testing.assert_series_equal(
        found["L(W(x))"], found["W(L(x))"], check_names=False
    )


def test_rows_without_an_earlier_value_are_dropped_and_said():
    design = build_design("y ~ x + L(x)", rows(), roles=KEYS)
    assert design.names == ["Intercept", "x", "L(x)"]
    assert design.dropped == 3
    said = "3 rows with a missing value were left out (3 of them without a value of L(x"
    assert any(said in note for note in design.notes)


def test_units_of_a_table_of_units():
    homes = pd.DataFrame(
        {
            "unit_id": list("aabbcc") * 2,
            "year": np.repeat([2001, 2002], 6),
            "y": [0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0],
            "age": np.arange(12.0) ** 2,
        }
    )
    units = rows()[["unit_id", "year", "x"]]
    design = build_design("y ~ L(x) + age", homes, roles=KEYS, unit_data=units)
    keyed = units.set_index(["unit_id", "year"])["x"]
    expected = [keyed[u, t - 1] for u, t in zip(homes["unit_id"], homes["year"],
                                               strict=True)]  # fmt: skip
    assert design.X[:, 1].tolist() == expected
    both = build_design("y ~ L(age) + W(x)", homes.drop_duplicates(["unit_id", "year"]),
                        roles=KEYS, unit_data=units, weights=RING)  # fmt: skip
    assert both.names == ["Intercept", "L(age)", "W(x)"]
    assert both.dropped == 3
    undated = units.drop(columns="year").drop_duplicates("unit_id")
    with pytest.raises(InputError, match=r"needs periods where x is taken.*unit_data"):
        build_design("y ~ L(x)", homes, roles=KEYS, unit_data=undated)


def test_households_have_their_own_past():
    homes = rows().rename(columns={"unit_id": "hh"}).assign(unit_id="a")
    roles = Roles("unit_id", "year", entity="hh")
    found = columns(["L(x)"], homes, roles=roles)["L(x)"]
    np.testing.assert_array_equal(found, columns(["L(x)"])["L(x)"])
    message = r"L\(x\) needs one value a unit_id and year; \d+ of 12 rows break this"
    with pytest.raises(InputError, match=message):
        columns(["L(x)"], homes)


@pytest.mark.parametrize(
    ("formula", "roles", "message"),
    [
        (
            "y ~ L(x)",
            Roles("unit_id"),
            r"L\(x\) needs periods.*Name their column in per",
        ),
        ("y ~ L(x, -1)", KEYS, r"must be L\(x\) or L\(x, k\)"),
        ("y ~ L(x, 1.5)", KEYS, r"must be L\(x\) or L\(x, k\)"),
        ("y ~ L(x, z)", KEYS, r"must be L\(x\) or L\(x, k\)"),
        ("y ~ L(x, 0)", KEYS, "whole number of periods from 1"),
        ("y ~ L()", KEYS, r"L\(\) must hold what it lags"),
        ("y ~ L(x", KEYS, "bracket is not closed"),
        ("y ~ L(q)", KEYS, r"uses q, which the table lacks"),
        ("L(y) ~ x", KEYS, "must not be a lag"),
        ("y ~ L(x.__class__)", KEYS, "not allowed in a formula"),
        ("y ~ L(open('file'))", KEYS, "not allowed in a formula"),
        ("y ~ L((lambda: 1)())", KEYS, "not allowed in a formula"),
        ("y ~ L(__import__('os'), 2)", KEYS, "not allowed in a formula"),
    ],
)
def test_mistakes_are_named(formula, roles, message):
    with pytest.raises(InputError, match=message):
        build_design(formula, rows(), roles=roles)


def test_logit_panel_and_predict_know_earlier_values():
    rng = np.random.default_rng(1)
    n, T = 50, 5
    data = pd.DataFrame(
        {
            "unit_id": np.repeat([f"{i:02d}" for i in range(n)], T),
            "year": np.tile(np.arange(T), n),
            "x": rng.normal(size=n * T),
        }
    )
    data["before"] = data.groupby("unit_id")["x"].shift(1)
    data["y"] = (rng.logistic(size=n * T) < data["before"].fillna(0)).astype(int)
    one = logit("y ~ x + L(x)", data, period="year", vcov="iid")
    two = logit("y ~ x + before", data, period="year", vcov="iid")
    np.testing.assert_allclose(one.estimates, two.estimates)
    assert one.tables["effects"]["term"].tolist() == ["x", "L(x)"]
    linear = panel("y ~ x + L(x)", data, period="year")
    other = panel("y ~ x + before", data, period="year")
    np.testing.assert_allclose(linear.estimates, other.estimates)
    new = predict(one, data.sample(frac=1, random_state=0))
    old = one.tables["fitted"]["probability"]
    np.testing.assert_allclose(new["probability"].dropna().sort_index(), old)
