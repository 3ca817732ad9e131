"""Propensity-score matching: known answers, laws, planted truth, bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table
from scipy import stats

from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.matching import (
    AbadieImbens,
    Bootstrap,
    GivenWeights,
    Kernel,
    Nearest,
    Radius,
    Score,
    match,
    match_all,
)
from geopoverty.estimators.matching.engine import match_rows, resampled_att
from geopoverty.estimators.matching.errors import LABELS, find_errors
from geopoverty.estimators.matching.rows import read_rows
from geopoverty.estimators.matching.score import score_rows
from geopoverty.numerics.resampling import Resamples
from geopoverty.results import Result

COVARIATES = ["age", "educ", "black", "hispan", "married", "nodegree", "re74", "re75"]
FORMULA = "treat ~ " + " + ".join(COVARIATES)
# The same score to 1e-12 on either side; sums of a few hundred dollars' differences.
EXACT = 1e-8
DIGITS = 1e-6  # one in the last digit that known answers are given to
EVERYBODY = Score(support="all")  # the known answers use all 185 treated
WAYS = {
    "one_first": Nearest(ties="first"),
    "one_all": Nearest(),
    "four_first": Nearest(4, ties="first"),
    "four_all": Nearest(4),
    "caliper": Nearest(caliper=0.001),
    "radius": Radius(0.01),
}
KERNELS = ["normal", "epanechnikov", "uniform", "tricube", "biweight"]


@pytest.fixture(scope="module")
def lalonde():
    return table("lalonde", index_col=0)


def quiet(*args, **options):
    """Match without the warnings that other tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoPovertyWarning)
        return match(*args, **options)


def quiet_all(*args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoPovertyWarning)
        return match_all(*args, **options)


def std_errors(fit, outcome=None):
    found = fit.tables["standard_errors"]
    found = found if outcome is None else found[found["outcome"] == outcome]
    return found.set_index("kind")["std_error"]


def villages(n=300, seed=0, effect=1.0):
    """Households whose land decides treatment and income; simulated."""
    rng = np.random.default_rng(seed)
    land, age = rng.normal(size=n), rng.normal(size=n)
    joined = (0.6 * land - 0.3 * age + rng.normal(size=n) > 0.2).astype(int)
    income = 2 * land + age + effect * joined + rng.normal(size=n)
    region = np.where(rng.random(n) < 0.5, "east", "west")
    return pd.DataFrame(
        {
            "joined": joined,
            "land": land,
            "age": age,
            "income": income,
            "poor": (income < 0).astype(int),
            "region": region,
            "village": rng.integers(0, 25, n),
            "unit_id": [f"{i % 7:02d}" for i in range(n)],
        },
        index=[f"h{i}" for i in range(n)],
    )


# ---- known answers -----------------------------------------------------------


@pytest.mark.parametrize("way", [*WAYS, *KERNELS])
def test_effects_and_standard_errors_of_lalonde(lalonde, way):
    ways = answers("matching")["ways"]
    want = ways[way] if way in WAYS else ways["kernels"][way]
    how = WAYS[way] if way in WAYS else Kernel(way)
    fit = quiet(FORMULA, lalonde, outcome="re78", method=how, score=EVERYBODY)
    se = std_errors(fit)
    assert fit.estimates["att"] == pytest.approx(want["att"], rel=EXACT)
    assert se[LABELS["matched"]] == pytest.approx(want["se_matched"], rel=EXACT)
    assert se[LABELS["controls"]] == pytest.approx(want["se_controls"], rel=EXACT)
    assert fit.facts["n_treated_matched"] == want["n_treated"]
    effective = pytest.approx(want["effective_controls"], rel=EXACT)
    assert fit.facts["effective_controls"] == effective


@pytest.mark.parametrize(
    ("how", "att", "matched", "controls"),
    [
        (Nearest(ties="first"), 1345.521322, 1179.551611, 1253.175091),
        (Nearest(), 1260.967430, 1111.876429, 1199.295734),
        (Kernel(), 1177.7549066, 909.280481, 909.280481),
    ],
)
def test_published_digits_of_lalonde(lalonde, how, att, matched, controls):
    fit = quiet(FORMULA, lalonde, outcome="re78", method=how, score=EVERYBODY)
    se = std_errors(fit)
    found = [fit.estimates["att"], se[LABELS["matched"]], se[LABELS["controls"]]]
    np.testing.assert_allclose(found, [att, matched, controls], atol=DIGITS)


@pytest.mark.parametrize("own", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 4])
def test_abadie_imbens_is_that_of_r_matching(lalonde, k, own):
    want = answers("matching")["abadie_imbens"][f"{k}_{own}"]
    how = AbadieImbens(own, estimated_score=False)
    fit = quiet(
        FORMULA,
        lalonde,
        outcome="re78",
        method=Nearest(k),
        score=EVERYBODY,
        vcov=how,
    )
    assert fit.estimates["att"] == pytest.approx(want["att"], rel=EXACT)
    assert fit.tidy()["std_error"][0] == pytest.approx(want["se"], rel=EXACT)
    assert fit.facts["vcov"] == LABELS["known"]


@pytest.mark.parametrize("link", ["probit", "logit"])
def test_score_model_of_lalonde(lalonde, link):
    want = answers("matching")["score" if link == "probit" else "logit"]
    fit = quiet(FORMULA, lalonde, outcome="re78", score=link, method="kernel")
    found = fit.tables["score"].set_index("term")["estimate"]
    for name, value in want["coefficients"].items():
        term = "Intercept" if name == "(Intercept)" else name
        assert found[term] == pytest.approx(value, rel=1e-9)
    assert fit.facts["score_lr"] == pytest.approx(want["lr"], rel=1e-10)
    assert fit.facts["score_pseudo_r_squared"] == pytest.approx(
        want["pseudo_r_squared"], rel=1e-10
    )
    assert fit.facts["score_log_likelihood"] == pytest.approx(want["log_likelihood"])


def test_unmatched_difference_of_lalonde(lalonde):
    want = answers("matching")["unmatched"]
    fit = quiet(FORMULA, lalonde, outcome="re78", method="kernel")
    row = fit.tables["effects"].set_index("sample").loc["unmatched"]
    assert row["estimate"] == pytest.approx(want["difference"], rel=1e-12)
    assert row["std_error"] == pytest.approx(want["se"], rel=1e-12)
    assert row["estimate"] == pytest.approx(row["mean_treated"] - row["mean_control"])


@pytest.mark.parametrize("sample", ["unmatched", "matched"])
def test_balance_of_lalonde(lalonde, sample):
    want = answers("matching")["balance"]
    fit = quiet(FORMULA, lalonde, outcome="re78", method="kernel", score=EVERYBODY)
    found = fit.tables["balance"].set_index(["term", "sample"])
    names = {"statistic": "t", "p_value": "p"}
    columns = ["mean_treated", "mean_control", "bias", "variance_ratio", *names]
    for term, values in want[sample].items():
        for column in columns:
            value = values[names.get(column, column)]
            assert found.loc[(term, sample), column] == pytest.approx(value, rel=1e-7)
    joint = fit.tables["balance_tests"].set_index("sample").loc[sample]
    expected = want["joint"][sample]
    assert joint["lr_chi2"] == pytest.approx(expected["lr"], rel=1e-7)
    for name in ("pseudo_r_squared", "rubin_b", "rubin_r"):
        assert joint[name] == pytest.approx(expected[name], rel=1e-7)
    assert joint["mean_bias"] == pytest.approx(want["mean_bias"][sample], rel=1e-7)
    assert joint["p_value"] == pytest.approx(stats.chi2.sf(joint["lr_chi2"], 8))


def test_published_balance_of_lalonde(lalonde):
    fit = quiet(FORMULA, lalonde, outcome="re78", method="kernel", score=EVERYBODY)
    joint = fit.tables["balance_tests"].set_index("sample")
    known = {"mean_bias": 3.772854, "lr_chi2": 3.876176, "rubin_b": 20.478539}
    for name, value in known.items():
        assert joint.loc["matched", name] == pytest.approx(value, abs=DIGITS)
    assert joint.loc["matched", "rubin_r"] == pytest.approx(1.073299, abs=DIGITS)
    assert joint.loc["unmatched", "mean_bias"] == pytest.approx(50.857637, abs=DIGITS)
    age = fit.tables["balance"].query("term == 'age'")["statistic"].to_numpy()
    np.testing.assert_allclose(age, [-2.5590, 0.7456], atol=5e-5)


def test_reduction_of_bias_and_love_plot(lalonde):
    fit = quiet(FORMULA, lalonde, outcome="re78", method="kernel")
    rows = fit.tables["balance"].set_index(["sample", "term"])
    before, after = (
        rows.loc["unmatched", "bias"].abs(),
        rows.loc["matched", "bias"].abs(),
    )
    want = 100 * (1 - after / before)
    np.testing.assert_allclose(rows.loc["matched", "reduction"], want)
    assert rows.loc["unmatched", "reduction"].isna().all()
    love = fit.tables["love"].set_index("term")
    assert love["unmatched"].is_monotonic_decreasing
    np.testing.assert_allclose(love["matched"], after[love.index])


def test_before_and_after_share_one_match(lalonde):
    """Two outcomes of one match: the PSM-DID of known answers."""
    formula = FORMULA.removesuffix(" + re75")
    fit = quiet(
        formula, lalonde, outcome=["re75", "re78"], method="kernel", score=EVERYBODY
    )
    want = answers("matching")["before_after"]
    assert fit.estimates["att(re75)"] == pytest.approx(want["before"], rel=EXACT)
    assert fit.estimates["att(re78)"] == pytest.approx(want["after"], rel=EXACT)
    # The digits of known_answers.md rest on a fit that stopped a little earlier.
    np.testing.assert_allclose(fit.estimates, [200.297608, 1292.292137], atol=1e-5)


@pytest.mark.parametrize("gamma", ["1.0", "1.5", "2.0"])
def test_sensitivity_of_lalonde(lalonde, gamma):
    fit = quiet(FORMULA, lalonde, outcome="re78", score=EVERYBODY)
    found = fit.tables["sensitivity"].set_index("gamma").loc[float(gamma)]
    for name, value in answers("matching")["bounds"][gamma].items():
        assert found[name] == pytest.approx(value, rel=1e-7)


# ---- several outcomes, several ways, regions ---------------------------------


@pytest.mark.parametrize("method", ["nearest", "kernel"])
def test_several_outcomes_are_each_alone(method):
    homes = villages()
    both = quiet(
        "joined ~ land + age", homes, outcome=("income", "poor"), method=method
    )
    assert both.estimates.index.tolist() == ["att(income)", "att(poor)"]
    for outcome in ("income", "poor"):
        alone = quiet("joined ~ land + age", homes, outcome=outcome, method=method)
        term = f"att({outcome})"
        assert both.estimates[term] == pytest.approx(alone.estimates["att"], rel=1e-12)
        variance = alone.vcov.loc["att", "att"]
        assert both.vcov.loc[term, term] == pytest.approx(variance, rel=1e-9)
        np.testing.assert_allclose(
            both.units[f"effect({outcome})"], alone.units["effect"], atol=1e-12
        )
    # Poor is low income: effects on them move against each other.
    assert both.vcov.iloc[0, 1] < 0


@pytest.mark.parametrize("vcov", ["psmatch2", AbadieImbens()])
def test_vcov_is_that_of_the_sum(vcov):
    homes = villages()
    homes["both"] = homes["income"] + homes["poor"]
    fit = quiet(
        "joined ~ land + age", homes, outcome=("income", "poor", "both"), vcov=vcov
    )
    V = fit.vcov.to_numpy()
    assert V[:2, :2].sum() == pytest.approx(V[2, 2], rel=1e-9)


def test_match_all_is_each_way_and_their_mean():
    homes = villages(600)
    every = quiet_all("joined ~ land + age", homes, outcome="income")
    labels = ["1:1", "1:4", "radius 0.01", "normal kernel 0.06"]
    assert every.estimates.index.tolist() == [*labels, "mean"]
    ways = [Nearest(), Nearest(4), Radius(), Kernel()]
    weights = []
    for label, way in zip(labels, ways, strict=True):
        one = quiet("joined ~ land + age", homes, outcome="income", method=way)
        assert every.estimates[label] == pytest.approx(one.estimates["att"], rel=1e-12)
        se = std_errors(one)[LABELS["controls"]]
        # One way leaves out treated without a control; the variance is over all.
        if one.facts["n_treated_matched"] == one.facts["n_treated_on_support"]:
            assert every.vcov.loc[label, label] == pytest.approx(se**2, rel=2e-2)
        signed = np.where(one.units["treated"], 1, -1) * one.units["weight"]
        weights.append(signed / one.facts["n_treated_matched"])
        np.testing.assert_allclose(
            every.units[f"weight({label})"], one.units["weight"], atol=1e-12
        )
    mean = np.mean(weights, axis=0)
    assert every.estimates["mean"] == pytest.approx(mean @ homes["income"], rel=1e-9)
    treated = homes["joined"] == 1
    used = treated & (np.abs(mean) > 0)
    variance = mean[treated] @ mean[treated] * homes["income"][used].var()
    variance += mean[~treated] @ mean[~treated] * homes["income"][~treated].var()
    assert every.vcov.loc["mean", "mean"] == pytest.approx(variance, rel=1e-9)


def test_match_all_by_region_with_three_lines():
    homes = villages(600)
    homes["poorer"] = (homes["income"] < -1).astype(int)
    fit = quiet_all(
        "joined ~ land + age", homes, outcome=["poor", "poorer"], by="region"
    )
    assert "mean(poorer)" in fit.estimates.index
    found = fit.tables["att"].set_index(["group", "outcome", "method"])["estimate"]
    east = quiet_all(
        "joined ~ land + age", homes[homes["region"] == "east"], outcome="poorer"
    )
    for label, value in east.estimates.items():
        assert found["east", "poorer", label] == pytest.approx(value, rel=1e-9)
    layout = fit.tables["layout"]
    assert list(layout.columns[3:]) == ["whole sample", "east", "west"]
    assert len(layout) == 2 * 5 * 2
    assert layout["outcome"].iloc[0] == "poor"
    assert layout.loc[1, "east"].startswith("(")


def test_match_all_bootstrap_gives_the_mean_a_standard_error():
    homes = villages(400)
    how = Bootstrap(draws=60, seed=2)
    fit = quiet_all(
        "joined ~ land + age", homes, outcome="income", vcov=how, by="region"
    )
    V = fit.vcov.to_numpy()
    assert V[4, 4] == pytest.approx(V[:4, :4].mean(), rel=1e-9)
    assert fit.facts["draws"] == 60
    assert any("nearest neighbours" in note for note in fit.notes)


def test_match_all_names_ways_from_a_mapping():
    ways = {"close": Nearest(caliper=0.01), "wide": "kernel"}
    fit = quiet_all("joined ~ land", villages(), outcome="income", methods=ways)
    assert fit.estimates.index.tolist() == ["close", "wide", "mean"]
    tests = fit.tables["balance_tests"]
    assert tests["method"].tolist() == ["none", "close", "wide"]


def test_by_region_is_each_region_alone():
    homes = villages(500)
    fit = quiet("joined ~ land + age", homes, outcome="income", by="region")
    for row in fit.tables["by"].itertuples():
        part = homes[homes["region"] == row.region]
        alone = quiet("joined ~ land + age", part, outcome="income")
        assert row.estimate == pytest.approx(alone.estimates["att"], rel=1e-9)
        assert row.std_error == pytest.approx(alone.tidy()["std_error"][0], rel=1e-6)
        assert row.n_treated == part["joined"].sum()
    assert fit.units["region"].tolist() == homes["region"].tolist()


def test_a_region_without_controls_says_so():
    homes = villages(300)
    homes.loc[homes.index[:20], ["region", "joined"]] = ["far", 1]
    homes["east"] = (homes["region"] == "east").astype(int)
    for found in (
        quiet("joined ~ land + east", homes, outcome="income", by="region").tables[
            "by"
        ],
        quiet_all("joined ~ land + east", homes, outcome="income", by="region").tables[
            "att"
        ],
    ):
        name = "region" if "region" in found else "group"
        rows = found.set_index(name)
        assert rows.loc[["far"], "estimate"].isna().all()
        note = rows.loc[["far"], "note"].iloc[0]
        assert "at least two treated rows and two controls" in note
        assert np.isfinite(rows.loc[["east"], "estimate"]).all()
        # The region itself does not vary within a region.
        assert "Left out of the score here: east" in rows.loc[["east"], "note"].iloc[0]


# ---- laws --------------------------------------------------------------------


METHODS = [Nearest(), Nearest(3), Radius(0.05), Kernel(), Kernel("tricube")]


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_sampling_weights_are_repeated_rows(method):
    homes = villages(120)
    homes["times"] = np.random.default_rng(1).integers(1, 4, len(homes))
    longer = homes.loc[homes.index.repeat(homes["times"])].reset_index(drop=True)
    if isinstance(method, Nearest) and method.neighbors > 1:
        method = Nearest(1)  # k rows are k households, however many they stand for
    weighted = quiet(
        "joined ~ land + age",
        homes,
        outcome="income",
        method=method,
        sampling_weight="times",
    )
    repeated = quiet("joined ~ land + age", longer, outcome="income", method=method)
    assert weighted.estimates["att"] == pytest.approx(
        repeated.estimates["att"], rel=1e-7
    )
    assert weighted.facts["n_obs"] == 120


@LAW
@given(st.permutations(range(80)), st.sampled_from(METHODS))
def test_order_of_rows_does_not_matter(order, method):
    homes = villages(80).round(1)
    fits = [
        quiet("joined ~ land + age", t, outcome="income", method=method)
        for t in (homes, homes.iloc[order])
    ]
    assert fits[0].estimates["att"] == pytest.approx(fits[1].estimates["att"], abs=1e-8)
    same = fits[1].units.loc[homes.index, "weight"]
    np.testing.assert_allclose(same, fits[0].units["weight"], atol=1e-8)


@LAW
@given(
    st.floats(-1e3, 1e3),
    st.floats(0.01, 100),
    st.floats(-10, 10),
    st.sampled_from(METHODS),
)
def test_outcome_in_other_money(shift, scale, gift, method):
    homes = villages(80)
    fit = quiet("joined ~ land + age", homes, outcome="income", method=method)
    paid = shift + scale * homes["income"] + gift * homes["joined"]
    other = quiet(
        "joined ~ land + age",
        homes.assign(income=paid),
        outcome="income",
        method=method,
    )
    want = scale * fit.estimates["att"] + gift
    assert other.estimates["att"] == pytest.approx(want, rel=1e-6, abs=1e-6 * scale)
    se = other.tidy()["std_error"][0]
    plain = std_errors(other)[LABELS["controls"]]
    assert plain == pytest.approx(scale * std_errors(fit)[LABELS["controls"]], rel=1e-5)
    assert se > 0


def test_units_hold_what_the_estimate_is_made_of():
    homes = villages(300)
    homes.loc["h4", "land"] = np.nan
    fit = quiet("joined ~ land + age", homes, outcome="income", method="radius")
    units = fit.units
    assert "h4" not in units.index
    assert units.index.equals(homes.index.drop("h4"))
    assert units["unit_id"].tolist() == homes["unit_id"].drop("h4").tolist()
    treated = units["treated"]
    weight = units["weight"]
    assert weight[treated].sum() == pytest.approx(weight[~treated].sum())
    assert units["effect"].mean() == pytest.approx(fit.estimates["att"])
    assert units["effect"].notna().equals(treated & units["matched"])
    y = homes.loc[units.index, "income"]
    means = [np.average(y[a], weights=weight[a]) for a in (treated, ~treated)]
    assert means[0] - means[1] == pytest.approx(fit.estimates["att"])
    assert fit.facts["n_dropped"] == 1


def test_support_and_overlap_count_everyone():
    homes = villages(300)
    fit = quiet("joined ~ land + age", homes, outcome="income", method="radius")
    support = fit.tables["support"].set_index("group")
    assert support["n"].sum() == 300
    assert support.loc["treated", "on_support"] == fit.facts["n_treated_on_support"]
    assert (support["on_support"] + support["off_support"] == support["n"]).all()
    bins = fit.tables["overlap"]
    assert bins["controls"].sum() == support.loc["control", "n"]
    assert bins["treated_off_support"].sum() == support.loc["treated", "off_support"]
    assert bins["controls_weighted"].sum() == pytest.approx(
        fit.facts["n_treated_matched"]
    )


def test_a_given_score_is_matched_on():
    homes = villages(300)
    probit = quiet("joined ~ land + age", homes, outcome="income")
    homes["chance"] = probit.units["score"]
    given_score = quiet("joined ~ land + age", homes, outcome="income", score="chance")
    assert given_score.estimates["att"] == pytest.approx(probit.estimates["att"])
    assert given_score.facts["vcov"] == LABELS["known"]
    assert given_score.tables["score"].empty
    np.testing.assert_allclose(
        given_score.tables["balance_tests"]["rubin_b"],
        probit.tables["balance_tests"]["rubin_b"],
    )


def test_input_is_not_modified_and_status_travels(tmp_path):
    homes = villages()
    homes.attrs = {"title": "Villages", "status": "simulated"}
    before = homes.copy(deep=True)
    fit = quiet("joined ~ land", homes, outcome="income", method="kernel", by="region")
    pd.testing.assert_frame_equal(homes, before)
    assert fit.provenance["data"][0]["status"] == "simulated"
    fit.save(tmp_path / "fit.zip")
    again = Result.load(tmp_path / "fit.zip")
    assert again.facts == fit.facts
    assert set(again.tables) == set(fit.tables)
    assert "att" in fit.summary()


# ---- standard errors ---------------------------------------------------------


@pytest.mark.parametrize("method", [*METHODS, Nearest(2, ties="first")], ids=str)
def test_counts_give_what_a_longer_table_gives(method):
    homes = villages(150, seed=3)
    homes["chance"] = quiet("joined ~ land", homes, outcome="income").units["score"]
    homes["chance"] = homes["chance"].round(2)  # ties
    rows = read_rows("joined ~ land", homes, "income", ["chance"], None)
    scored = score_rows(rows, Score(column="chance", support="all"))
    for draw in range(5):
        counts = Resamples(150, seed=1).counts(draw)
        fast = resampled_att(scored, scored.sides, (method,), counts)
        longer = homes.loc[homes.index.repeat(counts)].reset_index(drop=True)
        slow = quiet(
            "joined ~ land",
            longer,
            outcome="income",
            method=method,
            score=Score(column="chance", support="all"),
        )
        assert fast[0] == pytest.approx(slow.estimates["att"], rel=1e-9)


@pytest.mark.parametrize("refit", [False, True])
def test_bootstrap_does_not_depend_on_workers(refit):
    homes = villages(200)
    found = [
        quiet(
            "joined ~ land + age",
            homes,
            outcome=["income", "poor"],
            method="kernel",
            vcov=Bootstrap(draws=24, seed=5, workers=workers, refit=refit),
        ).vcov
        for workers in (1, 3)
    ]
    pd.testing.assert_frame_equal(*found, check_exact=True)


def test_bootstrap_of_villages_draws_villages():
    homes = villages(200)
    homes["chance"] = homes["land"].rank() / 201
    rows = read_rows("joined ~ land", homes, "income", ["chance", "village"], None)
    fits = [
        quiet(
            "joined ~ land",
            homes,
            outcome="income",
            method="kernel",
            vcov=Bootstrap(draws=20, cluster=c),
        )
        for c in (None, "village")
    ]
    assert "village" in rows.table
    assert fits[0].vcov.iloc[0, 0] != fits[1].vcov.iloc[0, 0]


def simulated_errors(draws, seed):
    """Return estimates and all standard errors in simulated samples of 600."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(draws):
        X = rng.normal(size=(600, 3))
        t = X @ [0.5, 0.3, -0.4] - 0.3 + rng.normal(size=600) > 0
        y = X @ [2.0, -1.0, 1.0] + (1 + X[:, 0]) * t + rng.normal(size=600)
        data = pd.DataFrame(X, columns=list("abc")).assign(t=t.astype(int), y=y)
        rows = read_rows("t ~ a + b + c", data, "y", [], None)
        scored = score_rows(rows, EVERYBODY)
        matched = match_rows(scored, Nearest())
        _, errors = find_errors(scored, matched, AbadieImbens())
        out.append([matched.att[0], *errors["std_error"]])
    return pd.DataFrame(out, columns=["att", *errors["kind"]])


def test_the_estimated_score_is_allowed_for():
    # Effect on the treated: 1 + E[a | treated], by integrating the normal density.
    spread = np.sqrt(1 + 0.5**2 + 0.3**2 + 0.4**2)
    cut = -0.3 / spread
    truth = 1 + 0.5 / spread * stats.norm.pdf(cut) / stats.norm.cdf(cut)
    found = simulated_errors(250, seed=11)
    spread = found["att"].std()
    known, right = found[LABELS["known"]].mean(), found[LABELS["estimated"]].mean()
    # 250 samples leave an error of 4.5 % in the spread.
    assert right == pytest.approx(spread, rel=0.13)
    assert known > 1.1 * right
    cover = (np.abs(found["att"] - truth) < 1.96 * found[LABELS["estimated"]]).mean()
    assert 0.90 <= cover <= 0.98


def test_bootstrap_of_a_kernel_recovers_the_spread():
    atts = []
    for seed in range(60):
        rows = read_rows("joined ~ land + age", villages(300, seed), "income", [], None)
        atts.append(match_rows(score_rows(rows, Score()), Kernel()).att[0])
    fit = quiet(
        "joined ~ land + age",
        villages(300, 100),
        outcome="income",
        method="kernel",
        vcov=Bootstrap(draws=200, refit=True),
    )
    # 60 samples leave an error of 9 % in the spread, one bootstrap about as much.
    assert fit.tidy()["std_error"][0] == pytest.approx(np.std(atts), rel=0.35)
    assert fit.facts["draws_failed"] == 0


# ---- what a reader is told ---------------------------------------------------


def test_ties_that_matter_are_noted_and_warned_of(lalonde):
    with pytest.warns(GeoPovertyWarning, match=r"28 of 185 treated rows have more"):
        fit = match(FORMULA, lalonde, outcome="re78", score=EVERYBODY)
    note = next(n for n in fit.notes if "equally near" in n)
    assert "they are averaged" in note
    low, high = (float(v) for v in note.rsplit("between ", 1)[1][:-1].split(" and "))
    assert low < 1176.413 < 1345.522 < high
    with pytest.warns(GeoPovertyWarning, match=r"the order of rows decides"):
        match(
            FORMULA,
            lalonde,
            outcome="re78",
            method=Nearest(ties="first"),
            score=EVERYBODY,
        )


def test_everyone_matched_to_one_control():
    homes = villages(40)
    homes["chance"] = np.where(homes["joined"] == 1, 0.8, 0.1)
    control = homes.index[homes["joined"] == 0][0]
    homes.loc[control, "chance"] = 0.9
    with pytest.warns(GeoPovertyWarning, match=f"matched to one control .{control}."):
        fit = match("joined ~ land", homes, outcome="income", score="chance")
    assert fit.facts["effective_controls"] == 1
    assert fit.facts["n_controls_matched"] == 1


def test_few_comparable_rows_are_warned_of():
    homes = villages(200)
    homes["land"] = homes["land"] + 3 * homes["joined"]
    homes.loc[homes.index[homes["joined"] == 0][:12], "land"] += 4
    with pytest.warns(GeoPovertyWarning) as seen:
        fit = match("joined ~ land", homes, outcome="income", method=Radius(0.001))
    assert any("treated rows have comparable controls" in str(w.message) for w in seen)
    assert any("no control within reach" in note for note in fit.notes)


def test_few_effective_controls_are_warned_of():
    homes = villages(60)
    homes["chance"] = np.where(homes["joined"] == 1, 0.8, 0.1)
    homes.loc[homes.index[homes["joined"] == 0][:3], "chance"] = [0.79, 0.8, 0.81]
    with pytest.warns(GeoPovertyWarning, match=r"The 3 matched controls weigh as much"):
        fit = match(
            "joined ~ land",
            homes,
            outcome="income",
            score="chance",
            method=Radius(0.05),
        )
    assert any("carries 33% of all weight" in note for note in fit.notes)


def test_rows_off_support_are_noted():
    homes = villages(100)
    homes["chance"] = homes["land"].rank() / 101
    top = homes["chance"].nlargest(3).index
    homes.loc[top, "joined"] = 1
    fit = quiet(
        "joined ~ land", homes, outcome="income", score="chance", method="kernel"
    )
    assert not fit.units.loc[top, "on_support"].any()
    assert any("outside the range of the controls' scores" in n for n in fit.notes)
    kept = quiet(
        "joined ~ land",
        homes,
        outcome="income",
        score=Score(column="chance", support="all"),
        method="kernel",
    )
    assert kept.units["on_support"].all()


def test_sampling_weights_leave_the_score_known():
    homes = villages().assign(w=2.0)
    fit = quiet("joined ~ land", homes, outcome="income", sampling_weight="w")
    assert fit.facts["vcov"] == LABELS["known"]
    assert any("not known with sampling weights" in note for note in fit.notes)
    assert any("counts every matched row once" in note for note in fit.notes)
    plain = quiet("joined ~ land", homes, outcome="income")
    assert fit.estimates["att"] == pytest.approx(plain.estimates["att"])


# ---- bad input ---------------------------------------------------------------


def bad(message, error=InputError, homes=None, formula="joined ~ land", **options):
    given = {"outcome": "income", **options}
    with pytest.raises(error, match=message):
        quiet(formula, villages(60) if homes is None else homes, **given)


def test_treatment_must_be_0_or_1():
    homes = villages(60)
    homes.loc[["h3", "h9"], "joined"] = 2
    bad(
        r"treatment 'joined' must be 0 or 1; 2 of 60 rows break this \(h3, h9\)",
        homes=homes,
    )


def test_treatment_must_vary():
    bad(
        r"at least two treated rows and two controls; 'joined' is 1 in 60 of 60",
        homes=villages(60).assign(joined=1),
    )


def test_treatment_is_no_outcome():
    bad("cannot be both treatment and outcome", outcome="joined")


def test_outcome_must_be_there_and_numeric():
    bad(r"column incom, .*Did you mean 'income'", outcome="incom")
    bad("outcome 'region' must be numeric", outcome="region")
    bad("outcome must name at least one column, each once", outcome=[])
    bad("each once", outcome=["income", "income"])


def test_no_overlap():
    homes = villages(60)
    homes["chance"] = homes["joined"] * 0.5 + 0.2
    bad(r"no overlap: no treated row's score", EstimationError, homes, score="chance")


def test_separation_names_the_covariate():
    homes = villages(60)
    homes["member"] = homes["joined"]
    bad(
        "'member' separates the outcome 'joined' perfectly",
        EstimationError,
        homes,
        "joined ~ land + member",
    )


def test_fewer_rows_than_columns():
    rng = np.random.default_rng(0)
    homes = villages(60).assign(**{f"x{i}": rng.normal(size=60) for i in range(9)})
    homes = homes.groupby("joined").head(4)
    formula = "joined ~ " + " + ".join(f"x{i}" for i in range(9))
    bad(
        r"more rows than columns; there are 8 complete rows for 10",
        InputError,
        homes,
        formula,
    )


def test_collinear_covariates():
    homes = villages(60)
    homes["acres"] = 2 * homes["land"]
    bad("'acres' is a combination of", InputError, homes, "joined ~ land + acres")


def test_a_constant_and_a_covariate_are_needed():
    bad("must have a constant and at least one covariate", formula="joined ~ 1")
    bad(
        "must have a constant and at least one covariate",
        formula="joined ~ 0 + land + age",
    )


def test_nobody_within_reach():
    homes = villages(60)
    homes["chance"] = homes["land"].rank() / 61
    bad(
        r"No treated row has a control within reach \(radius 1e-09\)",
        EstimationError,
        homes,
        score="chance",
        method=Radius(1e-9),
    )


def test_scores_must_be_finite_and_vary():
    homes = villages(60).assign(chance=0.5)
    bad("is 0.5 in every row", homes=homes, score="chance")
    homes["chance"] = "high"
    bad("score 'chance' must be numeric", homes=homes, score="chance")
    bad("'chance' must be finite", homes=homes.assign(chance=np.inf), score="chance")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "nearst"}, "Did you mean 'nearest'"),
        ({"method": 3}, "method must be one of"),
        ({"score": "chances"}, "score must be 'probit', 'logit', a column"),
        ({"vcov": "hc1"}, "vcov must be one of"),
        (
            {"method": "kernel", "vcov": "abadie-imbens"},
            "are for one match with nearest neighbours",
        ),
        ({"by": "regions"}, "Did you mean 'region'"),
        ({"sampling_weight": "weights"}, "which the table lacks"),
        ({"vcov": Bootstrap(cluster="hamlet")}, "needs the column hamlet"),
    ],
)
def test_unknown_options(options, message):
    bad(message, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Nearest(0), "neighbors must be a whole number, at least 1; got 0"),
        (lambda: Nearest(1.5), "neighbors must be a whole number"),
        (lambda: Nearest(caliper=-1), "caliper must be a number above 0"),
        (lambda: Nearest(ties="random"), "ties must be one of 'all', 'first'"),
        (lambda: Radius(0), "radius must be a number above 0; got 0"),
        (lambda: Kernel("gaussian"), "kernel must be one of 'normal'"),
        (lambda: Kernel(bandwidth=np.nan), "bandwidth must be a number above 0"),
        (lambda: Score("cloglog"), "link must be one of"),
        (lambda: Score(support="trim"), "support must be one of"),
        (lambda: AbadieImbens(0), "neighbors must be a whole number"),
        (lambda: GivenWeights("all"), "variance must be one of"),
        (lambda: Bootstrap(draws=1), "draws must be a whole number, at least 2"),
        (lambda: Bootstrap(seed=-1), "seed must be a whole number, at least 0"),
        (lambda: Bootstrap(workers=0), "workers must be a whole number"),
    ],
)
def test_options_check_themselves(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_sampling_weights_must_be_above_0():
    homes = villages(60).assign(w=1.0)
    homes.loc["h2", "w"] = 0
    bad(
        r"Sampling weights 'w' must be above 0; 1 of 60 rows break this \(h2\)",
        homes=homes,
        sampling_weight="w",
    )


def test_match_all_refuses_what_has_no_covariance():
    with pytest.raises(InputError, match="vcov='psmatch2' or vcov='bootstrap'"):
        match_all("joined ~ land", villages(), outcome="income", vcov="abadie-imbens")
    with pytest.raises(
        InputError, match="methods must be at least one, each different"
    ):
        match_all("joined ~ land", villages(), outcome="income", methods=["kernel"] * 2)
    with pytest.raises(InputError, match="method must be one of"):
        match_all("joined ~ land", villages(), outcome="income", methods="all")


def test_resamples_that_cannot_be_matched():
    homes = villages(200)
    treated = homes.index[homes["joined"] == 1][:2]
    few = homes.loc[[*treated, *homes.index[homes["joined"] == 0][:40]]]
    fit = quiet(
        "joined ~ land",
        few,
        outcome="income",
        method="kernel",
        score=EVERYBODY,
        vcov=Bootstrap(draws=40),
    )
    assert fit.facts["draws_failed"] > 0
    assert any("could not be matched" in note for note in fit.notes)


def test_data_must_be_a_table():
    with pytest.raises(InputError, match="data must be a DataFrame"):
        match("joined ~ land", {"joined": [0, 1]}, outcome="income")
