"""Weibull, log-normal and log-logistic times of exit."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table
from lifelines import WeibullAFTFitter
from scipy import stats

from geopoverty.covariances import Cluster
from geopoverty.design.sample import Sample
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.exits import Hazard, Timeline, exit_hazard
from geopoverty.numerics.hazards.aft import Times, fit_aft, row_likelihood
from geopoverty.numerics.hazards.aft_laws import LAWS
from geopoverty.numerics.hazards.aft_residuals import martingale

NAMES = ("weibull", "lognormal", "loglogistic")
FORMULA = "fin + age + race + wexp + mar + paro + prio"
SAME = 2e-6  # survreg stops within 1e-7 of a standard error or so
CLIMBED = 0.02  # standard errors; optim has no derivatives
STEP = 1e-5  # of central differences


@pytest.fixture(scope="module")
def rossi():
    found = answers("aft")
    data = table("rossi").rename(columns={"person_id": "unit_id"})
    low = np.array(found["low"], float)
    high = np.array(found["high"], float)
    return data.assign(
        weight=found["weights"], low=low, until=np.where(np.isnan(high), low, high)
    )


def fitted(data, model, **options):
    line = options.pop("duration", "week")
    return exit_hazard(
        FORMULA, data, duration=line, exited="arrest", model=model, **options
    )


def assert_like_survreg(fit, expected, *, errors=True):
    theta = np.array(expected["coefficients"])
    error = np.sqrt(np.diag(fit.vcov))
    assert np.max(np.abs(fit.estimates - theta) / error) < SAME
    assert fit.facts["log_likelihood"] == pytest.approx(expected["log_likelihood"])
    if errors:
        np.testing.assert_allclose(error, expected["std_errors"], rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_right_censored_times_are_those_of_survreg(rossi, name):
    expected = answers("aft")["right"][name]
    fit = fitted(rossi, Hazard(name, times=(5.0, 20.0, 52.0)))
    assert_like_survreg(fit, expected)
    np.testing.assert_allclose(fit.vcov, expected["vcov"], rtol=1e-4, atol=1e-8)
    assert fit.facts["aic"] == pytest.approx(expected["aic"])
    null = expected["log_likelihood_null"]
    assert fit.facts["log_likelihood_null"] == pytest.approx(null)
    curves = fit.tables["curves"].set_index("unit_id")["survival"]
    rows = rossi["unit_id"].iloc[[0, 99, 399]]
    shown = np.array([curves.loc[i] for i in rows])
    np.testing.assert_allclose(shown, expected["survival"], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_intervals_are_those_of_survreg(rossi, name):
    line = Timeline("until", after="low")
    fit = fitted(rossi, name, duration=line)
    assert_like_survreg(fit, answers("aft")["between"][name])


@pytest.mark.parametrize("name", NAMES)
def test_robust_and_clustered_errors_are_those_of_survreg(rossi, name):
    expected = answers("aft")
    robust = fitted(rossi, Hazard(name, vcov="hc0"))
    error = np.sqrt(np.diag(robust.vcov))
    np.testing.assert_allclose(error, expected["robust"][name]["std_errors"], rtol=1e-5)
    with pytest.warns(UserWarning, match="only 36 clusters"):
        grouped = fitted(rossi, Hazard(name, vcov=Cluster("group", "groups")))
    error = np.sqrt(np.diag(grouped.vcov) * 35 / 36)
    np.testing.assert_allclose(
        error, expected["clustered"][name]["std_errors"], rtol=1e-5
    )
    weighted = fitted(rossi, name, unit=Sample(sampling_weight="weight"))
    mean = float(np.mean(expected["weights"]))
    scaled = dict(expected["weighted"][name])
    scaled["log_likelihood"] /= mean
    assert_like_survreg(weighted, scaled)


@pytest.mark.parametrize("name", NAMES)
def test_late_entry_maximises_its_likelihood(rossi, name):
    expected = answers("aft")["late"][name]
    fit = fitted(rossi, name, duration=Timeline("week", entry="entry"))
    assert fit.facts["log_likelihood"] >= expected["log_likelihood"] - 1e-8
    assert fit.facts["log_likelihood"] == pytest.approx(
        expected["log_likelihood"], abs=1e-4
    )
    gap = np.abs(fit.estimates - expected["coefficients"])
    assert np.max(gap / np.sqrt(np.diag(fit.vcov))) < CLIMBED


def test_lifelines_is_near(rossi):
    columns = ["week", "arrest", "fin", "age", "race", "wexp", "mar", "paro", "prio"]
    peer = WeibullAFTFitter().fit(rossi[columns].astype(float), "week", "arrest")
    fit = fitted(rossi, "weibull")
    # It stops early: coefficients agree to three digits or so.
    assert fit.facts["log_likelihood"] >= peer.log_likelihood_
    assert fit.facts["log_likelihood"] == pytest.approx(peer.log_likelihood_, abs=1e-4)
    theirs = peer.params_["lambda_"]
    assert fit.estimates["age"] == pytest.approx(theirs["age"], rel=1e-3)


def mixed(seed=0, n=40):
    """Return times of all kinds: exact, open, from 0, and with late entry."""
    rng = np.random.default_rng(seed)
    low = rng.exponential(5, n) + 0.1
    high = low + rng.exponential(5, n)
    kind = np.arange(n) % 4
    high = np.select([kind == 0, kind == 1], [low, np.inf], high)
    low = np.where(kind == 2, 0.0, low)
    entry = np.where((kind == 3) | (kind == 0), low * 0.4, 0.0)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    return X, Times(entry, low, high, rng.uniform(0.5, 2, n))


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_the_likelihood(name):
    X, times = mixed()
    theta = np.array([1.2, 0.4, 0.1])
    _, score = row_likelihood(X, times, LAWS[name], theta)
    for j in range(3):
        step = np.eye(3)[j] * STEP
        above, _ = row_likelihood(X, times, LAWS[name], theta + step)
        below, _ = row_likelihood(X, times, LAWS[name], theta - step)
        np.testing.assert_allclose((above - below) / (2 * STEP), score[:, j], atol=1e-7)
    fit = fit_aft(X, times, LAWS[name])
    np.testing.assert_allclose(fit.scores.sum(axis=0), 0, atol=1e-6)
    for j in range(3):
        step = np.eye(3)[j] * STEP
        _, above = row_likelihood(X, times, LAWS[name], fit.theta + step)
        _, below = row_likelihood(X, times, LAWS[name], fit.theta - step)
        change = times.w @ (above - below) / (2 * STEP)
        np.testing.assert_allclose(change, -fit.information[j], rtol=1e-5, atol=1e-5)


def test_the_best_law_is_chosen_and_the_table_says_so(rossi):
    fit = fitted(rossi, "aft")
    models = fit.tables["models"]
    assert models["aic"].is_monotonic_increasing
    assert models["model"].tolist()[0] == "weibull"
    assert models["chosen"].tolist() == [True, False, False]
    assert fit.facts["law"] == "Weibull"
    assert any("least AIC of three laws" in note for note in fit.notes)
    assert any("log-logistic is as good" in note for note in fit.notes)
    worse = fitted(rossi, "lognormal")
    assert any("Weibull fits better than log-normal" in note for note in worse.notes)


def test_weibull_hazard_ratios_follow_from_time_ratios(rossi):
    fit = fitted(rossi, "weibull")
    ratio = fit.tables["hazard_ratios"].set_index("term")
    scale = np.exp(fit.estimates["log(scale)"])
    expected = np.exp(-fit.estimates[ratio.index] / scale)
    np.testing.assert_allclose(ratio["hazard_ratio"], expected)
    # Near Cox's, which has no law: R's efron coefficients.
    cox = answers("cox")["efron"]["coefficients"]
    gap = np.log(ratio["hazard_ratio"]) - pd.Series(cox)
    assert gap.abs().max() < 0.02
    time = fit.tables["time_ratios"]
    assert (time["conf_low"] < time["time_ratio"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_those_of_the_delta_method(rossi, name):
    fit = exit_hazard(
        "fin + age",
        rossi,
        duration="week",
        exited="arrest",
        model=Hazard(name, times=(26.0,)),
    )
    theta, V = fit.estimates.to_numpy(), fit.vcov.to_numpy()
    x = np.array([1.0, *rossi.loc[5, ["fin", "age"]].astype(float)])

    def standard(at):
        return (np.log(26) - x @ at[:-1]) / np.exp(at[-1])

    steps = np.eye(len(theta)) * STEP
    slope = [(standard(theta + s) - standard(theta - s)) / (2 * STEP) for s in steps]
    error = np.sqrt(np.array(slope) @ V @ np.array(slope))
    curve = fit.tables["curves"].iloc[5]
    for column, side in (("survival", 0), ("conf_low", 1), ("conf_high", -1)):
        z = np.array([standard(theta) + side * stats.norm.ppf(0.975) * error])
        expected = np.exp(LAWS[name].at(z).log_survival[0])
        assert curve[column] == pytest.approx(expected, rel=1e-6)
    if name == "weibull":
        ratio = fit.tables["hazard_ratios"].iloc[1]
        steps = np.eye(len(theta)) * STEP
        slope = np.array(
            [
                (-(theta + s)[2] / np.exp((theta + s)[-1]))
                + (theta - s)[2] / np.exp((theta - s)[-1])
                for s in steps
            ]
        ) / (2 * STEP)
        wide = stats.norm.ppf(0.975) * np.sqrt(slope @ V @ slope)
        low = ratio["hazard_ratio"] * np.exp(-wide)
        assert ratio["conf_low"] == pytest.approx(low, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_units_say_who_leaves_by_when(rossi, name):
    fit = fitted(rossi, Hazard(name, by=26.0))
    units = fit.units
    assert len(units) == len(rossi)
    assert units["exit_probability"].between(0, 1).all()
    assert (units["exit_probability_low"] <= units["exit_probability"]).all()
    assert (units["exit_probability_high"] >= units["exit_probability"]).all()
    assert units["exit_probability"].mean() == pytest.approx(
        (rossi["arrest"] * (rossi["week"] <= 26)).mean(), abs=0.02
    )
    assert fit.facts["concordance"] == pytest.approx(0.64, abs=0.01)
    # Half have left by the median time.
    half = fitted(rossi, Hazard(name, by=26.0, times=(float(units["median_time"][7]),)))
    curve = half.tables["curves"].iloc[7]
    assert curve["survival"] == pytest.approx(0.5)


def test_martingale_residuals_of_a_weibull_sum_to_zero(rossi):
    assert fitted(rossi, "weibull").units["martingale"].sum() == pytest.approx(
        0, abs=1e-6
    )
    line = Timeline("until", after="low")
    between = fitted(rossi, "weibull", duration=line)
    assert between.units["martingale"].sum() == pytest.approx(0, abs=1e-6)
    late = fitted(rossi, "weibull", duration=Timeline("week", entry="entry"))
    assert late.units["martingale"].sum() == pytest.approx(0, abs=1e-6)


def test_narrow_intervals_give_the_residual_of_the_time():
    X, theta = np.ones((3, 1)), np.array([1.0, -0.2])
    time, zero = np.array([1.0, 2.0, 4.0]), np.zeros(3)
    for law in LAWS.values():
        exact = martingale(X, Times(zero, time, time), law, theta)
        near = martingale(X, Times(zero, time, time + 1e-7), law, theta)
        np.testing.assert_allclose(near, exact, atol=1e-6)


@LAW
@given(st.integers(0, 10_000), st.sampled_from(NAMES), st.floats(0.01, 100))
def test_the_unit_of_time_moves_only_the_constant(seed, name, pace):
    X, times = mixed(seed, 80)
    fit = fit_aft(X, times, LAWS[name])
    moved = Times(times.entry * pace, times.lower * pace, times.upper * pace, times.w)
    again = fit_aft(X, moved, LAWS[name])
    expected = fit.theta + np.array([np.log(pace), 0, 0])
    np.testing.assert_allclose(again.theta, expected, atol=1e-5)
    np.testing.assert_allclose(again.information, fit.information, rtol=1e-3, atol=1e-4)


def simulated(name, n=4000, seed=7):
    rng = np.random.default_rng(seed)
    x, u = rng.normal(size=n), rng.uniform(size=n)
    z = LAWS[name].quantile(u)
    time = np.exp(2.0 + 0.5 * x + 0.6 * z)
    # Inspected every 4 units of time until 16; the first visit only some pass.
    last = np.minimum(np.ceil(time / 4) * 4, 20)
    return pd.DataFrame(
        {
            "x": x,
            "left": (last <= 16).astype(int),
            "after": np.minimum(last - 4, 16),
            "until": np.minimum(last, 16),
        }
    )


@pytest.mark.parametrize("name", NAMES)
def test_planted_coefficients_come_back_from_intervals(name):
    data = simulated(name)
    fit = exit_hazard(
        "x", data, duration=Timeline("until", after="after"), exited="left", model=name
    )
    planted = np.array([2.0, 0.5, np.log(0.6)])
    error = np.sqrt(np.diag(fit.vcov))
    assert np.all(np.abs(fit.estimates - planted) < 3 * error)
    assert error.max() < 0.05
    best = exit_hazard(
        "x", data, duration=Timeline("until", after="after"), exited="left", model="aft"
    )
    assert best.tables["models"]["model"][0] == name


def test_histories_and_strata_are_refused(rossi):
    twice = pd.DataFrame(
        {
            "unit_id": ["a", "a", "b", "c"],
            "start": [0, 2, 0, 0],
            "stop": [2, 5, 3, 4],
            "left": [0, 1, 1, 0],
            "x": [1.0, 2.0, 0.5, 0.1],
        }
    )
    line = Timeline("stop", entry="start")
    with pytest.raises(InputError, match="one row a unit"):
        exit_hazard("x", twice, duration=line, exited="left", model="aft")
    with pytest.raises(InputError, match=r"strata \(wexp\) are for model='cox'"):
        fitted(rossi, Hazard("weibull", strata="wexp"))


def test_separation_and_determined_times_are_refused(rossi):
    apart = rossi.assign(never=(rossi["arrest"] == 0) & (rossi["week"] > 51)).assign(
        never=lambda d: d["never"].astype(float)
    )
    with pytest.raises(EstimationError, match="separate"):
        exit_hazard(
            "never + age", apart, duration="week", exited="arrest", model="weibull"
        )
    exact = pd.DataFrame({"x": np.arange(1.0, 9.0), "left": 1})
    exact["t"] = np.exp(exact["x"])
    with pytest.raises(EstimationError, match="determine every time of exit"):
        exit_hazard("x", exact, duration="t", exited="left", model="lognormal")


def test_exits_in_one_interval_tell_no_law():
    data = pd.DataFrame({"x": np.tile([1.0, 2.0, 4.0], 5), "left": [1] * 14 + [0]})
    data["until"], data["low"] = np.where(data["left"] == 1, 2.0, 4.0), 0.0
    data.loc[14, "low"] = 4.0
    line = Timeline("until", after="low")
    with pytest.raises(EstimationError, match=r"one interval|separate"):
        exit_hazard("x", data, duration=line, exited="left", model="loglogistic")
