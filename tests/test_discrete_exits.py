"""Chances of leaving by period, and the spillover of exits."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table
from scipy import stats

from geopoverty.design.sample import Sample
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.binary import logit
from geopoverty.estimators.exits import Hazard, Timeline, exit_hazard
from geopoverty.estimators.exits.periods import exit_periods
from geopoverty.numerics.hazards.discrete import survival
from geopoverty.numerics.links import Cloglog, Logit
from geopoverty.weights import SpatialWeights

COVARIATES = "fin + age + race + wexp + mar + paro + prio"
PERIODS = (0, 13, 26, 39, 52)
LINE = Timeline("stop", entry="start")
STEP = 1e-5


@pytest.fixture(scope="module")
def rossi():
    data = table("rossi").rename(columns={"person_id": "unit_id"})
    quarter = np.ceil(data["week"] / 13) * 13
    return data.assign(quarter=quarter, when=quarter.where(data["arrest"] == 1))


@pytest.fixture(scope="module")
def periods(rossi):
    made = exit_periods(rossi, left="when", periods=PERIODS)
    return made[made["at_risk"]]


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_coefficients_are_those_of_glm(periods, link):
    expected = answers("discrete")[link]
    fit = exit_hazard(COVARIATES, periods, duration=LINE, exited="exited", model=link)
    np.testing.assert_allclose(fit.estimates, expected["coefficients"], rtol=1e-6)
    # R's glm has the expected information, here it is the observed one.
    rtol = 1e-6 if link == "logit" else 0.03
    error = np.sqrt(np.diag(fit.vcov))
    np.testing.assert_allclose(error, expected["std_errors"], rtol=rtol)
    assert fit.facts["log_likelihood"] == pytest.approx(expected["log_likelihood"])
    assert fit.facts["aic"] == pytest.approx(expected["aic"])
    null = expected["log_likelihood_null"]
    assert fit.facts["log_likelihood_null"] == pytest.approx(null)
    units = fit.units.set_index("unit_id")
    for unit, chance in expected["exit_probability"].items():
        assert units.loc[unit, "exit_probability"] == pytest.approx(chance, rel=1e-6)


def test_one_row_a_unit_is_the_same_as_its_periods(rossi, periods):
    whole = exit_hazard(
        COVARIATES, rossi, duration="quarter", exited="arrest", model="cloglog"
    )
    parts = exit_hazard(
        COVARIATES, periods, duration=LINE, exited="exited", model="cloglog"
    )
    np.testing.assert_allclose(whole.estimates, parts.estimates)
    np.testing.assert_allclose(whole.vcov, parts.vcov)
    pd.testing.assert_series_equal(
        whole.units["exit_probability"], parts.units["exit_probability"]
    )
    table_ = whole.tables["periods"]
    assert table_["at_risk"].tolist() == [432, 412, 378, 351]
    assert table_["exits"].tolist() == [20, 34, 27, 33]
    shown = whole.tables["curves"].groupby("time")["survival"].mean()
    assert (np.diff(shown) < 0).all()


def test_clusters_on_the_unit_sum_its_periods(rossi, periods):
    clustered = Hazard("logit", vcov="cluster")
    whole = exit_hazard(
        COVARIATES, rossi, duration="quarter", exited="arrest", model=clustered
    )
    parts = exit_hazard(
        COVARIATES, periods, duration=LINE, exited="exited", model=clustered
    )
    # The same 432 units; only the small-sample factor counts rows.
    ratio = np.diag(parts.vcov) / np.diag(whole.vcov)
    assert np.ptp(ratio) < 1e-9
    assert ratio[0] == pytest.approx(1, abs=0.01)
    robust = exit_hazard(
        COVARIATES,
        periods,
        duration=LINE,
        exited="exited",
        model=Hazard("logit", vcov="hc0"),
    )
    expected = answers("discrete")["logit"]["std_errors_cluster"]
    np.testing.assert_allclose(np.sqrt(np.diag(robust.vcov)), expected, rtol=1e-6)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_weights_that_count_rows_give_the_fit_of_the_rows(rossi, link):
    times = np.random.default_rng(8).integers(1, 4, len(rossi))
    args = {"duration": "quarter", "exited": "arrest", "model": link}
    copied = exit_hazard("fin + age", rossi.loc[rossi.index.repeat(times)], **args)
    weighed = exit_hazard(
        "fin + age",
        rossi.assign(times=times),
        unit=Sample(sampling_weight="times"),
        **args,
    )
    np.testing.assert_allclose(weighed.estimates, copied.estimates, rtol=1e-7)
    rows = len(rossi) / times.sum()
    expected = copied.facts["log_likelihood"] * rows
    assert weighed.facts["log_likelihood"] == pytest.approx(expected)


def test_logit_residuals_and_marginal_effects(periods):
    fit = exit_hazard(
        COVARIATES, periods, duration=LINE, exited="exited", model="logit"
    )
    plain = logit(
        f"exited ~ {COVARIATES} + C(period)", periods.reset_index(drop=True), vcov="iid"
    )
    ours = fit.tables["effects"].set_index("term").loc["age"]
    theirs = plain.tables["effects"].set_index("term").loc["age"]
    for column in ("estimate", "std_error"):
        assert ours[column] == pytest.approx(theirs[column], rel=1e-5)
    fitted = fit.tables["fitted"]
    assert (fitted["exited"] - fitted["hazard"]).sum() == pytest.approx(0, abs=1e-7)
    assert fit.units["exited"].sum() == 114


def test_a_baseline_of_choice_stands_in_the_formula(periods):
    fit = exit_hazard(
        f"log(stop) + {COVARIATES}",
        periods,
        duration=LINE,
        exited="exited",
        model="cloglog",
    )
    assert list(fit.estimates.index)[:2] == ["Intercept", "log(stop)"]
    assert any("along each unit's own rows" in note for note in fit.notes)
    assert "curves" not in fit.tables
    units, rows = fit.units.set_index("unit_id"), fit.tables["fitted"]
    stays = (1 - rows["hazard"]).groupby(rows["unit_id"]).prod()
    np.testing.assert_allclose(1 - stays, units.loc[stays.index, "exit_probability"])
    same = exit_hazard(
        f"C(period) + {COVARIATES}",
        periods,
        duration=LINE,
        exited="exited",
        model="cloglog",
        unit=Sample("unit_id", "period"),
    )
    own = exit_hazard(
        COVARIATES, periods, duration=LINE, exited="exited", model="cloglog"
    )
    assert same.facts["log_likelihood"] == pytest.approx(own.facts["log_likelihood"])


def test_periods_that_tell_nothing_are_left_out_and_named(rossi):
    data = rossi.assign(quarter=rossi["quarter"].clip(upper=39))
    data["arrest"] = data["arrest"] * (rossi["week"] <= 39) * (rossi["quarter"] != 26)
    fit = exit_hazard(
        "fin + age", data, duration="quarter", exited="arrest", model="cloglog"
    )
    assert list(fit.estimates.index)[:2] == ["period 13", "period 39"]
    assert any("periods that end at 26: they tell nothing" in n for n in fit.notes)
    curve = fit.tables["periods"].set_index("end")["hazard"]
    assert curve[26.0] == 0
    args = {"duration": "quarter", "exited": "arrest"}
    asked = Hazard("cloglog", times=(13.0, 26.0, 39.0))
    stays = exit_hazard("fin + age", data, model=asked, **args).tables["curves"]
    stays = stays.set_index("time")["survival"]
    np.testing.assert_allclose(stays[26.0], stays[13.0])
    assert (stays[39.0].to_numpy() < stays[26.0].to_numpy()).all()


def test_proportional_hazards_by_period_are_a_cloglog():
    rng = np.random.default_rng(3)
    n = 6000
    x = rng.normal(size=n)
    time = rng.exponential(8 / np.exp(0.7 * x))
    data = pd.DataFrame(
        {"x": x, "year": np.minimum(np.ceil(time), 6), "left": (time <= 6) * 1}
    )
    fit = exit_hazard("x", data, duration="year", exited="left", model="cloglog")
    error = np.sqrt(fit.vcov.loc["x", "x"])
    assert abs(fit.estimates["x"] - 0.7) < 3 * error
    assert error < 0.03
    ratio = fit.tables["hazard_ratios"].iloc[0]
    assert ratio["hazard_ratio"] == pytest.approx(np.exp(fit.estimates["x"]))
    base = fit.estimates.filter(like="period")
    assert (base - np.log(1 / 8)).abs().max() < 0.15


def ring(n, reach=3):
    """Return row-standardised weights of `reach` units on either side of a ring."""
    units = pd.Index([f"u{i:04d}" for i in range(n)])
    matrix = np.zeros((n, n))
    for step in range(1, reach + 1):
        for side in (-step, step):
            matrix[np.arange(n), (np.arange(n) + side) % n] = 1 / (2 * reach)
    return SpatialWeights(units, matrix, standardize="row")


def spreading(weights, spill, seed, waves=6):
    """Simulate exits with a spillover: the share of neighbours gone before."""
    rng = np.random.default_rng(seed)
    n = weights.n
    x, gone = rng.normal(size=n), np.zeros(n)
    when = np.full(n, np.nan)
    poor = rng.uniform(size=n) < 0.9
    for wave in range(1, waves + 1):
        eta = -2.0 + 0.1 * wave + 0.5 * x + spill * weights.lag(gone)
        leaves = (rng.uniform(size=n) < Cloglog.probability(eta)) & (gone == 0) & poor
        when[leaves] = wave
        gone = np.where(leaves, 1.0, gone)
    return pd.DataFrame(
        {
            "unit_id": weights.units,
            "x": x,
            "when": when,
            "poor": np.where(poor, 0, np.nan),
        }
    )


def fit_spill(weights, data, model="cloglog", waves=6, **options):
    made = exit_periods(data, left="when", periods=range(waves + 1), entered="poor")
    return exit_hazard(
        "x + W(exited_by_then)",
        made[made["at_risk"]],
        duration=LINE,
        exited="exited",
        model=Hazard(model, vcov="cluster", **options),
        weights=weights,
        unit=Sample("unit_id", "period"),
        unit_data=made,
    )


def test_planted_spillover_of_exits_comes_back():
    weights = ring(1500)
    fit = fit_spill(weights, spreading(weights, spill=1.5, seed=11))
    error = np.sqrt(np.diag(fit.vcov))
    gap = fit.estimates[["x", "W(exited_by_then)"]] - [0.5, 1.5]
    assert np.all(np.abs(gap) < 3 * error[-2:])
    assert error[-1] < 0.25
    effect = fit.tables["effects"].set_index(["term", "effect"])
    spill = effect.loc[("exited_by_then", "indirect")]
    assert spill["estimate"] > 0
    assert spill["p_value"] < 0.001
    assert fit.facts["vcov"] == "clustered by unit_id"
    assert fit.facts["n_clusters"] == fit.facts["n_units"]
    assert "residual_morans_i" in fit.facts


def test_no_spillover_is_found_where_there_is_none():
    weights = ring(400)
    statistic = []
    for seed in range(40):
        fit = fit_spill(weights, spreading(weights, spill=0.0, seed=seed), times=(6.0,))
        line = fit.tidy().set_index("term").loc["W(exited_by_then)"]
        statistic.append(line["statistic"])
    rejected = np.mean(np.abs(statistic) > 1.96)
    # 40 draws of 5 %: more than 6 has a chance of 0.6 %.
    assert rejected <= stats.binom.ppf(0.994, 40, 0.05) / 40
    assert abs(np.mean(statistic)) < 3 / np.sqrt(40)
    assert 0.75 < np.std(statistic) < 1.3


def test_who_has_left_counts_only_from_the_next_period():
    weights = ring(8, reach=1)
    data = pd.DataFrame(
        {"unit_id": weights.units, "when": [1, 2, np.nan, 2, np.nan, 1, np.nan, np.nan]}
    )
    made = exit_periods(data, left="when", periods=(0, 1, 2))
    wide = made.pivot_table(index="unit_id", columns="period", values="exited_by_then")
    assert wide[1].sum() == 0
    assert wide[2].tolist() == [1, 0, 0, 0, 0, 1, 0, 0]
    lagged = weights.lag(wide[2])
    assert lagged["u0001"] == 0.5
    gone = made[~made["at_risk"]]
    assert gone["period"].tolist() == [2, 2]
    assert gone["exited"].sum() == 0


def test_units_never_poor_are_never_at_risk_and_never_gone():
    data = pd.DataFrame(
        {
            "unit_id": ["a", "b", "c"],
            "year": [2017, None, 2020],
            "since": [2015, None, 2017],
        }
    )
    made = exit_periods(
        data, left="year", periods=range(2015, 2021), entered="since"
    ).set_index(["unit_id", "period"])
    assert not made.loc["b", "at_risk"].any()
    assert made.loc["b", "exited_by_then"].sum() == 0
    assert made.loc["c", "at_risk"].tolist() == [False, False, True, True, True]
    assert made.loc[("c", 2020), "exited"] == 1
    assert made.loc["a", "exited_by_then"].tolist() == [0, 0, 1, 1, 1]
    assert made.loc["a", "start"].tolist() == [0, 1, 2, 3, 4]
    assert made.attrs == data.attrs


@LAW
@given(st.integers(0, 10_000))
def test_periods_of_a_unit_follow_one_another_and_end_with_its_exit(seed):
    rng = np.random.default_rng(seed)
    n = 20
    when = rng.choice([np.nan, 1, 2, 3, 4], n)
    data = pd.DataFrame({"unit_id": [f"u{i}" for i in range(n)], "when": when})
    made = exit_periods(data, left="when", periods=range(5))
    assert len(made) == 4 * n
    assert made["exited"].sum() == np.isfinite(when).sum()
    per_unit = made.groupby("unit_id", sort=False)
    risk = per_unit["at_risk"].sum().to_numpy()
    np.testing.assert_array_equal(risk, np.where(np.isnan(when), 4, when))
    assert (per_unit["exited_by_then"].diff().dropna() >= 0).all()
    assert not (made["at_risk"] & (made["exited_by_then"] == 1)).any()


def test_cloglog_derivatives():
    eta = np.linspace(-35, 3, 77)
    for y in (np.zeros(77), np.ones(77)):
        here = Cloglog.at(eta, y)
        above, below = Cloglog.at(eta + STEP, y), Cloglog.at(eta - STEP, y)
        slope = (above.loglik - below.loglik) / (2 * STEP)
        np.testing.assert_allclose(here.residual, slope, rtol=1e-5, atol=1e-9)
        bend = -(above.residual - below.residual) / (2 * STEP)
        np.testing.assert_allclose(here.weight, bend, rtol=1e-4, atol=1e-9)
        assert (here.weight >= 0).all()
    p = Cloglog.probability(eta)
    np.testing.assert_allclose(p, 1 - np.exp(-np.exp(eta)), rtol=1e-6, atol=1e-15)
    density = (Cloglog.probability(eta + STEP) - Cloglog.probability(eta - STEP)) / (
        2 * STEP
    )
    np.testing.assert_allclose(Cloglog.density(eta), density, rtol=1e-5, atol=1e-9)
    bent = (Cloglog.density(eta + STEP) - Cloglog.density(eta - STEP)) / (2 * STEP)
    np.testing.assert_allclose(Cloglog.slope(eta), bent, rtol=1e-5, atol=1e-9)
    far = Cloglog.at(np.array([900.0, 900.0]), np.array([0.0, 1.0]))
    assert np.isfinite(far.residual[1])


def test_survival_gradients_are_those_of_its_logarithm():
    rng = np.random.default_rng(0)
    beta, x = rng.normal(size=3), rng.normal(size=(1, 4, 3)) / 2
    for link in (Logit, Cloglog):
        s, low, _ = survival(x @ beta, x, np.eye(3) * 1e-6, link)
        error = np.log(np.log(low) / np.log(s)) / stats.norm.ppf(0.975)
        found = np.zeros((4, 3))
        for j in range(3):
            step = np.eye(3)[j] * STEP
            up, *_ = survival(x @ (beta + step), x, np.eye(3), link)
            down, *_ = survival(x @ (beta - step), x, np.eye(3), link)
            found[:, j] = ((np.log(-np.log(up)) - np.log(-np.log(down))) / (2 * STEP))[
                0
            ]
        expected = 1e-3 * np.sqrt((found**2).sum(axis=1))
        np.testing.assert_allclose(error[0], expected, rtol=1e-5)


UNITS = pd.DataFrame(
    {"unit_id": ["a", "b", "c"], "year": [2016, 2017, None], "x": [1.0, 2.0, 0.0]}
)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"periods": (2015,)}, "two or more ascending numbers"),
        ({}, {"periods": (2015, 2014)}, "two or more ascending numbers"),
        ({"unit_id": [1, 2, 3]}, {}, "unit ids must be text"),
        ({"unit_id": ["a", "a", "b"]}, {}, "unit ids must be unique"),
        ({"year": [2014, 2017, None]}, {}, r"after 2015; 1 of 3 rows break this \(a\)"),
        ({"year": ["soon", 2017, None]}, {}, "must hold numbers, or nothing"),
        ({"year": pd.to_datetime(["2016-01-01"] * 3)}, {}, "holds dates"),
        ({"stop": [1, 2, 3]}, {}, "must not have the columns that are made here"),
        ({}, {"left": "yaer"}, "Did you mean 'year'"),
        (
            {"since": [None, 2015, 2015]},
            {"entered": "since"},
            r"Only units that were at risk can leave; 1 of 3 rows break this \(a\)",
        ),
        (
            {"since": [2016, 2015, 2015]},
            {"entered": "since"},
            "Units must leave after they are at risk",
        ),
        (
            {"since": [2015.5, 2015, 2015]},
            {"entered": "since"},
            r"at risk when the period in which they leave begins; 1 of 3 rows .*\(a\)",
        ),
    ],
)
def test_bad_units_are_refused(change, options, message):
    args = {"left": "year", "periods": (2015, 2016, 2017, 2018), **options}
    with pytest.raises(InputError, match=message):
        exit_periods(UNITS.assign(**change), **args)


def test_no_table_of_units_is_refused():
    with pytest.raises(InputError, match="DataFrame with rows"):
        exit_periods(UNITS.iloc[:0], left="year", periods=(2015, 2016))


def test_bad_models_are_refused(rossi):
    args = {"duration": "quarter", "exited": "arrest"}
    with pytest.raises(InputError, match=r"strata \(wexp\) are for model='cox'"):
        exit_hazard("fin", rossi, model=Hazard("logit", strata="wexp"), **args)
    with pytest.raises(InputError, match="can only use time where rows are units in"):
        exit_hazard("fin + quarter", rossi, model="logit", **args)
    many = rossi.assign(quarter=np.arange(1.0, 433))
    with pytest.raises(InputError, match="at most 100 periods; the durations have 432"):
        exit_hazard("fin", many, model="logit", **args)
    wide = rossi.assign(after=rossi["quarter"] - 13)
    wide.loc[wide["arrest"] == 1, "after"] = 0.0
    line = Timeline("quarter", after="after")
    with pytest.raises(InputError, match="each exit must fall in one period; 94 of"):
        exit_hazard("fin", wide, duration=line, exited="arrest", model="cloglog")
    always = rossi.assign(arrest=1, quarter=13.0)
    with pytest.raises(InputError, match="all units leave or none do"):
        exit_hazard("fin", always, model="logit", **args)
    apart = rossi.assign(never=(rossi["arrest"] == 0) * (rossi["age"] > 30) * 1.0)
    with pytest.raises(EstimationError, match="'never' separates the outcome"):
        exit_hazard("never + fin", apart, model="cloglog", **args)


def test_bad_unit_periods_are_refused(periods):
    args = {"exited": "exited", "model": "logit"}
    after = pd.concat(
        [periods, periods[periods["exited"] == 1].assign(start=39, stop=52)]
    )
    with pytest.raises(InputError, match=r"overlap|after its exit"):
        exit_hazard("fin", after, duration=LINE, **args)
    gap = periods[~((periods["stop"] == 26) & (periods["exited"] == 0))]
    with pytest.raises(InputError, match="leave no gap"):
        exit_hazard("fin", gap, duration=LINE, **args)
    weights = ring(432)
    with pytest.raises(InputError, match="Every unit needs weights; 432 of 432"):
        exit_hazard(
            "fin + W(exited_by_then)",
            periods,
            duration=LINE,
            weights=weights,
            unit=Sample("unit_id", "period"),
            **args,
        )


def test_lags_need_every_unit_in_every_period():
    weights = ring(40)
    made = exit_periods(
        spreading(weights, 0.5, 1), left="when", periods=range(7), entered="poor"
    )
    at_risk = made[made["at_risk"]]
    with pytest.raises(InputError, match="needs a value for every unit of the weights"):
        exit_hazard(
            "x + W(exited_by_then)",
            at_risk,
            duration=LINE,
            exited="exited",
            model="cloglog",
            weights=weights,
            unit=Sample("unit_id", "period"),
        )
