"""The gamma frailty of groups against R's survival, and planted truth."""

import numpy as np
import pandas as pd
import pytest
from known import answers, table

from geopoverty.design.sample import Sample
from geopoverty.errors import InputError
from geopoverty.estimators.exits import Hazard, Timeline, exit_hazard
from geopoverty.numerics.hazards.cox import fit_cox
from geopoverty.numerics.hazards.frailty import fit_frailty
from geopoverty.numerics.hazards.partial import CoxData
from geopoverty.numerics.hazards.risk import risk_sets

# R stops its search for the variance when the likelihood no longer changes, and that
# is flat at its top.
SEARCHED = 1e-4


def rossi_table():
    rows = table("rossi")
    number = np.arange(1, len(rows) + 1)
    mixed = (rows["week"] + (number * 37) % 61).rank(method="first")
    province = ((mixed - 1) // 36 + 1).astype(int)
    return rows.assign(
        unit_id=rows["person_id"], province=[f"p{p:02d}" for p in province]
    )


def arrays():
    rows = rossi_table()
    risk = risk_sets(rows["week"].to_numpy(float), rows["arrest"].to_numpy() == 1)
    X = np.ascontiguousarray(rows[["fin", "age", "prio"]].to_numpy(float))
    data = CoxData(X, risk, np.ones(len(rows)))
    return data, pd.factorize(rows["province"], sort=True)[0], fit_cox(data)


@pytest.mark.parametrize("i", range(3))
def test_at_a_given_variance_equals_r(i):
    known = answers("hazard")["frailty"][i]
    data, group, plain = arrays()
    found = fit_frailty(
        data, group, (plain.beta, plain.log_likelihood), lambda: None, known["variance"]
    )
    error = np.sqrt(np.diag(found.vcov))
    np.testing.assert_allclose(found.beta[:3], known["coefficients"], rtol=1e-8)
    np.testing.assert_allclose(found.beta[3:], known["log_multipliers"], rtol=1e-7)
    np.testing.assert_allclose(found.vcov[:3, :3], known["vcov"], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(error[3:], known["std_errors"], rtol=1e-8)
    assert found.log_likelihood == pytest.approx(known["log_likelihood"], rel=1e-11)


def rossi(**options):
    hazard = Hazard(frailty="province", **options)
    return exit_hazard(
        "fin + age + prio", rossi_table(), duration="week", exited="arrest",
        model=hazard,
    )  # fmt: skip


def test_best_variance_equals_r():
    known, result = answers("hazard")["frailty_best"], rossi()
    facts = result.facts
    assert facts["frailty_variance"] == pytest.approx(known["variance"], rel=SEARCHED)
    assert facts["log_likelihood"] == pytest.approx(known["log_likelihood"], rel=1e-10)
    np.testing.assert_allclose(result.estimates, known["coefficients"], rtol=SEARCHED)
    table_ = result.tables["frailty"]
    np.testing.assert_allclose(
        np.log(table_["hazard_ratio"]), known["log_multipliers"], atol=SEARCHED
    )
    assert table_["exits"].sum() == 114
    assert facts["frailty_p"] < 1e-6
    assert any("within groups of 'province'" in note for note in result.notes)


def test_chances_are_those_of_the_own_group():
    result = rossi()
    chances = result.units["exit_probability"].to_numpy()
    rows, ratio = rossi_table(), result.tables["frailty"].set_index("group")
    score = rows[["fin", "age", "prio"]] - rows[["fin", "age", "prio"]].mean()
    relative = np.exp(score.to_numpy() @ result.estimates.to_numpy())
    relative *= ratio.loc[rows["province"], "hazard_ratio"].to_numpy()
    np.testing.assert_allclose(result.units["relative_hazard"], relative, rtol=1e-9)
    last = result.tables["baseline"]["cumulative_hazard"].iloc[-1]
    np.testing.assert_allclose(chances, -np.expm1(-last * relative), rtol=1e-9)
    assert result.units["martingale"].sum() == pytest.approx(0, abs=1e-7)


def simulated(variance, seed, n=600, q=30):
    rng = np.random.default_rng(seed)
    shared = np.ones(q)
    if variance:
        shared = rng.gamma(1 / variance, variance, size=q)
    province = np.arange(n) % q
    x = rng.normal(size=n)
    years = rng.exponential(1 / (shared[province] * np.exp(0.7 * x)))
    return pd.DataFrame(
        {
            "x": x,
            "years": np.minimum(years, 2),
            "left": (years <= 2).astype(int),
            "province": [f"{p:02d}" for p in province],
        }
    )


def fit(data, **options):
    return exit_hazard(
        "x", data, duration="years", exited="left",
        model=Hazard(frailty="province", **options),
    )  # fmt: skip


def test_planted_variance_and_effect_are_found():
    """Variance 0.5, effect 0.7: means over seeds 0 to 9, three standard errors."""
    found = [fit(simulated(0.5, seed)) for seed in range(10)]
    variance = np.array([r.facts["frailty_variance"] for r in found])
    effect = np.array([r.estimates["x"] for r in found])
    for values, truth in ((variance, 0.5), (effect, 0.7)):
        error = values.std(ddof=1) / np.sqrt(10)
        assert abs(values.mean() - truth) < 3 * error


def test_without_differences_the_variance_is_none():
    """Where groups differ less than chance has it, the fit is the plain one."""
    none = [fit(simulated(0.0, seed)) for seed in range(4)]
    zero = [r for r in none if r.facts["frailty_variance"] == 0]
    assert zero
    for result in zero:
        assert result.facts["frailty_p"] == 1
        assert any("no more than chance" in note for note in result.notes)
    data = simulated(0.0, next(i for i, r in enumerate(none) if r is zero[0]))
    plain = exit_hazard("x", data, duration="years", exited="left")
    np.testing.assert_allclose(zero[0].estimates, plain.estimates, rtol=1e-4)


def test_where_a_frailty_cannot_be_had():
    data = simulated(0.5, 0).assign(w=1.0, late=0.0, one="a")
    with pytest.raises(InputError, match="goes with vcov='iid'"):
        fit(data, vcov="hc0")
    with pytest.raises(InputError, match="without sampling weights"):
        exit_hazard(
            "x", data, duration="years", exited="left",
            model=Hazard(frailty="province", vcov="iid"),
            unit=Sample(sampling_weight="w"),
        )  # fmt: skip
    data.loc[0, "late"] = data.loc[0, "years"] / 2
    with pytest.raises(InputError, match="every unit from the origin on"):
        exit_hazard(
            "x", data, duration=Timeline("years", entry="late"), exited="left",
            model=Hazard(frailty="province"),
        )  # fmt: skip
    with pytest.raises(InputError, match="2 to 500 groups; 'one' has 1"):
        exit_hazard(
            "x", data, duration="years", exited="left", model=Hazard(frailty="one")
        )
    with pytest.raises(InputError, match="frailty= goes with model='cox'"):
        Hazard("weibull", frailty="province")
