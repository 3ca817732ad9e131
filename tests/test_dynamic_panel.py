"""Dynamic panels against R and the published tables, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import REFERENCE, answers

from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.dynamic_panel import (
    DynamicGMM,
    Household,
    Instruments,
    dynamic_panel,
)
from geopoverty.numerics.dynamic.gmm import Equations, fit_gmm, part_inverse
from geopoverty.numerics.dynamic.grid import deviations_matrix, differences_matrix
from geopoverty.weights import SpatialWeights

# The script in R solves the same normal equations unit by unit; both lose digits to
# moments of very different size.
TOLERANCE = 1e-6
# Published outputs are printed to so many digits; Stata holds the data as floats.
PRINTED = 2e-6

LONG = "n ~ L(n) + L(n, 2) + w + L(w) + k + L(k) + L(k, 2) + ys + L(ys) + L(ys, 2)"
TABLE_4B = "n ~ L(n) + L(n, 2) + w + L(w) + k + ys + L(ys)"
BB = "n ~ L(n) + w + L(w) + k + L(k)"
SHORT = "n ~ L(n) + w + k"


def firms(gaps=False):
    rows = pd.read_csv(REFERENCE / "empluk.csv", dtype={"firm": str})
    out = pd.DataFrame({"unit_id": rows["firm"], "year": rows["year"]})
    for short, long in {
        "n": "emp",
        "w": "wage",
        "k": "capital",
        "ys": "output",
    }.items():
        out[short] = np.log(rows[long])
    return out[(np.arange(len(out)) + 1) % 11 != 0] if gaps else out


def fit(formula, data=None, **options):
    data = firms() if data is None else data
    return dynamic_panel(formula, data, **{"period": "year", **options})


def std_errors(result):
    return np.sqrt(np.diag(result.vcov))


# Against R: by hand from the formulas, and plm for the first (see dynamic.R)

LIMITED = Instruments(predetermined=("w",), lags=(2, 4))
CASES = {
    "table_4b": (TABLE_4B, None, DynamicGMM("difference"), False),
    "limited": (SHORT, LIMITED, DynamicGMM("difference"), False),
    "collapsed": (
        SHORT,
        Instruments(endogenous=("w",), collapse=True),
        DynamicGMM("difference"),
        False,
    ),
    "blundell_bond": (
        BB,
        Instruments(endogenous=("w", "k")),
        DynamicGMM("system"),
        False,
    ),
    "system_collapsed": (
        SHORT,
        Instruments(predetermined=("w",), lags=(2, 3), collapse=True),
        DynamicGMM("system"),
        False,
    ),
    "deviations": (
        SHORT,
        Instruments(lags=(2, 4)),
        DynamicGMM("difference", transform="deviations"),
        False,
    ),
    "gaps": (SHORT, Instruments(lags=(2, 4)), DynamicGMM("difference"), True),
    "gaps_deviations": (
        SHORT,
        Instruments(lags=(2, 4)),
        DynamicGMM("difference", transform="deviations"),
        True,
    ),
    "gaps_system": (
        SHORT,
        Instruments(lags=(2, 3), collapse=True),
        DynamicGMM("system", transform="deviations"),
        True,
    ),
}


def in_their_order(result):
    names = [n for n in result.estimates.index if n != "Intercept"]
    return names + (["Intercept"] if "Intercept" in result.estimates.index else [])


@pytest.mark.parametrize("name", CASES)
def test_estimates_and_tests_equal_those_of_r(name):
    formula, gmm, how, gaps = CASES[name]
    theirs = answers("dynamic")["gmm"][name]
    for steps, kind in ((1, "one"), (2, "two")):
        settings = DynamicGMM(how.equations, how.transform, steps=steps)
        ours = fit(formula, firms(gaps), gmm=gmm, method=settings)
        order = in_their_order(ours)
        np.testing.assert_allclose(
            ours.estimates[order], theirs[kind], rtol=TOLERANCE, atol=1e-9
        )
        errors = np.sqrt(np.diag(ours.vcov.loc[order, order]))
        np.testing.assert_allclose(errors, theirs[f"{kind}_se"], rtol=TOLERANCE)
        serial = [ours.facts["ar1"], ours.facts["ar2"]]
        np.testing.assert_allclose(serial, theirs[f"ar_{kind}"], rtol=1e-5)
    plain = DynamicGMM(how.equations, how.transform, windmeijer=False)
    uncorrected = fit(formula, firms(gaps), gmm=gmm, method=plain)
    errors = np.sqrt(np.diag(uncorrected.vcov.loc[order, order]))
    np.testing.assert_allclose(errors, theirs["two_se_plain"], rtol=TOLERANCE)
    assert any("too small" in note for note in uncorrected.notes)
    assert ours.facts["n_instruments"] == theirs["n_instruments"]
    assert ours.facts["n_parameters"] == theirs["n_parameters"]
    df = theirs["n_instruments"] - theirs["n_parameters"]
    assert ours.facts["hansen_df"] == ours.facts["sargan_df"] == df
    assert ours.facts["hansen"] == pytest.approx(theirs["hansen"], rel=TOLERANCE)
    assert ours.facts["sargan"] == pytest.approx(theirs["sargan"], rel=TOLERANCE)


# Against published tables


def test_known_answer_of_arellano_and_bond_table_4b():
    result = fit(TABLE_4B)
    known = [.474151, -.052967, -.513205, .224640, .292723, .609775,
             -.446373]  # fmt: skip
    errors = [.185398, .051749, .145565, .141950, .062627, .156263,
              .217302]  # fmt: skip
    np.testing.assert_allclose(result.estimates[:7], known, atol=5e-7)
    np.testing.assert_allclose(std_errors(result)[:7], errors, atol=5e-7)
    facts = result.facts
    assert facts["hansen"] == pytest.approx(30.112467, abs=5e-7)
    assert (facts["hansen_df"], facts["n_instruments"]) == (25, 38)
    assert facts["hansen_p"] == pytest.approx(0.220105, abs=5e-7)
    assert facts["ar1"] == pytest.approx(-1.538450, abs=5e-7)
    assert facts["ar2"] == pytest.approx(-0.279683, abs=5e-7)
    assert (facts["n_obs"], facts["n_units"]) == (611, 140)


def test_known_answer_of_arellano_and_bond_table_4a():
    """Roodman (2009), section 3.3: one-step difference GMM of the same table."""
    result = fit(LONG, method=DynamicGMM("difference", steps=1))
    known = [.6862261, -.0853582, -.6078208, .3926237, .3568456, -.0580012,
             -.0199475, .6085073, -.7111651, .1057969]  # fmt: skip
    errors = [.1445943, .0560155, .1782055, .1679931, .0590203, .0731797, .0327126,
              .1725313, .2317163, .1412021]  # fmt: skip
    np.testing.assert_allclose(result.estimates[:10], known, atol=PRINTED)
    np.testing.assert_allclose(std_errors(result)[:10], errors, atol=PRINTED)
    facts = result.facts
    assert (facts["n_instruments"], facts["hansen_df"]) == (41, 25)
    assert facts["hansen"] == pytest.approx(31.38, abs=0.005)
    assert facts["sargan"] == pytest.approx(67.59, abs=0.005)
    assert facts["ar1"] == pytest.approx(-3.60, abs=0.005)
    assert facts["ar2"] == pytest.approx(-0.52, abs=0.005)
    two = fit(LONG)
    assert two.estimates["L(n)"] == pytest.approx(0.6287089, abs=PRINTED)
    assert std_errors(two)[0] == pytest.approx(0.1934138, abs=PRINTED)


def test_known_answer_with_endogenous_wages_and_capital():
    """Roodman (2009), section 3.3; his SE have the factor N/(N-1) (n-1)/(n-k)."""
    gmm = Instruments(endogenous=("w", "k"))
    result = fit(LONG, gmm=gmm, method=DynamicGMM("difference", steps=1))
    assert result.estimates["L(n)"] == pytest.approx(0.8179867, abs=PRINTED)
    assert result.estimates["w"] == pytest.approx(-0.6816685, abs=PRINTED)
    small = np.sqrt(140 / 139 * 610 / 595)
    assert std_errors(result)[0] * small == pytest.approx(0.0859761, rel=1e-3)
    facts = result.facts
    assert (facts["n_instruments"], facts["hansen_df"]) == (90, 74)
    assert facts["hansen"] == pytest.approx(73.72, abs=0.005)
    assert facts["sargan"] == pytest.approx(120.62, abs=0.005)
    assert facts["ar1"] == pytest.approx(-5.39, abs=0.005)
    assert facts["ar2"] == pytest.approx(-0.78, abs=0.005)


def test_known_answer_of_system_gmm():
    """Roodman (2009), section 3.4; his SE have the factor N/(N-1) (n-1)/(n-k)."""
    gmm = Instruments(endogenous=("w", "k"))
    result = fit(BB, gmm=gmm, method=DynamicGMM("system", steps=1))
    terms = ["L(n)", "w", "L(w)", "k", "L(k)"]
    known = [.9356053, -.6309761, .4826203, .4839299, -.4243928]  # fmt: skip
    errors = np.array([.026569, .1192834, .1383132, .0544281, .059088])  # fmt: skip
    np.testing.assert_allclose(result.estimates[terms], known, atol=PRINTED)
    at = [list(result.estimates.index).index(t) for t in terms]
    small = np.sqrt(140 / 139 * 890 / 878)
    np.testing.assert_allclose(std_errors(result)[at] * small, errors, atol=PRINTED)
    facts = result.facts
    assert (facts["n_obs"], facts["n_instruments"], facts["hansen_df"]) == (
        891,
        113,
        100,
    )
    assert facts["hansen"] == pytest.approx(110.70, abs=0.005)
    # xtabond2 divides the squared differences by the number of levels.
    assert facts["sargan"] * 891 / 751 == pytest.approx(186.90, abs=0.01)
    assert facts["ar1"] == pytest.approx(-5.46, abs=0.005)
    assert facts["ar2"] == pytest.approx(-0.25, abs=0.005)
    tests = result.tables["tests"].set_index("test")
    level = tests.loc["difference-in-Hansen, level instruments"]
    assert level["statistic"] == pytest.approx(26.37, abs=0.005)
    assert level["df"] == 21
    assert level["p_value"] == pytest.approx(0.193, abs=0.0005)


def test_known_answer_with_limits_of_lags():
    """xtabond2 with gmm(n, lag(2 4)) gmm(w, lag(1 3)) iv(k) nolevel twostep robust,
    as printed in the documentation of pydynpd."""
    how = DynamicGMM("difference", period_effects=False)
    result = fit("n ~ L(n) + L(n, 2) + w + k", gmm=LIMITED, method=how)
    known = [.1700616, -.0113381, -.9510582, .4637223]  # fmt: skip
    errors = [.1046652, .0377205, .1277298, .0718328]  # fmt: skip
    np.testing.assert_allclose(result.estimates, known, atol=PRINTED)
    np.testing.assert_allclose(std_errors(result), errors, atol=PRINTED)
    facts = result.facts
    assert (facts["n_instruments"], facts["hansen_df"]) == (36, 32)
    assert facts["hansen"] == pytest.approx(47.86, abs=0.005)
    assert facts["sargan"] == pytest.approx(91.61, abs=0.005)
    assert facts["ar1"] == pytest.approx(-1.19, abs=0.005)
    assert facts["ar2"] == pytest.approx(-0.81, abs=0.005)
    count = result.tables["instruments"].set_index("variable")["count"]
    assert (count["n"], count["w"], count["k"]) == (17, 18, 1)


# What is inside


def test_the_windmeijer_correction_is_a_derivative():
    """Two-step coefficients as a function of those that weigh the moments."""
    rng = np.random.default_rng(5)
    n, L = 60, 4
    Z = rng.normal(size=(n, L))
    X = Z[:, :2] + 0.5 * rng.normal(size=(n, 2))
    y = X @ [1.0, -1.0] + rng.normal(size=n)
    eq = Equations(y, X, Z, np.arange(n) // 3, 20)
    found = fit_gmm(eq, np.linalg.inv(Z.T @ Z))

    def two_step(beta):
        sums = eq.sums(y - X @ beta)
        A = part_inverse(sums.T @ sums)[0]
        ZX = Z.T @ X
        return np.linalg.solve(ZX.T @ A @ ZX, ZX.T @ A @ Z.T @ y)

    step = 1e-5
    D = np.column_stack(
        [
            (two_step(found.one.beta + e) - two_step(found.one.beta - e)) / (2 * step)
            for e in step * np.eye(2)
        ]
    )
    V2, V1 = found.plain_two, found.robust_one
    # The sensitivity leaves out terms that vanish when moments are met.
    by_hand = V2 + D @ V2 + V2 @ D.T + D @ V1 @ D.T
    np.testing.assert_allclose(found.corrected_two, by_hand, rtol=1e-6)


@given(st.lists(st.booleans(), min_size=2, max_size=8))
@LAW
def test_transformations_remove_constants(there):
    mask = np.array([there])
    for matrix in (differences_matrix(mask)[0], deviations_matrix(mask)[0]):
        np.testing.assert_allclose(matrix @ np.ones(len(there)), 0, atol=1e-12)
        assert not matrix[:, ~mask[0]].any()
    rows = deviations_matrix(mask)[0]
    rows = rows[rows.any(axis=1)]
    # Errors that were equal and independent stay so.
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-12)
    assert len(rows) == max(sum(there) - 1, 0)


def test_order_of_rows_and_names_of_units_do_not_matter():
    data = firms().assign(unit_id=lambda t: "f" + t["unit_id"])
    shuffled = data.sample(frac=1, random_state=1)
    one, two = fit(SHORT, gmm=LIMITED), fit(SHORT, shuffled, gmm=LIMITED)
    np.testing.assert_allclose(one.estimates, two.estimates, rtol=1e-9)
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-7)


def test_currency_scales_out():
    data = firms()
    scaled = data.assign(n=100 * data["n"], w=0.01 * data["w"])
    one, two = fit(SHORT, data, gmm=LIMITED), fit(SHORT, scaled, gmm=LIMITED)
    assert two.estimates["L(n)"] == pytest.approx(one.estimates["L(n)"], rel=1e-6)
    assert two.estimates["w"] == pytest.approx(1e4 * one.estimates["w"], rel=1e-6)
    assert two.facts["hansen"] == pytest.approx(one.facts["hansen"], rel=1e-6)


def test_the_table_is_not_changed_and_may_be_indexed_by_unit():
    data = firms()
    before = data.copy(deep=True)
    one = fit(SHORT, data, gmm=LIMITED)
    pd.testing.assert_frame_equal(data, before)
    two = fit(SHORT, data.set_index("unit_id"), gmm=LIMITED)
    np.testing.assert_allclose(one.estimates, two.estimates)


def test_period_effects_are_those_of_dummies():
    own = fit("n ~ L(n) + w + k + C(year)", gmm=LIMITED,
              method=DynamicGMM(period_effects=False))  # fmt: skip
    ours = fit(SHORT, gmm=LIMITED)
    for term in ("L(n)", "w", "k"):
        assert own.estimates[term] == pytest.approx(ours.estimates[term], rel=1e-7)


def test_long_run_effects_are_ratios():
    result = fit(TABLE_4B)
    b = result.estimates
    table = result.tables["long_run"].set_index("term")
    left = 1 - b["L(n)"] - b["L(n, 2)"]
    assert table["estimate"]["w"] == pytest.approx((b["w"] + b["L(w)"]) / left)
    terms = ["L(n)", "L(n, 2)", "w", "L(w)"]
    gradient = np.array([*[(b["w"] + b["L(w)"]) / left**2] * 2, 1 / left, 1 / left])
    variance = gradient @ result.vcov.loc[terms, terms].to_numpy() @ gradient
    assert table["std_error"]["w"] == pytest.approx(np.sqrt(variance))


# Planted truth


def planted(seed, units=80, periods=6, rho=0.5):
    """A panel with w endogenous: n = rho L(n) + w + effect + error."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=units)
    n, w = np.zeros((units, periods + 20)), np.zeros((units, periods + 20))
    for t in range(1, periods + 20):
        e = rng.normal(size=units)
        w[:, t] = 0.5 * w[:, t - 1] + effect + 0.5 * e + rng.normal(size=units)
        n[:, t] = rho * n[:, t - 1] + w[:, t] + effect + e
    kept = slice(20, None)
    return pd.DataFrame(
        {
            "unit_id": np.repeat([f"u{i:03d}" for i in range(units)], periods),
            "year": np.tile(np.arange(periods), units),
            "n": n[:, kept].ravel(),
            "w": w[:, kept].ravel(),
        }
    )


@pytest.mark.parametrize("equations", ["difference", "system"])
def test_planted_coefficients_are_recovered(equations):
    """Seeds 0 to 59; the mean within 3.5 standard errors plus small-sample lean."""
    gmm = Instruments(endogenous=("w",), lags=(2, 3), collapse=True)
    how = DynamicGMM(equations, period_effects=False)
    draws = [
        fit("n ~ L(n) + w", planted(s, 150), gmm=gmm, method=how) for s in range(60)
    ]
    b = np.array([[r.estimates["L(n)"], r.estimates["w"]] for r in draws])
    se = np.array([std_errors(r)[[list(r.estimates.index).index(t)
                   for t in ("L(n)", "w")]] for r in draws])  # fmt: skip
    error = b.std(axis=0, ddof=1) / np.sqrt(60)
    assert (np.abs(b.mean(axis=0) - [0.5, 1.0]) < 3.5 * error + 0.02).all()
    covered = (np.abs(b - [0.5, 1.0]) < 1.96 * se).mean(axis=0)
    assert (covered > 0.85).all()
    rejected = np.mean([r.facts["hansen_p"] < 0.05 for r in draws])
    assert rejected < 0.15
    assert np.mean([r.facts["ar1_p"] < 0.05 for r in draws]) > 0.9
    assert np.mean([r.facts["ar2_p"] < 0.05 for r in draws]) < 0.15


def ring(units):
    eye = np.eye(units)
    links = (np.roll(eye, 1, axis=1) + np.roll(eye, -1, axis=1)) / 2
    return SpatialWeights([f"u{i:03d}" for i in range(units)], links, standardize="row")


def lagged_by_hand(data, name, weights):
    """Mean of the neighbours' means in the same year, row by row."""
    means = data.groupby(["year", "unit_id"])[name].mean()
    lagged = {
        year: dict(
            zip(weights.units, weights.matrix @ means[year][weights.units].to_numpy(),
                strict=True)
        )
        for year in data["year"].unique()
    }  # fmt: skip
    return [lagged[y][u] for y, u in zip(data["year"], data["unit_id"], strict=True)]


def test_lags_over_neighbours():
    data, w = planted(3), ring(80)
    gmm = Instruments(endogenous=("w", "W(n)"), collapse=True)
    result = fit("n ~ L(n) + w + W(n) + W(w)", data, gmm=gmm, weights=w)
    table = result.tables["effects"].set_index(["term", "effect"])["estimate"]
    assert table["w", "indirect"] == pytest.approx(result.estimates["W(w)"])
    assert any("neighbours' outcomes fixed" in note for note in result.notes)
    by_hand = data.assign(
        Wn=lagged_by_hand(data, "n", w), Ww=lagged_by_hand(data, "w", w)
    )
    gmm = Instruments(endogenous=("w", "Wn"), collapse=True)
    other = fit("n ~ L(n) + w + Wn + Ww", by_hand, gmm=gmm)
    np.testing.assert_allclose(result.estimates, other.estimates, rtol=1e-8)


def test_neighbours_outcomes_must_be_declared():
    with pytest.raises(InputError, match=r"W\(n\) holds neighbours' outcomes.*endog"):
        fit("n ~ L(n) + W(n)", planted(3), weights=ring(80))
    lagged = fit("n ~ L(n) + w + W(L(n))", planted(3), weights=ring(80),
                 gmm=Instruments(("w",), ("W(L(n))",), collapse=True))  # fmt: skip
    assert "W(L(n))" in lagged.estimates.index


def test_households_live_in_units():
    data = planted(4).rename(columns={"unit_id": "hh_id"})
    data["unit_id"] = "u00" + (data["hh_id"].str[1:].astype(int) % 8).astype(str)
    w = ring(8)
    result = fit("n ~ L(n) + w + W(w)", data, unit=Household("hh_id"), weights=w,
                 gmm=Instruments(("w", "W(w)"), collapse=True))  # fmt: skip
    assert result.facts["n_units"] == 80
    flat = data.assign(Ww=lagged_by_hand(data, "w", w))
    other = fit("n ~ L(n) + w + Ww", flat, unit="hh_id",
                gmm=Instruments(("w", "Ww"), collapse=True))  # fmt: skip
    np.testing.assert_allclose(result.estimates, other.estimates, rtol=1e-8)


def test_clusters_hold_several_units():
    data = planted(5).assign(village=lambda t: t["unit_id"].str[:3])
    gmm = Instruments(("w",), lags=(2, 2), collapse=True)
    how = DynamicGMM("difference", steps=1, period_effects=False, cluster="village")
    with pytest.warns(GeoPovertyWarning, match="only 8 clusters"):
        one = fit("n ~ L(n) + w", data, gmm=gmm, method=how)
    alone = DynamicGMM("difference", steps=1, period_effects=False)
    two = fit("n ~ L(n) + w", data, gmm=gmm, method=alone)
    np.testing.assert_allclose(one.estimates, two.estimates)
    assert not np.allclose(one.vcov, two.vcov)
    assert one.facts["n_clusters"] == 8
    moving = data.assign(village=data["year"] % 2)
    with pytest.raises(InputError, match="must stay in one cluster; 'village' changes"):
        fit("n ~ L(n) + w", moving, gmm=gmm, method=how)


def test_outside_instruments():
    rng = np.random.default_rng(8)
    data = planted(6)
    fixed = pd.Series(rng.normal(size=80), sorted(data["unit_id"].unique()))
    data["gdp"] = data["unit_id"].map(fixed)
    data["rain"] = data["w"] + rng.normal(size=len(data))
    gmm = Instruments(("w",), outside=("gdp", "rain"), lags=(2, 2), collapse=True)
    for method, kind in (("difference", "difference"), ("system", "level")):
        table = fit("n ~ L(n) + w", data, gmm=gmm, method=method).tables["instruments"]
        rows = table[table["kind"] == "outside"].set_index("variable")["equation"]
        assert rows["gdp"] == kind
        assert rows["rain"].startswith("difference")
    missing = data.copy()
    missing.loc[3, "rain"] = np.nan
    result = fit("n ~ L(n) + w", missing, gmm=gmm)
    assert any("1 rows without a value of gdp, rain" in note for note in result.notes)


# Few periods


def test_three_periods_have_one_equation_and_no_serial_test():
    data = planted(7, periods=3)
    result = fit("n ~ L(n)", data, method=DynamicGMM("difference"))
    assert result.facts["n_periods"] == 2
    assert result.facts["hansen_df"] == 0
    assert np.isnan(result.facts["hansen"])
    why = result.tables["tests"].set_index("test")["why_not"]
    assert "no degrees of freedom" in why["Hansen"]
    assert "needs residuals of 3 periods" in why["AR(1) in differences"]
    assert "needs residuals of 4 periods" in why["AR(2) in differences"]
    wide = data.pivot_table(index="unit_id", columns="year", values="n")
    dy, dx = wide[2] - wide[1], wide[1] - wide[0]
    z = wide[0] - wide[0].mean()
    assert result.estimates["L(n)"] == pytest.approx((z @ dy) / (z @ dx))


def test_more_instruments_than_units_are_warned_of():
    data = planted(9, units=15)
    with pytest.warns(GeoPovertyWarning) as seen:
        result = fit("n ~ L(n) + w", data, gmm=Instruments(("w",)))
    said = " ".join(str(w.message) for w in seen)
    assert "more instruments (24) than units (15)" in said
    assert "collapse=True" in said
    assert any("singular" in note for note in result.notes)


def test_persistence_is_noted():
    result = fit("n ~ L(n) + w", planted(11, 150, rho=0.95), gmm=Instruments(("w",)),
                 method=DynamicGMM("difference", steps=1))  # fmt: skip
    persistent = any("is persistent" in note for note in result.notes)
    assert persistent == (result.estimates["L(n)"] > 0.8)
    assert persistent


# What is refused

W_ENDOGENOUS = Instruments(endogenous=("w",))


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("n ~ L(n) + w", {"gmm": Instruments(("v",))}, r"v is not a variable of 'n ~"),
        ("n ~ L(n) + w", {"gmm": Instruments(("ww",))}, r"Did you mean 'w'\?"),
        (
            "n ~ L(n) + w + k",
            {"gmm": Instruments(exogenous=("w",))},
            r"k is neither endogenous, predetermined nor exogenous",
        ),
        ("n ~ L(n) + w", {"method": "sytem"}, r"Did you mean 'system'\?"),
        ("n ~ L(n) + fixed", {}, "fixed does not change within any unit_id"),
        (
            "n ~ L(n) + w",
            {"gmm": Instruments(("w",), outside=("one",))},
            r"The instrument 'one' does not vary: it is 1",
        ),
        (
            "n ~ L(n) + w + k",
            {"gmm": Instruments(("w",), outside=("k",))},
            r"The instrument 'k' is a combination of others \(k\)",
        ),
        (
            "n ~ w + L(w) + L(w, 2)",
            {
                "gmm": Instruments(("w",), lags=(2, 2), collapse=True),
                "method": DynamicGMM(period_effects=False),
            },
            r"Not identified: 1 instruments for 3 coefficients \(w, L\(w\), L\(w, 2",
        ),
        ("n ~ L(n) + w + v", {}, "uses v, which the table lacks"),
        ("n ~ L(n) + W(w)", {}, r"W\(w\) needs spatial weights"),
        ("n ~ L(n) + w + L(w", {}, "bracket is not closed"),
        ("n ~ L(n, 0)", {}, r"must be L\(x\) or L\(x, k\), with k a whole number"),
        ("n ~ L(n, k)", {}, r"must be L\(x\) or L\(x, k\)"),
        ("n ~ L()", {}, r"L\(\) must hold what it lags, such as L\(jobs\)"),
        ("L(n) ~ w", {}, "must not be a lag"),
        ("n ~ L(n)", {"unit": 3}, "must be a column name or a Household; got int"),
        ("n ~ L(n)", {"period": "month"}, "data needs the column month"),
    ],
)
def test_mistakes_are_named(formula, options, message):
    data = firms().assign(one=1.0)
    data["fixed"] = data["unit_id"].astype(float)
    with pytest.raises(InputError, match=message):
        fit(formula, data, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endogenous": "w"}, r"must be a tuple of names: \('w',\)"),
        (
            {"endogenous": ("w",), "exogenous": ("w",)},
            "plays one part only; w is named",
        ),
        ({"lags": (1, 3)}, "first lag must be 2 or more"),
        ({"lags": (3, 2)}, "last lag must be None or at least the first"),
    ],
)
def test_instruments_check_themselves(options, message):
    with pytest.raises(InputError, match=message):
        Instruments(**options)


def test_repeated_keys_are_refused():
    data = pd.concat([firms(), firms().iloc[[4, 9]]])
    message = (
        r"Each unit_id and year must stand once; 2 of 1033 rows break this \(\('1'"
    )
    with pytest.raises(InputError, match=message):
        fit(SHORT, data)


def test_one_period_is_refused():
    data = firms()[lambda t: t["year"] == 1980]
    with pytest.raises(
        InputError, match=r"at least two periods; 'year' has one \(1980"
    ):
        fit("n ~ w", data)


def test_uneven_periods_are_refused():
    data = firms()[lambda t: t["year"].isin([1976, 1978, 1981])]
    with pytest.raises(InputError, match=r"whole steps apart.*1976, 1978, 1981"):
        fit(SHORT, data)
    with pytest.raises(InputError, match="must be a number or an ordered categorical"):
        fit(SHORT, firms().assign(year=lambda t: t["year"].astype(str)))


def test_units_without_neighbouring_periods_are_refused():
    data = planted(2)
    lone = data[data["year"] % 2 == data["unit_id"].str[-1].astype(int) % 2]
    message = "No unit has two complete periods in a row"
    with pytest.raises(EstimationError, match=message):
        fit("n ~ w", lone, gmm=W_ENDOGENOUS)


def test_instruments_that_say_nothing_are_refused():
    data = planted(2)
    # w stands still but in the last period, where its past is 0 throughout.
    data["w"] = np.where(data["year"] == 5, data["w"], 0.0)
    gmm = Instruments(("w",), lags=(2, 2), outside=("rain",))
    data["rain"] = np.random.default_rng(0).normal(size=len(data))
    data.loc[data["year"] >= 4, "rain"] = 0.0
    how = DynamicGMM("difference", period_effects=False)
    with pytest.raises(EstimationError, match="instruments leave w open"):
        fit("n ~ w", data, gmm=gmm, method=how)


def test_results_are_kept_and_read_again(tmp_path):
    result = fit(SHORT, gmm=LIMITED)
    result.save(tmp_path / "fit.zip")
    again = type(result).load(tmp_path / "fit.zip")
    pd.testing.assert_series_equal(again.estimates, result.estimates)
    assert again.provenance["formula"] == SHORT
    assert set(result.units.columns) == {
        "unit_id", "period", "outcome", "fitted", "residual"
    }  # fmt: skip
