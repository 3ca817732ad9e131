"""`predict`: in sample, other covariates, other units."""

import numpy as np
import pandas as pd
import pytest
from builders import result
from scipy import stats
from spatial_cases import households, neighbours, places, weights_of

import geopoverty as gp

FORMULA = "poor ~ jobs + age"


@pytest.fixture(scope="module")
def homes():
    return households()


@pytest.fixture(scope="module")
def found(homes):
    return gp.spatial_binary(FORMULA, homes.data, weights=homes.weights, unit="unit_id")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model": "durbin"},
        {"method": "gmm", "link": "probit"},
        {"method": gp.GMM(steps=2), "link": "probit"},
    ],
)
def test_in_sample_it_gives_the_fitted_probabilities(options):
    homes = households(units=150, per_unit=20, rho=0.7)
    fit = gp.spatial_binary(
        FORMULA, homes.data, weights=homes.weights, unit="unit_id", **options
    )
    out = gp.predict(fit, homes.data, weights=homes.weights)
    expected = fit.tables["fitted"]["probability"]
    pd.testing.assert_series_equal(out["probability"], expected, rtol=1e-9)
    assert (out["probability_low"] < out["probability"]).all()
    assert (out["probability"] < out["probability_high"]).all()


def test_the_parts_add_up(homes, found):
    out = gp.predict(found, homes.data, weights=homes.weights)
    np.testing.assert_allclose(out["trend"] + out["signal"], out["index"])
    b = found.estimates
    trend = b["Intercept"] + homes.data[["jobs", "age"]] @ b[["jobs", "age"]]
    np.testing.assert_allclose(out["trend"], trend)
    np.testing.assert_allclose(out["probability"], 1 / (1 + np.exp(-out["index"])))


def test_intervals_are_the_delta_method_s(homes, found):
    narrow = gp.Result(
        **{
            **{k: getattr(found, k) for k in vars(found)},
            "vcov": found.vcov * 1e-6,
        }
    )
    out = gp.predict(narrow, homes.data, weights=homes.weights, conf_level=0.9)
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(narrow.estimates, narrow.vcov, size=400)
    indices = []
    for draw in draws:
        moved = gp.Result(
            **{
                **{k: getattr(narrow, k) for k in vars(narrow)},
                "estimates": pd.Series(draw, narrow.estimates.index),
            }
        )
        indices.append(gp.predict(moved, homes.data, weights=homes.weights)["index"])
    spread = np.std(indices, axis=0)
    p = out["probability"]
    half = (out["probability_high"] - out["probability_low"]) / (2 * p * (1 - p))
    # 400 draws know each standard deviation to 3.5 %, all of them together better.
    assert np.mean(half / (1.6449 * spread)) == pytest.approx(1, abs=0.03)


def test_other_covariates_move_neighbours_too(homes, found):
    unit = homes.weights.units[0]
    here = homes.data["unit_id"] == unit
    better = homes.data.assign(jobs=homes.data["jobs"] + 1.0 * here)
    before = gp.predict(found, homes.data, weights=homes.weights)["probability"]
    after = gp.predict(found, better, weights=homes.weights)["probability"]
    near = homes.weights.matrix.toarray()[:, 0] > 0
    neighbours_of = homes.data["unit_id"].isin(homes.weights.units[near])
    assert ((after - before)[here] > 0).all()
    assert ((after - before)[neighbours_of] > 0).all()


def test_other_units_have_their_own_weights(found):
    other = households(units=25, seed=9)
    ids = {u: f"n{u}" for u in other.weights.units}
    data = other.data.assign(unit_id=other.data["unit_id"].map(ids)).drop(
        columns="poor"
    )
    weights = gp.SpatialWeights(
        [ids[u] for u in other.weights.units], other.weights.matrix, standardize="row"
    )
    out = gp.predict(found, data, weights=weights)
    assert out.index.equals(data.index)
    assert out.notna().all(axis=None)


def test_a_probit_error_model_is_scaled():
    case = places(n=150, error=True)
    fit = gp.spatial_binary(
        FORMULA, case.data, weights=case.weights, link="probit", model="error"
    )
    out = gp.predict(fit, case.data, weights=case.weights)
    assert (out["signal"] == 0).all()
    pd.testing.assert_series_equal(
        out["probability"], fit.tables["fitted"]["probability"], rtol=1e-9
    )


def test_categories_keep_their_base(homes):
    kind = np.array(["a", "b", "c"])[np.arange(len(homes.data)) % 3]
    data = homes.data.assign(kind=kind)
    fit = gp.spatial_binary(
        "poor ~ jobs + kind", data, weights=homes.weights, unit="unit_id"
    )
    whole = gp.predict(fit, data, weights=homes.weights)
    only = data.assign(kind="c")
    out = gp.predict(fit, only, weights=homes.weights)
    b = fit.estimates
    np.testing.assert_allclose(
        out["trend"], b["Intercept"] + b["jobs"] * data["jobs"] + b["kind[T.c]"]
    )
    assert not np.allclose(out["probability"], whole["probability"])
    with pytest.raises(gp.InputError, match="must be one of the categories of the fit"):
        gp.predict(fit, data.assign(kind="d"), weights=homes.weights)


def test_plain_models_predict_too():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=80), "kind": np.tile(["a", "b"], 40)})
    data["y"] = (data["x"] + rng.logistic(size=80) > 0).astype(int)
    for estimator in (gp.logit, gp.probit):
        fit = estimator("y ~ x + I(x**2) + kind", data)
        out = gp.predict(fit, data.drop(columns="y"))
        pd.testing.assert_series_equal(
            out["probability"], fit.tables["fitted"]["probability"], rtol=1e-9
        )


def test_lagged_covariates_follow_the_new_weights():
    case = places(n=60)
    fit = gp.logit("poor ~ jobs + W(jobs)", case.data, weights=case.weights, vcov="hc1")
    out = gp.predict(fit, case.data, weights=case.weights)
    expected = fit.tables["fitted"]["probability"]
    pd.testing.assert_series_equal(out["probability"], expected, rtol=1e-9)
    other = weights_of(neighbours(60, 3, 8))
    moved = gp.predict(fit, case.data, weights=other)
    assert not np.allclose(moved["probability"], out["probability"])


def test_incomplete_rows_are_nan(homes, found):
    data = homes.data.copy()
    twice = data["unit_id"].duplicated(keep=False)
    row = data.index[twice][0]
    data.loc[row, "age"] = np.nan
    out = gp.predict(found, data, weights=homes.weights)
    assert out.loc[row].isna().all()
    assert out.drop(row).notna().all(axis=None)


def test_what_cannot_be_predicted_is_refused(homes, found):
    with pytest.raises(gp.InputError, match="needs the weights between the units"):
        gp.predict(found, homes.data)
    with pytest.raises(gp.InputError, match="conf_level must be between 0 and 1"):
        gp.predict(found, homes.data, weights=homes.weights, conf_level=95)
    with pytest.raises(gp.InputError, match="can be set up for other rows"):
        gp.predict(result(estimator="exit_hazard"), homes.data)
    income = homes.data.groupby("unit_id").first().reset_index()
    flat = gp.panel("jobs ~ age", income.assign(period=1), effects="none", vcov="hc1")
    with pytest.raises(gp.InputError, match="predict takes logit, probit"):
        gp.predict(flat, income)
    with pytest.raises(gp.InputError, match="age"):
        gp.predict(found, homes.data.drop(columns="age"), weights=homes.weights)
    fit = gp.logit("poor ~ center(jobs)", homes.data)
    with pytest.raises(gp.InputError, match="center depends on all rows it sees"):
        gp.predict(fit, homes.data)


def test_saved_results_predict_alike(homes, found, tmp_path):
    found.save(tmp_path / "fit.zip")
    again = gp.Result.load(tmp_path / "fit.zip")
    pd.testing.assert_frame_equal(
        gp.predict(again, homes.data, weights=homes.weights),
        gp.predict(found, homes.data, weights=homes.weights),
    )


def linear_case():
    rng = np.random.default_rng(5)
    case = places(n=60)
    income = 2 + 0.5 * case.data["jobs"] + rng.normal(scale=0.3, size=60)
    return case.data.assign(income=income), case.weights


def test_a_linear_model_predicts_means_with_t_intervals():
    data, weights = linear_case()
    fit = gp.ols("income ~ jobs + W(jobs) + age", data, weights=weights, vcov="hc1")
    moved = data.assign(jobs=data["jobs"] + 1).drop(columns="income")
    out = gp.predict(fit, moved, weights=weights, conf_level=0.9)
    around = weights.matrix @ moved.set_index("unit_id")["jobs"][weights.units]
    at = pd.Series(around, weights.units)[moved["unit_id"]].to_numpy()
    X = np.column_stack([np.ones(60), moved["jobs"], at, moved["age"]])
    order = ["Intercept", "jobs", "W(jobs)", "age"]
    b, V = fit.estimates[order], fit.vcov.loc[order, order]
    np.testing.assert_allclose(out["expected"], X @ b, rtol=1e-10)
    np.testing.assert_allclose(out["signal"], at * b["W(jobs)"], rtol=1e-9)
    np.testing.assert_allclose(out["trend"] + out["signal"], out["expected"])
    wide = stats.t(56).ppf(0.95) * np.sqrt(np.einsum("ij,jk,ik->i", X, V, X))
    np.testing.assert_allclose(out["expected_high"] - out["expected"], wide)
    np.testing.assert_allclose(out["expected"] - out["expected_low"], wide)
    inside = gp.predict(fit, data, weights=weights)["expected"]
    pd.testing.assert_series_equal(
        inside, fit.tables["fitted"]["fitted"], check_names=False, rtol=1e-9
    )


def test_lags_of_a_plain_model_are_its_signal():
    case = places(n=60)
    fit = gp.logit("poor ~ jobs + W(jobs)", case.data, weights=case.weights, vcov="hc1")
    out = gp.predict(fit, case.data, weights=case.weights)
    b = fit.estimates
    trend = b["Intercept"] + b["jobs"] * case.data["jobs"]
    np.testing.assert_allclose(out["trend"], trend, rtol=1e-10)
    np.testing.assert_allclose(out["trend"] + out["signal"], out["index"])


def exits_case():
    rng = np.random.default_rng(8)
    age = rng.normal(size=120)
    years = rng.exponential(np.exp(-0.6 * age)) + 0.05
    return pd.DataFrame(
        {
            "unit_id": [f"h{i}" for i in range(120)],
            "age": age,
            "years": years.round(3),
            "left": (rng.uniform(size=120) < 0.8) * 1,
        }
    )


def test_a_cox_model_predicts_ratios_and_chances_of_leaving():
    data = exits_case()
    fit = gp.exit_hazard("age", data, duration="years", exited="left", model="cox")
    out = gp.predict(fit, data)
    chances = fit.units.set_index("unit_id").loc[data["unit_id"], "exit_probability"]
    np.testing.assert_allclose(out["exit_probability"], chances, rtol=1e-9)
    b, se = fit.estimates["age"], np.sqrt(fit.vcov.loc["age", "age"])
    centred = data["age"] - data["age"].mean()
    np.testing.assert_allclose(out["hazard_ratio"], np.exp(b * centred), rtol=1e-9)
    high = np.exp(b * centred + 1.959964 * se * centred.abs())
    np.testing.assert_allclose(out["hazard_ratio_high"], high, rtol=1e-6)
    assert "exit_probability_low" not in out


def test_what_has_no_single_baseline_is_refused():
    data = exits_case().assign(side=["a", "b"] * 60)
    strata = gp.exit_hazard(
        "age", data, duration="years", exited="left",
        model=gp.Hazard("cox", strata="side"),
    )  # fmt: skip
    with pytest.raises(gp.InputError, match="Cox, one baseline"):
        gp.predict(strata, data)
