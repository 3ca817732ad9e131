"""`spatial_binary`: what goes in, what comes out, what is refused."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from known import table
from scipy import sparse
from spatial_cases import (
    Case,
    by_rows,
    households,
    places,
    weights_of,
)

import geopoverty as gp
from geopoverty.estimators.spatial_binary.likelihood import positive_inverse
from geopoverty.estimators.spatial_binary.options import method_of, random_of
from geopoverty.numerics.types import Array

EXACT = 1e-8  # the same fit reached from differently ordered sums
FORMULA = "poor ~ jobs + age"


@pytest.fixture(scope="module")
def homes() -> Case:
    return households()


@pytest.fixture(scope="module")
def many_homes() -> Case:
    """Enough units that a Durbin model can tell rho from the lags."""
    return households(units=150, per_unit=20, rho=0.7)


@pytest.fixture(scope="module")
def towns() -> Case:
    return places()


def fit(case: Case, formula: str = FORMULA, **options) -> gp.Result:
    return gp.spatial_binary(formula, case.data, weights=case.weights, **options)


def household_fit(case: Case, formula: str = FORMULA, **options) -> gp.Result:
    return fit(case, formula, **{"unit": "unit_id", **options})


def test_the_household_form_finds_what_was_planted():
    case = households(units=250, per_unit=60, rho=0.6, seed=5)
    found = household_fit(case)
    tidy = found.tidy().set_index("term")
    assert tidy.index.tolist() == ["Intercept", "jobs", "age", "rho"]
    truth = np.append(case.beta, case.rho)
    assert (np.abs(tidy["estimate"] - truth) < 3 * tidy["std_error"]).all()
    assert tidy.loc["rho", "std_error"] < 0.08
    assert found.facts["vcov"] == "clustered by unit_id"
    assert found.facts["lr_dependence_p"] < 1e-6


def test_rows_and_units_may_come_in_any_order(homes):
    other = np.random.default_rng(1).permutation(homes.weights.n)
    moved = gp.SpatialWeights(
        homes.weights.units[other],
        sparse.csr_array(homes.weights.matrix)[other][:, other],
        standardize="row",
    )
    one = household_fit(homes)
    two = gp.spatial_binary(
        FORMULA, homes.data.iloc[::-1], weights=moved, unit="unit_id"
    )
    pd.testing.assert_series_equal(one.estimates, two.estimates, rtol=EXACT)
    pd.testing.assert_frame_equal(one.vcov, two.vcov, rtol=1e-6)
    left = one.units.set_index("unit_id").sort_index()
    right = two.units.set_index("unit_id").sort_index()
    pd.testing.assert_frame_equal(left, right, rtol=1e-6)


def test_dense_sparse_graph_and_w_give_the_same(homes):
    one = household_fit(homes)
    dense = gp.SpatialWeights(
        homes.weights.units, homes.weights.matrix.toarray(), standardize="row"
    )
    for held in (dense, homes.weights.to_graph(), homes.weights.to_w()):
        two = gp.spatial_binary(FORMULA, homes.data, weights=held, unit="unit_id")
        pd.testing.assert_series_equal(one.estimates, two.estimates, rtol=EXACT)


def test_one_row_a_unit_is_the_household_form_of_ones(towns):
    plain = fit(towns)
    homes = household_fit(towns, method=gp.ML(vcov="iid"))
    pd.testing.assert_series_equal(plain.estimates, homes.estimates, rtol=EXACT)
    pd.testing.assert_frame_equal(plain.vcov, homes.vcov, rtol=1e-6)
    assert plain.facts["vcov"] == "inverse information"


def test_units_may_be_the_index(towns):
    indexed = towns.data.set_index("unit_id")
    one = gp.spatial_binary(FORMULA, indexed, weights=towns.weights)
    pd.testing.assert_series_equal(one.estimates, fit(towns).estimates)


def test_the_input_is_never_modified(many_homes):
    before = many_homes.data.copy()
    household_fit(many_homes, model="durbin")
    pd.testing.assert_frame_equal(before, many_homes.data)


def probabilities(case: Case, found: gp.Result, data: pd.DataFrame) -> pd.Series:
    """Probabilities of the log-odds lag with the N x N weights written out."""
    codes = case.weights.units.get_indexer(data["unit_id"])
    WN = by_rows(case.weights.matrix.toarray(), codes)
    X = np.column_stack([np.ones(len(data)), data[["jobs", "age"]]])
    b = found.estimates.to_numpy()
    eta = np.linalg.solve(np.eye(len(data)) - b[-1] * WN, X @ b[:-1])
    return pd.Series(1 / (1 + np.exp(-eta)), index=data.index)


def test_effects_and_units_are_what_the_model_says(homes):
    found = household_fit(homes)
    at = probabilities(homes, found, homes.data)
    np.testing.assert_allclose(found.tables["fitted"]["probability"], at, rtol=1e-9)
    h = 1e-5
    moved = probabilities(homes, found, homes.data.assign(jobs=homes.data.jobs + h))
    total = float((moved - at).mean() / h)
    effects = found.tables["effects"].set_index(["term", "effect"])["estimate"]
    assert effects["jobs", "total"] == pytest.approx(total, rel=1e-4)
    assert effects["jobs", "direct"] + effects["jobs", "indirect"] == pytest.approx(
        effects["jobs", "total"]
    )
    unit = found.units.loc[7, "unit_id"]
    here = homes.data["unit_id"] == unit
    moved = probabilities(
        homes, found, homes.data.assign(jobs=homes.data.jobs + h * here)
    )
    change = ((moved - at) / h).groupby(homes.data["unit_id"]).mean()
    row = found.units.set_index("unit_id").loc[unit]
    assert row["own(jobs)"] == pytest.approx(change[unit], rel=1e-4)
    assert row["spill_out(jobs)"] == pytest.approx(change.drop(unit).sum(), rel=1e-4)
    assert row["probability"] == pytest.approx(at[here].mean(), rel=1e-9)
    assert row["rows"] == here.sum()


def test_the_se_of_effects_is_the_delta_method_s(homes):
    found = household_fit(homes)
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(found.estimates, found.vcov * 1e-4, size=300)
    h, totals = 1e-5, []
    for draw in draws:
        drawn = gp.Result(
            "x",
            pd.Series(draw, found.estimates.index),
            found.vcov,
            found.units,
            found.facts,
        )
        ends = [
            probabilities(
                homes, drawn, homes.data.assign(jobs=homes.data.jobs + s * h)
            ).mean()
            for s in (1, -1)
        ]
        totals.append((ends[0] - ends[1]) / (2 * h))
    table = found.tables["effects"].set_index(["term", "effect"])
    error = table.loc[("jobs", "total"), "std_error"]
    # 300 draws know a standard deviation to about 4 %.
    assert np.std(totals) * 100 == pytest.approx(error, rel=0.12)


def test_durbin_adds_lags_of_all_covariates(many_homes):
    found = household_fit(many_homes, model="durbin")
    terms = ["Intercept", "jobs", "age", "W(jobs)", "W(age)", "rho"]
    assert found.estimates.index.tolist() == terms
    by_hand = household_fit(many_homes, f"{FORMULA} + W(jobs) + W(age)")
    np.testing.assert_allclose(found.estimates, by_hand.estimates, rtol=1e-6)
    left, right = found.tables["effects"], by_hand.tables["effects"]
    pd.testing.assert_frame_equal(left, right, rtol=1e-5)
    both = household_fit(many_homes, f"{FORMULA} + W(jobs)", model="durbin")
    assert sorted(both.estimates.index) == sorted(terms)


def test_categories_have_changes_as_effects(homes):
    level = pd.Series(np.arange(len(homes.data)) % 3, homes.data.index)
    data = homes.data.assign(kind=level.map({0: "a", 1: "b", 2: "c"}))
    found = gp.spatial_binary(
        "poor ~ jobs + kind", data, weights=homes.weights, unit="unit_id"
    )
    effects = found.tables["effects"]
    assert list(effects["term"].unique()) == ["jobs", "kind[T.b]", "kind[T.c]"]
    assert "own(kind[T.b])" in found.units
    assert "spill_out(kind[T.b])" not in found.units


def test_periods_share_weights_and_stand_apart(homes):
    two = pd.concat(
        [homes.data.assign(year=1), homes.data.assign(year=2)], ignore_index=True
    )
    sample = gp.Sample("unit_id", period="year")
    found = gp.spatial_binary(FORMULA, two, weights=homes.weights, unit=sample)
    once = household_fit(homes)
    pd.testing.assert_series_equal(found.estimates, once.estimates, rtol=1e-6)
    assert found.facts["n_periods"] == 2
    assert found.facts["log_likelihood"] == pytest.approx(
        2 * once.facts["log_likelihood"]
    )
    assert len(found.units) == 2 * homes.weights.n
    assert set(found.units["period"]) == {1, 2}


def test_sampling_weights_count_like_copies(homes):
    data = homes.data.assign(copies=1 + np.arange(len(homes.data)) % 2)
    copied = data.loc[data.index.repeat(data["copies"])].reset_index(drop=True)
    sample = gp.Sample("unit_id", sampling_weight="copies")
    iid = gp.ML(vcov="iid")
    one = gp.spatial_binary(
        FORMULA, copied, weights=homes.weights, unit="unit_id", method=iid
    )
    two = gp.spatial_binary(
        FORMULA, data, weights=homes.weights, unit=sample, method=iid
    )
    pd.testing.assert_series_equal(one.estimates, two.estimates, rtol=1e-6)
    left, right = (r.tables["effects"]["estimate"] for r in (one, two))
    pd.testing.assert_series_equal(left, right, rtol=1e-6)


def test_facts_say_how_well_it_fits(homes):
    facts = household_fit(homes).facts
    for name in ("log_likelihood", "aic", "bic", "pseudo_r_squared", "auc"):
        assert np.isfinite(facts[name])
    assert facts["aic"] == pytest.approx(8 - 2 * facts["log_likelihood"])
    assert facts["lr_dependence"] == pytest.approx(
        2 * (facts["log_likelihood"] - facts["log_likelihood_without_dependence"])
    )
    plain = gp.logit(FORMULA, homes.data).facts["log_likelihood"]
    assert facts["log_likelihood_without_dependence"] == pytest.approx(plain)


def test_tables_hold_calibration_confusion_and_the_search(homes):
    tables = household_fit(homes).tables
    assert set(tables) >= {"effects", "calibration", "confusion", "convergence"}
    assert tables["convergence"]["loglik"].is_monotonic_increasing


def test_a_result_is_joined_and_saved(homes, tmp_path):
    found = household_fit(homes)
    found.save(tmp_path / "fit.zip")
    again = gp.Result.load(tmp_path / "fit.zip")
    pd.testing.assert_frame_equal(found.units, again.units)
    assert again.provenance["recipe"]["columns"] == ["Intercept", "jobs", "age"]
    assert found.provenance["data"][0]["status"] == "simulated"


def test_outcomes_alike_in_a_unit_are_fine_and_said(homes):
    one = homes.weights.units[0]
    data = homes.data.assign(
        poor=homes.data["poor"].where(homes.data["unit_id"] != one, 1)
    )
    found = gp.spatial_binary(FORMULA, data, weights=homes.weights, unit="unit_id")
    assert any("same in all rows of" in n for n in found.notes)


def test_weights_over_everybody_leave_rho_open():
    rng = np.random.default_rng(2)
    n = 150
    times = 1 + 9 * np.linalg.norm(
        rng.random((n, 1, 2)) - rng.random((1, n, 2)), axis=2
    )
    times = (times + times.T) / 2
    W = 1 / times
    np.fill_diagonal(W, 0.0)
    weights = weights_of(W / W.sum(axis=1, keepdims=True), dense=True)
    data = pd.DataFrame({"unit_id": weights.units, "jobs": rng.normal(size=n)})
    data["poor"] = (data["jobs"] + rng.logistic(size=n) > 0).astype(int)
    with pytest.warns(gp.GeoPovertyWarning) as seen:
        found = gp.spatial_binary("poor ~ jobs", data, weights=weights)
    texts = " ".join(str(w.message) for w in seen)
    assert "rho is not identified: whether it is -0.9 or 0.9" in texts
    assert "So flat a lag hardly identifies dependence" in texts
    assert np.isnan(found.estimates["rho"])
    assert np.isnan(found.vcov.loc["rho", "rho"])
    assert np.isfinite(found.tidy().set_index("term").loc["jobs", "std_error"])
    effects = found.tables["effects"].set_index("effect")["estimate"]
    assert np.isfinite(effects["direct"])
    assert np.isnan(effects["indirect"])
    assert np.isnan(effects["total"])
    assert "spill_in(jobs)" not in found.units
    with pytest.raises(gp.EstimationError, match="does not identify rho"):
        gp.predict(found, data, weights=weights)


def test_rho_at_the_boundary_is_no_estimate():
    # Every place copies the next one's index exactly: nothing but rho = 1 fits.
    rng = np.random.default_rng(0)
    n = 150
    W = np.roll(np.eye(n), 1, axis=1)
    weights = gp.SpatialWeights([f"{i:03d}" for i in range(n)], W)
    x = rng.normal(size=n)
    index = np.linalg.solve(np.eye(n) - 0.9999 * W, x)
    poor = (index + 0.5 * rng.logistic(size=n) > index.mean()).astype(int)
    data = pd.DataFrame({"unit_id": weights.units, "x": x, "poor": poor})
    with pytest.raises(gp.EstimationError, match=r"runs to the boundary .* in \(-1, 1"):
        gp.spatial_binary("poor ~ x", data, weights=weights)


def test_separation_names_the_covariate(homes):
    data = homes.data.assign(tells=homes.data["poor"] * 2.0 + 1)
    message = "'tells' separates the outcome 'poor' perfectly"
    for how in ("ml", "gmm", "linear-gmm"):
        with pytest.raises(gp.EstimationError, match=message):
            gp.spatial_binary(
                "poor ~ jobs + tells",
                data,
                weights=homes.weights,
                unit="unit_id",
                method=how,
            )


def drop_unit(case: Case) -> tuple[pd.DataFrame, str]:
    unit = case.weights.units[3]
    return case.data[case.data["unit_id"] != unit], unit


def test_units_that_only_one_side_has_are_listed(homes):
    fewer, unit = drop_unit(homes)
    message = rf"hold the same units; 1 only in the weights \({unit}\)"
    with pytest.raises(gp.InputError, match=message):
        gp.spatial_binary(FORMULA, fewer, weights=homes.weights, unit="unit_id")
    kept = [u for u in homes.weights.units if u != unit]
    message = rf"hold the same units; 1 only in the rows \({unit}\)"
    with pytest.raises(gp.InputError, match=message):
        gp.spatial_binary(
            FORMULA, homes.data, weights=homes.weights.subset(kept), unit="unit_id"
        )


def test_several_rows_a_unit_need_the_household_form(homes):
    message = "each unit must have one row; .* Pass unit='unit_id' for many rows"
    with pytest.raises(gp.InputError, match=message):
        fit(homes)


def test_a_unit_without_a_period_is_named(homes):
    late = homes.data[homes.data["unit_id"] != homes.weights.units[0]]
    two = pd.concat([homes.data.assign(year=1), late.assign(year=2)])
    message = rf"1 of 120 are missing \({homes.weights.units[0]} in 2\)"
    with pytest.raises(gp.InputError, match=message):
        gp.spatial_binary(
            FORMULA,
            two.reset_index(drop=True),
            weights=homes.weights,
            unit=gp.Sample("unit_id", period="year"),
        )


def test_one_unit_has_no_neighbour():
    data = pd.DataFrame({"unit_id": ["a"] * 4, "x": [1, 2, 3, 4], "y": [0, 1, 0, 1]})
    weights = gp.SpatialWeights(["a"], [[0.0]])
    with pytest.raises(gp.InputError, match=r"units with neighbours; .* have 1 unit"):
        gp.spatial_binary("y ~ x", data, weights=weights, unit="unit_id")


def test_negative_weights_are_refused():
    with pytest.raises(gp.InputError, match="finite and at least 0"):
        gp.SpatialWeights(["a", "b"], [[0.0, -1.0], [1.0, 0.0]])


def test_islands_are_noted_and_fitted(towns):
    W = towns.weights.matrix.toarray()
    W[0] = 0.0
    weights = gp.SpatialWeights(towns.weights.units, sparse.csr_array(W))
    found = gp.spatial_binary(FORMULA, towns.data, weights=weights)
    assert any("1 of 200 units have none (their lag is 0)" in n for n in found.notes)


def test_asymmetric_times_with_a_complex_spectrum(towns):
    rng = np.random.default_rng(0)
    W = towns.weights.matrix.toarray() * rng.uniform(0.2, 1, (200, 200))
    W /= W.sum(axis=1, keepdims=True)
    assert np.abs(np.linalg.eigvals(W).imag).max() > 0.05
    weights = gp.SpatialWeights(towns.weights.units, W, standardize="row")
    found = gp.spatial_binary(FORMULA, towns.data, weights=weights)
    low, high = found.facts["feasible_low"], found.facts["feasible_high"]
    assert low < -1
    assert high == pytest.approx(1.0)
    assert low < found.estimates["rho"] < high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "sar"}, "model must be one of 'lag', 'error', 'durbin'"),
        ({"link": "loggit"}, "Did you mean 'logit'"),
        ({"method": "mle"}, "method must be one of 'ml', 'gmm', 'linear-gmm'"),
        ({"random": "county"}, "random must be one of 'unit'"),
        ({"random": "unit", "method": gp.ML("cluster")}, "With random effects units"),
        ({"unit": 3}, "unit must be a column name, a Sample or None; got int"),
        ({"unit": "county"}, "data needs the column county"),
        ({"model": "error"}, "log-odds have no error term"),
        ({"model": "error", "method": "linear-gmm"}, "linearised estimator is for a"),
        ({"random": "unit", "link": "probit"}, "Random effects are fitted with"),
        (
            {"unit": gp.Sample("unit_id", sampling_weight="age"), "link": "probit"},
            "Sampling weights",
        ),
        (
            {"unit": gp.Sample("unit_id", sampling_weight="ones"), "method": "gmm"},
            "Sampling weights need a likelihood that is a sum over rows",
        ),
    ],
)
def test_options_that_do_not_go_together(homes, options, message):
    given = Case(homes.data.assign(ones=1.0), *list(vars(homes).values())[1:])
    with pytest.raises(gp.InputError, match=message):
        household_fit(given, **options)


def test_a_covariate_may_not_be_called_rho(homes):
    data = homes.data.rename(columns={"age": "rho"})
    with pytest.raises(gp.InputError, match=r"the model's coefficients; .* \(rho\)"):
        gp.spatial_binary("poor ~ rho", data, weights=homes.weights, unit="unit_id")


def test_a_lag_that_says_nothing_new_is_refused(towns):
    data = towns.data.assign(one=1.0)
    with pytest.raises(gp.InputError, match="must not determine one another"):
        gp.spatial_binary("poor ~ jobs + one", data, weights=towns.weights)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gp.GMM(steps=3), "steps must be one of 1, 2"),
        (lambda: gp.GMM(order=0), "order must be a whole number from 1 to 5"),
        (lambda: gp.LinearGMM(order=1.5), "order must be a whole number from 1 to 5"),
        (lambda: gp.RandomEffects("car"), "structure must be one of 'sar', 'leroux'"),
    ],
)
def test_settings_check_themselves(make, message):
    with pytest.raises(gp.InputError, match=message):
        make()


def test_methods_by_name_and_by_object():
    assert method_of(gp.GMM(2))[0] == "gmm"
    assert method_of("linear-gmm") == ("linear-gmm", gp.LinearGMM())
    assert random_of(None) is None


def columns(found: gp.Result) -> Array:
    return found.estimates.to_numpy()


def test_gmm_and_its_linear_form_report_what_they_are(towns):
    gmm = fit(towns, link="probit", method="gmm")
    assert not gmm.facts["weak_instruments"]
    assert any("GMM in one step" in n for n in gmm.notes)
    assert abs(gmm.estimates["rho"] - towns.rho) < 4 * np.sqrt(
        gmm.vcov.loc["rho", "rho"]
    )
    two = fit(towns, link="probit", method=gp.GMM(steps=2))
    assert {"hansen_j", "hansen_df", "hansen_p"} <= set(two.facts)
    linear = fit(towns, link="probit", method="linear-gmm")
    assert any("inconsistent away from rho = 0" in n for n in linear.notes)


def test_linear_gmm_outside_the_feasible_has_no_effects():
    case = places(n=200, rho=0.85, seed=3)
    with pytest.warns(gp.GeoPovertyWarning, match="outside what is feasible"):
        found = fit(case, link="probit", method="linear-gmm")
    assert found.estimates["rho"] > 1
    assert "effects" not in found.tables
    assert "probability" not in found.units


@pytest.fixture(scope="module")
def random_homes() -> tuple[Case, Array]:
    case = households(units=120, per_unit=25, rho=0.0, seed=3)
    rng = np.random.default_rng(7)
    A = np.eye(120) - 0.6 * case.weights.matrix.toarray()
    effects = np.linalg.solve(A, rng.normal(size=120))
    data = case.data.copy()
    here = case.weights.units.get_indexer(data["unit_id"])
    eta = np.column_stack([np.ones(len(data)), data[["jobs", "age"]]]) @ case.beta
    data["poor"] = (rng.logistic(size=len(data)) < eta + effects[here]).astype(int)
    return Case(data, case.weights, case.beta, 0.6), effects


@pytest.mark.parametrize("structure", ["sar", "leroux"])
def test_random_effects_of_units(random_homes, structure):
    case, effects = random_homes
    found = household_fit(case, random=gp.RandomEffects(structure))
    assert found.estimates.index.tolist() == [
        *("Intercept", "jobs", "age", "sigma", "rho")
    ]
    tidy = found.tidy().set_index("term")
    truth = pd.Series(case.beta, ["Intercept", "jobs", "age"])
    gap = (tidy.loc[truth.index, "estimate"] - truth).abs()
    assert (gap < 3 * tidy.loc[truth.index, "std_error"]).all()
    units = found.units.set_index("unit_id").loc[case.weights.units]
    assert np.corrcoef(units["effect"], effects)[0, 1] > 0.85
    # Their common level is the constant's business, not theirs.
    shift = float((effects - units["effect"]).mean())
    inside = (units["effect_low"] < effects - shift) & (
        effects - shift < units["effect_high"]
    )
    assert inside.mean() > 0.88
    assert set(found.tables["effects"]["effect"]) == {"direct"}
    assert found.facts["lr_effects"] > 50
    if structure == "sar":
        for term, value in (("sigma", 1.0), ("rho", 0.6)):
            assert abs(tidy.loc[term, "estimate"] - value) < (
                3 * tidy.loc[term, "std_error"]
            )


def test_effects_beside_random_effects_are_averaged_slopes(random_homes):
    case, _ = random_homes
    found = household_fit(case, random="unit")
    data = case.data.assign(
        effect=case.data["unit_id"].map(found.units.set_index("unit_id")["effect"])
    )
    b = found.estimates
    eta = b["Intercept"] + b["jobs"] * data["jobs"] + b["age"] * data["age"]
    p = 1 / (1 + np.exp(-(eta + data["effect"])))
    table = found.tables["effects"].set_index("term")["estimate"]
    # At the mode, not averaged around it: a little steeper.
    assert table["jobs"] == pytest.approx(b["jobs"] * (p * (1 - p)).mean(), rel=0.05)


def test_no_effects_of_units_are_said(homes):
    rng = np.random.default_rng(0)
    data = homes.data.assign(poor=rng.integers(0, 2, len(homes.data)))
    with pytest.warns(gp.GeoPovertyWarning, match=r"sigma is 0|rho is left out"):
        found = gp.spatial_binary(
            FORMULA, data, weights=homes.weights, unit="unit_id", random="unit"
        )
    assert np.isnan(found.estimates["rho"])


def test_random_effects_of_few_rows_are_warned_of(towns):
    with pytest.warns(gp.GeoPovertyWarning) as seen:
        found = fit(towns, random="unit")
    assert any("have 1 rows or fewer" in str(w.message) for w in seen)
    assert any("too little variance" in n for n in found.notes)


def test_random_effects_may_have_periods_and_sampling_weights(random_homes):
    case, _ = random_homes
    data = case.data.assign(w=3.0, year=1)
    sample = gp.Sample("unit_id", period="year", sampling_weight="w")
    one = gp.spatial_binary(
        FORMULA, data, weights=case.weights, unit=sample, random="unit"
    )
    two = household_fit(case, random="unit")
    pd.testing.assert_series_equal(one.estimates, two.estimates, rtol=1e-5)


@pytest.mark.parametrize("model", ["lag", "error", "durbin"])
def test_spatial_probits_find_what_was_planted(model):
    case = places(n=900, rho=0.5, seed=1, error=model == "error")
    found = fit(case, link="probit", model=model)
    tidy = found.tidy().set_index("term")
    name = "lambda" if model == "error" else "rho"
    truth = {"jobs": 1.0, "age": -0.7, name: 0.5}
    for term, value in truth.items():
        assert abs(tidy.loc[term, "estimate"] - value) < 3 * tidy.loc[term, "std_error"]
    assert tidy.loc[name, "std_error"] < 0.09
    kinds = set(found.tables["effects"]["effect"])
    assert kinds == (
        {"direct"} if model == "error" else {"direct", "indirect", "total"}
    )


def test_a_probit_s_effects_are_scaled_by_its_spread(towns):
    found = fit(towns, link="probit")
    b = found.estimates
    W = towns.weights.matrix.toarray()
    B = np.linalg.inv(np.eye(len(W)) - b["rho"] * W)
    s = np.sqrt((B * B).sum(axis=1))
    data = towns.data.set_index("unit_id").loc[towns.weights.units]
    X = np.column_stack([np.ones(len(W)), data[["jobs", "age"]]])
    a = B @ X @ b.to_numpy()[:-1] / s
    density = np.exp(-a * a / 2) / np.sqrt(2 * np.pi)
    total = np.mean(density / s * B.sum(axis=1)) * b["jobs"]
    table = found.tables["effects"].set_index(["term", "effect"])["estimate"]
    assert table["jobs", "total"] == pytest.approx(total, rel=1e-9)
    assert s.mean() > 1.05  # so that leaving it out would show


def test_a_household_probit(homes):
    found = household_fit(homes, link="probit")
    logit = household_fit(homes)
    # A probit's coefficients are those of a logit over about 1.6 to 1.8.
    ratio = logit.estimates["jobs"] / found.estimates["jobs"]
    assert 1.4 < ratio < 2.0
    assert found.facts["vcov"] == "inverse information"


def test_a_probit_takes_no_sandwich(towns):
    with pytest.raises(gp.InputError, match="sandwich errors have no sum"):
        fit(towns, link="probit", method=gp.ML(vcov="cluster"))


def test_a_probit_over_everybody_leaves_rho_open():
    rng = np.random.default_rng(3)
    n = 120
    W = 1 / (1 + rng.random((n, n)))
    np.fill_diagonal(W, 0.0)
    weights = weights_of(W / W.sum(axis=1, keepdims=True), dense=True)
    data = pd.DataFrame({"unit_id": weights.units, "jobs": rng.normal(size=n)})
    data["poor"] = (data["jobs"] + rng.normal(size=n) > 0).astype(int)
    with pytest.warns(gp.GeoPovertyWarning) as seen:
        found = gp.spatial_binary("poor ~ jobs", data, weights=weights, link="probit")
    assert any("rho is not identified" in str(w.message) for w in seen)
    assert np.isnan(found.estimates["rho"])


def test_a_constant_alone_has_no_lag_to_speak_of(towns):
    found = fit(towns, "poor ~ 1", link="probit")
    assert found.estimates.index.tolist() == ["Intercept", "rho"]
    assert not any("sd(Wx)/sd(x)" in n for n in found.notes)
    assert len(found.tables["effects"]) == 0


def test_a_singular_information_names_what_cannot_be_told_apart():
    information = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    named = SimpleNamespace(names=["Intercept", "jobs", "rho"])
    with pytest.raises(gp.EstimationError, match=r"tell apart (jobs, rho|rho, j)"):
        positive_inverse(information, named)
    regular = information + np.diag([0.0, 0.0, 1e-3])
    np.testing.assert_allclose(
        positive_inverse(regular, named) @ regular, np.eye(3), atol=1e-9
    )


@pytest.fixture(scope="module")
def columbus() -> Case:
    """Neighbourhoods of Columbus, Ohio, in 1980 (Anselin 1988), crime above 35."""
    data = table("columbus_old")
    ids = [f"{i:02d}" for i in range(1, len(data) + 1)]
    links = table("columbus_W")
    W = sparse.csr_array((links["x"], (links["i"] - 1, links["j"] - 1)))
    data = data.assign(unit_id=ids, high=(data["CRIME"] > 35).astype(int))
    return Case(data, gp.SpatialWeights(ids, W, standardize="row"), np.zeros(0), 0.0)


@pytest.mark.parametrize(
    ("how", "expected", "within"),
    [
        # The maximum of the GHK likelihood; see tests/test_ep.py.
        ({"link": "probit"}, (2.98427, -0.15298, -0.02403, 0.54420), 0.01),
        # spldv 0.1.4, six digits.
        (
            {"link": "probit", "method": "linear-gmm"},
            (3.233637, -0.170005, -0.023361, 0.537501),
            1e-5,
        ),
        ({"method": "linear-gmm"}, (6.697781, -0.372106, -0.041858, 0.503115), 1e-5),
    ],
)
def test_columbus(columbus, how, expected, within):
    found = fit(columbus, "high ~ INC + HOVAL", **how)
    np.testing.assert_allclose(found.estimates, expected, atol=within)
