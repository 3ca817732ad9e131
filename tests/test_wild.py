"""Wild cluster bootstrap: brute force, another package, laws, bad input."""

import itertools

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table
from scipy import linalg
from threadpoolctl import threadpool_limits

from geopoverty._checks import GeoPovertyWarning
from geopoverty.covariances import Cluster, WildCluster, few_clusters
from geopoverty.effects.wild import wild_least_squares
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.binary import logit, probit
from geopoverty.estimators.panel_logit import panel_logit
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.wild import wild_linear, wild_tests
from geopoverty.numerics.wild_draws import VALUES, cluster_draws
from geopoverty.numerics.wild_scores import WildProblem

# Two ways through the same sums of a few hundred rows.
EXACT = 1e-9
# Newton searches under a hypothesis stop within 1e-5 standard errors of the maximum.
SEARCH = 1e-6


def villages(n=150, groups=7, seed=0, linear=False):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, n)
    codes[:groups] = np.arange(groups)
    shock = 0.5 * rng.normal(size=groups)
    data = pd.DataFrame(
        {
            "village": [f"v{c:02d}" for c in codes],
            "x": rng.normal(size=n),
            "jobs": rng.normal(size=groups)[codes],
        }
    )
    eta = 0.2 + 0.5 * data["x"] - 0.3 * data["jobs"] + shock[codes]
    noise = rng.logistic(size=n)
    data["y"] = eta + noise if linear else ((eta + noise) > 0).astype(int)
    return data, np.column_stack([np.ones(n), data["x"], data["jobs"]]), codes


# ---- least squares ------------------------------------------------------------


def refitted(X, y, codes, j, value):
    """Return the statistic and its draws, by fitting every draw anew."""
    k, groups = X.shape[1], codes.max() + 1
    bread = linalg.inv(X.T @ X)

    def statistic(outcome):
        beta = bread @ X.T @ outcome
        rest = outcome - X @ beta
        sums = np.array([X[codes == g].T @ rest[codes == g] for g in range(groups)])
        vcov = bread @ sums.T @ sums @ bread
        return (beta[j] - value) / np.sqrt(vcov[j, j])

    others = [i for i in range(k) if i != j]
    held = np.zeros(k)
    held[j] = value
    held[others] = linalg.lstsq(X[:, others], y - value * X[:, j])[0]
    rest = y - X @ held
    signs = itertools.product([-1.0, 1.0], repeat=groups)
    drawn = [statistic(X @ held + np.array(v)[codes] * rest) for v in signs]
    return statistic(y), np.array(drawn)


def share_beyond(statistic, drawn):
    """Return the p-value, the sample in place of the draws of only 1 and only -1."""
    far = np.abs(drawn[1:-1]) >= abs(statistic) * (1 - 1e-9)
    return (far.sum() + 2) / len(drawn)


def test_every_draw_of_least_squares_equals_a_refit():
    data, X, codes = villages(linear=True)
    y = data["y"].to_numpy()
    draws = cluster_draws(7, kind="rademacher")
    found = wild_linear(y, X, codes, draws)
    for j in range(3):
        statistic, drawn = refitted(X, y, codes, j, 0.0)
        assert found.statistic[j] == pytest.approx(statistic, rel=EXACT)
        assert found.p_value[j] == share_beyond(statistic, drawn)


def test_intervals_hold_what_is_not_rejected():
    data, X, codes = villages(linear=True)
    y = data["y"].to_numpy()
    found = wild_linear(y, X, codes, cluster_draws(7, kind="rademacher"), [1])
    for bound, outward in ((found.conf_low[0], -1), (found.conf_high[0], 1)):
        width = found.conf_high[0] - found.conf_low[0]
        for step, rejected in ((0.01, True), (-0.01, False)):
            value = bound + outward * step * width
            p = share_beyond(*refitted(X, y, codes, 1, value))
            assert (p <= 0.05) == rejected


@pytest.mark.parametrize("name", ["grunfeld", "households"])
def test_least_squares_equal_another_package(name):
    known = answers("wild")["cases"][name]
    rows = table("grunfeld" if name == "grunfeld" else "binary")
    if name == "households":
        rows["village"] = rows["unit_id"].astype(int) // 37 % 9
    X = np.column_stack([np.ones(len(rows)), rows[known["x"]]])
    names = ["const", *known["x"]]
    found = wild_least_squares(
        rows[known["y"]].to_numpy(float),
        X,
        names,
        WildCluster(known["cluster"], weights="rademacher", conf_level=None),
        rows,
    ).tables["wild"]
    for row in found.itertuples():
        theirs = known["terms"][row.term]
        assert row.statistic == pytest.approx(theirs["statistic"], rel=EXACT)
        # The sample and its negative are among all draws, and tie with it: there
        # rounding decides, and we count them.
        tie = 2 / row.draws
        assert row.p_value - tie - 1e-12 <= theirs["p_value"] <= row.p_value + 1e-12
    assert found["conf_low"].isna().all()


def test_effects_nested_in_clusters_may_be_swept_out_before():
    rows = villages(120, 6, 3, linear=True)[0]
    rows["home"] = rows["village"] + (np.arange(120) % 4).astype(str)
    dummies = pd.get_dummies(rows["home"]).to_numpy(float)
    codes = pd.factorize(rows["village"])[0]
    y, x = rows["y"].to_numpy(), rows[["x"]].to_numpy()
    draws = cluster_draws(6, kind="rademacher")
    whole = wild_linear(y, np.column_stack([x, dummies]), codes, draws, [0])
    sweep = np.eye(120) - dummies @ linalg.pinv(dummies)
    swept = wild_linear(sweep @ y, sweep @ x, codes, draws, [0])
    np.testing.assert_allclose(list(vars(swept).values()), list(vars(whole).values()))


# ---- logit and probit ------------------------------------------------------------


def by_hand(X, y, codes, link, j):
    """Return the statistic and all its draws from dense information by cluster."""
    k, groups = X.shape[1], codes.max() + 1
    others = [i for i in range(k) if i != j]

    def parts(beta):
        at = link.at(X @ beta, y)
        s = np.array([X[codes == g].T @ at.residual[codes == g] for g in range(groups)])
        pieces = [(X[codes == g], at.weight[codes == g]) for g in range(groups)]
        return s, np.array([(x * w[:, None]).T @ x for x, w in pieces])

    beta = fit_binary(X, y, link).beta
    s, A = parts(beta)
    bread = linalg.inv(A.sum(axis=0))
    statistic = beta[j] / np.sqrt((bread @ s.T @ s @ bread)[j, j])
    held = np.zeros(k)
    held[others] = fit_binary(np.ascontiguousarray(X[:, others]), y, link).beta
    s, A = parts(held)
    bread = linalg.inv(A.sum(axis=0))
    drawn = []
    for v in itertools.product([-1.0, 1.0], repeat=groups):
        moved = bread @ (np.array(v) @ s)
        left = np.array(v)[:, None] * s - A @ moved
        drawn.append(moved[j] / np.sqrt((bread @ left.T @ left @ bread)[j, j]))
    return statistic, np.array(drawn)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_draws_of_scores_equal_dense_formulas(link):
    data, X, codes = villages()
    y = data["y"].to_numpy(float)
    draws = cluster_draws(7, kind="rademacher")
    beta = fit_binary(X, y, LINKS[link]).beta
    problem = WildProblem(X, y, LINKS[link], codes, 7, beta)
    found = wild_tests(problem, draws, conf_level=None)
    for j in range(3):
        statistic, drawn = by_hand(X, y, codes, LINKS[link], j)
        assert found.statistic[j] == pytest.approx(statistic, rel=SEARCH)
        assert found.p_value[j] == pytest.approx(share_beyond(statistic, drawn))


@pytest.mark.parametrize("fit", [logit, probit])
def test_the_statistic_is_the_one_beside_the_estimate(fit):
    data, _, _ = villages(300, 14)
    result = fit("y ~ x + jobs", data, vcov=WildCluster("village", draws=999))
    wild, tidy = result.tables["wild"], result.tidy()
    assert list(wild["term"]) == list(tidy["term"])
    np.testing.assert_allclose(wild["statistic"], tidy["statistic"], rtol=SEARCH)
    assert (wild["conf_low"] < tidy["estimate"]).all()
    assert (tidy["estimate"] < wild["conf_high"]).all()
    excludes = (wild["conf_low"] > 0) | (wild["conf_high"] < 0)
    assert list(excludes) == list(wild["p_value"] <= 0.05)
    assert list(wild["draws"]) == [999] * 3
    with pytest.warns(GeoPovertyWarning, match="only 14 clusters"):
        clustered = fit("y ~ x + jobs", data, vcov=Cluster("village"))
    pd.testing.assert_frame_equal(result.vcov, clustered.vcov)


def test_sampling_weights_of_two_are_rows_twice():
    data, _, _ = villages(120, 8)
    data["w"] = np.where(np.arange(120) % 3 == 0, 2.0, 1.0)
    vcov = WildCluster("village", weights="rademacher", correction="groups")
    weighted = logit("y ~ x", data, sampling_weight="w", vcov=vcov).tables["wild"]
    twice = data.loc[data.index.repeat(data["w"].astype(int))].reset_index(drop=True)
    double = logit("y ~ x", twice, vcov=vcov).tables["wild"]
    pd.testing.assert_frame_equal(weighted, double, rtol=1e-3)
    np.testing.assert_allclose(weighted["p_value"], double["p_value"])


def test_pooled_panels_have_it_too():
    data, _, _ = villages(120, 12)
    data["unit_id"], data["period"] = (np.arange(120) // 3).astype(str), [1, 2, 3] * 40
    data["village"] = data.groupby("unit_id")["village"].transform("first")
    vcov = WildCluster("village")
    pooled = panel_logit("y ~ x", data, vcov=vcov)
    plain = logit("y ~ x", data, vcov=vcov)
    pd.testing.assert_frame_equal(pooled.tables["wild"], plain.tables["wild"])
    assert pooled.facts["wild_draws"] == plain.facts["wild_draws"]


# ---- draws -------------------------------------------------------------------------


def test_weights_have_mean_zero_and_variance_one():
    for values in VALUES.values():
        assert np.mean(values) == pytest.approx(0, abs=1e-15)
        assert np.var(values) == pytest.approx(1)


def test_few_clusters_take_six_points_and_many_two():
    assert cluster_draws(11, 99).kind == "webb"
    assert cluster_draws(12, 99).kind == "rademacher"
    every = cluster_draws(12)
    assert (every.exact, every.count) == (True, 4096)
    codes = {tuple(v) for v in np.vstack([every.codes, 1 - every.codes])}
    assert len(codes) == 4094  # all but the sample and its negative
    assert not {(0,) * 12, (1,) * 12} & codes
    assert not cluster_draws(14).exact


def test_a_p_value_counts_the_sample_among_the_draws():
    draws = cluster_draws(20, draws=99)
    drawn = np.arange(1.0, 100.0)
    assert draws.p_value(1000.0, drawn) == 0.01
    assert draws.p_value(-0.5, drawn) == 1.0
    # 5 of 100 are at 96 or beyond; 95 is the first value not rejected.
    assert draws.critical(drawn, 0.05) == 95.0
    assert (
        draws.p_value(95.5, drawn) == 0.06 - 0.0 or draws.p_value(95.5, drawn) <= 0.05
    )


def test_the_seed_gives_the_same_numbers_whatever_the_threads():
    data, _, _ = villages(200, 10)
    vcov = WildCluster("village", draws=499, seed=5)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(logit("y ~ x + jobs", data, vcov=vcov).tables["wild"])
    pd.testing.assert_frame_equal(*found, check_exact=True)


def test_other_seeds_give_other_draws():
    first, second = (cluster_draws(20, 99, seed=s).codes for s in (0, 1))
    assert (first != second).any()


# ---- laws --------------------------------------------------------------------------


@LAW
@given(st.permutations(range(60)))
def test_the_order_of_rows_does_not_matter(order):
    data, _, _ = villages(60, 8)
    vcov = WildCluster("village", weights="rademacher", conf_level=None)
    there = logit("y ~ x", data, vcov=vcov).tables["wild"]
    back = logit("y ~ x", data.iloc[order], vcov=vcov).tables["wild"]
    pd.testing.assert_frame_equal(there, back, rtol=1e-7)


@LAW
@given(st.floats(1e-2, 1e2), st.floats(-10, 10))
def test_units_of_measurement_do_not_matter(scale, shift):
    data, X, codes = villages(60, 8, linear=True)
    draws = cluster_draws(8, kind="rademacher")
    y = data["y"].to_numpy()
    plain = wild_linear(y, X, codes, draws, [1])
    X[:, 1] = X[:, 1] * scale + shift
    moved = wild_linear(y, X, codes, draws, [1])
    assert moved.p_value[0] == plain.p_value[0]
    np.testing.assert_allclose(moved.conf_low * scale, plain.conf_low, rtol=1e-3)
    np.testing.assert_allclose(moved.conf_high * scale, plain.conf_high, rtol=1e-3)


def test_a_small_sample_factor_changes_no_p_value():
    data, X, codes = villages(linear=True)
    draws = cluster_draws(7, kind="rademacher")
    y = data["y"].to_numpy()
    plain, scaled = (wild_linear(y, X, codes, draws, factor=f) for f in (1.0, 1.7))
    np.testing.assert_allclose(scaled.statistic * 1.7**0.5, plain.statistic)
    np.testing.assert_allclose(scaled.p_value, plain.p_value)
    np.testing.assert_allclose(scaled.conf_low, plain.conf_low, rtol=1e-3)


def test_it_keeps_its_level_where_clustered_errors_do_not():
    rng = np.random.default_rng(8)
    rejected = np.zeros(2)
    codes = np.repeat(np.arange(8), 12)
    draws = cluster_draws(8, draws=499)
    for _ in range(300):
        jobs = rng.normal(size=8)[codes]
        X = np.column_stack([np.ones(96), jobs])
        noise = rng.normal(size=96) + rng.normal(size=8)[codes]
        found = wild_linear(noise, X, codes, draws, [1], None, 8 / 7)
        rejected += [abs(found.statistic[0]) > 1.96, found.p_value[0] <= 0.05]
    # 5 % within 2.6 Monte Carlo standard errors of 300 draws; plain: far above.
    assert rejected[0] / 300 > 0.12
    assert rejected[1] / 300 < 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 300)


# ---- notes, warnings and bad input ---------------------------------------------------


def test_notes_send_the_reader_to_the_table():
    data, _, _ = villages(200, 10)
    result = logit("y ~ x", data, vcov=WildCluster("village", draws=199))
    note = next(n for n in result.notes if "tables['wild']" in n)
    assert "not those beside the estimates, for 10 clusters are too few" in note
    assert "199 draws of webb weights" in note
    assert result.facts["n_clusters"] == 10
    exact = WildCluster("village", weights="rademacher", conf_level=None)
    result = logit("y ~ x", data, vcov=exact)
    assert any("all 1,024 draws of rademacher" in n for n in result.notes)
    assert result.facts["wild_exact"] is True


def test_few_clusters_are_shown_the_way():
    with pytest.warns(GeoPovertyWarning, match="only 10 clusters"):
        (note,) = few_clusters(10, ("village",))
    assert "vcov=WildCluster('village')" in note
    with pytest.warns(GeoPovertyWarning):
        (note,) = few_clusters(10, ("village", "year"))
    assert "WildCluster" not in note


def test_very_few_clusters_are_too_few_even_so():
    data, _, _ = villages(100, 4)
    vcov = WildCluster("village", weights="rademacher")
    with pytest.warns(GeoPovertyWarning, match=r"little with 4 clusters. p cannot be"):
        wild = logit("y ~ x", data, vcov=vcov).tables["wild"]
    assert wild["p_value"].min() >= 0.125
    assert np.isinf(wild[["conf_low", "conf_high"]]).all(axis=None)


def test_one_cluster_is_refused():
    data, _, _ = villages()
    with pytest.raises(InputError, match="at least two groups; 'country' has one"):
        logit("y ~ x", data.assign(country="A"), vcov=WildCluster("country"))


def test_a_missing_column_is_named():
    data, _, _ = villages()
    with pytest.raises(InputError, match="needs the column vilage"):
        logit("y ~ x", data, vcov=WildCluster("vilage"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": ("a", "b")}, "takes one column"),
        ({"by": "a", "draws": 20}, "draws must be at least 99; got 20"),
        ({"by": "a", "weights": "normal"}, "weights must be one of 'rademacher'"),
        ({"by": "a", "conf_level": 95}, "conf_level must be between 0 and 1"),
        ({"by": "a", "correction": "hc3"}, "correction must be one of"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        WildCluster(**options)


def test_estimators_without_it_say_so():
    rows = table("grunfeld")
    vcov = WildCluster("firm")
    with pytest.raises(
        InputError, match=r"no wild cluster bootstrap. Use vcov=Cluster"
    ):
        panel_logit(
            "inv > 100 ~ value",
            rows.assign(firm=rows["firm"].astype(str)),
            unit="firm",
            period="year",
            effects="unit",
            vcov=vcov,
        )


def test_a_hypothesis_without_a_fit_is_said():
    # Without x, z separates what is left.
    y = np.array([0.0, 0, 0, 1, 1, 1, 0, 1])
    z = np.array([-1.0, -1, -1, 1, 1, 1, -1, 1])
    x = np.array([-1.0, 1, 2, 1, -1, 0, 3, 1])
    X = np.column_stack([np.ones(8), z, x])
    problem = WildProblem(
        X, y, LINKS["logit"], np.arange(8) // 2, 4, np.array([0.1, 0.2, 0.3])
    )
    with pytest.raises(EstimationError, match="no maximum with one coefficient held"):
        wild_tests(problem, cluster_draws(4), [2])
