"""True numbers, however printed, never contradict each other; planted errors do."""

import math

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given, settings
from hypothesis import strategies as st
from printed_tables import MODES, SHEETS, TEXT, printed, regression, show

from geopoverty.audit import audit
from geopoverty.audit.findings import shown
from geopoverty.audit.intervals import Interval

SEEDS = st.integers(0, 2**32 - 1)
# Each example is a whole sheet of tables with decimals of their own.
SHEET_LAW = settings(LAW, max_examples=8)
PLANTED_LAW = settings(LAW, max_examples=4)


def broken(report):
    bad = report[report["verdict"] == "inconsistent"]
    return bad[["term", "check", "reason"]].to_numpy().tolist()


@pytest.mark.parametrize("make", SHEETS)
@pytest.mark.parametrize("mode", MODES)
@SHEET_LAW
@given(seed=SEEDS)
def test_true_numbers_are_never_found_inconsistent(make, mode, seed):
    rng = np.random.default_rng(seed)
    table = printed(make(rng), rng, mode)
    assert broken(audit(table, rounding=mode)) == []
    assert broken(audit(table, rounding="any")) == []
    if mode != "truncation":
        assert broken(audit(table)) == []


@SHEET_LAW
@given(seed=SEEDS)
def test_either_reference_takes_z_for_t(seed):
    rng = np.random.default_rng(seed)
    rows = regression(rng, normal=True)
    rows[0].pop("f_p_value")
    table = printed(rows, rng)
    assert broken(audit(table)) == []
    assert broken(audit(table, reference="normal")) == []


@SHEET_LAW
@given(seed=SEEDS)
def test_a_long_table_says_what_the_wide_one_says(seed):
    rng = np.random.default_rng(seed)
    wide = printed(regression(rng), rng)
    keys = [c for c in wide.columns if c in TEXT]
    long = wide.melt(
        keys, var_name="statistic_", value_name="value", ignore_index=False
    )
    long = long.rename(columns={"statistic_": "statistic"})
    first = audit(wide).sort_values(["term", "check"], ignore_index=True)
    second = audit(long).sort_values(["term", "check"], ignore_index=True)
    pd.testing.assert_frame_equal(first, second)


# The target of each identity, and what of its line it is checked with.
PLANTED = [
    (make, name)
    for make, names in {
        SHEETS[0]: (
            "statistic", "p_value", "conf_low", "conf_high", "hazard_ratio",
            "odds_ratio", "ratio_low", "ratio_high", "adj_r_squared", "f_statistic",
            "f_p_value",
        ),
        SHEETS[1]: ("lr_chi2", "lr_p_value", "hansen_p_value", "ar2_p_value"),
        SHEETS[2]: (
            "did", "effect", "mean", "mean_estimate", "bias_reduction", "bias",
        ),
        SHEETS[3]: ("percent", "share", "mean", "sd", "percent_of_cases"),
        SHEETS[4]: ("p_value",),
    }.items()
    for name in names
]  # fmt: skip


@pytest.mark.parametrize(("make", "name"), PLANTED)
@PLANTED_LAW
@given(seed=SEEDS, up=st.booleans())
def test_a_planted_error_beyond_rounding_is_found(make, name, seed, up):
    """All else is printed to ten digits; one number is two units of its own off."""
    rng = np.random.default_rng(seed)
    rows = make(rng)
    first = [r.get("model") != "matched" and r["table"] != "balance 0/1" for r in rows]
    held = [name in r for r in rows]
    at = np.flatnonzero(np.logical_and(held, first))
    row = int(rng.choice(at if len(at) else np.flatnonzero(held)))
    table = printed(rows, rng, digits=12)
    true = rows[row][name]
    off = 2e-4 if up or 0 <= true < 4e-4 else -2e-4
    if name.endswith("p_value") and true + off > 1:
        off = -2e-4
    table.loc[row, name] = show(true + off, 4)
    assert broken(audit(table, reference="t")) != []


@pytest.mark.parametrize("name", ["hansen_df", "df", "count", "n"])
@PLANTED_LAW
@given(seed=SEEDS, off=st.sampled_from([-1, 1]))
def test_a_count_that_is_one_off_is_found(name, seed, off):
    rng = np.random.default_rng(seed)
    make = {"hansen_df": SHEETS[1], "df": SHEETS[4]}.get(name, SHEETS[3])
    rows = make(rng)
    row = next(i for i, r in enumerate(rows) if name in r and not r.get("of"))
    rows[row][name] += off
    assert broken(audit(printed(rows, rng))) != []


@PLANTED_LAW
@given(seed=SEEDS)
def test_one_star_too_many_or_too_few_is_found(seed):
    rng = np.random.default_rng(seed)
    rows = regression(rng)
    table = printed(rows, rng, digits=9).drop(columns=["statistic", "p_value"])
    row = int(rng.integers(1, len(rows)))
    shown_stars = table.loc[row, "stars"]
    others = [m for m in ("", "*", "**", "***") if m != shown_stars]
    table.loc[row, "stars"] = others[int(rng.integers(3))]
    table.loc[len(table)] = dict.fromkeys(table.columns, "")
    table.loc[len(table) - 1, ["table", "term", "estimate", "std_error", "stars"]] = [
        "regression", "sure", "9.00", "1.00", "***",
    ]  # fmt: skip
    found = broken(audit(table, reference="t"))
    assert [f[1] for f in found] == ["stars from t"]


def test_words_for_intervals():
    assert shown(Interval(-math.inf, 2)) == "at most 2"
    assert shown(Interval(-math.inf, math.inf)) == "any number"
