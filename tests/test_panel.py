"""Linear panels against R's plm, and what the panel refuses."""

import numpy as np
import pandas as pd
import pytest
from known import answers, table

import geopoverty as gp

# Within transformations agree to rounding; Produc's regressors correlate at 0.99.
TOLERANCE = 1e-9

CASES = [
    (data, effects)
    for data in ("grunfeld", "grunfeld_ragged", "produc")
    for effects in ("unit", "period", "two-way")
]


def rows_of(data):
    if data == "produc":
        return table("produc"), "state"
    rows = table("grunfeld")
    if data == "grunfeld_ragged":
        rows = rows[(np.arange(len(rows)) + 1) % 7 != 0]
    return rows, "firm"


@pytest.mark.filterwarnings("ignore:There are only")
@pytest.mark.parametrize(
    ("vcov", "key", "kind"),
    [
        ("iid", "iid", None),
        ("hc1", "hc1", None),
        ("cluster", "cluster_unit", "adjusted"),
        (gp.Cluster("year"), "cluster_period", "adjusted"),
        (gp.Cluster("year", "groups"), "cluster_period", "groups_only"),
    ],
)
@pytest.mark.parametrize(("data", "effects"), CASES)
def test_panels_equal_those_of_r(data, effects, vcov, key, kind):
    known = answers("panel")[data][effects]
    rows, unit = rows_of(data)
    result = gp.panel(
        known["formula"], rows, unit=unit, period="year", effects=effects, vcov=vcov
    )
    theirs = [known["coefficients"][t] for t in result.estimates.index]
    np.testing.assert_allclose(result.estimates, theirs, rtol=TOLERANCE)
    matrix = known["vcov"][key] if kind is None else known["vcov"][key][kind]
    np.testing.assert_allclose(result.vcov, matrix, rtol=TOLERANCE)
    assert result.facts["r_squared_within"] == pytest.approx(
        known["facts"]["r2_within"], rel=TOLERANCE
    )
    groups = result.facts.get("n_clusters")
    degrees = known["facts"]["residual_df"] if groups is None else groups - 1
    assert result.facts["df_t"] == degrees


def test_known_answer_of_produc():
    result = gp.panel(
        "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp",
        table("produc"), unit="state", period="year", effects="unit",
    )  # fmt: skip
    np.testing.assert_allclose(
        result.estimates, [-0.026150, 0.292007, 0.768159, -0.005298], atol=5e-7
    )


def test_pooled_is_least_squares():
    rows = table("grunfeld")
    result = gp.panel(
        "inv ~ value + capital",
        rows, unit="firm", period="year", effects="none", vcov="iid",
    )  # fmt: skip
    X = np.column_stack([np.ones(len(rows)), rows["value"], rows["capital"]])
    b, rss, *_ = np.linalg.lstsq(X, rows["inv"], rcond=None)
    np.testing.assert_allclose(result.estimates, b, rtol=1e-10)
    theirs = rss[0] / (len(rows) - 3) * np.linalg.inv(X.T @ X)
    np.testing.assert_allclose(result.vcov, theirs, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:There are only")
def test_two_way_clusters_take_the_smaller_g():
    rows = table("grunfeld")
    options = {"unit": "firm", "period": "year", "effects": "two-way"}
    known = answers("panel")["grunfeld"]["two-way"]["vcov"]
    result = gp.panel(
        "inv ~ value + capital", rows, vcov=gp.Cluster(("firm", "year")), **options
    )
    # Each pair of firm and year is one row: the part of both is plain HC0. Both
    # effects are nested in a cluster, so that only the constant counts.
    n, k, groups = len(rows), 2, 10
    factor = groups / (groups - 1) * (n - 1) / (n - k - 1)
    parts = (
        np.array(known["cluster_unit"]["no_factor"])
        + np.array(known["cluster_period"]["no_factor"])
        - np.array(known["hc0"])
    )
    np.testing.assert_allclose(result.vcov, factor * parts, rtol=1e-8)


def simulated(seed=0, units=50, periods=4):
    rng = np.random.default_rng(seed)
    ids = np.repeat([f"{i:03d}" for i in range(units)], periods)
    t = np.tile(np.arange(periods), units)
    x = rng.normal(size=units * periods)
    own = np.repeat(rng.normal(size=units), periods)
    y = 2 * x + own + 0.3 * t + rng.normal(size=units * periods)
    return pd.DataFrame({"unit_id": ids, "period": t, "x": x, "y": y})


def test_conley_within_no_reach_is_clusters_without_a_factor():
    data = simulated()
    ids = data["unit_id"].unique()
    far = np.full((50, 50), 100.0)
    times = gp.TravelTimes(ids, far, "simulated")
    conley = gp.panel("y ~ x", data, vcov=gp.Conley(times, 50))
    cluster = gp.panel("y ~ x", data, vcov=gp.Cluster("unit_id", "groups"))
    np.testing.assert_allclose(conley.vcov * 50 / 49, cluster.vcov, rtol=1e-10)


def test_spillovers_through_lags_are_recovered():
    data = simulated(3, units=80, periods=5)
    rng = np.random.default_rng(1)
    ids = data["unit_id"].unique()
    links = (rng.random((80, 80)) < 0.06).astype(float)
    np.fill_diagonal(links, 0)
    links[links.sum(axis=1) == 0, 0] = 1.0
    links[0, 0] = 0.0
    weights = gp.SpatialWeights(ids, links / links.sum(axis=1, keepdims=True))
    wide = data.pivot_table("x", "unit_id", "period")
    # Rows are in the order of units, then periods, as the product is.
    data["y"] += 1.5 * (weights.matrix @ wide.to_numpy()).ravel()
    result = gp.panel("y ~ x + W(x)", data, weights=weights).tidy().set_index("term")
    for term, truth in (("x", 2.0), ("W(x)", 1.5)):
        gap = abs(result.loc[term, "estimate"] - truth)
        assert gap < 4 * result.loc[term, "std_error"]


def test_effects_of_linear_spillovers_add_up():
    data = simulated()
    ids = data["unit_id"].unique()
    ring = np.roll(np.eye(50), 1, axis=1) * 0.7
    weights = gp.SpatialWeights(ids, ring)
    result = gp.panel("y ~ x + W(x)", data, weights=weights)
    effects = result.tables["effects"].set_index("effect")["estimate"]
    b = result.estimates
    assert effects["direct"] == pytest.approx(b["x"])
    assert effects["indirect"] == pytest.approx(0.7 * b["W(x)"])
    assert effects["total"] == pytest.approx(b["x"] + 0.7 * b["W(x)"])
    c = np.array([1.0, 0.7])
    se = result.tables["effects"].set_index("effect")["std_error"]
    assert se["total"] == pytest.approx(np.sqrt(c @ result.vcov.to_numpy() @ c))


def test_fitted_and_residual_make_the_outcome():
    data = simulated()
    units = gp.panel("y ~ x", data).units
    np.testing.assert_allclose(units["fitted"] + units["residual"], data["y"])
    sums = units.groupby("unit_id")["residual"].sum()
    np.testing.assert_allclose(sums, 0, atol=1e-8)


# Bad input


def test_repeated_pairs_are_refused():
    data = simulated()
    data.loc[1, "period"] = 0
    with pytest.raises(
        gp.InputError, match=r"unit_id and period must stand once; 1 of 200 rows"
    ):
        gp.panel("y ~ x", data)


def test_one_period_is_refused():
    data = simulated().query("period == 0")
    with pytest.raises(gp.InputError, match="needs at least two periods; 'period' has"):
        gp.panel("y ~ x", data)


def test_constants_within_units_are_refused():
    data = simulated().assign(south=lambda t: (t["unit_id"] > "020").astype(int))
    with pytest.raises(
        gp.InputError, match=r"south does not vary within any unit.*effects='period'"
    ):
        gp.panel("y ~ x + south", data)


def test_constants_within_periods_are_refused():
    data = simulated().assign(crisis=lambda t: (t["period"] == 2).astype(int))
    with pytest.raises(gp.InputError, match="crisis does not vary within any period"):
        gp.panel("y ~ x + crisis", data)


def test_what_both_effects_together_absorb_is_refused():
    data = simulated().assign(
        sum_of_both=lambda t: t["period"] + t["unit_id"].astype(int)
    )
    with pytest.raises(gp.InputError, match="sum_of_both is determined by the two-way"):
        gp.panel("y ~ x + sum_of_both", data)


def test_a_constant_outcome_is_refused():
    with pytest.raises(gp.InputError, match="The outcome 'y' must vary; it is 3"):
        gp.panel("y ~ x", simulated().assign(y=3.0))


def test_no_covariate_is_refused():
    with pytest.raises(gp.InputError, match="has no covariate"):
        gp.panel("y ~ 1", simulated())


def test_unknown_options_are_named():
    with pytest.raises(gp.InputError, match="effects must be one of 'unit', 'period'"):
        gp.panel("y ~ x", simulated(), effects="twoway")
    with pytest.raises(gp.InputError, match="panel takes vcov"):
        gp.panel("y ~ x", simulated(), vcov="hc0")


@pytest.mark.parametrize("effects", ["none", "unit", "period", "two-way"])
def test_few_clusters_are_tested_by_the_wild_bootstrap(effects):
    """Net of effects as with dummies: p-values of the regression that has them all."""
    rng = np.random.default_rng(3)
    keys = pd.MultiIndex.from_product([range(24), range(4)]).to_frame(index=False)
    data = pd.DataFrame(
        {
            "unit_id": [f"u{i:02d}" for i in keys[0]],
            "period": keys[1],
            "village": [f"v{i % 8}" for i in keys[0]],
            "x": rng.normal(size=96),
        }
    )
    data["y"] = 0.3 * data["x"] + rng.normal(size=96) + np.repeat(range(24), 4) / 9
    vcov = gp.WildCluster("village", weights="rademacher", conf_level=None)
    found = gp.panel("y ~ x", data, effects=effects, vcov=vcov)
    dummies = {
        "none": "x",
        "unit": "x + C(unit_id)",
        "period": "x + C(period)",
        "two-way": "x + C(unit_id) + C(period)",
    }[effects]
    full = gp.panel(f"y ~ {dummies}", data, effects="none", vcov=vcov)
    wild, theirs = (r.tables["wild"].set_index("term").loc["x"] for r in (found, full))
    assert wild["p_value"] == theirs["p_value"]
    assert (wild["draws"], found.facts["wild_exact"]) == (256, True)
    tidy = found.tidy().set_index("term").loc["x"]
    assert wild["statistic"] == pytest.approx(tidy["statistic"], rel=1e-9)
    assert any("tables['wild']" in note for note in found.notes)


def test_the_wild_bootstrap_needs_units_within_clusters():
    rows = table("grunfeld").assign(half=lambda t: np.where(t["year"] > 1944, "b", "a"))
    options = {"unit": "firm", "period": "year", "vcov": gp.WildCluster("half")}
    with pytest.raises(gp.InputError, match="each firm must lie in one half"):
        gp.panel("inv ~ value", rows, **options)
    with pytest.raises(gp.InputError, match="has no wild cluster bootstrap"):
        gp.panel("inv ~ value", rows, effects="random", **options)
