"""Any estimator group by group, and tests that the groups differ."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW, result
from hypothesis import given
from hypothesis import strategies as st
from known import answers, household_weights, table

import geopoverty as gp
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.groups import by_group
from geopoverty.numerics.equality import equality
from geopoverty.results import Result

# Both minimise the same likelihood to about 1e-12 of its value.
RTOL = 1e-8


@pytest.fixture(scope="module")
def homes() -> pd.DataFrame:
    data = table("binary", index_col="hh_id")
    data.attrs = {"title": "Made-up homes", "status": "simulated"}
    return data


def logit(part: pd.DataFrame) -> Result:
    return gp.logit("poor ~ x1 + x2", part, vcov="iid")


@pytest.fixture(scope="module")
def fit(homes) -> Result:
    return by_group(logit, homes, by="region")


def test_tests_of_equality_are_those_of_r(fit):
    found = fit.tables["equality"].set_index("term")
    known = answers("clusters")["equality"]
    for term, name in (("x1", "x1"), ("all slopes", "slopes"), ("all terms", "all")):
        row = found.loc[term, ["statistic", "df", "p_value"]].astype(float)
        expected = [known[name][k] for k in ("statistic", "df", "p_value")]
        np.testing.assert_allclose(row, expected, rtol=1e-6, err_msg=term)


def test_each_group_is_fitted_by_itself(homes, fit):
    regions = sorted(homes["region"].unique())
    assert fit.facts["n_groups"] == len(regions)
    for region in regions:
        alone = logit(homes[homes["region"] == region])
        own = [f"{region}: {t}" for t in alone.estimates.index]
        np.testing.assert_allclose(fit.estimates[own], alone.estimates, rtol=RTOL)
        np.testing.assert_allclose(fit.vcov.loc[own, own], alone.vcov, rtol=RTOL)
        assert (fit.vcov.loc[own].drop(columns=own) == 0).all(None)
        part = fit.tables["effects"].query("group == @region").drop(columns="group")
        pd.testing.assert_frame_equal(
            part.reset_index(drop=True), alone.tables["effects"]
        )
    assert fit.facts["n_obs"] == len(homes)
    groups = fit.tables["groups"]
    total = groups["log_likelihood"].sum()
    assert fit.facts["log_likelihood"] == pytest.approx(total)
    assert fit.facts["outcome"] == "poor"
    assert fit.units["group"].nunique() == len(regions)


def test_effects_are_compared_too(fit):
    found = fit.tables["equality_effects"].set_index("term")
    effects = fit.tables["effects"].query("term == 'x1'")
    b, se = effects["estimate"].to_numpy(), effects["std_error"].to_numpy()
    mean = np.average(b, weights=se**-2)
    expected = (((b - mean) / se) ** 2).sum()  # Cochran's Q is the same test
    assert found.loc["x1", "statistic"] == pytest.approx(expected)
    assert found.loc["x1", "df"] == len(b) - 1
    assert any("Allison 1999" in n for n in fit.notes)


def test_origin_and_result_last(homes, fit, tmp_path):
    assert {"title": "Made-up homes", "status": "simulated"} in fit.provenance["data"]
    assert fit.provenance["formula"] == "poor ~ x1 + x2"
    fit.save(tmp_path / "fit.zip")
    back = Result.load(tmp_path / "fit.zip")
    pd.testing.assert_series_equal(back.estimates, fit.estimates)
    assert "region" in repr(fit.provenance["options"])
    with pytest.raises(InputError, match="this one is of by_group"):
        gp.predict(fit, homes)


def test_groups_may_be_numbers_yes_or_no_and_categories(homes):
    for values, labels in (
        (homes["x2"].astype(int), ["g=0", "g=1"]),
        (homes["x2"].astype(float), ["g=0", "g=1"]),
        (homes["x2"].astype(bool), ["g=False", "g=True"]),
        (
            pd.Categorical(np.where(homes["x2"] > 0, "few", "many"), ["many", "few"]),
            ["many", "few"],
        ),
    ):
        found = by_group(
            lambda t: gp.logit("poor ~ x1", t), homes.assign(g=values), by="g"
        )
        heads = [t.partition(":")[0] for t in found.estimates.index]
        assert list(dict.fromkeys(heads)) == labels


def test_lags_within_groups_come_from_all_units(homes):
    weights = household_weights("weight_knn")
    counties = homes.groupby("unit_id", as_index=False)["clusters"].first()
    homes = homes.drop(columns="clusters")

    def spillover(part: pd.DataFrame) -> Result:
        return gp.logit(
            "poor ~ x1 + W(clusters)",
            part,
            weights=weights,
            unit_data=counties,
            vcov="hc1",
        )

    found = by_group(spillover, homes, by="region")
    assert "W(clusters)" in found.tables["equality"]["term"].tolist()
    effects = found.tables["equality_effects"]
    assert "indirect" in effects.query("term == 'clusters'")["effect"].tolist()


def test_shared_clusters_are_noted(homes):
    def clustered(part: pd.DataFrame) -> Result:
        return gp.logit("poor ~ x1", part, vcov=gp.Cluster("team"))

    mixed = homes.assign(half=np.where(np.arange(len(homes)) % 2, "odd", "even"))
    with pytest.warns(gp.GeoPovertyWarning, match="clusters"):
        found = by_group(clustered, mixed, by="half")
    assert any(
        "clusters of 'team' have rows in several groups" in n for n in found.notes
    )
    apart = homes.assign(half=np.where(homes["team"] < "t2", "low", "high"))
    with pytest.warns(gp.GeoPovertyWarning, match="clusters"):
        found = by_group(clustered, apart, by="half")
    assert not any("rows in several groups" in n for n in found.notes)
    few = [n for n in found.notes if "There are only" in n]
    assert few
    assert all(n.startswith(("low: ", "high: ")) for n in few)


def test_groups_cut_from_the_outcome_are_noted():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 2))
    data = pd.DataFrame({"unit_id": [f"{i % 50:02d}" for i in range(300)]})
    data["period"] = np.arange(300) // 50
    data["x"] = x[:, 0]
    data["income"] = x.sum(axis=1)
    data["poor"] = data["income"] < 0

    def pooled(part: pd.DataFrame) -> Result:
        return gp.panel("income ~ x", part, effects="none", vcov="hc1")

    found = by_group(pooled, data, by="poor")
    assert any("cut from the outcome 'income'" in n for n in found.notes)
    assert (found.estimates.filter(like=": x") < 0.8).all()  # the truth is 1
    # One law for all groups: the widest intervals.
    assert found.facts["df_t"] == found.tables["groups"]["df_t"].min()
    halves = by_group(pooled, data.assign(half=data["x"] > 0), by="half")
    assert not any("cut from" in n for n in halves.notes)


def test_planted_difference_is_found_and_none_is_not():
    rng = np.random.default_rng(8)
    rejected = np.zeros((300, 2))
    for k in range(300):
        x, g = rng.normal(size=200), np.arange(200) % 2
        for j, gap in enumerate((0.0, 1.0)):
            y = x * (1 + gap * g) + rng.normal(size=200)
            parts = [np.polyfit(x[g == i], y[g == i], 1, cov=True) for i in (0, 1)]
            test = equality(
                np.array([p[0] for p in parts]), np.array([p[1] for p in parts])
            )
            rejected[k, j] = test.p_value < 0.05
    size, power = rejected.mean(axis=0)
    assert 0.02 < size < 0.09  # 0.05 with a Monte Carlo error of 0.013
    assert power > 0.98


@LAW
@given(
    st.integers(2, 4), st.integers(1, 3), st.integers(0, 10**6), st.permutations([0, 1])
)
def test_order_of_groups_does_not_matter(g, k, seed, order):
    rng = np.random.default_rng(seed)
    b, root = rng.normal(size=(g, k)), rng.normal(size=(g, k, k + 2))
    V = root @ root.transpose(0, 2, 1)
    one = equality(b, V)
    turned = [*order, *range(2, g)]
    two = equality(b[turned], V[turned])
    assert one.df == two.df == (g - 1) * k
    assert one.statistic == pytest.approx(two.statistic, rel=1e-6)
    # In units of another scale, the test is the same.
    scale = np.geomspace(1e-4, 1e4, k)
    scaled = equality(b * scale, V * np.outer(scale, scale))
    assert scaled.statistic == pytest.approx(one.statistic, rel=1e-6)
    shared = equality(b * 0 + b[0], V)
    assert shared.statistic == pytest.approx(0, abs=1e-9)


def test_singular_or_missing_covariances_give_no_test():
    b = np.array([[0.0, 1.0], [1.0, 2.0]])
    assert np.isnan(equality(b, np.ones((2, 2, 2))).statistic)
    assert np.isnan(equality(b, np.full((2, 2, 2), np.nan)).p_value)
    assert np.isnan(equality(b, np.zeros((2, 2, 2))).p_value)

    def singular(_: pd.DataFrame) -> Result:
        vcov = pd.DataFrame(1.0, index=["a", "b"], columns=["a", "b"])
        return result(terms=("a", "b"), vcov=vcov)

    data = pd.DataFrame({"g": ["x", "y"]})
    found = by_group(singular, data, by="g", min_rows=1)
    assert found.tables["equality"]["statistic"].isna().tolist() == [
        False,
        False,
        True,
        True,
    ]
    assert any("No test that groups share all slopes" in n for n in found.notes)


def test_terms_and_tables_that_only_some_groups_have():
    def uneven(part: pd.DataFrame) -> Result:
        if part["g"].iloc[0] == "x":
            return result(terms=("a", "b"), tables={"one": pd.DataFrame({"v": [1]})})
        inner = pd.DataFrame({"group": ["p"], "v": [2]}, index=["Wald"])
        return result(terms=("a", "c"), tables={"one": inner}, notes=("Mind.",))

    data = pd.DataFrame({"g": ["x", "y", "z"]})
    found = by_group(uneven, data, by="g", min_rows=1)
    equal = found.tables["equality"].set_index("term")
    assert equal["n_groups"].to_dict() == {"a": 3, "c": 2}
    assert found.tables["one"]["group"].tolist() == ["x", "y", "z"]
    assert found.tables["one"]["inner_group"].tolist()[1:] == ["p", "p"]
    assert "y, z: Mind." in found.notes


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"] * 40, r"at least two groups; 'g' has 1 \(a\)"),
        (["a"] * 20 + [None] * 20, "Every row needs a group; in 'g'; 20 of 40 rows"),
        (["a"] * 35 + ["b"] * 5, r"at least 10 rows; 1 of 2 groups .*\(b: 5\)"),
        (["a"] * 20 + [1] * 20, "must be of one type; 'g' mixes text and others"),
    ],
)
def test_bad_groups(homes, values, message):
    with pytest.raises(InputError, match=message):
        by_group(logit, homes.iloc[:40].assign(g=values), by="g")


def test_other_bad_input(homes):
    with pytest.raises(InputError, match=r"by_group needs the column regoin.*'region'"):
        by_group(logit, homes, by="regoin")
    with pytest.raises(InputError, match="min_rows must be 1 or more"):
        by_group(logit, homes, by="region", min_rows=0)
    with pytest.raises(InputError, match="on_error must be one of 'raise', 'note'"):
        by_group(logit, homes, by="region", on_error="skip")
    with pytest.raises(InputError, match="fit must return a Result; it gave a Series"):
        by_group(lambda t: logit(t).estimates, homes, by="region")


def test_groups_that_fail_are_named_together(homes):
    broken = homes.assign(g=np.resize(["a", "b", "c", "d"], len(homes)))
    broken.loc[broken["g"] == "b", "poor"] = 1
    broken.loc[broken["g"] == "c", "x1"] = 2.0
    with pytest.raises(
        InputError, match=r"in 2 of 4 it does not\. b: The outcome 'poor'.*\| c: "
    ):
        by_group(logit, broken, by="g")
    found = by_group(logit, broken, by="g", on_error="note")
    assert found.facts["n_groups"] == 2
    assert any(n.startswith("b: The outcome 'poor' must vary") for n in found.notes)
    alone = broken[broken["g"].isin(["a", "b"])]
    with pytest.raises(InputError, match="Fewer than two groups are left"):
        by_group(logit, alone, by="g", on_error="note")
    split = homes.assign(g=np.resize(["a", "b"], len(homes)))
    split["x1"] = split["x1"].where(split["g"] == "a", split["poor"])
    with pytest.raises(EstimationError, match=r"in 1 of 2 it does not\. b: 'x1' separ"):
        by_group(logit, split, by="g")


def test_input_stays_as_it_is(homes):
    before = homes.copy()
    by_group(logit, homes, by="region")
    pd.testing.assert_frame_equal(homes, before)
    assert homes.attrs == before.attrs
