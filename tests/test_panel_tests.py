"""Tests of dependence in panels against brute force, spreg and simulated sizes."""

import contextlib
import io
import warnings

import libpysal
import numpy as np
import pandas as pd
import pytest
import spreg
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.panel_tests import EFFECTS, panel_tests
from geopoverty.numerics.random_panel import Groups, swamy_arora
from geopoverty.numerics.spatial.panel_dependence import (
    PanelFit,
    Removal,
    panel_dependence_tests,
)
from geopoverty.weights import SpatialWeights

# Brute force projects on dummies by matrices of all rows.
BRUTE = 1e-9
# spreg, the same sums in another order.
PEER = 1e-10


def neighbours(units, k=5, seed=0, standardize="row"):
    """Return weights of the k nearest of points in a square."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(size=(units, 2))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    matrix = np.zeros((units, units))
    nearest = np.argsort(apart, axis=1)[:, :k]
    matrix[np.arange(units)[:, None], nearest] = rng.uniform(0.5, 2, size=(units, k))
    if standardize == "row":
        matrix /= matrix.sum(axis=1, keepdims=True)
    ids = [f"{i:03d}" for i in rng.permutation(units)]
    return SpatialWeights(ids, sparse.csr_array(matrix), standardize=standardize)


def rows_in(weights, periods=4, seed=1, rho=0.0, error=0.0):
    """Return a panel with effects of units and periods, dependence planted."""
    rng = np.random.default_rng(seed)
    N, W = weights.n, weights.matrix.toarray()
    spill, echo = (np.linalg.inv(np.eye(N) - a * W) for a in (rho, error))
    own, when = rng.normal(size=(N, 1)), rng.normal(size=(1, periods))
    x = np.linalg.inv(np.eye(N) - 0.4 * W) @ (rng.normal(size=(N, periods)) + own)
    z = rng.normal(size=(N, periods))
    e = echo @ rng.normal(size=(N, periods))
    y = spill @ (1 + 0.7 * x - 0.5 * z + own + when + e)
    return pd.DataFrame(
        {
            "unit_id": np.repeat(weights.units, periods),
            "period": np.tile(2000 + np.arange(periods), N),
            "y": y.ravel(),
            "x": x.ravel(),
            "z": z.ravel(),
        }
    )


def statistics(result):
    return result.tables["tests"].set_index("test")["statistic"]


# --- Brute force -------------------------------------------------------------------


def projection(columns):
    return columns @ np.linalg.pinv(columns)


def brute(data, weights, effects, share=0.0):
    """Return the statistics by matrices of all rows and dummies of the effects."""
    N = weights.n
    T = len(data) // N
    y, X = data["y"].to_numpy(), data[["x", "z"]].to_numpy()
    W = np.kron(weights.matrix.toarray(), np.eye(T))
    one = np.ones((N * T, 1))
    units, periods = np.kron(np.eye(N), np.ones((T, 1))), np.tile(np.eye(T), (N, 1))
    dummies = {
        "unit": units,
        "period": periods,
        "two-way": np.hstack([units, periods]),
        "none": None,
        "random": None,
    }[effects]
    turn = np.eye(N * T) - share * projection(units)
    P = np.eye(N * T) if dummies is None else np.eye(N * T) - projection(dummies)
    base = turn @ (np.hstack([one, X]) if dummies is None else X)
    y = turn @ y
    M = P - projection(P @ base)
    e = M @ y
    s2, V = e @ e / np.trace(P), P @ W @ P
    spread = np.trace(V @ V + V.T @ V) - 2 * np.trace(V) ** 2 / np.trace(P)
    moran = e @ W @ e / s2 - np.trace(V)
    lagged = M @ W @ (y - e)
    lag = lagged @ e / s2 + moran
    size = lagged @ lagged / s2 + spread
    Z = M @ W @ (turn @ X)
    slx = e @ projection(Z) @ e / s2
    return {
        "LM-lag": lag**2 / size,
        "LM-error": moran**2 / spread,
        "LM-SLX": slx,
        "LM-lag-error": (lag - moran) ** 2 / (size - spread) + moran**2 / spread,
        "robust LM-lag": (lag - moran) ** 2 / (size - spread),
        "robust LM-error": (moran - spread / size * lag) ** 2
        / (spread * (1 - spread / size)),
        "LM-Durbin": slx
        + (lag - lagged @ projection(Z) @ e / s2) ** 2
        / (size - lagged @ projection(Z) @ lagged / s2),
    }


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("standardize", ["row", None])
def test_statistics_equal_those_of_dummies_and_dense_matrices(effects, standardize):
    weights = neighbours(30, standardize=standardize)
    data = rows_in(weights, rho=0.1 if standardize else 0.02)
    result = panel_tests("y ~ x + z", data, effects=effects, weights=weights)
    theirs = brute(data, weights, effects, result.facts.get("theta", 0.0))
    ours = statistics(result)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=BRUTE, abs=1e-10)
    df = result.tables["tests"].set_index("test")["df"]
    assert df.tolist() == [1, 1, 2, 2, 3, 1, 1, 2]


def test_error_tests_equal_those_of_spreg_without_effects():
    # spreg divides e'e by n - k. Its LM-lag squares a trace where T belongs, and
    # takes no effects out, so that it is no peer for the rest.
    weights = neighbours(40)
    data = rows_in(weights, error=0.2)
    ours = statistics(panel_tests("y ~ x + z", data, effects="none", weights=weights))
    wide = data.sort_values("period", kind="stable")
    w = libpysal.weights.WSP(sparse.csr_matrix(weights.matrix))
    w = w.to_W(silence_warnings=True)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        theirs = spreg.panel_LMerror(
            wide[["y"]].to_numpy(), wide[["x", "z"]].to_numpy(), w
        )
    n = len(data)
    assert ours["LM-error"] * ((n - 3) / n) ** 2 == pytest.approx(theirs[0], rel=PEER)


def test_estimates_are_those_of_dummies():
    weights = neighbours(20)
    data = rows_in(weights)
    result = panel_tests("y ~ x + z", data, weights=weights)
    dummies = pd.get_dummies(data[["unit_id", "period"]].astype(str)).astype(float)
    X = np.hstack([data[["x", "z"]], dummies.iloc[:, :-1]])
    b = np.linalg.lstsq(X, data["y"], rcond=None)[0]
    np.testing.assert_allclose(result.estimates, b[:2], rtol=1e-9)
    rest = data["y"] - X @ b
    np.testing.assert_allclose(
        result.units["residual"], _by_period(rest, data, weights)
    )
    free = len(data) - 2 - 20 - 3
    wanted = np.linalg.inv(X.T @ X)[:2, :2] * (rest @ rest) / free
    np.testing.assert_allclose(result.vcov, wanted, rtol=1e-8)


def _by_period(values, data, weights):
    wide = data.assign(v=values).pivot_table("v", "unit_id", "period")
    return wide.loc[weights.units].to_numpy().T.ravel()


# --- Sizes and power ---------------------------------------------------------------


def drawn(rng, W, periods, effects):
    """Return y and X without dependence, with the effects that are taken out."""
    N = len(W)
    own, when = rng.normal(size=(N, 1)), rng.normal(size=(1, periods))
    # Random effects may not go with the covariates, fixed ones may.
    goes = own if effects in ("unit", "two-way") else 0.0
    x = np.linalg.inv(np.eye(N) - 0.5 * W) @ (rng.normal(size=(N, periods)) + goes)
    z = rng.normal(size=(N, periods)) + np.arange(periods)
    y = x - 0.5 * z + rng.normal(size=(N, periods))
    y += own if effects != "period" else 0.0
    y += when if effects in ("period", "two-way") else 0.0
    X = [x, z] if effects != "random" else [np.ones_like(x), x, z]
    return y, np.stack(X, axis=2)


@pytest.mark.parametrize("effects", ["unit", "two-way", "random"])
def test_sizes_are_as_stated(effects):
    # In 4,000 draws they were 4.2 to 5.7 % at 5 %; 500 give them to 1 %.
    W = neighbours(64).matrix.toarray()
    rng = np.random.default_rng(3)
    groups = Groups(np.repeat(np.arange(64), 5))
    rejected = []
    for _ in range(500):
        y, X = drawn(rng, W, 5, effects)
        removal = Removal(effects != "random", effects == "two-way")
        if effects == "random":
            found = swamy_arora(X.reshape(320, -1), y.ravel(), groups)
            removal = Removal(share=float(found.theta(groups.counts)[0]))
        fit = PanelFit(W, y, X, removal)
        tests = panel_dependence_tests(fit, range(X.shape[2] - 2, X.shape[2]))
        rejected.append([t.p_value < 0.05 for t in tests.values()])
    sizes = np.mean(rejected, axis=0)
    assert 0.03 <= sizes.min() <= sizes.max() <= 0.07


def test_the_kind_of_dependence_is_told():
    weights = neighbours(100)
    kinds = {"lag": {"rho": 0.35}, "error": {"error": 0.5}}
    found = {}
    for kind, planted in kinds.items():
        data = rows_in(weights, periods=6, **planted)
        result = panel_tests("y ~ x + z", data, weights=weights)
        found[kind] = result.tables["tests"].set_index("test")["p_value"]
        assert found[kind][f"LM-{kind}"] < 1e-6
        assert found[kind][f"robust LM-{kind}"] < 0.01
    assert found["lag"]["robust LM-lag"] < found["lag"]["robust LM-error"]
    assert found["error"]["robust LM-error"] < found["error"]["robust LM-lag"]


def test_effects_left_in_pass_for_dependence():
    # A shock to all alike in a period: neighbours look alike until it is taken out.
    weights = neighbours(60)
    data = rows_in(weights)
    data["y"] += 3 * (data["period"] % 2)
    p = {
        e: panel_tests("y ~ x + z", data, effects=e, weights=weights)
        .tables["tests"].set_index("test")["p_value"]["LM-error"]
        for e in ("unit", "two-way")
    }  # fmt: skip
    assert p["unit"] < 1e-10
    assert p["two-way"] > 0.05


# --- Laws --------------------------------------------------------------------------


@pytest.mark.parametrize("effects", ["two-way", "random"])
def test_order_of_rows_and_units_does_not_matter(effects):
    weights = neighbours(25)
    data = rows_in(weights, rho=0.2)
    place = np.random.default_rng(0).permutation(25)
    moved = SpatialWeights(
        weights.units[place], weights.matrix[place][:, place], standardize="row"
    )
    one = panel_tests("y ~ x + z", data, effects=effects, weights=weights)
    mixed = data.sample(frac=1, random_state=2)
    two = panel_tests("y ~ x + z", mixed, effects=effects, weights=moved)
    np.testing.assert_allclose(statistics(one), statistics(two), rtol=1e-8)
    keys = ["unit_id", "period"]
    a, b = (r.units.set_index(keys).sort_index() for r in (one, two))
    pd.testing.assert_frame_equal(a, b, rtol=1e-8, atol=1e-10)


@LAW
@given(
    st.floats(0.01, 100),
    st.sampled_from(EFFECTS),
    st.lists(st.floats(-5, 5), min_size=4, max_size=4),
)
def test_units_of_measurement_and_shifts_of_periods_do_not_matter(scale, effects, when):
    weights = neighbours(16, k=3)
    data = rows_in(weights, rho=0.1)
    moved = data.assign(y=scale * data["y"], x=data["x"] / scale)
    if effects in ("period", "two-way"):
        # Row-standardised weights pass a shock to all on as it is.
        moved["y"] += np.tile(when, 16)
    one, two = (
        statistics(panel_tests("y ~ x + z", d, effects=effects, weights=weights))
        for d in (data, moved)
    )
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("effects", ["unit", "two-way"])
def test_effects_of_units_do_not_matter(effects):
    weights = neighbours(25, standardize=None)
    data = rows_in(weights)
    own = dict(zip(weights.units, 10 * np.arange(25), strict=True))
    moved = data.assign(y=data["y"] + data["unit_id"].map(own))
    one, two = (
        statistics(panel_tests("y ~ x + z", d, effects=effects, weights=weights))
        for d in (data, moved)
    )
    np.testing.assert_allclose(one, two, rtol=1e-7)


# --- What a reader is told ---------------------------------------------------------


def test_lags_in_the_model_are_not_tested_again():
    weights = neighbours(30)
    result = panel_tests("y ~ x + W(x)", rows_in(weights), weights=weights)
    assert list(result.estimates.index) == ["x", "W(x)"]
    # The lag of x is there, the lag of the lag is not.
    assert result.tables["tests"].set_index("test").loc["LM-SLX", "df"] == 1
    assert any("LM-SLX leaves out 1 of 2 lags" in note for note in result.notes)


def test_weights_over_many_are_noted():
    rng = np.random.default_rng(0)
    dense = rng.uniform(0.5, 2, size=(20, 20))
    np.fill_diagonal(dense, 0)
    weights = SpatialWeights([f"{i:02d}" for i in range(20)], sparse.csr_array(dense))
    result = panel_tests("y ~ x + z", rows_in(weights), effects="none", weights=weights)
    assert any("Fitting alone moves e'We" in note for note in result.notes)


def test_units_alone_are_noted():
    matrix = neighbours(20).matrix.toarray()
    matrix[3] = 0
    weights = SpatialWeights([f"{i:02d}" for i in range(20)], sparse.csr_array(matrix))
    result = panel_tests("y ~ x + z", rows_in(weights), weights=weights)
    assert any("neighbour" in note for note in result.notes)


def test_simulated_data_stays_marked():
    weights = neighbours(20)
    data = rows_in(weights)
    data.attrs["status"] = "simulated"
    result = panel_tests("y ~ x + z", data, weights=weights)
    assert {"status": "simulated"} in result.provenance["data"]
    assert list(result.tables["tests"].columns) == [
        "test", "statistic", "df", "p_value", "against",
    ]  # fmt: skip
    assert result.facts["n_units"] == 20
    assert result.facts["n_periods"] == 4


# --- Bad input ---------------------------------------------------------------------


def refused(match, data, kind=InputError, formula="y ~ x + z", **options):
    weights = options.pop("weights", None) or neighbours(20)
    with pytest.raises(kind, match=match):
        panel_tests(formula, data, weights=weights, **options)


def test_bad_panels_are_refused():
    data = rows_in(neighbours(20))
    refused("needs a row in every period.*1 of 80", data[1:])
    twice = pd.concat([data, data[:1]])
    refused("unit_id and period must stand once; 2 of 81|1 of 81", twice)
    refused("must hold the same units", data[data["unit_id"] != "003"])
    refused("The outcome 'y' must vary", data.assign(y=1.0))
    refused("need at least two periods", data.query("period == 2000"))
    refused("effects must be one of 'two-way'", data, effects="twoway")


def test_absorbed_covariates_are_named():
    data = rows_in(neighbours(20))
    south = data.assign(z=(data["unit_id"] > "010").astype(float))
    refused("z is determined by the unit effects", south, effects="unit")
    crisis = data.assign(z=(data["period"] == 2001).astype(float))
    refused("z is determined by the period effects", crisis, effects="period")
    both = data.assign(z=data["period"] + data["unit_id"].astype(int))
    refused("z is determined by the two-way effects", both)
    panel_tests("y ~ x + z", both, effects="random", weights=neighbours(20))


def test_weights_that_tell_no_unit_from_another_are_refused():
    full = (np.ones((20, 20)) - np.eye(20)) / 19
    weights = SpatialWeights([f"{i:03d}" for i in range(20)], sparse.csr_array(full))
    data = rows_in(weights)
    refused("tell no unit from another", data, EstimationError, weights=weights)
