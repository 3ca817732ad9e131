"""Two waves: 2SLS against R, its Anderson-Rubin set, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import REFERENCE, answers
from scipy import stats

from geopoverty.errors import GeoPovertyWarning, InputError
from geopoverty.estimators.dynamic_panel import (
    DynamicGMM,
    Household,
    Instruments,
    dynamic_panel,
)
from geopoverty.numerics.two_stage import (
    Groups,
    Instrumented,
    anderson_rubin_set,
    first_stages,
    fit_two_stage,
)
from geopoverty.weights import SpatialWeights

TOLERANCE = 1e-8  # the same least squares, by QR here and there

SALESTAX = Instruments(("price",), outside=("salestax",))


def cigarettes():
    return pd.read_csv(REFERENCE / "cigarettes.csv", dtype={"state": str})


def fit(formula="packs ~ price + income", data=None, **options):
    data = cigarettes() if data is None else data
    given_options = {"unit": "state", "period": "year", "gmm": SALESTAX}
    return dynamic_panel(formula, data, **{**given_options, **options})


def check(result, theirs, **renamed):
    names = {"(Intercept)": "Intercept", "later": "year[T.1995]", **renamed}
    for term, value in theirs["coefficients"].items():
        ours = names.get(term, term)
        assert result.estimates[ours] == pytest.approx(value, rel=TOLERANCE)
        error = np.sqrt(result.vcov.loc[ours, ours])
        assert error == pytest.approx(theirs["se"][term], rel=TOLERANCE)


# Against R (AER::ivreg and sandwich), on the states' cigarettes of 1985 and 1995


def test_levels_equal_those_of_r():
    theirs, result = answers("dynamic")["two_waves"]["levels_one"], fit()
    check(result, theirs)
    facts = result.facts
    assert facts["first_stage_f"] == pytest.approx(theirs["first_f"], rel=TOLERANCE)
    assert facts["effective_f"] == pytest.approx(theirs["first_f"], rel=TOLERANCE)
    known = theirs["anderson_rubin"]
    found = result.tables["anderson_rubin"][["conf_low", "conf_high"]].to_numpy()
    np.testing.assert_allclose(found, [known["ends"]], rtol=1e-7)
    assert facts["anderson_rubin_set"] == "bounded"
    # R's test is at b = 0.
    assert facts["anderson_rubin_f"] == pytest.approx(known["f_zero"], rel=1e-7)
    assert facts["anderson_rubin_p"] == pytest.approx(known["p_zero"], rel=1e-6)


def test_the_result_names_itself_and_counts():
    result = fit()
    assert result.estimator == "two-wave 2SLS"
    facts = result.facts
    assert (facts["method"], facts["equation"]) == ("2sls", "levels")
    assert (facts["n_moments"], facts["n_parameters"], facts["df"]) == (4, 4, 0)
    assert (facts["n_obs"], facts["n_units"], facts["n_clusters"]) == (96, 48, 48)
    assert facts["df_t"] == 47
    assert "hansen" not in facts
    tests = result.tables["tests"].set_index("test")
    assert tests["statistic"].isna().all()
    assert "no degrees of freedom" in tests["why_not"]["Hansen"]
    assert "needs three periods" in tests["why_not"]["AR(1) in differences"]
    assert "needs four periods" in tests["why_not"]["AR(2) in differences"]
    notes = " ".join(result.notes)
    assert "two-stage least squares in levels, 4 moments for 4 coefficients" in notes
    assert "E[instrument x effect] = 0" in notes
    assert "AR(1) needs three periods" in notes
    assert "no degrees of freedom: the instruments cannot be tested" in notes


def test_hansen_with_two_instruments_equals_that_of_r():
    theirs = answers("dynamic")["two_waves"]["levels_two"]
    result = fit(gmm=Instruments(("price",), outside=("salestax", "tax")))
    check(result, theirs)
    facts = result.facts
    assert facts["df"] == 1
    assert facts["hansen"] == pytest.approx(theirs["hansen"], rel=1e-7)
    assert facts["hansen_p"] == pytest.approx(stats.chi2.sf(theirs["hansen"], 1))
    assert facts["first_stage_f"] == pytest.approx(theirs["first_f"], rel=TOLERANCE)


def test_two_endogenous_regressors_equal_those_of_r():
    theirs = answers("dynamic")["two_waves"]["both_endogenous"]
    gmm = Instruments(("price", "income"), outside=("salestax", "tax"))
    with pytest.warns(GeoPovertyWarning, match="Instruments are weak: F of a first"):
        result = fit(gmm=gmm)
    check(result, theirs)
    assert len(result.tables["first_stage"]) == 2
    assert result.tables["anderson_rubin"].empty
    assert any("Anderson-Rubin test is joint" in note for note in result.notes)


def test_differences_equal_those_of_r():
    theirs = answers("dynamic")["two_waves"]["differences"]
    result = fit(method="difference")
    check(result, theirs, **{"(Intercept)": "year[T.1995]"})
    assert result.facts["equation"] == "differences"
    assert result.facts["n_obs"] == 48
    found = result.tables["anderson_rubin"][["conf_low", "conf_high"]].to_numpy()
    np.testing.assert_allclose(found, [theirs["anderson_rubin"]["ends"]], rtol=1e-7)
    assert not any("E[instrument" in note for note in result.notes)


def test_a_useless_instrument_gives_the_whole_line():
    theirs = answers("dynamic")["two_waves"]["weak"]
    data = cigarettes()
    data["noise"] = np.sin(np.arange(1, 97) * 12.9898) * 43.7585
    with pytest.warns(GeoPovertyWarning, match=r"Instruments are weak: F of the first"):
        result = fit(data=data, gmm=Instruments(("price",), outside=("noise",)))
    check(result, theirs)
    assert theirs["anderson_rubin"]["leading"] < 0
    assert theirs["anderson_rubin"]["ends"] == []
    assert result.facts["anderson_rubin_set"] == "unbounded"
    table = result.tables["anderson_rubin"]
    assert table["conf_low"].tolist() == [-np.inf]
    assert table["conf_high"].tolist() == [np.inf]
    assert any("the whole line" in note for note in result.notes)


# The Anderson-Rubin set


def simulated(seed, strength, n=60):
    rng = np.random.default_rng(seed)
    z, hidden, noise = rng.normal(size=(3, n))
    x = strength * z + hidden
    X = np.column_stack([np.ones(n), x])
    groups = Groups(np.arange(n) // 2, n // 2)
    return Instrumented(x + hidden + noise, X, np.array([1]), z[:, None], groups)


def quadratic(model, conf_level):
    """The set of one instrument: (f - b p)^2 <= c V(b), a quadratic in b."""
    y, x, groups = model.y, model.X[:, 1], model.groups
    Z = model.Z
    Q = np.linalg.inv(Z.T @ Z)
    fy, fx = Q @ Z.T @ y, Q @ Z.T @ x
    sy = groups.sums(Z * (y - Z @ fy)[:, None]) @ Q
    sx = groups.sums(Z * (x - Z @ fx)[:, None]) @ Q
    factor = groups.factor(2)
    c = factor * stats.f.ppf(conf_level, 1, groups.count - 1)
    a2 = fx[1] ** 2 - c * sx[:, 1] @ sx[:, 1]
    a1 = -2 * (fx[1] * fy[1] - c * sx[:, 1] @ sy[:, 1])
    a0 = fy[1] ** 2 - c * sy[:, 1] @ sy[:, 1]
    roots = np.sort(np.roots([a2, a1, a0]))
    if np.iscomplexobj(roots):
        return [(-np.inf, np.inf)]
    low, high = map(float, roots)
    return [(low, high)] if a2 > 0 else [(-np.inf, low), (high, np.inf)]


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.15, 0.3, 1.0]))
@LAW
def test_the_set_of_one_instrument_is_a_quadratic(seed, strength):
    model = simulated(seed, strength)
    found = anderson_rubin_set(model, fit_two_stage(model), 0.9)
    np.testing.assert_allclose(found, quadratic(model, 0.9), rtol=1e-5)


def test_sets_of_every_shape_are_met():
    shapes = {
        (len(found), bool(np.isinf(found[0][0])))
        for seed in range(60)
        for model in [simulated(seed, 0.25)]
        for found in [anderson_rubin_set(model, fit_two_stage(model))]
    }
    assert shapes == {(1, False), (1, True), (2, True)}


def test_disjoint_sets_are_said():
    seed = next(
        s
        for s in range(99)
        for model in [simulated(s, 0.25)]
        if len(anderson_rubin_set(model, fit_two_stage(model))) == 2
    )
    model = simulated(seed, 0.25)
    data = pd.DataFrame(
        {
            "unit_id": np.repeat([f"{i:02d}" for i in range(30)], 2),
            "period": np.tile([1, 2], 30),
            "y": model.y,
            "x": model.X[:, 1],
            "z": model.outside[:, 0],
        }
    )
    how = DynamicGMM(period_effects=False)
    with pytest.warns(GeoPovertyWarning) as seen:
        result = dynamic_panel("y ~ x", data, gmm=Instruments(("x",), outside=("z",)),
                               method=how)  # fmt: skip
    assert {str(w.message).split(":")[0] for w in seen} == {
        "Instruments are weak",
        "There are only 30 clusters",
    }
    assert result.facts["anderson_rubin_set"] == "disjoint"
    assert len(result.tables["anderson_rubin"]) == 2
    assert any("hardly identify it" in note for note in result.notes)


def test_the_set_covers_the_truth_however_weak():
    """Seeds 0 to 299, strength 0.1: coverage of 95 % within Monte Carlo error."""
    inside = []
    for seed in range(300):
        model = simulated(seed, 0.1)
        found = anderson_rubin_set(model, fit_two_stage(model))
        inside.append(any(low <= 1.0 <= high for low, high in found))
    assert 0.91 < np.mean(inside) < 0.98


def test_first_stages_do_not_depend_on_the_basis_of_instruments():
    rng = np.random.default_rng(4)
    z, x = rng.normal(size=(2, 80, 2))
    x = x + z
    y = x.sum(axis=1) + rng.normal(size=80)
    X = np.column_stack([np.ones(80), x])
    groups = Groups(np.arange(80), 80)
    at = np.array([1, 2])
    one = first_stages(Instrumented(y, X, at, z, groups))
    mixed = z @ np.array([[2.0, 1.0], [-1.0, 5.0]]) + 3
    two = first_stages(Instrumented(y, X, at, mixed, groups))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(list(vars(a).values()), list(vars(b).values()))


# Households in counties, as in the study of clusters


def households(seed, counties=40, homes=6, strength=1.0):
    rng = np.random.default_rng(seed)
    ids = [f"{i:02d}" for i in range(counties)]
    gdp = rng.normal(size=counties)
    rows = []
    for c, county in enumerate(ids):
        for year in (2004, 2008):
            hidden = rng.normal()
            clusters = strength * gdp[c] + hidden + 0.2 * (year == 2008)
            age = rng.normal(size=homes)
            income = 1 + 0.5 * clusters + 0.2 * age + hidden + rng.normal(size=homes)
            rows += [
                (county, f"{county}{h}", year, clusters, gdp[c], age[h], income[h])
                for h in range(homes)
            ]
    names = ["unit_id", "hh_id", "year", "clusters", "gdp_1994", "age", "income"]
    return pd.DataFrame(rows, columns=names)


GDP = Instruments(("clusters",), outside=("gdp_1994",))


def fit_households(data, formula="income ~ clusters + age", **options):
    given_options = {"unit": Household("hh_id"), "period": "year", "gmm": GDP}
    return dynamic_panel(formula, data, **{**given_options, **options})


def test_planted_truth_is_recovered_where_least_squares_is_biased():
    """Seeds 0 to 79: 0.5 within Monte Carlo error, covered by 90 to 98 %."""
    found, covered, plain = [], [], []
    for seed in range(80):
        data = households(seed)
        row = fit_households(data).tidy().set_index("term").loc["clusters"]
        found.append(row["estimate"])
        covered.append(row["conf_low"] < 0.5 < row["conf_high"])
        X = np.column_stack([np.ones(len(data)), data["clusters"], data["age"]])
        plain.append(np.linalg.lstsq(X, data["income"], rcond=None)[0][1])
    error = np.std(found, ddof=1) / np.sqrt(80)
    assert abs(np.mean(found) - 0.5) < 3 * error
    assert 0.9 <= np.mean(covered) <= 0.98
    assert np.mean(plain) > 0.9


def test_households_are_clustered_on_their_county():
    result = fit_households(households(1))
    assert result.facts["vcov"] == "clustered by unit_id"
    assert (result.facts["n_clusters"], result.facts["n_units"]) == (40, 240)


def test_few_clusters_are_warned_of():
    with pytest.warns(GeoPovertyWarning, match="only 10 clusters"):
        result = fit_households(households(1, counties=10, strength=3.0))
    assert any("only 10 clusters" in note for note in result.notes)


def test_clusters_may_be_another_column():
    data = households(1, strength=3.0).assign(part=lambda t: t["unit_id"].str[:1])
    with pytest.warns(GeoPovertyWarning, match="only 4 clusters"):
        result = fit_households(data, method=DynamicGMM(cluster="part"))
    assert result.facts["vcov"] == "clustered by part"


def ring(ids):
    eye = np.eye(len(ids))
    links = (np.roll(eye, 1, axis=1) + np.roll(eye, -1, axis=1)) / 2
    return SpatialWeights(ids, links, standardize="row")


def test_neighbours_clusters_may_be_endogenous_too():
    data = households(2)
    ids = sorted(data["unit_id"].unique())
    w = ring(ids)
    gmm = Instruments(("clusters", "W(clusters)"), outside=("gdp_1994", "W(gdp_1994)"))
    result = fit_households(
        data, "income ~ clusters + W(clusters) + age", gmm=gmm, weights=w
    )
    effects = result.tables["effects"].set_index(["term", "effect"])["estimate"]
    assert effects["clusters", "total"] == pytest.approx(
        effects["clusters", "direct"] + effects["clusters", "indirect"]
    )
    assert set(result.tables["first_stage"]["term"]) == {"clusters", "W(clusters)"}
    assert result.facts["df"] == 0


def test_predetermined_regressors_have_their_first_value():
    data = households(3)
    gmm = Instruments(predetermined=("age",))
    result = fit_households(data, "income ~ age", gmm=gmm, method="difference")
    wide = data.pivot_table(index="hh_id", columns="year", values=["age", "income"])
    dy = (wide["income"][2008] - wide["income"][2004]).to_numpy()
    dx = (wide["age"][2008] - wide["age"][2004]).to_numpy()
    z = wide["age"][2004].to_numpy()
    z = z - z.mean()
    assert result.estimates["age"] == pytest.approx((z @ dy) / (z @ dx))


@pytest.mark.parametrize("method", ["auto", "difference"])
def test_order_of_rows_does_not_matter(method):
    data = households(5).assign(rain=lambda t: t["clusters"] + t["age"] ** 2)
    gmm = Instruments(("clusters",), outside=("rain",))
    one, two = (
        fit_households(t, method=method, gmm=gmm)
        for t in (data, data.sample(frac=1, random_state=3))
    )
    np.testing.assert_allclose(one.estimates, two.estimates)
    np.testing.assert_allclose(one.vcov, two.vcov)


def test_unbalanced_waves_keep_what_they_can():
    data = households(6).drop(index=[0, 5, 9])
    assert fit_households(data).facts["n_obs"] == len(data)
    moving = data.assign(rain=data["clusters"] + data["age"])
    gmm = Instruments(("clusters",), outside=("rain",))
    changed = fit_households(moving, method="difference", gmm=gmm)
    assert changed.facts["n_obs"] == 237


# What is refused


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        (
            "income ~ L(income) + clusters",
            {},
            r"L\(income\) with two waves: a lagged outcome needs three\. Leave it out",
        ),
        (
            "income ~ clusters + L(age)",
            {},
            r"L\(age\) with two waves: it leaves one\. Leave it out, or join",
        ),
        (
            "income ~ clusters + age",
            {"gmm": Instruments(("clusters",)), "method": "difference"},
            r"Not identified: clusters needs 1 instruments and has none\. With two "
            "waves no earlier value is left",
        ),
        (
            "income ~ clusters + age",
            {"gmm": Instruments(("clusters", "age"), outside=("gdp_1994",))},
            r"Not identified: clusters, age needs 2 instruments and has 1 \(gdp_1994\)",
        ),
        (
            "income ~ clusters + age",
            {"gmm": None},
            r"Nothing is endogenous.*Use panel",
        ),
        (
            "income ~ clusters + age",
            {"gmm": Instruments(predetermined=("clusters",), outside=("gdp_1994",))},
            r"variable \(clusters\) has an instrument only in differences",
        ),
        (
            "income ~ clusters + age",
            {"gmm": Instruments(("clusters",), outside=("one",))},
            "An instrument must vary; one is the same in every row",
        ),
        (
            "income ~ clusters + age",
            {"gmm": Instruments(("clusters",), outside=("gdp_1994", "twice"))},
            r"must not determine one another.*'twice' is a combination of gdp_1994",
        ),
        (
            "income ~ clusters + age",
            {"gmm": Instruments(("clusters",), outside=("age",))},
            r"age is a regressor itself",
        ),
        (
            "income ~ clusters + gdp_1994",
            {"gmm": Instruments(("clusters",), outside=("age",)),
             "method": "difference"},
            r"gdp_1994 does not change within any hh_id, so differences remove it",
        ),
        (
            "income ~ clusters + W(income)",
            {"gmm": GDP, "weights": "ring"},
            r"W\(income\) holds neighbours' outcomes",
        ),
        (
            "income ~ clusters + age",
            {"method": DynamicGMM(cluster="one")},
            "Clusters need at least two groups; 'one' has one",
        ),
        ("income ~ clusters", {"method": DynamicGMM(cluster="x")}, "data needs the"),
    ],
)  # fmt: skip
def test_what_two_waves_do_not_identify_is_refused(formula, options, message):
    data = households(7).assign(one=1.0, twice=lambda t: 2 * t["gdp_1994"])
    if options.get("weights") == "ring":
        options = {**options, "weights": ring(sorted(data["unit_id"].unique()))}
    with pytest.raises(InputError, match=message):
        fit_households(data, formula, **options)


def test_households_seen_once_cannot_be_differenced():
    data = households(8)
    data = data[(data["year"] == 2004) == (data["age"] > 0)]
    once = data.drop_duplicates("hh_id")
    with pytest.raises(InputError, match="No hh_id has a complete row in both waves"):
        fit_households(once, method="difference")


def test_more_instruments_than_units_are_warned_of():
    data = households(9, counties=4, homes=1)
    rng = np.random.default_rng(0)
    names = tuple(f"z{j}" for j in range(4))
    data = data.assign(**{n: rng.normal(size=len(data)) for n in names})
    gmm = Instruments(("clusters",), outside=names)
    with pytest.warns(GeoPovertyWarning) as seen:
        result = fit_households(data, "income ~ clusters", gmm=gmm)
    said = " ".join(str(w.message) for w in seen)
    assert "more instruments (6) than units (4)" in said
    assert "only 4 clusters" in said
    assert np.isnan(result.facts["anderson_rubin_f"])
    assert any("too few to test 4 instruments" in note for note in result.notes)
    assert "too few to weigh" in result.tables["tests"]["why_not"][0]
