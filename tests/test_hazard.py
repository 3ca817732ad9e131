"""The Cox model against R's survival, planted truth, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from known import answers, table

import geopoverty as gp

# lifelines stops when a step is below 1e-10 of the log-likelihood's scale.
TOLERANCE = 1e-7
TERMS = ("fin", "age", "race", "wexp", "mar", "paro", "prio")


def rossi():
    rows = table("rossi")
    return gp.exit_hazard(
        " + ".join(TERMS), rows, duration="week", exited="arrest", unit="person_id"
    )


def test_cox_equals_r():
    known, result = answers("cox")["efron"], rossi()
    theirs = [known["coefficients"][t] for t in TERMS]
    np.testing.assert_allclose(result.estimates, theirs, rtol=TOLERANCE)
    np.testing.assert_allclose(
        result.vcov, known["vcov"], rtol=TOLERANCE, atol=TOLERANCE * 0.01
    )
    facts = known["facts"]
    for ours, fact in (
        ("log_likelihood", "log_likelihood"),
        ("log_likelihood_null", "log_likelihood_null"),
        ("likelihood_ratio", "lr"),
        ("concordance", "concordance"),
        ("aic", "aic"),
    ):
        assert result.facts[ours] == pytest.approx(facts[fact], rel=1e-8)
    assert result.facts["n_exits"] == facts["n_events"]


def test_baseline_is_breslows_at_mean_covariates():
    known, result = answers("cox")["efron"], rossi()
    baseline = result.tables["baseline"].set_index("time")["cumulative_hazard"]
    theirs = known["cumulative_hazard_at_mean"]["breslow"]
    np.testing.assert_allclose(baseline.loc[known["times"]], theirs, rtol=1e-6)


def test_units_hold_hazards_and_exit_probabilities():
    result = rossi()
    rows, b = table("rossi"), result.estimates
    score = (rows[list(TERMS)] - rows[list(TERMS)].mean()).to_numpy() @ b.to_numpy()
    np.testing.assert_allclose(
        result.units["relative_hazard"], np.exp(score), rtol=1e-10
    )
    last = result.tables["baseline"]["cumulative_hazard"].iloc[-1]
    np.testing.assert_allclose(
        result.units["exit_probability"], 1 - np.exp(-last * np.exp(score)), rtol=1e-8
    )
    assert (result.units["relative_hazard_low"] < result.units["relative_hazard"]).all()


def simulated(n=500, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    wait = rng.exponential(np.exp(-0.7 * x))
    end = rng.uniform(0.2, 3, size=n)
    return pd.DataFrame(
        {
            "unit_id": [f"{i:04d}" for i in range(n)],
            "x": x,
            "years": np.minimum(wait, end),
            "left": (wait <= end).astype(int),
        }
    )


def test_planted_hazard_ratios_are_covered():
    hits = 0
    for seed in range(60):
        data = simulated(250, seed)
        fit = gp.exit_hazard("x", data, duration="years", exited="left")
        row = fit.tidy().iloc[0]
        hits += row["conf_low"] < 0.7 < row["conf_high"]
    assert 0.86 <= hits / 60 <= 1  # 95 % within 3 Monte Carlo standard errors


def test_units_of_time_do_not_matter():
    data = simulated()
    years = gp.exit_hazard("x", data, duration="years", exited="left")
    days = gp.exit_hazard(
        "x", data.assign(years=data["years"] * 365), duration="years", exited="left"
    )
    np.testing.assert_allclose(years.estimates, days.estimates, rtol=1e-8)


def test_lags_reach_units_that_are_not_at_risk():
    data = simulated(60)
    ring = np.roll(np.eye(60), 1, axis=1)
    weights = gp.SpatialWeights(data["unit_id"], ring, standardize="row")
    at_risk = data.iloc[::2]
    result = gp.exit_hazard(
        "W(x)",
        at_risk,
        duration="years",
        exited="left",
        weights=weights,
        unit_data=data[["unit_id", "x"]],
    )
    by_hand = at_risk.assign(lag=np.roll(data["x"], -1)[::2])
    plain = gp.exit_hazard("lag", by_hand, duration="years", exited="left")
    np.testing.assert_allclose(result.estimates, plain.estimates, rtol=1e-8)


def test_coarse_durations_are_said():
    data = simulated().assign(years=lambda t: np.ceil(t["years"]))
    result = gp.exit_hazard("x", data, duration="years", exited="left")
    assert any("durations are coarse" in note for note in result.notes)


# Bad input


def test_durations_must_be_above_zero():
    data = simulated()
    data.loc[2, "years"] = 0
    with pytest.raises(
        gp.InputError, match=r"'years' must be above 0; 1 of 500 rows break this \(2\)"
    ):
        gp.exit_hazard("x", data, duration="years", exited="left")


def test_exits_must_be_binary_and_happen():
    data = simulated()
    with pytest.raises(gp.InputError, match="The outcome 'left' must vary; it is 0"):
        gp.exit_hazard("x", data.assign(left=0), duration="years", exited="left")
    data.loc[0, "left"] = 3
    with pytest.raises(gp.InputError, match="The outcome 'left' must be 0 or 1"):
        gp.exit_hazard("x", data, duration="years", exited="left")


def test_everybody_may_leave():
    data = simulated().assign(left=1)
    assert gp.exit_hazard("x", data, duration="years", exited="left").facts["n_exits"]


def test_separation_names_the_covariate():
    data = simulated().assign(chosen=lambda t: t["left"])
    with pytest.raises(gp.EstimationError, match=r"chosen.* separates? exits"):
        gp.exit_hazard("x + chosen", data, duration="years", exited="left")


def test_formula_has_no_outcome():
    with pytest.raises(gp.InputError, match="must hold covariates only"):
        gp.exit_hazard("left ~ x", simulated(), duration="years", exited="left")
    with pytest.raises(gp.InputError, match="has no covariate"):
        gp.exit_hazard("1", simulated(), duration="years", exited="left")


def test_unknown_columns_and_models_are_named():
    with pytest.raises(gp.InputError, match=r"Did you mean 'years'\?"):
        gp.exit_hazard("x", simulated(), duration="year", exited="left")
    with pytest.raises(gp.InputError, match="model must be one of 'cox'"):
        gp.exit_hazard(
            "x", simulated(), duration="years", exited="left", model="weibull"
        )
