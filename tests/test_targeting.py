"""Who is reached, against R: shares, correlations, concentration; laws, bad input."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from known import answers, table
from scipy import stats

from geopoverty.data.simulated.village import village_survey
from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.estimators.targeting import (
    IndexBounds,
    RatingScale,
    SurveyColumns,
    concentration,
    empowerment_matrix,
    partial_correlation,
    participation_cascade,
    targeting,
)
from geopoverty.numerics.partial import correlation_of_correlations
from geopoverty.numerics.proportions import (
    difference_interval,
    kappa,
    mcnemar,
    wilson,
)
from geopoverty.results import Result

# Sums of a few hundred terms in another order.
TIGHT = 1e-10
# R's derivatives by weights are numerical: fourth order, steps of 1e-4.
NUMERICAL = 1e-8

# Each example makes several results: fewer examples.
SLOW_LAW = settings(LAW, max_examples=12)

CLUSTERED = SurveyColumns("sampling_weight", cluster="unit_id")
DESIGNS = {
    "plain": None,
    "weighted": SurveyColumns("sampling_weight"),
    "cluster": CLUSTERED,
}


@pytest.fixture(scope="module")
def everyone():
    rows = table("binary")
    rows["member"] = rows["x2"].eq(1).astype(int)
    rows["money"] = np.where(rows["member"] == 1, np.exp(rows["x1"]), 0.0)
    rows["rank_by"] = rows["x1"] + 1e-9 * np.arange(1, len(rows) + 1)
    return rows


def small(**columns):
    base = {"poor": [1, 1, 1, 0, 0, 0], "loan": [1, 1, 0, 1, 0, 0]}
    index = [f"h{i}" for i in range(6)]
    return pd.DataFrame({**base, **columns}, index=index)


# Targeting


@pytest.mark.parametrize("design", DESIGNS)
def test_targeting_equals_survey(everyone, design):
    found = targeting(
        everyone,
        received="member",
        poor="poor",
        amounts={"member": "money"},
        survey=DESIGNS[design],
    )
    known = dict(answers("targeting")["targeting"][design])
    known.pop("by_region")
    assert list(found.estimates.index) == list(known)
    errors = np.sqrt(np.diag(found.vcov))
    for term, error in zip(known, errors, strict=True):
        assert found.estimates[term] == pytest.approx(known[term][0], rel=TIGHT)
        assert error == pytest.approx(known[term][1], rel=TIGHT)


@pytest.mark.parametrize("design", DESIGNS)
def test_groups_are_domains_of_the_sample_as_in_survey(everyone, design):
    found = targeting(
        everyone, received="member", poor="poor", by="region", survey=DESIGNS[design]
    )
    known = answers("targeting")["targeting"][design]["by_region"]
    rows = found.units[found.units["term"] == "coverage"].set_index("region")
    rows = rows.loc[known["region"]]
    np.testing.assert_allclose(rows["estimate"], known["coverage"], rtol=TIGHT)
    np.testing.assert_allclose(rows["std_error"], known["se"], rtol=TIGHT)


def test_strata_allow_for_less_and_single_units_are_said(everyone):
    rows = everyone.assign(one=np.arange(len(everyone)) == 0)
    drawn = SurveyColumns("sampling_weight", strata="region")
    apart = targeting(rows, received="member", poor="poor", survey=drawn)
    together = targeting(
        rows, received="member", poor="poor", survey=DESIGNS["weighted"]
    )
    assert apart.facts["n_strata"] == rows["region"].nunique()
    np.testing.assert_allclose(apart.estimates, together.estimates, rtol=TIGHT)
    with pytest.warns(GeoPovertyWarning, match="1 of 2 strata have a single primary"):
        found = targeting(
            rows, received="member", poor="poor", survey=SurveyColumns(strata="one")
        )
    assert "single primary sampling unit" in found.notes[0]


def test_the_interval_of_a_difference_allows_for_shared_villages():
    """In a large sample it is estimate and t times standard error."""
    rng = np.random.default_rng(2)
    village = np.repeat(np.arange(300), 10)
    lucky = rng.random(300)[village]
    rows = pd.DataFrame(
        {
            "poor": rng.integers(0, 2, 3000),
            "got": (rng.random(3000) < lucky).astype(int),
            "village": village,
        }
    )
    drawn = SurveyColumns(cluster="village")
    found = targeting(rows, received="got", poor="poor", survey=drawn)
    row = found.tables["overall"].set_index("term").loc["differential"]
    wide = row["conf_high"] - row["conf_low"]
    plain = found.tidy().set_index("term").loc["differential"]
    assert wide == pytest.approx(plain["conf_high"] - plain["conf_low"], rel=0.02)
    # Neighbours share their luck, so that the difference is told better than apart.
    loose = np.sqrt(found.vcov.loc["coverage", "coverage"] * 2) * 2 * 1.968
    assert wide < 0.85 * loose


def test_a_group_in_one_cluster_has_no_interval():
    rows = small(village=list("aaabbc"), side=list("wwweee"), loan=[1, 0, 1, 0, 1, 0])
    found = targeting(
        rows,
        received="loan",
        poor="poor",
        by="side",
        survey=SurveyColumns(cluster="village"),
    )
    at = found.units.set_index(["side", "term"])
    assert np.isnan(
        at.loc[("w", "coverage"), ["conf_low", "conf_high"]].astype(float)
    ).all()
    assert at.loc[("w", "coverage"), "estimate"] == pytest.approx(2 / 3)
    assert np.isfinite(at.loc[("e", "inclusion_error"), "conf_low"])


def test_shares_have_wilson_and_differences_newcombe_intervals():
    known = answers("targeting")["shares"]
    for pair, ends in zip(known["pairs"], known["newcombe"], strict=True):
        a, n, b, m = map(int, pair)
        rows = pd.DataFrame(
            {
                "poor": [1] * n + [0] * m,
                "got": [1] * a + [0] * (n - a) + [1] * b + [0] * (m - b),
            }
        )
        found = targeting(rows, received="got", poor="poor")
        overall = found.tables["overall"].set_index("term")
        differential = overall.loc["differential", ["conf_low", "conf_high"]]
        np.testing.assert_allclose(differential.astype(float), ends, atol=1e-12)
        low, high = wilson(np.array([a / n]), np.array([n]), 1.959963984540054)
        coverage = overall.loc["coverage", ["conf_low", "conf_high"]].astype(float)
        np.testing.assert_allclose(coverage, [low[0], high[0]], atol=1e-12)


def test_fisher_and_mcnemar_equal_r():
    known = answers("targeting")["shares"]
    rows = pd.DataFrame(
        {"poor": [1] * 10 + [0] * 10, "got": [1] * 9 + [0] + [1] * 3 + [0] * 7}
    )
    counts = targeting(rows, received="got", poor="poor").tables["counts"].iloc[0]
    assert counts["p_fisher"] == pytest.approx(known["fisher"], rel=1e-9)
    cells = ["poor_reached", "poor_missed", "not_poor_reached", "not_poor_missed"]
    assert counts[cells].tolist() == [9, 1, 3, 7]
    assert mcnemar(3, 11) == pytest.approx(known["mcnemar"][0], rel=1e-12)
    assert mcnemar(5, 0) == pytest.approx(known["mcnemar"][1], rel=1e-12)
    assert mcnemar(0, 0) == 1.0


def test_targeting_by_group_with_several_measures_and_missing_answers():
    rows = small(cash=[1, None, 1, 0, 0, 0], unit_id=["a", "a", "b", "b", "b", "c"])
    found = targeting(rows, received=["loan", "cash"], poor="poor", by="unit_id")
    at = found.units.set_index(["unit_id", "term"])["estimate"]
    assert at["a", "coverage [loan]"] == 1.0
    assert at["b", "coverage [loan]"] == 0.0
    assert np.isnan(at["c", "coverage [loan]"])
    assert found.estimates["coverage [cash]"] == 1.0
    counts = found.tables["counts"].set_index("measure")
    assert counts["missing"].to_dict() == {"loan": 0, "cash": 1}
    profile = found.tables["profile"].set_index("measure")
    assert profile.loc["loan", "leakage"] == pytest.approx(1 / 3)
    notes = " ".join(found.notes)
    assert "1 groups have nobody poor: no coverage (c)" in notes
    assert "Missing answers leave households out of a measure (cash: 1)" in notes
    assert "3 of 3 groups have fewer than 30 rows" in notes
    assert found.units["term"].nunique() == len(found.estimates)


def test_group_estimates_are_those_of_the_group_alone(everyone):
    by = targeting(everyone, received="member", poor="poor", by="region")
    for region, rows in everyone.groupby("region"):
        alone = targeting(rows, received="member", poor="poor")
        mine = by.units[by.units["region"] == region].set_index("term")
        np.testing.assert_allclose(mine["estimate"], alone.estimates, rtol=TIGHT)
        shares = ["coverage", "leakage", "inclusion_error", "differential"]
        ends = ["conf_low", "conf_high"]
        np.testing.assert_allclose(
            mine.loc[shares, ends],
            alone.tables["overall"].set_index("term").loc[shares, ends],
            rtol=1e-9,
        )


def test_amounts_that_are_missing_leave_only_money_out():
    rows = small(money=[10.0, None, 0, 30, 0, None])
    found = targeting(rows, received="loan", poor="poor", amounts={"loan": "money"})
    assert found.estimates["coverage"] == pytest.approx(2 / 3)
    assert found.estimates["leakage_of_amount"] == pytest.approx(0.75)
    # Among the five whose amount is known two are poor.
    assert found.estimates["cgh_of_amount"] == pytest.approx(0.25 / (2 / 5))


def test_the_interval_of_a_ratio_is_that_of_its_logarithm():
    found = targeting(small(), received="loan", poor="poor")
    row = found.tables["overall"].set_index("term").loc["cgh"]
    assert row["conf_low"] * row["conf_high"] == pytest.approx(row["estimate"] ** 2)
    wide = stats.t.ppf(0.975, 5) * row["std_error"] / row["estimate"]
    assert np.log(row["conf_high"] / row["estimate"]) == pytest.approx(wide)


def test_everybody_poor_leaves_inclusion_undefined():
    rows = small(poor=[1] * 6)
    found = targeting(rows, received="loan", poor="poor")
    assert np.isnan(found.estimates[["inclusion_error", "differential"]]).all()
    assert found.estimates["leakage"] == 0.0
    assert "Everybody is poor" in found.notes[0]


def test_nobody_reached():
    found = targeting(small(loan=[0] * 6), received="loan", poor="poor")
    assert found.estimates["exclusion_error"] == 1.0
    assert np.isnan(found.estimates[["leakage", "cgh"]]).all()
    overall = found.tables["overall"].set_index("term")
    # Three of three missed says little: the interval is wide, not a point.
    assert overall.loc["coverage", "conf_high"] == pytest.approx(0.5615, abs=1e-4)


def test_missing_poverty_is_dropped_and_counted():
    found = targeting(small(poor=[1, 1, None, 0, 0, 0]), received="loan", poor="poor")
    assert (found.facts["n_obs"], found.facts["n_dropped"]) == (5, 1)
    assert "1 rows are left out: no value of poor." in found.notes


def test_targeting_bad_input():
    rows = small(money=[-1.0, 1, 0, 1, 0, 0], paid=[1.0, 1, 1, 1, 0, 0], two=[2] * 6)
    with pytest.raises(EstimationError, match=r"Nobody is poor in 'poor': all 6 rows"):
        targeting(small(poor=[0] * 6), received="loan", poor="poor")
    with pytest.raises(InputError, match=r"'two' must be 0 or 1; 6 of 6 rows .*h0, h1"):
        targeting(rows, received="two", poor="poor")
    with pytest.raises(InputError, match=r"'money' must be 0 or above; 1 of 6 rows"):
        targeting(rows, received="loan", poor="poor", amounts={"loan": "money"})
    with pytest.raises(InputError, match=r"must be 0 for who does not take part.*h2"):
        targeting(rows, received="loan", poor="poor", amounts={"loan": "paid"})
    with pytest.raises(InputError, match="keyed by columns of received; cow is none"):
        targeting(rows, received="loan", poor="poor", amounts={"cow": "paid"})
    with pytest.raises(InputError, match="cannot be both received and poor"):
        targeting(rows, received="poor", poor="poor")
    with pytest.raises(InputError, match="received must name at least one"):
        targeting(rows, received=[], poor="poor")
    with pytest.raises(InputError, match=r"needs the column lone.*Did you mean 'loan'"):
        targeting(rows, received="lone", poor="poor")
    doubled = pd.concat([rows, rows[["loan"]]], axis=1)
    with pytest.raises(InputError, match="names of their own; loan stands twice"):
        targeting(doubled, received="loan", poor="poor")
    with pytest.raises(InputError, match=r"No row of 6 is complete in poor"):
        targeting(small(poor=[None] * 6), received="loan", poor="poor")


def test_survey_bad_input():
    rows = small(w=[1, 1, 1, 1, 1, -2], v=list("aaaaaa"), s=["x"] * 5 + [None])
    with pytest.raises(
        InputError, match=r"Sampling weights 'w' must be above 0.*\(h5\)"
    ):
        targeting(rows, received="loan", poor="poor", survey=SurveyColumns("w"))
    with pytest.raises(InputError, match="more primary sampling units than strata"):
        targeting(rows, received="loan", poor="poor", survey=SurveyColumns(cluster="v"))
    with pytest.raises(InputError, match=r"'s' must be known for every row"):
        targeting(rows, received="loan", poor="poor", survey=SurveyColumns(strata="s"))
    with pytest.raises(InputError, match=r"'s' must be known for every row"):
        targeting(rows, received="loan", poor="poor", by="s")
    with pytest.raises(InputError, match="by must not be called term"):
        targeting(
            rows.rename(columns={"v": "term"}), received="loan", poor="poor", by="term"
        )


answered = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(1, 3))


@SLOW_LAW
@given(st.lists(answered, min_size=4, max_size=30))
def test_targeting_laws(rows):
    frame = pd.DataFrame(rows, columns=["poor", "got", "w"])
    assume(frame["poor"].nunique() == 2)
    weighted = targeting(frame, received="got", poor="poor", survey=SurveyColumns("w"))
    repeated = frame.loc[frame.index.repeat(frame["w"])].reset_index(drop=True)
    plain = targeting(repeated, received="got", poor="poor")
    np.testing.assert_allclose(weighted.estimates, plain.estimates, rtol=TIGHT)
    turned = targeting(
        frame[::-1], received="got", poor="poor", survey=SurveyColumns("w")
    )
    np.testing.assert_allclose(turned.estimates, weighted.estimates, rtol=TIGHT)
    np.testing.assert_allclose(turned.vcov, weighted.vcov, rtol=1e-8, atol=1e-14)
    e = weighted.estimates
    assert e["coverage"] + e["exclusion_error"] == pytest.approx(1)
    assert e["differential"] == pytest.approx(e["coverage"] - e["inclusion_error"])
    if e["participation"] > 0:
        assert e["cgh"] * e["poverty_rate"] + e["leakage"] == pytest.approx(1)
    overall = weighted.tables["overall"].dropna(subset=["estimate", "conf_low"])
    assert (overall["conf_low"] <= overall["estimate"] + 1e-9).all()
    assert (overall["conf_high"] >= overall["estimate"] - 1e-9).all()


# Partial correlation


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_partial_correlation_equals_r(method):
    known = answers("targeting")["partial"]
    found = partial_correlation(
        table("rossi"), x=known["x"], y=known["y"], given=known["given"], method=method
    )
    rows = found.tables["correlations"]
    got = rows[["estimate", "statistic", "df", "p_value"]]
    expected = np.array(known[method])
    np.testing.assert_allclose(got, expected[:, :4], rtol=1e-9)
    tidy = found.tidy()
    np.testing.assert_allclose(tidy["p_value"], expected[:, 3], rtol=1e-9)
    if method == "pearson":
        ends = rows[["conf_low", "conf_high"]]
        np.testing.assert_allclose(ends, expected[:, 4:], rtol=1e-9)
        np.testing.assert_allclose(rows["p_holm"], known["holm"], rtol=1e-9)
        np.testing.assert_allclose(rows["p_bh"], known["bh"], rtol=1e-9)
        week = rows.set_index("y").loc["week", "zero_order"]
        assert week == pytest.approx(known["zero_order"][0], rel=1e-10)


def test_intervals_of_rank_correlations_are_those_of_bonett_and_wright():
    found = partial_correlation(
        table("rossi"), x="age", y="prio", given="race", method="spearman"
    )
    row = found.tables["correlations"].iloc[0]
    r, n = row["estimate"], found.facts["n_obs"]
    wide = 1.959963984540054 * np.sqrt((1 + r**2 / 2) / (n - 4))
    ends = np.tanh(np.arctanh(r) + np.array([-wide, wide]))
    np.testing.assert_allclose(row[["conf_low", "conf_high"]].astype(float), ends)


def test_without_given_it_is_pearson():
    known = answers("targeting")["partial"]["zero_order"]
    found = partial_correlation(table("rossi"), x="age", y="week")
    row = found.tables["correlations"].iloc[0]
    got = row[["estimate", "p_value", "conf_low", "conf_high"]].astype(float)
    np.testing.assert_allclose(got, known, rtol=1e-9)


def test_the_papers_p_values():
    paper = answers("targeting")["partial"]["paper"]
    p = dict(zip(paper["r"], paper["p"], strict=True))
    # Three digits of r leave p between .815 and .821; the study prints .818.
    assert p[-0.028] == pytest.approx(0.818, abs=0.003)
    assert max(v for r, v in p.items() if r != -0.028) < 0.0005
    homes = village_survey()
    found = partial_correlation(
        homes, x="age", y="knows_finance", given=["poor", "schooling"]
    )
    assert (found.facts["n_obs"], found.facts["df_t"]) == (73, 69)
    assert round(float(found.tidy()["p_value"].iloc[0]), 3) == 0.818
    assert round(float(found.estimates.iloc[0]), 3) == -0.028


def test_partial_correlation_under_a_design_finds_the_spread_of_samples():
    """The linearised standard error against 80 samples of 30 villages."""
    rng = np.random.default_rng(5)
    found, errors = [], []
    for _ in range(80):
        village = np.repeat(np.arange(30), 6)
        shared = rng.normal(size=(30, 3))[village]
        z, x, y = (0.7 * shared + rng.normal(size=(180, 3))).T
        rows = pd.DataFrame({"x": x + z, "y": y + 0.5 * x, "z": z, "village": village})
        fit = partial_correlation(
            rows, x="x", y="y", given="z", survey=SurveyColumns(cluster="village")
        )
        found.append(fit.estimates.iloc[0])
        errors.append(np.sqrt(fit.vcov.iloc[0, 0]))
    # A standard deviation of 80 draws is known to 8 %.
    assert np.mean(errors) / np.std(found, ddof=1) == pytest.approx(1, abs=0.2)


def test_covariances_of_correlations_are_those_of_samples():
    """Olkin and Siotani against 4,000 normal samples of 200."""
    rng = np.random.default_rng(11)
    sigma = np.array([[1, 0.5, 0.4], [0.5, 1, 0.6], [0.4, 0.6, 1]])
    draws = rng.multivariate_normal(np.zeros(3), sigma, size=(4000, 200))
    draws -= draws.mean(axis=1, keepdims=True)
    draws /= np.sqrt((draws**2).sum(axis=1, keepdims=True))
    r = np.einsum("sij,sik->sjk", draws, draws)
    observed = np.corrcoef(r[:, 0, 1], r[:, 0, 2])[0, 1]
    expected = correlation_of_correlations(sigma, [(0, 1), (0, 2)])[0, 1]
    assert expected == pytest.approx(observed, abs=4 / np.sqrt(4000))


def test_partial_correlation_counts_missing_and_names_pairs():
    homes = village_survey().astype({"age": float})
    homes.iloc[:3, homes.columns.get_loc("age")] = np.nan
    found = partial_correlation(
        homes, x=["age", "schooling"], y=["knows_goods", "income"], given="poor"
    )
    assert next(iter(found.estimates.index)) == "age with knows_goods"
    assert (found.facts["n_obs"], found.facts["n_dropped"]) == (70, 3)
    missing = found.tables["missing"].set_index("column")["missing"]
    assert missing["age"] == 3
    assert np.linalg.eigvalsh(found.vcov.to_numpy()).min() > 0
    assert len(found.vcov) == 4


def test_the_fewest_rows_leave_every_correlation_possible():
    homes = village_survey().head(5)
    found = partial_correlation(
        homes, x="age", y="income", given=["schooling", "knows_goods"]
    )
    row = found.tables["correlations"].iloc[0]
    assert (row["df"], row["conf_low"], row["conf_high"]) == (1, -1, 1)
    assert "5 rows are few for 2 held-fixed columns" in " ".join(found.notes)


@pytest.mark.parametrize("survey", [None, SurveyColumns(cluster="channel")])
def test_a_perfect_correlation_is_not_tested(survey):
    homes = village_survey().assign(months=lambda h: 12 * h["age"])
    found = partial_correlation(homes, x="age", y="months", survey=survey)
    assert found.estimates["months"] == pytest.approx(1)
    row = found.tables["correlations"].iloc[0]
    assert np.isnan(row["p_value"])


def test_all_answers_the_same_leave_no_correlation():
    homes = village_survey().assign(same=3, known=lambda h: h["poor"] * 2)
    found = partial_correlation(
        homes, x="age", y=["same", "known", "knows_goods"], given="poor"
    )
    assert found.estimates.isna().tolist() == [True, True, False]
    assert "No correlation for same, known" in " ".join(found.notes)
    rows = found.tables["correlations"]
    assert rows["p_holm"].isna().tolist() == [True, True, False]
    with pytest.raises(EstimationError, match="in all 73 rows same is the same"):
        partial_correlation(homes, x="age", y="same")
    with pytest.raises(EstimationError, match="same is the same"):
        partial_correlation(homes, x="same", y=["age", "knows_goods"])


def test_partial_correlation_bad_input():
    homes = village_survey().assign(twice=lambda h: 2 * h["schooling"] + 1)
    few = homes.head(4)
    message = "with 2 columns held fixed needs at least 5 complete rows; there are 4"
    with pytest.raises(EstimationError, match=message):
        partial_correlation(few, x="age", y="income", given=["poor", "schooling"])
    with pytest.raises(InputError, match="must not tell one another: twice"):
        partial_correlation(homes, x="age", y="income", given=["schooling", "twice"])
    with pytest.raises(
        InputError, match="must be different columns; age stands in two"
    ):
        partial_correlation(homes, x="age", y="income", given="age")
    with pytest.raises(InputError, match="'school' must be numbers; 73 of 73 rows"):
        partial_correlation(homes, x="age", y="income", given="school")
    with pytest.raises(InputError, match="method must be one of"):
        partial_correlation(homes, x="age", y="income", method="kendall")
    with pytest.raises(InputError, match="conf_level must be between 0 and 1"):
        partial_correlation(homes, x="age", y="income", conf_level=95)
    with pytest.raises(InputError, match="at least one x and one y"):
        partial_correlation(homes, x="age", y=[])


numbers = st.floats(-5, 5).map(lambda v: round(v, 2))


@SLOW_LAW
@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=8, max_size=25))
def test_partial_correlation_laws(rows):
    frame = pd.DataFrame(rows, columns=["x", "y", "z"])
    assume((frame.std() > 0.5).all())
    one = partial_correlation(frame, x="x", y="y", given="z")
    turned = partial_correlation(frame[::-1], x="y", y="x", given="z")
    r = one.estimates.iloc[0]
    assume(np.isfinite(r) and abs(r) < 0.999)
    assert turned.estimates.iloc[0] == pytest.approx(r, abs=1e-8)
    moved = frame.assign(x=3 * frame["x"] - 7, y=-2 * frame["y"] + frame["z"])
    again = partial_correlation(moved, x="x", y="y", given="z").estimates.iloc[0]
    assert again == pytest.approx(-r, abs=1e-7)
    zero = partial_correlation(frame, x="x", y="y").estimates.iloc[0]
    plain = np.corrcoef(frame["x"], frame["y"])[0, 1]
    assert zero == pytest.approx(plain, abs=1e-10)
    # The closed form of one held-fixed column.
    c = np.corrcoef(frame.T)
    closed = (c[0, 1] - c[0, 2] * c[1, 2]) / np.sqrt(
        (1 - c[0, 2] ** 2) * (1 - c[1, 2] ** 2)
    )
    assert r == pytest.approx(closed, abs=1e-6)


# Concentration


def test_concentration_equals_the_published_formula(everyone):
    known = answers("targeting")["concentration"]
    found = concentration(everyone, benefit=["money", "member"], income="rank_by")
    n = len(everyone)
    for term, name in (("money", "kwvd"), ("member", "kwvd_yes_no")):
        value, error = known[name]
        assert found.estimates[term] == pytest.approx(value, rel=TIGHT)
        # Theirs divides by n where a sample's variance has n - 1.
        ours = np.sqrt(found.vcov.loc[term, term])
        assert ours == pytest.approx(error * np.sqrt(n / (n - 1)), rel=1e-9)


@pytest.mark.parametrize("kind", ["standard", "erreygers", "wagstaff"])
def test_concentration_under_a_design_equals_r(everyone, kind):
    some = everyone.iloc[::4].assign(rank_by=lambda h: h["x1"].round(1))
    found = concentration(
        some,
        benefit="money" if kind == "standard" else "member",
        income="rank_by",
        bounds=None if kind == "standard" else IndexBounds(kind),
        survey=CLUSTERED,
    )
    value, error = answers("targeting")["concentration"][kind]
    assert found.estimates.iloc[0] == pytest.approx(value, rel=TIGHT)
    assert np.sqrt(found.vcov.iloc[0, 0]) == pytest.approx(error, rel=NUMERICAL)


def test_concentration_in_closed_form():
    rows = pd.DataFrame(
        {"income": [1.0, 2, 3, 4], "first": [1, 0, 0, 0], "all": [1] * 4}
    )
    found = concentration(rows, benefit=["first", "all"], income="income")
    # The poorest of n has all: -(n - 1) / n.
    assert found.estimates.to_dict() == pytest.approx({"first": -0.75, "all": 0.0})
    assert np.isnan(found.vcov.loc["all", "all"])
    shapes = found.tables["curve_shape"].set_index("benefit")
    assert shapes["to_diagonal"].to_dict() == {"first": "above", "all": "equal"}
    assert shapes.loc["first", "to_lorenz"] == "above"
    curves = found.tables["curves"]
    first = curves[curves["benefit"] == "first"]
    assert first["share"].tolist() == [0, 1, 1, 1, 1]
    assert first["income"].tolist() == [0, 0.1, 0.3, 0.6, 1]
    gini = concentration(
        rows.assign(own=rows["income"]), benefit="own", income="income"
    )
    assert gini.estimates["own"] == pytest.approx(0.25)  # Gini of 1, 2, 3, 4


def test_concentration_by_group_and_notes():
    rows = pd.DataFrame(
        {
            "income": [1.0, 2, 2, 1, 2, 3],
            "got": [1, 0, 0, 0, 0, 0],
            "debt": [-1.0, 3, 3, 1, 1, 1],
            "place": list("aaabbb"),
        }
    )
    found = concentration(rows, benefit=["got", "debt"], income="income", by="place")
    got = found.units[found.units["term"] == "got"].set_index("place")["estimate"]
    assert got["a"] == pytest.approx(-2 / 3)
    assert np.isnan(got["b"])  # nobody there has any
    notes = " ".join(found.notes)
    for words in ("share another's income", "cannot reach -1 or 1", "Values below 0"):
        assert words in notes


def test_concentration_bad_input():
    rows = pd.DataFrame({"income": [1.0, 2, None], "got": [0, 0, 1], "two": [0, 2, 0]})
    with pytest.raises(EstimationError, match="'got' needs a mean above 0"):
        concentration(rows, benefit="got", income="income")
    with pytest.raises(InputError, match=r"'two' must lie from 0 to 1; 1 of 2 rows"):
        concentration(rows, benefit="two", income="income", bounds=IndexBounds())
    with pytest.raises(InputError, match="not the income that ranks"):
        concentration(rows, benefit="income", income="income")
    with pytest.raises(InputError, match="bounds must be IndexBounds"):
        concentration(rows, benefit="two", income="income", bounds=(0, 1))
    with pytest.raises(InputError, match="low must be below high"):
        IndexBounds(low=1, high=0)
    with pytest.raises(InputError, match="kind must be one of"):
        IndexBounds("gini")


shared = st.tuples(st.integers(1, 5), st.integers(0, 4), st.integers(1, 3))


@SLOW_LAW
@given(st.lists(shared, min_size=2, max_size=25))
def test_concentration_laws(rows):
    frame = pd.DataFrame(rows, columns=["income", "got", "w"])
    assume(frame["got"].sum() > 0)

    def index(data, survey=None):
        found = concentration(data, benefit="got", income="income", survey=survey)
        return found.estimates.iloc[0]

    weighted = index(frame, SurveyColumns("w"))
    assert -1 <= weighted <= 1
    assert index(frame[::-1], SurveyColumns("w")) == pytest.approx(weighted, abs=1e-12)
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    assert index(repeated) == pytest.approx(weighted, abs=1e-12)
    # Only ranks and ratios count; turning ranks around turns the sign.
    other = frame.assign(income=np.exp(frame["income"]), got=7 * frame["got"])
    assert index(other, SurveyColumns("w")) == pytest.approx(weighted, abs=1e-12)
    back = frame.assign(income=-frame["income"])
    assert index(back, SurveyColumns("w")) == pytest.approx(-weighted, abs=1e-12)


# Cascade


def test_cascade_counts_steps_and_consistency():
    rows = pd.DataFrame(
        {
            "knows_a": [1, 1, 1, 1, 0, 0, None],
            "wants_a": [1, 1, 0, 0, 1, 0, 1],
            "joins_a": [1, 0, 1, 0, 0, 0, 1],
        }
    )
    steps = {"knows": "knows_{}", "wants": "wants_{}", "joins": "joins_{}"}
    found = participation_cascade(rows, steps=steps, measures=["a"])
    cascade = found.tables["cascade"]
    np.testing.assert_allclose(cascade["share"], [4 / 6, 3 / 6, 2 / 6])
    np.testing.assert_allclose(cascade["all_so_far"], [4 / 6, 2 / 6, 1 / 6])
    np.testing.assert_allclose(cascade["kept"], [4 / 6, 0.5, 0.5])
    both = found.tables["consistency"].iloc[1]
    cells = both[["both", "only_first", "only_second", "neither"]].tolist()
    assert cells == [1, 2, 1, 2]
    assert both["kappa"] == pytest.approx(kappa(np.array([[1.0, 2], [1, 2]])))
    assert both["p_mcnemar"] == 1.0
    e = found.estimates
    assert e["consistent [a]"] == pytest.approx(0.5)
    assert e["unmet [a]"] == pytest.approx(2 / 6)
    assert e["unwilling [a]"] == pytest.approx(1 / 6)
    assert e["wants, of knows [a]"] == pytest.approx(0.5)
    assert "left out (a: 1)" in " ".join(found.notes)
    e = found.estimates
    parts = e[["consistent [a]", "unmet [a]", "unwilling [a]"]]
    assert parts.sum() == pytest.approx(1)


def test_cascade_by_group_when_all_answer_alike():
    rows = pd.DataFrame({"w": [1, 1, 1, 1], "j": [1, 1, 0, 0], "p": [1, 1, 0, 0]})
    found = participation_cascade(rows, steps={"wants": "w", "joins": "j"}, by="p")
    units = found.units.set_index(["p", "term"])["estimate"]
    assert units[1, "consistent"] == 1.0
    assert units[0, "unmet"] == 1.0
    assert found.tables["consistency"]["kappa"].iloc[0] == 0.0
    assert "all answer a step alike" in " ".join(found.notes)


def test_agreement_is_weighted_and_counts_are_not():
    rows = pd.DataFrame({"w": [1, 1, 0, 0], "j": [1, 0, 1, 0], "n": [3.0, 1, 1, 3]})
    found = participation_cascade(
        rows, steps={"wants": "w", "joins": "j"}, survey=SurveyColumns("n")
    )
    both = found.tables["consistency"].iloc[0]
    assert both["agreement"] == 0.75
    assert both["kappa"] == 0.5
    assert both[["both", "only_first", "only_second", "neither"]].tolist() == [1] * 4
    assert found.estimates["joins, of wants"] == 0.75


def test_cascade_bad_input():
    rows = pd.DataFrame({"w": [1, 0], "j": [2, 0]})
    with pytest.raises(InputError, match=r"'j' must be 0 or 1; 1 of 2 rows"):
        participation_cascade(rows, steps={"wants": "w", "joins": "j"})
    with pytest.raises(InputError, match="at least two steps"):
        participation_cascade(rows, steps={"wants": "w"})
    with pytest.raises(InputError, match="exactly when measures are given; wants"):
        participation_cascade(rows, steps={"wants": "w_{}", "joins": "j"})
    with pytest.raises(InputError, match="measures must be different names"):
        participation_cascade(rows, steps={"a": "w_{}", "b": "j_{}"}, measures="x")


# Empowerment


def rated():
    return pd.DataFrame(
        {
            "mode": ["shares", "coop", "coop", "jobs"],
            "money": [2, 1, 2, 1],
            "skills": [0, 2, 2, 2],
            "values": [0, 1, 1, 2],
        }
    )


def test_empowerment_scores_ranks_and_dominance():
    criteria = ["money", "skills", "values"]
    found = empowerment_matrix(
        rated(), mode="mode", criteria=criteria, scale=RatingScale(0, 2)
    )
    assert found.estimates.to_dict() == pytest.approx(
        {"shares": 1 / 3, "coop": 0.75, "jobs": 5 / 6}
    )
    # Two ratings of the cooperative: 2/3 and 5/6 have standard error 1/12.
    assert np.sqrt(found.vcov.loc["coop", "coop"]) == pytest.approx(1 / 12)
    assert np.isnan(found.vcov.loc["jobs", "jobs"])
    ranking = found.tables["ranking"].set_index("mode")
    assert ranking["rank"].to_dict() == {"jobs": 1, "coop": 2, "shares": 3}
    assert ranking["first_share"].sum() == pytest.approx(1)
    # With weights (a, b, c) shares lead where 1/4 a > b + c/2; jobs where c > a/2.
    assert ranking.loc["jobs", "first_share"] == pytest.approx(2 / 3, abs=0.02)
    assert (ranking["beaten_by"] == "").all()
    money = empowerment_matrix(
        rated(),
        mode="mode",
        criteria=criteria,
        weights={"money": 80, "skills": 10, "values": 10},
        scale=RatingScale(0, 2),
    )
    assert money.estimates.idxmax() == "shares"
    assert isinstance(money, Result)


@SLOW_LAW
@given(st.integers(0, 3), st.sampled_from(["money", "skills", "values"]))
def test_a_better_rating_never_lowers_a_mode(row, criterion):
    rows, criteria = rated(), ["money", "skills", "values"]
    options = {"mode": "mode", "criteria": criteria, "scale": RatingScale(0, 2)}
    before = empowerment_matrix(rows, **options)
    rows.loc[row, criterion] = 2
    after = empowerment_matrix(rows, **options)
    mode = rows.loc[row, "mode"]
    for column, sign in (("score", 1), ("rank", -1), ("first_share", 1)):
        old = before.tables["ranking"].set_index("mode").loc[mode, column]
        new = after.tables["ranking"].set_index("mode").loc[mode, column]
        assert sign * (new - old) >= -1e-12


def test_empowerment_bad_input():
    rows = rated()
    criteria = ["money", "skills"]
    with pytest.raises(InputError, match=r"known and from 0 to 1; 4 of 4 rows"):
        empowerment_matrix(rows, mode="mode", criteria=criteria)
    good = {"mode": "mode", "criteria": criteria, "scale": RatingScale(0, 2)}
    with pytest.raises(InputError, match=r"must add up to 1 \(or 100 per cent\).*1\.3"):
        empowerment_matrix(rows, **good, weights={"money": 0.5, "skills": 0.8})
    with pytest.raises(InputError, match="exactly the criteria; skills is only on one"):
        empowerment_matrix(rows, **good, weights={"money": 1})
    with pytest.raises(InputError, match="weights must be at least 0"):
        empowerment_matrix(rows, **good, weights={"money": 2, "skills": -1})
    with pytest.raises(InputError, match="at least two modes; there is 1"):
        empowerment_matrix(rows.assign(mode="coop"), **good)
    with pytest.raises(InputError, match=r"Every rating needs a mode; 1 of 4"):
        empowerment_matrix(rows.assign(mode=["a", "b", None, "c"]), **good)
    with pytest.raises(InputError, match="not the mode"):
        empowerment_matrix(rows, mode="mode", criteria=["mode"])
    with pytest.raises(InputError, match="low must be below high"):
        RatingScale(1, 1)
    with pytest.raises(InputError, match="draws must be at least 100"):
        RatingScale(draws=10)


# All of them


def test_input_stays_and_results_say_what_they_rest_on():
    homes = village_survey().assign(poor=lambda h: 2 - h["poor"])
    before = homes.copy()
    found = [
        targeting(homes, received="joins_breeding", poor="poor"),
        concentration(homes, benefit="joins_breeding", income="income"),
        participation_cascade(
            homes, steps={"wants": "wants_goods", "joins": "joins_goods"}
        ),
        partial_correlation(homes, x="age", y="income", given="poor"),
    ]
    pd.testing.assert_frame_equal(homes, before)
    for result in found:
        assert any("Simulated data" in note for note in result.notes)
        assert result.provenance["data"][0]["status"] == "simulated"
        assert result.summary()


def test_results_are_saved_and_loaded(tmp_path):
    homes = village_survey().assign(poor=lambda h: 2 - h["poor"])
    found = targeting(homes, received="joins_breeding", poor="poor", by="school")
    path = tmp_path / "targeting.zip"
    found.save(path)
    again = Result.load(path)
    pd.testing.assert_series_equal(again.estimates, found.estimates)
    assert again.notes == found.notes


def test_difference_interval_narrows_with_correlation():
    one = (np.array([0.8]), np.array([0.6]))
    low, high = (np.array([0.7]), np.array([0.5])), (np.array([0.9]), np.array([0.7]))
    apart = difference_interval(one, low, high)
    together = difference_interval(one, low, high, 0.8)
    assert together[0] > apart[0]
    assert together[1] < apart[1]
