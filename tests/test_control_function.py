"""Control-function logit: planted truth, R, numerical derivatives, bad input."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, household_weights, table
from scipy import special

from geopoverty.covariances import Cluster
from geopoverty.design.sample import Sample
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.binary import logit
from geopoverty.estimators.control_function import control_function
from geopoverty.numerics.effects import Slope
from geopoverty.numerics.links import Logit, Probit
from geopoverty.numerics.residual_inclusion import (
    TwoStep,
    fit_two_step,
    stacked_moments,
)
from geopoverty.numerics.structural_effects import (
    Structure,
    _mean_over,
    average_change,
    average_slope,
)
from geopoverty.weights import SpatialWeights

# R differentiates the moments numerically.
TOLERANCE = 1e-5


def households(seed, n=600, rho=1.5, strength=1.0):
    """poor falls with jobs, which move with what else keeps people out of poverty."""
    rng = np.random.default_rng(seed)
    gdp, hidden, age = rng.normal(size=(3, n))
    jobs = strength * gdp + 0.3 * age + hidden
    index = 0.2 - 1.0 * jobs + 0.5 * age + rho * hidden
    poor = (rng.logistic(size=n) < index).astype(int)
    return pd.DataFrame({"poor": poor, "jobs": jobs, "age": age, "gdp": gdp})


def fit(data, formula="poor ~ jobs + age", **options):
    given_options = {"endogenous": ("jobs",), "instruments": ("gdp",)}
    return control_function(formula, data, **{**given_options, **options})


# Planted truth


def test_the_truth_is_recovered_where_a_logit_is_biased():
    """Seeds 0 to 119: -1 within Monte Carlo error, covered by 90 to 98 %."""
    rows, plain, tests = [], [], []
    for seed in range(120):
        data = households(seed)
        result = fit(data)
        rows.append(result.tidy().set_index("term").loc["jobs"])
        tests.append(result.facts["exogeneity_p"])
        if seed < 40:
            plain.append(logit("poor ~ jobs + age", data).estimates["jobs"])
    found = pd.DataFrame(rows)
    error = found["estimate"].std() / np.sqrt(120)
    # Logits lean away from 0 by a few hundredths at this size.
    assert abs(found["estimate"].mean() + 1) < 3 * error + 0.02
    inside = (found["conf_low"] < -1) & (found["conf_high"] > -1)
    assert 0.9 <= inside.mean() <= 0.98
    assert found["std_error"].mean() == pytest.approx(found["estimate"].std(), rel=0.15)
    assert np.mean(plain) > -0.6
    assert np.mean(np.array(tests) < 0.05) > 0.95


def test_exogeneity_is_not_rejected_where_it_holds():
    """Seeds 0 to 79: size of the 5 % test within Monte Carlo error."""
    rejected = [fit(households(s, rho=0.0)).facts["exogeneity_p"] < 0.05
                for s in range(80)]  # fmt: skip
    assert 0.01 <= np.mean(rejected) <= 0.11


def test_the_average_effect_is_that_of_the_planted_structure():
    """The truth by a large simulated population; seeds 0 to 59."""
    rng = np.random.default_rng(99)
    big = households(123, n=4000)
    hidden = rng.normal(size=4000)
    index = 0.2 - big["jobs"] + 0.5 * big["age"] + 1.5 * hidden
    p = special.expit(index)
    truth = -(p * (1 - p)).mean()
    rows = [fit(households(s)).tables["effects"].set_index("term").loc["jobs"]
            for s in range(60)]  # fmt: skip
    found = pd.DataFrame(rows)
    error = found["estimate"].astype(float).std() / np.sqrt(60)
    assert abs(found["estimate"].mean() - truth) < 3.5 * error
    inside = (found["conf_low"] < truth) & (found["conf_high"] > truth)
    assert inside.mean() > 0.88


# Against R and numerical derivatives


@pytest.mark.parametrize(
    ("vcov", "key"), [("hc1", "se_hc1"), (Cluster("unit_id"), "se_cluster")]
)
def test_both_stages_equal_those_of_r(vcov, key):
    theirs = answers("dynamic")["control"]
    homes = table("binary").dropna(subset=["poor", "x1", "x2", "clusters"])
    with pytest.warns(GeoPovertyWarning) as seen:
        result = control_function(
            "poor ~ x1 + x2", homes, endogenous=("x1",),
            instruments=("clusters", "I(clusters**2)"), vcov=vcov,
        )  # fmt: skip
    assert any("weak" in str(w.message) for w in seen)
    np.testing.assert_allclose(result.estimates, theirs["coefficients"], rtol=1e-6)
    first = result.tables["first_stage_coefficients"]
    np.testing.assert_allclose(first["estimate"], theirs["first"], rtol=1e-7)
    errors = [*np.sqrt(np.diag(result.vcov)), *first["std_error"]]
    np.testing.assert_allclose(errors, theirs[key], rtol=TOLERANCE)
    effect = result.tables["effects"].set_index("term").loc["x1"]
    assert effect["estimate"] == pytest.approx(theirs["effect_x1"], rel=1e-6)
    if key == "se_cluster":
        known = theirs["effect_se_cluster"]
        assert effect["std_error"] == pytest.approx(known, rel=TOLERANCE)


def problem(seed, n=80, e=2, weighted=True, link=Logit):
    rng = np.random.default_rng(seed)
    one, x, *z = np.ones(n), *rng.normal(size=(4, n))
    Z = np.column_stack([one, x, *z])
    endogenous = Z[:, 2 : 2 + e] + rng.normal(size=(n, e))
    X = np.column_stack([one, x, endogenous])
    y = (rng.logistic(size=n) < X.sum(axis=1) - 1).astype(float)
    w = rng.uniform(0.5, 2, n) if weighted else None
    w = None if w is None else w * n / w.sum()
    return TwoStep(X, y, np.arange(2, 2 + e), Z, link, w)


@pytest.mark.parametrize("link", [Logit, Probit])
@pytest.mark.parametrize("weighted", [False, True])
def test_influence_is_the_inverse_jacobian_of_stacked_moments(link, weighted):
    model = problem(3, weighted=weighted, link=link)
    found = fit_two_step(model)
    theta, first = found.binary.beta, found.first
    sizes = theta.size, first.size

    def total(p):
        pi = p[sizes[0] :].reshape(first.shape[::-1]).T
        return stacked_moments(model, p[: sizes[0]], pi).sum(axis=0)

    at = np.concatenate([theta, first.T.ravel()])
    step = 1e-6
    J = np.column_stack(
        [
            (total(at + d) - total(at - d)) / (2 * step)
            for d in step * np.eye(sum(sizes))
        ]
    )
    np.testing.assert_allclose(total(at), 0, atol=1e-7)
    expected = stacked_moments(model, theta, first) @ -np.linalg.inv(J).T
    np.testing.assert_allclose(found.influence, expected, rtol=1e-5, atol=1e-8)


def structure(model, p, k):
    first = p[k:].reshape(model.endogenous.size, -1).T
    V = model.X[:, model.endogenous] - model.Z @ first
    w = model.weight / model.weight.sum()
    return Structure(model.X, V, model.Z, p[:k], model.link, w)


@pytest.mark.parametrize("kind", ["slope", "scaled", "change"])
def test_gradients_of_average_effects(kind):
    model = problem(5)
    found = fit_two_step(model)
    k = found.binary.beta.size
    at = np.concatenate([found.binary.beta, found.first.T.ravel()])
    times = np.random.default_rng(1).uniform(size=len(model.y))
    effect = {
        "slope": lambda s: average_slope(s, Slope([(2, None)])),
        "scaled": lambda s: average_slope(s, Slope([(2, None), (3, times)])),
        "change": lambda s: average_change(s, ((1,), 1)),
    }[kind]
    value, gradient = effect(structure(model, at, k))
    step = 1e-6
    numeric = [
        (
            effect(structure(model, at + d, k))[0]
            - effect(structure(model, at - d, k))[0]
        )
        / (2 * step)
        for d in step * np.eye(at.size)
    ]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-8)
    here = structure(model, at, k)
    pairs = (here.X @ here.beta)[:, None] + (here.V @ here.rho)[None, :]
    if kind == "slope":
        p = special.expit(pairs)
        by_hand = here.beta[2] * here.w @ (p * (1 - p)) @ here.w
        assert value == pytest.approx(by_hand, rel=1e-12)


@given(st.integers(0, 1000), st.floats(0.1, 20))
@LAW
def test_many_pairs_through_an_interpolant(seed, spread):
    rng = np.random.default_rng(seed)
    at, over = spread * rng.normal(size=1500), rng.normal(size=700)
    w = rng.uniform(size=700)
    for curve in (Logit.density, Logit.slope, Probit.probability):
        some = rng.integers(0, 1500, 20)
        found = _mean_over(curve, at, over, w)[some]
        direct = curve(at[some][:, None] + over) @ w
        np.testing.assert_allclose(found, direct, atol=1e-9 * w.sum())


def test_standard_errors_are_those_of_a_bootstrap():
    """Pairs bootstrap, 200 draws, seed 0: its own error is 5 %."""
    data = households(7, n=500)
    one = np.ones(500)
    X, Z = (np.column_stack([one, data[a], data["age"]]) for a in ("jobs", "gdp"))
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(200):
        at = rng.integers(0, 500, 500)
        model = TwoStep(X[at], data["poor"].to_numpy(float)[at], np.array([1]), Z[at],
                        Logit)  # fmt: skip
        drawn.append(fit_two_step(model).binary.beta[1])
    ours = np.sqrt(fit(data).vcov.loc["jobs", "jobs"])
    assert ours == pytest.approx(np.std(drawn, ddof=1), rel=0.2)


# Counties and their neighbours


def counties(seed, n=60, homes=8):
    rng = np.random.default_rng(seed)
    ids = [f"{i:03d}" for i in range(n)]
    eye = np.eye(n)
    links = (np.roll(eye, 1, axis=1) + np.roll(eye, -1, axis=1)) / 2
    gdp, hidden = rng.normal(size=(2, n))
    clusters = gdp + 0.5 * hidden
    units = pd.DataFrame({"unit_id": ids, "clusters": clusters, "gdp_1994": gdp})
    at = np.repeat(np.arange(n), homes)
    age = rng.normal(size=n * homes)
    index = -clusters[at] - 0.5 * (links @ clusters)[at] + 0.5 * hidden[at] + 0.3 * age
    poor = (rng.logistic(size=n * homes) < index).astype(int)
    data = pd.DataFrame({"unit_id": np.array(ids)[at], "poor": poor, "age": age})
    return data, units, SpatialWeights(ids, links, standardize="row")


BOTH = {
    "endogenous": ("clusters", "W(clusters)"),
    "instruments": ("gdp_1994", "W(gdp_1994)"),
}


def test_neighbours_counts_may_be_endogenous_too():
    data, units, w = counties(2)
    result = control_function("poor ~ clusters + W(clusters) + age", data, weights=w,
                              unit_data=units, **BOTH)  # fmt: skip
    assert result.estimates.index.tolist() == [
        "Intercept", "clusters", "W(clusters)", "age",
        "residual(clusters)", "residual(W(clusters))",
    ]  # fmt: skip
    effects = result.tables["effects"].set_index(["term", "effect"])["estimate"]
    assert effects["clusters", "total"] == pytest.approx(
        effects["clusters", "direct"] + effects["clusters", "indirect"]
    )
    assert effects["clusters", "direct"] / effects["clusters", "indirect"] == (
        pytest.approx(result.estimates["clusters"] / result.estimates["W(clusters)"])
    )
    assert result.facts["vcov"] == "clustered by unit_id"
    assert result.facts["n_clusters"] == result.facts["n_units"] == 60
    assert result.facts["exogeneity_df"] == 2
    assert {"unit_id", "probability", "direct(clusters)", "indirect(clusters)"} <= set(
        result.units.columns
    )
    direct = result.units["direct(clusters)"].mean()
    assert direct == pytest.approx(effects["clusters", "direct"])


def test_lags_are_joined_by_key():
    data, units, w = counties(3)
    one = control_function("poor ~ clusters + W(clusters) + age", data, weights=w,
                           unit_data=units, **BOTH)  # fmt: skip
    by_hand = units.assign(
        Wc=w.matrix @ units["clusters"].to_numpy(),
        Wg=w.matrix @ units["gdp_1994"].to_numpy(),
    )
    flat = data.sample(frac=1, random_state=1).merge(by_hand, on="unit_id")
    two = control_function("poor ~ clusters + Wc + age", flat,
                           endogenous=("clusters", "Wc"),
                           instruments=("gdp_1994", "Wg"))  # fmt: skip
    np.testing.assert_allclose(one.estimates, two.estimates, rtol=1e-7)
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-6)


def test_periods_weights_and_categories():
    homes = table("binary")
    sample = Sample("unit_id", "period", "sampling_weight")
    with pytest.warns(GeoPovertyWarning, match="weak for x1"):
        result = control_function(
            "poor ~ x1 + x2 + region + W(clusters)", homes, endogenous=("x1",),
            instruments=("clusters",), unit=sample,
            weights=household_weights("weight_knn"), vcov="hc1",
        )  # fmt: skip
    terms = result.tables["effects"]["term"].tolist()
    assert "region[T.east]" in terms
    assert result.units["period"].nunique() == homes["period"].nunique()
    assert result.facts["n_periods"] == homes["period"].nunique()


def test_weights_count_as_repeated_rows():
    data = households(4, n=300)
    count = np.random.default_rng(0).integers(1, 4, 300)
    weighted = fit(data.assign(w=count), unit=Sample(sampling_weight="w"), vcov="hc0")
    repeated = fit(data.loc[np.repeat(data.index, count)].reset_index(drop=True),
                   vcov="hc0")  # fmt: skip
    np.testing.assert_allclose(weighted.estimates, repeated.estimates, rtol=1e-7)
    one = weighted.tables["effects"]["estimate"]
    np.testing.assert_allclose(one, repeated.tables["effects"]["estimate"], rtol=1e-7)


def test_units_of_measurement_scale_out():
    data = households(5)
    one = fit(data)
    two = fit(data.assign(jobs=1000 * data["jobs"], gdp=0.01 * data["gdp"]))
    assert 1000 * two.estimates["jobs"] == pytest.approx(one.estimates["jobs"])
    for fact in ("exogeneity_statistic", "first_stage_f", "log_likelihood"):
        assert two.facts[fact] == pytest.approx(one.facts[fact], rel=1e-6)


# What is refused, and what is said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endogenous": "jobs"}, r"endogenous must be a tuple of names: \('jobs',\)"),
        ({"endogenous": ()}, "endogenous must name at least one term.*use logit"),
        ({"instruments": ()}, "instruments must name at least one term"),
        ({"endogenous": ("job",)}, r"job is not a numeric term.*Did you mean 'jobs'\?"),
        ({"instruments": ("gdpp",)}, r"uses gdpp, which the table lacks.*'gdp'\?"),
        ({"instruments": ("age",)}, "age is a covariate of 'poor ~ jobs"),
        ({"instruments": ("one",)}, "An instrument must vary; one is the same"),
        (
            {"instruments": ("gdp", "twice")},
            r"must not determine one another.*'twice' is a combination of gdp",
        ),
        (
            {"endogenous": ("jobs", "age")},
            r"Not identified: 2 endogenous covariates \(jobs, age\) need as many "
            r"instruments; there are 1 \(gdp\)",
        ),
        ({"vcov": "iid"}, "no single information to invert; got 'iid'"),
        ({"vcov": "clustre"}, r"Did you mean 'cluster'\?"),
        ({"formula": "jobs ~ age"}, "must be 0 or 1"),
        ({"formula": "poor ~ jobs + age + old"}, "'old' is a combination of age"),
        ({"formula": "poor ~ jobs + W(age)"}, "needs spatial weights"),
    ],
)
def test_mistakes_are_named(options, message):
    data = households(1, n=100).assign(
        one=1.0, twice=lambda t: 2 * t["gdp"], old=lambda t: 3 * t["age"]
    )
    with pytest.raises(InputError, match=message):
        fit(data, **options)


def test_weak_instruments_are_warned_of():
    with pytest.warns(GeoPovertyWarning, match=r"weak for jobs \(F \d"):
        result = fit(households(3, strength=0.02))
    assert any("lean towards those of a plain logit" in note for note in result.notes)


def test_more_instruments_than_units_are_warned_of():
    data, *_ = counties(4, n=5, homes=30)
    rng = np.random.default_rng(0)
    names = tuple(f"z{j}" for j in range(4))
    data = data.assign(**{n: rng.normal(size=len(data)) for n in names})
    data["jobs"] = data[list(names)].sum(axis=1) + rng.normal(size=len(data))
    with pytest.warns(GeoPovertyWarning) as seen:
        control_function("poor ~ jobs + age", data, endogenous=("jobs",),
                         instruments=names)  # fmt: skip
    said = " ".join(str(w.message) for w in seen)
    assert "more instruments (6, exogenous covariates included) than units (5)" in said
    assert "only 5 clusters" in said


def test_separation_is_named():
    data = households(6, n=100).assign(poor=lambda t: (t["age"] > 0).astype(int))
    with pytest.raises(
        EstimationError, match=r"'age'.* separate the outcome 'poor' perf"
    ):
        fit(data)


def test_assumptions_are_noted_and_data_are_left_alone():
    data = households(8).assign(jobs=lambda t: (t["jobs"] > 0).astype(float))
    before = data.copy(deep=True)
    data.attrs["status"] = "simulated"
    result = fit(data)
    pd.testing.assert_frame_equal(data, before)
    notes = " ".join(result.notes)
    assert "act on the outcome through jobs only" in notes
    assert "jobs takes two values" in notes
    assert result.provenance["data"] == [{"status": "simulated"}]


def test_missing_rows_are_dropped_and_counted():
    data = households(9)
    data.loc[[1, 5], "gdp"] = np.nan
    assert fit(data).facts["n_dropped"] == 2
