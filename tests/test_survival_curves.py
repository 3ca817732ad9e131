"""Kaplan-Meier, Nelson-Aalen, Turnbull, mean times and log-rank tests."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table
from lifelines.statistics import multivariate_logrank_test

from geopoverty.errors import InputError
from geopoverty.estimators.curves import CurveOptions, survival_curves
from geopoverty.numerics.hazards.turnbull import turnbull
from geopoverty.results import Result

EXACT = 1e-10  # the same sums in another order
CLIMBED = 1e-6  # R's curve is an EM of 20,000 steps


@pytest.fixture(scope="module")
def rossi():
    return table("rossi")


def known(part, *keys):
    found = answers("curves")[part]
    for key in keys:
        found = found[key]
    return np.array(found, dtype=float)


def curve_of(data, **options):
    given_ = {"duration": "week", "exited": "arrest", **options}
    return survival_curves(data, **given_)


def assert_curve(fit, part, rows=slice(None)):
    curve = fit.tables["curves"][rows]
    hazard = fit.tables["cumulative_hazard"][rows]
    for column, name in (
        ("time", "time"),
        ("at_risk", "at_risk"),
        ("events", "events"),
        ("censored", "censored"),
        ("estimate", "survival"),
    ):
        np.testing.assert_allclose(curve[column], known(part, name), rtol=EXACT)
    log_error = curve["std_error"] / curve["estimate"]
    np.testing.assert_allclose(log_error, known(part, "log_error"), rtol=EXACT)
    np.testing.assert_allclose(hazard["estimate"], known(part, "hazard"), rtol=EXACT)
    np.testing.assert_allclose(
        hazard["std_error"], known(part, "hazard_error"), rtol=EXACT
    )


@pytest.mark.parametrize(
    ("part", "interval"), [("log", "log"), ("loglog", "log-log"), ("plain", "plain")]
)
def test_curve_and_limits_are_those_of_survfit(rossi, part, interval):
    fit = curve_of(rossi, options=CurveOptions(interval=interval, horizon=40))
    assert_curve(fit, part)
    curve = fit.tables["curves"]
    np.testing.assert_allclose(curve["conf_low"], known(part, "low"), rtol=EXACT)
    np.testing.assert_allclose(curve["conf_high"], known(part, "high"), rtol=EXACT)
    quantile = fit.tables["quantiles"].set_index("share_left").loc[[0.25, 0.5]]
    for column, name in (
        ("estimate", "quantile"),
        ("conf_low", "lower"),
        ("conf_high", "upper"),
    ):
        np.testing.assert_array_equal(
            quantile[column], known(part, "quantiles", name)[1:]
        )


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("late_entry", {"entry": "entry"}),
        ("weighted", {"sampling_weight": "weight"}),
    ],
)
def test_late_entry_and_weights_are_those_of_survfit(rossi, part, options):
    weight = known("weights")
    data = rossi.assign(weight=weight)
    fit = curve_of(data, **options, options=CurveOptions(horizon=40))
    scaled = part == "weighted"
    curve = fit.tables["curves"]
    if scaled:  # weights are scaled to sum to the number of rows
        for column in ("at_risk", "events", "censored"):
            curve[column] *= weight.mean()
    assert_curve(fit, part)
    mean = fit.tables["restricted_mean"].iloc[0]
    assert mean["estimate"] == pytest.approx(known(part, "restricted_mean")[0], EXACT)
    if not scaled:  # R's print of weighted means uses Greenwood's variance
        expected = known(part, "restricted_mean_error")[0]
        assert mean["std_error"] == pytest.approx(expected, rel=EXACT)


def test_groups_are_fitted_apart(rossi):
    fit = curve_of(rossi, by="fin", options=CurveOptions(horizon=40))
    group = fit.tables["curves"]["group"]
    for g, part in enumerate(answers("curves")["by_fin"]):
        curve = fit.tables["curves"][group == g]
        np.testing.assert_allclose(curve["estimate"], part["survival"], rtol=EXACT)
        mean = fit.tables["restricted_mean"].iloc[g]
        assert mean["estimate"] == pytest.approx(part["restricted_mean"][0], rel=EXACT)
        error = part["restricted_mean_error"][0]
        assert mean["std_error"] == pytest.approx(error, rel=EXACT)
    gap = fit.tables["differences"].iloc[0]
    assert (gap["group"], gap["against"]) == (1, 0)
    assert gap["estimate"] == pytest.approx(
        fit.estimates.iloc[1] - fit.estimates.iloc[0]
    )
    assert gap["std_error"] == pytest.approx(np.sqrt(np.diag(fit.vcov).sum()))
    assert list(fit.estimates.index) == ["restricted_mean: 0", "restricted_mean: 1"]


@pytest.mark.parametrize(
    ("part", "options", "by"),
    [
        ("log_rank", CurveOptions(), "fin"),
        ("peto", CurveOptions(test="peto"), "fin"),
        ("stratified", CurveOptions(strata="wexp"), "fin"),
        ("log_rank_prio", CurveOptions(), "convictions"),
    ],
)
def test_log_rank_is_that_of_survdiff(rossi, part, options, by):
    data = rossi.assign(convictions=rossi["prio"].clip(upper=5))
    fit = curve_of(data, by=by, options=options)
    test = fit.tables["log_rank"].iloc[0]
    expected = answers("curves")[part]
    for key in ("statistic", "df", "p_value"):
        assert test[key] == pytest.approx(expected[key], rel=1e-9)
    np.testing.assert_allclose(fit.tables["groups"]["observed"], expected["observed"])
    np.testing.assert_allclose(fit.tables["groups"]["expected"], expected["expected"])


def test_other_tests_are_those_of_the_textbook(rossi):
    for name, key in (("gehan", "gehan"), ("tarone-ware", "tarone_ware")):
        fit = curve_of(rossi, by="fin", options=CurveOptions(test=name))
        assert fit.facts["log_rank"] == pytest.approx(known(key), rel=EXACT)
    late = curve_of(rossi, by="fin", entry="entry")
    assert late.facts["log_rank"] == pytest.approx(known("late_log_rank"), rel=EXACT)
    data = rossi.assign(weight=known("weights"))
    fit = curve_of(data, by="fin", sampling_weight="weight")
    assert fit.facts["log_rank"] == pytest.approx(known("weighted_test"), rel=1e-9)


def test_gehan_for_many_groups_is_that_of_lifelines(rossi):
    groups = rossi["prio"].clip(upper=4)
    peer = multivariate_logrank_test(
        rossi["week"], groups, rossi["arrest"], weightings="wilcoxon"
    )
    fit = curve_of(
        rossi.assign(prio=groups), by="prio", options=CurveOptions(test="gehan")
    )
    assert fit.facts["log_rank"] == pytest.approx(peer.test_statistic, rel=1e-8)


def between(rossi):
    given_ = answers("curves")
    low, high = np.array(given_["low"], float), np.array(given_["high"], float)
    return rossi.assign(low=low, high=high)


def test_turnbull_is_the_maximum_an_em_creeps_to(rossi):
    expected = answers("curves")["turnbull"]
    data = between(rossi)
    fit = survival_curves(data, duration=("low", "high"))
    curve = fit.tables["curves"].set_index("time")["estimate"]
    at = [float(curve[curve.index <= t].iloc[-1]) for t in expected["at"]]
    np.testing.assert_allclose(at, expected["survival"], rtol=CLIMBED)
    masses = turnbull(data["low"].to_numpy(), data["high"].fillna(np.inf).to_numpy())
    assert masses.loglik >= expected["log_likelihood"] - 1e-6
    assert any("only up to intervals" in note for note in fit.notes)
    assert "log_rank" not in fit.tables


def test_exact_times_as_intervals_give_kaplan_meier(rossi):
    high = rossi["week"].where(rossi["arrest"] == 1)
    low = rossi["week"].astype(float)
    masses = turnbull(low.to_numpy(), high.fillna(np.inf).to_numpy())
    plain = curve_of(rossi).tables["curves"]
    events = plain[plain["events"] > 0]
    finite = np.isfinite(masses.high)
    np.testing.assert_allclose(masses.high[finite], events["time"])
    survival = 1 - np.cumsum(masses.mass)[finite]
    np.testing.assert_allclose(survival, events["estimate"], rtol=1e-7)
    error = np.sqrt(
        [masses.vcov[: i + 1, : i + 1].sum() for i in range(int(finite.sum()))]
    )
    # Between events the two variances differ a little; both estimate the same.
    np.testing.assert_allclose(error, events["std_error"], rtol=0.01)


@LAW
@given(st.integers(0, 10_000), st.integers(5, 60))
def test_no_shift_of_mass_raises_the_likelihood_of_turnbulls_curve(seed, n):
    """Days, whole years and open ends mixed: the conditions of a maximum hold."""
    rng = np.random.default_rng(seed)
    low = np.where(
        rng.uniform(size=n) < 0.5, rng.integers(0, 9, n), rng.uniform(0, 9, n)
    )
    wide = rng.choice([0.0, 1.0, 2.5, np.inf], n)
    high = np.where(low == 0, low + 1, low + wide)
    w = rng.uniform(0.5, 2, n)
    found = turnbull(low, high, w)
    point, exact = found.low == found.high, low == high
    after = np.where(
        point & ~exact[:, None], found.low > low[:, None], found.low >= low[:, None]
    )
    inside = after & (found.high <= high[:, None])
    slope = (w / (inside @ found.mass)) @ inside
    assert found.mass.sum() == pytest.approx(1)
    assert (found.mass >= 0).all()
    assert slope.max() <= w.sum() * (1 + 1e-6)
    np.testing.assert_allclose(slope[found.mass > 1e-6], w.sum(), rtol=1e-5)
    np.testing.assert_allclose(found.vcov.sum(axis=0), 0, atol=1e-9)
    twice = turnbull(low, high, 2 * w)  # only ratios of weights matter
    np.testing.assert_allclose(twice.vcov, found.vcov, atol=1e-6)


def test_decades_are_shares_with_binomial_errors():
    low = np.repeat([0.0, 10.0, 20.0, 30.0], [40, 30, 20, 10])
    high = np.repeat([10.0, 20.0, 30.0, np.nan], [40, 30, 20, 10])
    data = pd.DataFrame(
        {"low": low, "high": high, "unit_id": [f"{i:03d}" for i in range(100)]}
    )
    fit = survival_curves(
        data, duration=("low", "high"), options=CurveOptions(interval="plain")
    )
    curve = fit.tables["curves"]
    np.testing.assert_allclose(curve["estimate"], [0.6, 0.3, 0.1])
    np.testing.assert_allclose(curve["time_low"], [0, 10, 20])
    share = np.array([0.6, 0.3, 0.1])
    np.testing.assert_allclose(curve["std_error"], np.sqrt(share * (1 - share) / 100))
    mean = fit.tables["restricted_mean"].iloc[0]
    assert mean["horizon"] == 30
    assert mean["estimate"] == pytest.approx(0.4 * 5 + 0.3 * 15 + 0.2 * 25 + 0.1 * 30)
    assert mean["least"] == pytest.approx(0.3 * 10 + 0.2 * 20 + 0.1 * 30)
    assert mean["most"] == pytest.approx(0.4 * 10 + 0.3 * 20 + 0.3 * 30)
    middle = (
        survival_curves(
            data, duration=("low", "high"), options=CurveOptions(horizon=15)
        )
        .tables["restricted_mean"]
        .iloc[0]
    )
    assert middle["estimate"] == pytest.approx(0.4 * 5 + 0.3 * 13.75 + 0.3 * 15)
    assert list(fit.units.columns) == ["unit_id", "duration_low", "duration", "exited"]


@LAW
@given(st.integers(0, 10_000), st.booleans())
def test_survival_falls_and_order_does_not_matter(seed, late):
    rng = np.random.default_rng(seed)
    n = 30
    data = pd.DataFrame(
        {
            "time": rng.integers(3, 9, n),
            "left": rng.permutation([1, 1, *rng.integers(0, 2, n - 2)]),
            "group": rng.permutation(["a", "b"] * (n // 2)),
            "start": rng.integers(0, 3, n) * late,
        }
    )
    args = {"duration": "time", "exited": "left", "by": "group", "entry": "start"}
    fit = survival_curves(data, **args)
    for _, curve in fit.tables["curves"].groupby("group"):
        assert (np.diff(curve["estimate"]) <= 1e-12).all()
        assert curve["estimate"].between(0, 1).all()
        there = curve.dropna()
        assert (there["conf_low"] <= there["estimate"]).all()
        assert (there["conf_high"] >= there["estimate"]).all()
    again = survival_curves(data.sample(frac=1, random_state=seed), **args)
    pd.testing.assert_frame_equal(fit.tables["curves"], again.tables["curves"])
    assert again.facts["log_rank"] == pytest.approx(fit.facts["log_rank"])
    observed, expected = (
        fit.tables["groups"][c].sum() for c in ("observed", "expected")
    )
    assert observed == pytest.approx(expected)
    faster = survival_curves(
        data.assign(time=data["time"] / 7, start=data["start"] / 7), **args
    )
    np.testing.assert_allclose(faster.estimates * 7, fit.estimates)


def test_weights_that_count_rows_give_the_curve_of_the_rows(rossi):
    rng = np.random.default_rng(5)
    times = rng.integers(1, 4, len(rossi))
    copied = curve_of(rossi.loc[rossi.index.repeat(times)])
    weighed = curve_of(rossi.assign(times=times), sampling_weight="times")
    np.testing.assert_allclose(
        weighed.tables["curves"]["estimate"], copied.tables["curves"]["estimate"]
    )


def test_result_holds_what_it_promises(rossi, tmp_path):
    data = rossi.rename(columns={"person_id": "unit_id"})
    data.loc[3, "fin"] = np.nan
    before = data.copy()
    fit = curve_of(data, by="fin")
    pd.testing.assert_frame_equal(data, before)
    assert fit.facts["n_dropped"] == 1
    assert fit.facts["n_obs"] == len(data) - 1
    assert list(fit.units.columns) == ["unit_id", "group", "duration", "exited"]
    fit.save(tmp_path / "curves.zip")
    again = Result.load(tmp_path / "curves.zip")
    pd.testing.assert_frame_equal(again.tables["curves"], fit.tables["curves"])
    assert any("left out" in note for note in fit.notes)
    simulated = data.copy()
    simulated.attrs = {"status": "simulated", "title": "made up"}
    assert any("Simulated" in n for n in curve_of(simulated, by="fin").notes)


def test_median_lies_in_the_middle_of_a_level_stretch():
    data = pd.DataFrame({"t": [1.0, 2.0, 5.0, 9.0], "left": [1, 1, 1, 1]})
    fit = survival_curves(data, duration="t", exited="left")
    assert fit.tables["median"]["estimate"].item() == 3.5
    assert any("Few exits" in note for note in fit.notes)


BAD = pd.DataFrame(
    {
        "t": [1.0, 2.0, 3.0],
        "left": [1, 0, 1],
        "start": [0.0, 0.0, 1.0],
        "group": ["a", "a", "b"],
        "low": [0.0, 1.0, 2.0],
        "high": [1.0, 3.0, np.nan],
    }
)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"t": [0.0, 2, 3]}, {}, "above 0 and finite; 1 of 3 rows break this"),
        ({"t": [-1.0, 2, 3]}, {}, "Drop units that had left before the origin"),
        ({"t": ["soon", "2", "3"]}, {}, "'t' must hold numbers; 1 of 3 rows"),
        (
            {"t": pd.to_datetime(["2016-01-01", "2017-01-01", "2018-01-01"])},
            {},
            "holds dates; durations are numbers",
        ),
        ({"left": [2, 0, 1]}, {}, r"must be 0 \(not yet\) or 1 \(left\)"),
        ({"left": [0, 0, 0]}, {}, "Nobody leaves: no exit in 3 rows"),
        ({"start": [1.0, 0, 0]}, {"entry": "start"}, "before the exit or last sight"),
        ({"start": [-1.0, 0, 0]}, {"entry": "start"}, "must be from 0"),
        ({}, {"by": "grupo"}, "lacks"),
        ({"group": ["a", 1, "b"]}, {"by": "group"}, "mixes text and others"),
        ({"t": [np.nan] * 3}, {}, "No row is complete"),
        ({}, {"exited": None}, "Name the column of exits"),
        ({}, {"duration": ("low", "high")}, "leave out exited="),
        ({}, {"duration": ("low", "high", "t"), "exited": None}, "one column, or two"),
        (
            {"low": [2.0, 1, 2]},
            {"duration": ("low", "high"), "exited": None},
            "must not be after 'high'; 1 of 3",
        ),
        (
            {},
            {"duration": ("low", "high"), "exited": None, "entry": "start"},
            "Late entry and exits known only up to an interval",
        ),
        (
            {},
            {"by": "group", "options": CurveOptions(horizon=3)},
            "observed up to the horizon 3; a ends at 2",
        ),
        ({}, {"options": "log-log"}, "options must be CurveOptions; got str"),
    ],
)
def test_bad_input_is_refused(change, options, message):
    data = BAD.assign(**change)
    if options.get("entry") and "low" in str(options.get("duration")):
        data["start"] = [0.0, 0.0, 1.0]
    args = {"duration": "t", "exited": "left", **options}
    with pytest.raises(InputError, match=message):
        survival_curves(data, **args)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interval": "logg"}, "interval must be one of .* Did you mean 'log'"),
        ({"test": "wilcoxon"}, "test must be one of"),
        ({"conf_level": 1.0}, "conf_level must be between 0 and 1"),
        ({"horizon": 0.0}, "horizon must be above 0"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        CurveOptions(**options)


def test_no_table_is_refused():
    with pytest.raises(InputError, match="must be a DataFrame with rows"):
        survival_curves(BAD.iloc[:0], duration="t", exited="left")
