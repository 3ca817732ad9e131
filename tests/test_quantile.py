"""Regression quantiles against R, laws that hold for any data, and bad input."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, household_weights, table
from scipy import optimize, stats

from geopoverty.covariances import Cluster
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.quantiles import QuantileBootstrap, quantile_regression
from geopoverty.numerics.quantile.density import local_densities
from geopoverty.numerics.quantile.fit import (
    frame_of,
    near,
    outer_rows,
    solve,
    solve_rows,
)
from geopoverty.numerics.quantile.joint import bootstrap, equal_slopes, sandwiches
from geopoverty.numerics.resampling import Resamples

# Both stop at the vertex through the same k rows: they differ by rounding in one
# k x k solution, which a column and its logarithm make worse.
ESTIMATE, COVARIANCE = 1e-9, 1e-8

CASES = {
    "engel": ("engel", "foodexp ~ income"),
    "engel_two": ("engel", "foodexp ~ income + log(income)"),
    "wide": ("quantile_wide", "y ~ x1 + x2 + x3 + x4 + x5 + x6 + x7"),
}


def blocks_of(result, taus):
    """Return coefficients and covariance of each quantile."""
    k = len(result.estimates) // len(taus)
    for i in range(len(taus)):
        part = slice(i * k, (i + 1) * k)
        yield result.estimates.iloc[part], result.vcov.iloc[part, part]


@pytest.mark.parametrize("vcov", ["nid", "iid"])
@pytest.mark.parametrize("name", CASES)
def test_estimates_and_covariances_equal_those_of_r(name, vcov):
    data, formula = CASES[name]
    known = answers("quantile")[name]
    taus = [case["tau"] for case in known]
    result = quantile_regression(formula, table(data), quantiles=taus, vcov=vcov)
    found = blocks_of(result, taus)
    fit = result.tables["fit"]
    for case, (b, v), (_, row) in zip(known, found, fit.iterrows(), strict=True):
        assert b.tolist() == pytest.approx(case["coefficients"], rel=ESTIMATE)
        theirs = np.asarray(case[vcov])
        scale = np.diag(theirs).max()
        np.testing.assert_allclose(
            v, theirs, rtol=COVARIANCE, atol=COVARIANCE * 1e-6 * scale
        )
        assert row["loss"] == pytest.approx(case["rho"], rel=1e-10)
        assert row["r1"] == pytest.approx(case["r1"], rel=1e-9)


def test_published_numbers_for_engel():
    result = quantile_regression(
        "foodexp ~ income", table("engel"), quantiles=(0.3, 0.5, 0.9)
    )
    path = result.tables["path"]
    b = [99.110581, 0.481240, 81.482247, 0.560181, 67.350872, 0.686299]
    se = [22.181155, 0.029868, 19.250660, 0.028277, 22.395383, 0.028491]
    assert path["estimate"].tolist() == pytest.approx(b, abs=6e-7)
    assert path["std_error"].tolist() == pytest.approx(se, abs=6e-7)
    assert list(result.estimates.index[:2]) == ["q0.3: Intercept", "q0.3: income"]


def test_sampling_weights_equal_those_of_r():
    known = answers("quantile")
    data = table("engel").assign(w=known["engel_weights"])
    cases = known["engel_weighted"]
    taus = [case["tau"] for case in cases]
    # R takes the weights as they are: only their ratios matter to us.
    result = quantile_regression(
        "foodexp ~ income", data, quantiles=taus, sampling_weight="w"
    )
    for case, (b, v) in zip(cases, blocks_of(result, taus), strict=True):
        assert b.tolist() == pytest.approx(case["coefficients"], rel=ESTIMATE)
        np.testing.assert_allclose(v, case["nid"], rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("equality", "foodexp ~ income"),
        ("equality_two", "foodexp ~ income + log(income)"),
    ],
)
def test_the_test_of_equal_slopes_is_that_of_r(name, formula):
    known = answers("quantile")[name]
    result = quantile_regression(formula, table("engel"), quantiles=known["taus"])
    found = result.tables["equality"]
    assert found["term"].iloc[0] == "all slopes"
    columns = ["df", "df_residual", "statistic", "p_value"]
    np.testing.assert_allclose(
        found[columns].iloc[:1], known["all"], rtol=1e-6, atol=1e-15
    )
    np.testing.assert_allclose(
        found[columns].iloc[1:], known["each"], rtol=1e-6, atol=1e-15
    )


def linear_program(X, y, tau):
    """Return the least loss by a solver that shares nothing with ours."""
    n, k = X.shape
    cost = np.concatenate([np.zeros(2 * k), np.full(n, tau), np.full(n, 1 - tau)])
    A = np.hstack([X, -X, np.eye(n), -np.eye(n)])
    return optimize.linprog(cost, A_eq=A, b_eq=y, method="highs").fun


def loss(X, y, tau, b):
    r = y - X @ b
    return float((r * (tau - (r < 0))).sum())


@LAW
@given(
    st.integers(0, 10_000),
    st.integers(8, 60),
    st.integers(1, 4),
    st.floats(0.05, 0.95),
    st.booleans(),
)
def test_no_plane_is_better(seed, n, k, tau, whole):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, k - 1))])
    y = rng.normal(size=n)
    if whole:  # ties: many planes may be as good
        X, y = np.round(2 * X), np.round(2 * y)
        if np.linalg.matrix_rank(X) < k:
            return
    if np.ptp(y) == 0:
        return
    frame = frame_of(X, y)
    found = solve(frame, tau)
    least = linear_program(X, y, tau)
    ours = loss(X, y, tau, frame.given(found.b))
    assert ours == pytest.approx(least, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("tau", [0.02, 0.5, 0.9])
def test_preprocessing_gives_the_same_plane(tau, weighted):
    rng = np.random.default_rng(4)
    n = 20_000
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    y = X.sum(axis=1) + (1 + X[:, 1] ** 2) * rng.standard_t(3, size=n)
    w = rng.exponential(size=n) + 0.01 if weighted else None
    frame = frame_of(X, y, w)
    quick, whole = solve(frame, tau), solve_rows(frame.X, frame.y, tau)
    np.testing.assert_allclose(quick.b, whole.b, rtol=0, atol=1e-10)
    assert quick.status == whole.status == 0


def test_rows_put_in_a_wrong_sum_are_put_back():
    rng = np.random.default_rng(9)
    n = 5000
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = X[:, 1] + rng.normal(size=n)
    frame = frame_of(X, y)
    right = solve_rows(frame.X, frame.y, 0.5)
    off = right.b + 0.05  # a plane that is not the best
    found = near(frame, 0.5, outer_rows(frame, 0.5, off, 400), 2000)
    np.testing.assert_allclose(found.b, right.b, atol=1e-10)
    # So far off that preprocessing gives up.
    assert near(frame, 0.5, outer_rows(frame, 0.5, off + 2, 100), 100) is None


def test_rare_categories_do_not_break_the_subsample():
    rng = np.random.default_rng(6)
    n = 4000
    data = pd.DataFrame({"x": rng.normal(size=n), "kind": "common"})
    data.loc[[17, 1900, 3111], "kind"] = "rare"
    data["y"] = data["x"] + rng.normal(size=n)
    result = quantile_regression("y ~ x + kind", data, quantiles=0.5, vcov="iid")
    X = np.column_stack([np.ones(n), data["kind"] == "rare", data["x"]]).astype(float)
    frame = frame_of(X, data["y"].to_numpy())
    whole = frame.given(solve_rows(frame.X, frame.y, 0.5).b)
    assert sorted(result.estimates) == pytest.approx(sorted(whole), abs=1e-9)
    # Planes beside the median go through the same one of the three rare rows, so
    # the outcome has no density there. R stops, too ("singular matrix").
    message = r"above 0 at q0.5 .* 1 of 3 columns break this \(kind\[T.rare\]\)"
    with pytest.raises(EstimationError, match=message):
        quantile_regression("y ~ x + kind", data, quantiles=0.5)
    drawn = quantile_regression(
        "y ~ x + kind", data, quantiles=0.5, vcov=QuantileBootstrap(40)
    )
    assert any("of 40 draws could not be fitted" in note for note in drawn.notes)
    assert 0 < drawn.facts["draws_failed"] < 8


@LAW
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-9, 9))
def test_equivariance(seed, scale, slope):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(41, 2)), columns=["y", "x"])
    moved = data.assign(y=scale * data["y"] + slope * data["x"])
    turned = data.assign(y=-data["y"])
    mixed = moved.sample(frac=1, random_state=seed)
    one = quantile_regression("y ~ x", data, quantiles=0.3).estimates.to_numpy()
    two = quantile_regression("y ~ x", mixed, quantiles=0.3).estimates.to_numpy()
    back = quantile_regression("y ~ x", turned, quantiles=0.7).estimates.to_numpy()
    np.testing.assert_allclose(two, scale * one + [0, slope], rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(back, -one, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("n", [40, 4000])
def test_of_several_solutions_the_lowest_is_given_in_any_order(n):
    rng = np.random.default_rng(n)
    X = np.column_stack([np.ones(n), np.arange(n) % 2, rng.normal(size=n)])
    y = np.round(rng.normal(size=n), 1 if n == 40 else 9)
    mixed = rng.permutation(n)
    frames = [frame_of(X, y), frame_of(X[mixed], y[mixed])]
    one, two = (f.given(solve(f, 0.5).b) for f in frames)
    np.testing.assert_allclose(one, two, atol=1e-9)
    found = solve(frames[0], 0.5)
    just_below = frames[0].given(solve(frames[0], 0.5 - 1e-6).b)
    assert found.status == 1
    np.testing.assert_allclose(one, just_below, atol=1e-9)
    # One column: the median of an even number is the lower one.
    even = frame_of(np.ones((4, 1)), np.array([4.0, 1.0, 3.0, 2.0]))
    assert even.given(solve(even, 0.5).b).tolist() == pytest.approx([2.0])


def homes(n=60, **columns):
    rng = np.random.default_rng(1)
    base = {"a": rng.normal(size=n), "b": rng.normal(size=n)}
    y = base["a"] + rng.normal(size=n)
    return pd.DataFrame({"y": y, **base, **columns})


def test_whole_weights_are_rows_repeated():
    data = homes()
    data["times"] = np.random.default_rng(2).integers(1, 4, size=60).astype(float)
    longer = data.loc[data.index.repeat(data["times"].astype(int))]
    one = quantile_regression("y ~ a", data, quantiles=0.37, sampling_weight="times")
    two = quantile_regression("y ~ a", longer.reset_index(drop=True), quantiles=0.37)
    np.testing.assert_allclose(one.estimates, two.estimates, rtol=1e-9)


def test_the_bootstrap_does_not_depend_on_the_number_of_workers():
    data = homes(town=np.repeat(np.arange(20), 3))
    fits = [
        quantile_regression("y ~ a", data, vcov=how)
        for how in (
            QuantileBootstrap(40, seed=3, workers=1),
            QuantileBootstrap(40, seed=3, workers=4),
            QuantileBootstrap(40, seed=4),
        )
    ]
    drawn = QuantileBootstrap(40, seed=3, by="town")
    with pytest.warns(GeoPovertyWarning, match="only 20 clusters"):
        fits.append(quantile_regression("y ~ a", data, vcov=drawn))
    assert any("only 20 clusters" in note for note in fits[3].notes)
    one, four, other, towns = (f.vcov.to_numpy() for f in fits)
    np.testing.assert_array_equal(one, four)
    assert not np.allclose(one, other)
    assert not np.allclose(one, towns)
    assert fits[3].facts["n_clusters"] == 20
    assert fits[3].facts["df_t"] == 19
    assert fits[0].facts["seed"] == 3


def test_a_draw_is_a_fit_to_the_rows_drawn():
    rng = np.random.default_rng(7)
    n = 6000
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = X[:, 1] + rng.normal(size=n)
    frame, taus = frame_of(X, y), (0.2, 0.5)
    plan = Resamples(n, draws=3, seed=5)
    drawn = bootstrap(frame, taus, [solve(frame, t) for t in taus], plan)
    for b, values in enumerate(drawn.values):
        rows = np.repeat(np.arange(n), plan.counts(b))
        again = frame_of(X[rows], y[rows])
        for tau, found in zip(taus, values.reshape(2, 3), strict=True):
            theirs = again.given(solve(again, tau).b)
            ours = loss(X[rows], y[rows], tau, found)
            assert ours == pytest.approx(loss(X[rows], y[rows], tau, theirs), rel=1e-10)


def test_all_standard_errors_agree_on_many_rows_of_one_kind():
    rng = np.random.default_rng(12)
    data = pd.DataFrame({"x": rng.normal(size=4000)})
    data["y"] = data["x"] + rng.normal(size=4000)
    # Known for normal errors: sqrt(t (1 - t) / n) / phi(q).
    truth = 0.5 / np.sqrt(4000) / 0.3989423
    for vcov in ("nid", "iid", QuantileBootstrap(150)):
        fit = quantile_regression("y ~ x", data, quantiles=0.5, vcov=vcov)
        assert fit.tidy()["std_error"].tolist() == pytest.approx([truth] * 2, rel=0.13)


def test_intervals_cover_and_equal_slopes_are_rejected_as_often_as_promised():
    # 300 samples of 250 rows; Monte Carlo error 1.3 %.
    rng = np.random.default_rng(10)
    taus, half = (0.3, 0.7), stats.t.ppf(0.975, 248)
    inside = rejected = 0
    for _ in range(300):
        x = rng.uniform(size=250)
        X = np.column_stack([np.ones(250), x])
        frame = frame_of(X, 2 * x + rng.normal(size=250))
        beta = np.array([frame.given(solve(frame, t).b) for t in taus])
        dense = [local_densities(frame, t)[0] for t in taus]
        V = sandwiches(taus, [X.T @ (X * f[:, None]) for f in dense], X.T @ X)
        inside += abs(beta[0, 1] - 2) <= half * np.sqrt(V[1, 1])
        rejected += equal_slopes(beta, V, [1], 250).p_value < 0.05
    assert 0.91 <= inside / 300 <= 0.98
    assert rejected / 300 <= 0.09


def test_planted_slopes_are_found_and_told_apart():
    rng = np.random.default_rng(11)
    n = 20_000
    x = rng.uniform(1, 3, size=n)
    data = pd.DataFrame({"y": 1 + x + x * rng.uniform(size=n), "x": x})
    fit = quantile_regression("y ~ x", data, quantiles=(0.1, 0.5, 0.9))
    slopes = fit.estimates.filter(like=": x").to_numpy()
    np.testing.assert_allclose(slopes, [1.1, 1.5, 1.9], atol=0.06)
    assert fit.tables["equality"]["p_value"].iloc[0] < 1e-10


def test_lags_effects_and_units():
    data = table("binary")
    fit = quantile_regression(
        "x1 ~ clusters + W(clusters)",
        data,
        weights=household_weights("weight_knn"),
        period="period",
        quantiles=(0.4, 0.6),
    )
    effects = fit.tables["effects"].set_index(["quantile", "term", "effect"])
    assert effects.loc[(0.6, "clusters", "indirect"), "estimate"] == pytest.approx(
        fit.estimates["q0.6: W(clusters)"]
    )
    assert any("QuantileBootstrap(by='unit_id')" in note for note in fit.notes)
    assert {"unit_id", "period", "outcome", "q0.4", "q0.6"} <= set(fit.units)
    assert len(fit.units) == fit.facts["n_obs"]


def test_the_path_has_least_squares_beside_it():
    path = quantile_regression("y ~ a", homes()).tables["path"]
    assert path["quantile"].unique().tolist() == [0.3, 0.5, 0.7, 0.9]
    assert path.groupby("term")["ols_estimate"].nunique().tolist() == [1, 1]
    assert (path["conf_low"] < path["conf_high"]).all()


def test_a_solution_that_is_not_alone_is_noted():
    data = pd.DataFrame({"y": [1.0, 2, 3, 4] * 6, "group": ["a", "b"] * 12})
    fit = quantile_regression(
        "y ~ group", data, quantiles=0.5, vcov=QuantileBootstrap(20)
    )
    assert fit.facts["n_not_unique"] == 1
    assert any("may not be the only one" in note for note in fit.notes)
    assert not fit.tables["fit"]["unique"].any()


def test_crossing_planes_are_noted():
    # One slope falls where the other rises, so they cross inside the data.
    data = homes(12)
    fit = quantile_regression(
        "y ~ a + b", data, quantiles=(0.45, 0.5, 0.55), vcov=QuantileBootstrap(20)
    )
    values = fit.units[["q0.45", "q0.5", "q0.55"]].to_numpy()
    crossed = int((np.diff(values, axis=1) < -1e-9).any(axis=1).sum())
    noted = [note for note in fit.notes if "cross in" in note]
    assert crossed > 0
    assert f"cross in {crossed} of 12 rows" in noted[0]


def test_a_perfect_fit_warns():
    data = homes().eval("y = 1 + 2 * a")
    drawn = QuantileBootstrap(10)
    with pytest.warns(GeoPovertyWarning, match="fit the outcome perfectly"):
        fit = quantile_regression("y ~ a", data, quantiles=0.5, vcov=drawn)
    assert fit.estimates.tolist() == pytest.approx([1, 2])
    assert any("fit the outcome perfectly" in note for note in fit.notes)


def test_columns_far_from_zero():
    late = homes().eval("a = 1.6e9 + 8 * a")
    one = quantile_regression("y ~ a", homes(), quantiles=0.4, vcov="iid")
    two = quantile_regression("y ~ a", late, quantiles=0.4, vcov="iid")
    assert two.estimates.iloc[1] == pytest.approx(one.estimates.iloc[1] / 8, rel=1e-5)


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_standard_errors_do_not_depend_on_the_unit_of_money(size):
    data = homes()
    for vcov in ("nid", "iid"):
        one = quantile_regression("y ~ a", data, quantiles=0.4, vcov=vcov)
        two = quantile_regression(
            "y ~ a", data.assign(y=size * data["y"]), quantiles=0.4, vcov=vcov
        )
        # Densities at small outcomes keep quantreg's guard against rounding.
        np.testing.assert_allclose(two.vcov / size**2, one.vcov, rtol=1e-4)


def test_extreme_quantiles_are_noted():
    fit = quantile_regression("y ~ a", homes(), quantiles=0.9)
    assert any("lie beyond q0.9" in note for note in fit.notes)


@pytest.mark.parametrize("wrong", [0, 1, -0.2, 30, float("nan"), "median", True])
def test_quantiles_outside_0_and_1(wrong):
    message = r"inside \(0, 1\); 1 of 2 break this"
    with pytest.raises(InputError, match=message):
        quantile_regression("y ~ a", homes(), quantiles=(0.5, wrong))


def test_no_quantile_and_one_twice():
    with pytest.raises(InputError, match="at least one"):
        quantile_regression("y ~ a", homes(), quantiles=())
    with pytest.raises(InputError, match="may stand once"):
        quantile_regression("y ~ a", homes(), quantiles=(0.5, 0.5))


def test_fewer_rows_than_columns():
    with pytest.raises(
        InputError, match="more rows than columns; there are 3 complete"
    ):
        quantile_regression("y ~ a + b", homes(3))


def test_collinear_columns_are_named():
    with pytest.raises(InputError, match="'c' is a combination of a"):
        quantile_regression("y ~ a + c", homes().eval("c = 2 * a"))


def test_a_constant_outcome():
    with pytest.raises(InputError, match="'y' must vary; it is 1 in all 60 rows"):
        quantile_regression("y ~ a", homes().assign(y=1.0))


@pytest.mark.parametrize("vcov", ["cluster", Cluster("town")])
def test_clusters_are_had_by_drawing_them(vcov):
    with pytest.raises(InputError, match=r"QuantileBootstrap\(by="):
        quantile_regression("y ~ a", homes(), vcov=vcov)


def test_an_unknown_covariance():
    with pytest.raises(InputError, match=r"vcov must be one of .*Did you mean 'nid'"):
        quantile_regression("y ~ a", homes(), vcov="nidd")


def test_bad_bootstraps():
    with pytest.raises(InputError, match="draws must be a whole number from 2; got 1"):
        QuantileBootstrap(1)
    with pytest.raises(InputError, match="'town' has one"):
        quantile_regression(
            "y ~ a", homes(town=1), quantiles=0.5, vcov=QuantileBootstrap(9, by="town")
        )


def test_a_covariate_that_too_few_clusters_have():
    # Half of all draws hold one town only; the others hold the same rows, and a
    # standard error from them would be 0.
    data = homes(town=np.repeat([0, 1], 30), only=np.repeat([0.0, 1.0], 30))
    drawn = QuantileBootstrap(40, seed=1, by="town")
    with (
        pytest.warns(GeoPovertyWarning, match="only 2 clusters"),
        pytest.raises(EstimationError, match=r"of 40 draws could not be fitted"),
    ):
        quantile_regression("y ~ only", data, quantiles=0.5, vcov=drawn)


def test_equal_outcomes_are_noted_where_no_draw_differs():
    data = homes().assign(y=np.repeat([0.0, 1.0], [55, 5]))
    fit = quantile_regression("y ~ 1", data, quantiles=0.5, vcov=QuantileBootstrap(20))
    assert any("the same in all draws (q0.5: Intercept)" in n for n in fit.notes)


def test_outcomes_without_a_density():
    data = homes().assign(y=np.repeat([0.0, 1.0], [50, 10]))
    with pytest.raises(EstimationError, match="vcov='bootstrap'"):
        quantile_regression("y ~ 1", data, quantiles=0.5, vcov="nid")
    with pytest.raises(EstimationError, match="residuals around it do not vary"):
        quantile_regression("y ~ 1", data, quantiles=0.5, vcov="iid")


def test_data_that_are_simulated_say_so_and_are_not_changed(tmp_path):
    data = homes()
    data.loc[3, "a"] = np.nan
    data.attrs["status"] = "simulated"
    before = data.copy()
    fit = quantile_regression("y ~ a", data)
    pd.testing.assert_frame_equal(data, before)
    assert (fit.facts["n_obs"], fit.facts["n_dropped"]) == (59, 1)
    assert any("Simulated" in note for note in fit.notes)
    fit.save(tmp_path / "fit.zip")
    again = type(fit).load(tmp_path / "fit.zip")
    pd.testing.assert_frame_equal(again.vcov, fit.vcov)
