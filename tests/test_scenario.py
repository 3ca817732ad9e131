"""`scenario`: what a change does where, against dense algebra and `predict`."""

import numpy as np
import pandas as pd
import pytest
from builders import result
from scipy import special
from spatial_cases import households, neighbours, weights_of

import geopoverty as gp
from geopoverty.scenario import Change, scenario


@pytest.fixture(scope="module")
def homes():
    return households(units=40, per_unit=6)


@pytest.fixture(scope="module")
def lag(homes):
    return gp.spatial_binary(
        "poor ~ jobs + age", homes.data, weights=homes.weights, unit="unit_id"
    )


@pytest.fixture(scope="module")
def counties():
    """Return a panel of counties, weights between them, and W in their order."""
    rng = np.random.default_rng(4)
    W = neighbours(30, 4, 4)
    weights = weights_of(W)
    n = len(W)
    jobs = rng.normal(size=(2, n))
    mean = 0.5 * jobs + 0.3 * jobs @ W.T + rng.normal(size=n)
    noise = rng.normal(scale=0.3, size=(2, n))
    income = np.linalg.solve(np.eye(n) - 0.4 * W, (mean + noise).T).T
    table = pd.DataFrame(
        {
            "unit_id": np.tile(weights.units, 2),
            "period": np.repeat([2010, 2020], n),
            "jobs": jobs.ravel(),
            "income": income.ravel(),
            "poor": (income.ravel() < 0).astype(int),
        }
    )
    return table, weights, W


def states(rows, codes, fit, W, at):
    """Return indices before and after by brute force; `at` is what units add."""
    b, rho = fit.estimates[["Intercept", "jobs", "age"]].to_numpy(), 0.0
    rho = fit.estimates["rho"]
    B = np.linalg.inv(np.eye(len(W)) - rho * W)
    out = []
    for add in (0 * at, at):
        X = np.column_stack(
            [np.ones(len(rows)), rows["jobs"] + add[codes], rows["age"]]
        )
        own = X @ b
        mean = np.bincount(codes, own) / np.bincount(codes)
        out.append(own + ((B - np.eye(len(W))) @ mean)[codes])
    return out


# ---- against brute force -------------------------------------------------------------


def test_one_changed_unit_of_a_lag_logit(homes, lag):
    units = homes.weights.units
    codes = units.get_indexer(homes.data["unit_id"])
    W = homes.weights.matrix.toarray()
    add = np.zeros(len(units))
    add[7] = 2.0
    before, after = (
        np.bincount(codes, special.expit(i)) / np.bincount(codes)
        for i in states(homes.data, codes, lag, W, add)
    )
    change = {"jobs": Change(add=2, units=[units[7]])}
    found = scenario(lag, homes.data, weights=homes.weights, change=change, draws=0)
    table = found.units.set_index("unit_id").loc[units]
    np.testing.assert_allclose(table["before"], before, atol=1e-12)
    np.testing.assert_allclose(table["change"], after - before, atol=1e-12)
    # Only one unit changed: there all is its own doing, elsewhere all spills over.
    np.testing.assert_allclose(table["spillover"].iloc[7], 0, atol=1e-12)
    np.testing.assert_allclose(table["own"].drop(units[7]), 0, atol=1e-15)
    assert table["changed"].sum() == found.facts["n_units_changed"] == 1
    assert found.tables["most"]["unit_id"].iloc[0] == units[7]


@pytest.mark.parametrize("model", ["lag", "durbin", "error"])
def test_the_own_part_is_that_of_a_change_here_alone(homes, model):
    fit = gp.spatial_binary(
        "poor ~ jobs + age",
        homes.data,
        weights=homes.weights,
        unit="unit_id",
        model=model,
        link="probit",
    )
    rng = np.random.default_rng(0)
    units = homes.weights.units
    add = pd.Series(rng.normal(size=len(units)), index=units)
    given = {"weights": homes.weights, "draws": 0}
    every = scenario(fit, homes.data, change={"jobs": add}, **given)
    table = every.units.set_index("unit_id")
    for unit in units[:5]:
        step = Change(add=float(add[unit]), units=[unit])
        one = scenario(fit, homes.data, change={"jobs": step}, **given)
        alone = one.units.set_index("unit_id").loc[unit]
        assert table.loc[unit, "own"] == pytest.approx(alone["change"], abs=1e-10)
        assert alone["spillover"] == pytest.approx(0, abs=1e-10)


def test_all_changed_is_the_difference_of_two_predictions(homes, lag):
    given = {"weights": homes.weights}
    found = scenario(lag, homes.data, change={"jobs": 1.0}, draws=0, **given)
    ends = [
        gp.predict(lag, homes.data.assign(jobs=homes.data["jobs"] + add), **given)
        for add in (0.0, 1.0)
    ]
    mean = (ends[1]["probability"] - ends[0]["probability"]).mean()
    assert found.estimates["change"] == pytest.approx(mean, abs=1e-12)
    parts = found.estimates["own"] + found.estimates["spillover"]
    assert found.estimates["change"] == pytest.approx(parts, abs=1e-14)


def test_a_logit_with_lags_spills_as_far_as_its_weights(counties):
    table, weights, W = counties
    fit = gp.logit(
        "poor ~ jobs + W(jobs)", table, weights=weights, period="period", vcov="iid"
    )
    unit = weights.units[3]
    found = scenario(
        fit,
        table,
        weights=weights,
        change={"jobs": Change(add=1, units=[unit], periods=[2020])},
        draws=0,
    )
    late = found.units.query("period == 2020").set_index("unit_id").loc[weights.units]
    b = fit.estimates
    now = table.query("period == 2020")["jobs"].to_numpy()
    index = b["Intercept"] + b["jobs"] * now + b["W(jobs)"] * (W @ now)
    spill = special.expit(index + b["W(jobs)"] * W[:, 3]) - special.expit(index)
    own = special.expit(index[3] + b["jobs"]) - special.expit(index[3])
    np.testing.assert_allclose(late["spillover"], spill, atol=1e-12)
    assert late["own"].iloc[3] == pytest.approx(own)
    assert (found.units.query("period == 2010")["change"] == 0).all()


def test_a_linear_model_changes_by_its_own_and_lag_coefficients(counties):
    table, weights, W = counties
    now = table.query("period == 2020").drop(columns="period")
    fit = gp.ols("income ~ jobs + W(jobs)", now, weights=weights, vcov="hc1")
    add = pd.Series(np.arange(len(W)) / 10, index=weights.units)
    found = scenario(fit, now, weights=weights, change={"jobs": add}, draws=4000)
    b, units = fit.estimates, found.units.set_index("unit_id").loc[weights.units]
    np.testing.assert_allclose(units["own"], b["jobs"] * add, atol=1e-12)
    np.testing.assert_allclose(units["spillover"], b["W(jobs)"] * (W @ add), atol=1e-12)
    fitted = now["income"] - (fit.tables["fitted"]["residual"])
    before = pd.Series(fitted.to_numpy(), now["unit_id"])[units.index]
    np.testing.assert_allclose(units["before"], before, atol=1e-10)
    np.testing.assert_allclose(units["after"] - units["before"], units["change"])
    # Linear in the coefficients: the interval is theirs, but for the draws' error.
    move = np.column_stack([add, W @ add])
    V = fit.vcov.loc[["jobs", "W(jobs)"], ["jobs", "W(jobs)"]].to_numpy()
    wide = 2 * 1.959964 * np.sqrt(np.einsum("ij,jk,ik->i", move, V, move))
    drawn = (units["change_high"] - units["change_low"]).to_numpy()
    np.testing.assert_allclose(drawn[1:], wide[1:], rtol=0.06)
    assert found.facts["outcome"] == "income"


@pytest.mark.parametrize("model", ["none", "lag", "durbin", "error"])
@pytest.mark.parametrize("effects", ["two-way", "none"])
def test_panels_change_by_the_inverse(counties, model, effects):
    table, weights, W = counties
    options = {"model": model, "effects": effects, "weights": weights, "vcov": "iid"}
    formula = "income ~ jobs" + (" + W(jobs)" if model == "none" else "")
    fit = gp.panel(formula, table, **options)
    add = pd.Series(np.arange(len(W)) / 10, index=weights.units)
    found = scenario(fit, table, weights=weights, change={"jobs": add}, draws=0)
    b = fit.estimates
    rho = b["rho"] if model in ("lag", "durbin") else 0.0
    B = np.linalg.inv(np.eye(len(W)) - rho * W)
    S = B @ (b["jobs"] * np.eye(len(W)) + b.get("W(jobs)", 0.0) * W)
    expected = S @ add.to_numpy()
    for _, part in found.units.groupby("period"):
        here = part.set_index("unit_id").loc[weights.units]
        np.testing.assert_allclose(here["change"], expected, atol=1e-10)
        np.testing.assert_allclose(here["own"], np.diag(S) * add, atol=1e-10)
    assert "before" not in found.units


def test_exits_change_with_their_hazards(counties):
    table, weights, W = counties
    rng = np.random.default_rng(6)
    late = table.query("period == 2020").reset_index(drop=True)
    hazard = np.exp(late["jobs"] + 0.5 * W @ late["jobs"])
    late["years"] = np.ceil(10 * rng.exponential(size=len(late)) / hazard)
    late["left"] = (late["years"] <= 15).astype(int)
    late["years"] = late["years"].clip(upper=15)
    fit = gp.exit_hazard(
        "jobs + W(jobs)",
        late,
        duration="years",
        exited="left",
        model=gp.Hazard(by=8.0),
        weights=weights,
    )
    unit = weights.units[2]
    change = {"jobs": Change(add=1, units=[unit])}
    found = scenario(fit, late, weights=weights, change=change, draws=0)
    here = found.units.set_index("unit_id").loc[late["unit_id"]]
    before = fit.units.set_index("unit_id").loc[late["unit_id"], "exit_probability"]
    np.testing.assert_allclose(here["before"], before, atol=1e-12)
    b, at = fit.estimates, weights.units.get_indexer(late["unit_id"])
    add = b["jobs"] * (at == 2) + b["W(jobs)"] * W[at, 2]
    after = 1 - (1 - before) ** np.exp(add)
    np.testing.assert_allclose(here["after"], after, atol=1e-12)
    assert found.facts["outcome"] == "probability of having left by 8"
    many = scenario(fit, late, weights=weights, change=change, draws=200)
    assert any("baseline hazard is held" in note for note in many.notes)
    row = many.units.set_index("unit_id").loc[unit]
    assert row["own_low"] < row["own"] < row["own_high"]


def test_a_unit_that_changes_counts_even_if_only_others_feel_it(counties):
    table, weights, W = counties
    fit = gp.logit(
        "poor ~ W(jobs)", table, weights=weights, period="period", vcov="iid"
    )
    unit = weights.units[3]
    change = {"jobs": Change(add=1, units=[unit])}
    found = scenario(fit, table, weights=weights, change=change, draws=0)
    assert found.facts["n_units_changed"] == 1
    moved = found.units.query("changed")
    assert list(moved["unit_id"]) == [unit] * 2
    assert (moved["change"] == 0).all()
    assert (found.units["change"] != 0).sum() == 2 * (W[:, 3] > 0).sum()


def test_what_has_no_standard_error_is_held_and_said(homes, lag):
    vcov = lag.vcov.copy()
    vcov.loc["age"] = vcov["age"] = np.nan
    fields = {k: getattr(lag, k) for k in vars(lag)}
    fit = gp.Result(**{**fields, "vcov": vcov})
    given = {"weights": homes.weights, "change": {"jobs": 1.0}, "draws": 20}
    found = scenario(fit, homes.data, **given)
    assert any("age has no standard error" in note for note in found.notes)
    assert not any(
        "no standard error" in n for n in scenario(lag, homes.data, **given).notes
    )


# ---- intervals -----------------------------------------------------------------------


def test_intervals_of_a_linear_change_are_those_of_its_coefficients(counties):
    table, weights, _ = counties
    fit = gp.panel("income ~ jobs + W(jobs)", table, weights=weights, vcov="iid")
    found = scenario(
        fit, table, weights=weights, change={"jobs": 1.0}, draws=4000, seed=3
    )
    V = fit.vcov.loc[["jobs", "W(jobs)"], ["jobs", "W(jobs)"]].to_numpy()
    error = np.sqrt(V.sum())
    assert found.tidy().set_index("term").loc["change", "std_error"] == pytest.approx(
        error, rel=0.05
    )
    row = found.units.iloc[0]
    assert row["change_high"] - row["change_low"] == pytest.approx(
        2 * 1.96 * error, rel=0.06
    )


def test_draws_of_rho_are_followed_exactly(homes, lag):
    """Interpolation in rho gives what a factor for each draw would."""
    from geopoverty.effects.indices import index_of
    from geopoverty.numerics.scenario import Move, simulate

    recipe = lag.provenance["recipe"]
    after = homes.data.assign(jobs=homes.data["jobs"] * 1.5)
    one = index_of(recipe, homes.data, homes.weights)[1]
    two = index_of(recipe, after, homes.weights)[1]
    move = Move(
        one, two, {}, (), one.cells.codes, np.ones(len(one.X)), np.arange(len(one.X))
    )
    theta = lag.estimates.to_numpy()
    rng = np.random.default_rng(1)
    draws = rng.multivariate_normal(theta, lag.vcov, size=5)
    together = simulate(move, theta, special.expit, draws)
    for d, draw in enumerate(draws):
        apart = simulate(move, draw, special.expit)
        np.testing.assert_allclose(together[:, :, d], apart[:, :, 0], atol=1e-7)


def test_a_seed_gives_the_same_numbers(homes, lag):
    given = {"weights": homes.weights, "change": {"jobs": 1.0}, "draws": 50}
    one, two, other = (
        scenario(lag, homes.data, **given, seed=seed).units for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert (one["change_low"] != other["change_low"]).any()
    inside = one["change"].between(one["change_low"], one["change_high"])
    assert inside.mean() > 0.95


def test_the_table_stays_as_it_is_and_notes_travel(homes, lag):
    before = homes.data.copy()
    found = scenario(
        lag, homes.data, weights=homes.weights, change={"jobs": Change(to=0)}, draws=0
    )
    pd.testing.assert_frame_equal(homes.data, before)
    assert "all else equal" in found.notes[0]
    assert found.facts["scenario"] == "jobs = 0"
    assert found.vcov.isna().all().all()


def test_sampling_weights_weigh_the_mean():
    rng = np.random.default_rng(2)
    data = pd.DataFrame(
        {"unit_id": np.repeat(["a", "b", "c", "d"], 25), "x": rng.normal(size=100)}
    )
    data["poor"] = (data["x"] + rng.normal(size=100) > 0).astype(int)
    data["w"] = rng.uniform(1, 3, size=100)
    fit = gp.logit("poor ~ x", data, sampling_weight="w", vcov="hc1")
    found = scenario(fit, data, change={"x": 1.0}, draws=0)
    ends = [
        gp.predict(fit, data.assign(x=data["x"] + a))["probability"] for a in (0.0, 1.0)
    ]
    mean = np.average(ends[1] - ends[0], weights=data["w"])
    assert found.estimates["change"] == pytest.approx(mean)


# ---- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "change must name columns"),
        ({"job": 1.0}, r"which the table lacks. Did you mean 'jobs'"),
        ({"unit_id": 1.0}, "needs a column of numbers"),
        ({"jobs": Change(add=1, units=["nowhere"])}, r"1 of 1 are not \(nowhere\)"),
        ({"jobs": Change(add=1, periods=[2020])}, "the model has no periods"),
        ({"jobs": pd.Series({"zz": 1.0})}, r"change\['jobs'\] must be in the table"),
    ],
)
def test_changes_that_cannot_be(homes, lag, change, message):
    with pytest.raises(gp.InputError, match=message):
        scenario(lag, homes.data, weights=homes.weights, change=change)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "exactly one finite number"),
        ({"add": 1, "to": 2}, "exactly one finite number"),
        ({"add": float("nan")}, "exactly one finite number"),
        ({"add": True}, "exactly one finite number"),
        ({"add": 1, "units": "001"}, "units must be a list"),
    ],
)
def test_a_change_is_one_number(given, message):
    with pytest.raises(gp.InputError, match=message):
        Change(**given)


def test_what_else_is_refused(homes, lag, counties):
    change = {"jobs": 1.0}
    with pytest.raises(gp.InputError, match="needs the weights between the units"):
        scenario(lag, homes.data, change=change)
    with pytest.raises(gp.InputError, match="draws must be a whole number"):
        scenario(lag, homes.data, weights=homes.weights, change=change, draws=1)
    with pytest.raises(gp.InputError, match="conf_level must be between"):
        scenario(lag, homes.data, weights=homes.weights, change=change, conf_level=95)
    with pytest.raises(gp.InputError, match="can be set up for other rows"):
        scenario(result(), homes.data, change=change)
    table, weights, _ = counties
    given = {"period": "period", "vcov": "iid"}
    fit = gp.logit("poor ~ jobs * W(jobs)", table, weights=weights, **given)
    with pytest.raises(gp.InputError, match="is a product"):
        scenario(fit, table, weights=weights, change=change)
    positive = table.assign(jobs=table["jobs"] + 10)
    fit = gp.logit("poor ~ log(jobs)", positive, **given)
    with pytest.raises(gp.InputError, match=r"'log\(jobs\)' must be finite; 60 of 60"):
        scenario(fit, positive, change={"jobs": -100.0})
