"""Poverty and inequality against R's laeken, survey and convey, laws, bad input."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table
from scipy.special import ndtri

from geopoverty.errors import EstimationError, GeoPovertyWarning, InputError
from geopoverty.join import join
from geopoverty.measures import (
    Relative,
    Survey,
    decompose_change,
    decompose_poverty,
    fgt,
    gini,
    headcount,
    poverty_line,
    sen,
    watts,
)
from geopoverty.numerics.grouped import Groups, density, quantile
from geopoverty.numerics.survey import FirstStage
from geopoverty.numerics.welfare import (
    FGT,
    Sen,
    Shorrocks,
    Watts,
    log_median_influence,
)
from geopoverty.numerics.welfare import gini as gini_of
from geopoverty.results import Result

# Sums of 15,000 terms in another order.
TIGHT = 1e-11
# R's derivatives by weights are numerical: fourth order, steps of a thousandth.
NUMERICAL = 1e-7


@pytest.fixture(scope="module")
def people():
    """Return the persons of eusilc, each with the weight of its household's kind."""
    known = answers("measures")["weights"]
    homes = table("eusilc")
    weights = pd.Series(
        known["weight"],
        index=pd.MultiIndex.from_arrays([known["region"], known["persons"]]),
    )
    homes["weight"] = weights.loc[
        pd.MultiIndex.from_frame(homes[["region", "persons"]])
    ].to_numpy()
    homes["household"] = np.arange(1, len(homes) + 1)
    rows = homes.loc[homes.index.repeat(homes["persons"])].reset_index(drop=True)
    rows.attrs = {"title": "eusilc", "status": "simulated"}
    return rows


def few(people):
    """Return the rows whose linearised values R derives numerically."""
    chosen = people["region"].isin([1, 9]) & (people["household"] % 3 == 0)
    return people[chosen & (people["income"] > 0)]


def clustered(rows):
    return Survey(rows["region"], rows["household"])


DESIGNS = {
    "persons": lambda _: Survey(),
    "strata": lambda rows: Survey(rows["region"]),
    "clusters": lambda rows: Survey(cluster=rows["household"]),
    "both": clustered,
}


# Known answers


def test_lines_equal_laeken(people):
    known = answers("measures")["whole"]
    y, w = people["income"], people["weight"]
    median = poverty_line(y, share=0.6, of="median", weight=w)
    assert median == pytest.approx(known["arpt"], rel=1e-14)
    assert median == pytest.approx(10859.236, abs=1e-3)
    assert poverty_line(y, weight=w) == pytest.approx(known["half_mean"], rel=1e-13)
    assert isinstance(median, float)


def test_indices_equal_laeken(people):
    known = answers("measures")["whole"]
    y, w = people["income"], people["weight"]
    rate = headcount(y, poverty_line=Relative(0.6, "median"), weight=w)
    assert rate.estimates["headcount"] == pytest.approx(known["arpr"] / 100, rel=TIGHT)
    half = poverty_line(y, weight=w)
    found = fgt(y, poverty_line=half, weight=w).estimates
    np.testing.assert_allclose(found, known["fgt"], rtol=TIGHT)
    np.testing.assert_allclose(found, [0.112288, 0.031637, 0.016017], atol=5e-7)
    coefficient = gini(y, weight=w).estimates["gini"]
    assert coefficient == pytest.approx(known["gini"] / 100, rel=TIGHT)
    assert 100 * coefficient == pytest.approx(26.489619, abs=5e-7)
    for kind in ("sen", "sst"):
        ours = sen(y, poverty_line=half, kind=kind, weight=w).estimates[kind]
        assert ours == pytest.approx(known[kind], rel=TIGHT)
    some = people[y > 0]
    ours = watts(some["income"], poverty_line=half, weight=some["weight"])
    assert ours.estimates["watts"] == pytest.approx(
        known["watts_above_zero"], rel=TIGHT
    )


def test_regions_equal_laeken(people):
    known = answers("measures")["whole"]["by_region"]
    y, w, by = people["income"], people["weight"], people["region"]
    rates = headcount(y, poverty_line=Relative(0.6, "median"), weight=w, by=by)
    np.testing.assert_allclose(100 * rates.units["estimate"], known["arpr"], rtol=TIGHT)
    ginis = gini(y, weight=w, by=by).units
    np.testing.assert_allclose(100 * ginis["estimate"], known["gini"], rtol=TIGHT)
    assert ginis["region"].tolist() == list(range(1, 10))


@pytest.mark.parametrize("design", list(DESIGNS))
def test_standard_errors_equal_survey(people, design):
    reference = answers("measures")
    known = reference["fixed_line"][design]
    found = fgt(
        people["income"],
        poverty_line=reference["line"],
        weight=people["weight"],
        survey=DESIGNS[design](people),
    )
    np.testing.assert_allclose(found.estimates, known["estimate"], rtol=TIGHT)
    np.testing.assert_allclose(found.vcov, known["vcov"], rtol=1e-9)
    assert found.facts["df_t"] == known["df"]


@pytest.mark.parametrize("design", ["persons", "both"])
def test_groups_equal_svyby(people, design):
    reference = answers("measures")
    known = reference["by_size"][design]
    found = decompose_poverty(
        people["income"],
        poverty_line=reference["line"],
        alpha=1,
        weight=people["weight"],
        by=people["persons"],
        survey=DESIGNS[design](people),
    )
    np.testing.assert_allclose(found.estimates, known["estimate"], rtol=TIGHT)
    # Where nobody is poor R says 0; here there is no standard error.
    varies = np.array(known["std_error"]) > 0
    assert found.tidy()["std_error"].isna().tolist() == (~varies).tolist()
    theirs = np.array(known["vcov"])[np.ix_(varies, varies)]
    ours = found.vcov.to_numpy()[np.ix_(varies, varies)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * theirs.max())
    units = fgt(
        people["income"],
        poverty_line=reference["line"],
        alpha=1,
        weight=people["weight"],
        by=people["persons"],
        survey=DESIGNS[design](people),
    ).units
    np.testing.assert_allclose(
        units["std_error"][varies], np.array(known["std_error"])[varies], rtol=1e-9
    )


def test_contributions_equal_svyratio(people):
    reference = answers("measures")
    found = decompose_poverty(
        people["income"],
        poverty_line=reference["line"],
        alpha=1,
        weight=people["weight"],
        by=people["region"],
        survey=clustered(people),
    ).units
    known = np.array(reference["shares"])
    np.testing.assert_allclose(found["contribution_share"], known[:, 0], rtol=TIGHT)
    np.testing.assert_allclose(found["contribution_std_error"], known[:, 1], rtol=1e-9)


def test_missing_incomes_leave_the_design_whole(people):
    known = answers("measures")["missing"]
    income = people["income"].mask(people["household"] % 7 == 0)
    found = fgt(
        income,
        poverty_line=10000,
        alpha=1,
        weight=people["weight"],
        survey=clustered(people),
    )
    assert found.estimates.iloc[0] == pytest.approx(known["estimate"], rel=TIGHT)
    row = found.tidy().iloc[0]
    assert row["std_error"] == pytest.approx(known["std_error"], rel=1e-9)
    assert found.facts["n_dropped"] == income.isna().sum()
    assert any("rows without an income are left out" in n for n in found.notes)


def test_curved_indices_equal_numerical_linearisation(people):
    known = answers("measures")["curved"]
    rows = few(people)
    shared = {"weight": rows["weight"], "survey": clustered(rows)}
    y, half = rows["income"], Relative(0.5)
    found = {
        "gini": gini(y, **shared),
        "sen": sen(y, poverty_line=12000, **shared),
        "sst": sen(y, poverty_line=12000, kind="sst", **shared),
        "watts": watts(y, poverty_line=12000, **shared),
        "relative_gap": fgt(y, poverty_line=half, alpha=1, **shared),
        "relative_severity": fgt(y, poverty_line=half, alpha=2, **shared),
        "relative_watts": watts(y, poverty_line=half, **shared),
        "relative_sst": sen(y, poverty_line=half, kind="sst", **shared),
    }
    assert set(found) == set(known)
    for name, result in found.items():
        row = result.tidy().iloc[0]
        assert row["estimate"] == pytest.approx(known[name]["estimate"], rel=TIGHT)
        assert row["std_error"] == pytest.approx(
            known[name]["std_error"], rel=NUMERICAL
        ), name


def test_single_clusters_equal_surveys_adjustment(people):
    known = answers("measures")["lonely"]
    rows = few(people)
    split = rows["region"].mask(rows["household"] == rows["household"].iloc[0], 3)
    with pytest.warns(GeoPovertyWarning, match=r"1 of 3 strata have a single .*\(3\)"):
        found = fgt(
            rows["income"],
            poverty_line=10000,
            alpha=1,
            weight=rows["weight"],
            survey=Survey(split, rows["household"]),
        )
    assert found.estimates.iloc[0] == pytest.approx(known["estimate"], rel=TIGHT)
    assert found.tidy()["std_error"].iloc[0] == pytest.approx(
        known["std_error"], rel=1e-9
    )
    assert any("single primary sampling unit" in note for note in found.notes)


def test_published_values_of_convey(people):
    known = answers("measures")["convey"]
    y, w = people["income"], people["weight"]
    lines = {"abs": 10000, "median": Relative(0.6, "median"), "mean": Relative(0.6)}
    found = fgt(
        y, poverty_line=lines, alpha=[0, 1], weight=w, survey=Survey(people["region"])
    )
    rows = found.tidy().set_index("term")
    for line in lines:
        for alpha in (0, 1):
            row, (value, error) = (
                rows.loc[f"fgt({alpha}) [{line}]"],
                known[f"{line}_fgt{alpha}"],
            )
            assert row["estimate"] == pytest.approx(value, abs=5e-6)
            assert row["std_error"] == pytest.approx(error, abs=5e-5)
    error = gini(y, weight=w, survey=Survey(people["region"])).tidy()["std_error"]
    assert error.iloc[0] == pytest.approx(known["gini_std_error"], abs=5e-5)
    some = people[y > 0]
    row = watts(
        some["income"],
        poverty_line=10000,
        weight=some["weight"],
        survey=Survey(some["region"]),
    ).tidy()
    value, error = known["watts_above_zero"]
    assert row["estimate"].iloc[0] == pytest.approx(value, abs=5e-7)
    assert row["std_error"].iloc[0] == pytest.approx(error, abs=5e-5)


def test_error_of_the_median_line_at_conveys_bandwidth(people):
    reference = answers("measures")
    y, w = people["income"].to_numpy(), people["weight"].to_numpy()
    median = quantile(y, w, Groups(), 0.5)
    width = np.array([reference["convey_bandwidth"]])
    dense = density(y, w, Groups(), median, width)[0]
    strata = people["region"].to_numpy() - 1
    stage = FirstStage(None, strata, np.bincount(strata).astype(float))
    influence = log_median_influence(y, w, median[0], dense)
    error = 0.6 * median[0] * np.sqrt(stage.covariance([influence])[0, 0])
    assert error == pytest.approx(reference["convey"]["arpt_std_error"], abs=5e-4)


def test_change_equals_its_definition(people):
    known = answers("measures")["change"]
    odd = people["household"] % 2 == 1
    rows = people[odd | (people["region"] > 2)]
    wave = pd.Series(np.where(odd, 2004, 2008), index=people.index)[rows.index]
    income = rows["income"].where(wave == 2004, 1.3 * rows["income"])
    line = wave.map({2004: 11000.0, 2008: 12000.0})
    for reference in ("first", "last", "shapley"):
        found = decompose_change(
            income,
            poverty_line=line,
            period=wave,
            alpha=1,
            reference=reference,
            weight=rows["weight"],
        ).estimates
        suffix = "" if reference == "shapley" else f"_{reference}"
        assert found["change"] == pytest.approx(known["change"], rel=TIGHT)
        for name in ("growth", "redistribution"):
            assert found[name] == pytest.approx(known[name + suffix], rel=1e-10)
        parts = found.drop("change").sum()
        assert parts == pytest.approx(found["change"], rel=1e-10)


# Lines


def waves():
    income = pd.Series([10.0, 30.0, 40.0, 80.0, 5.0, 15.0])
    return income, pd.Series([2004, 2004, 2008, 2008, 2012, 2012])


def test_lines_follow_each_wave_or_are_held_in_real_terms():
    income, period = waves()
    own = poverty_line(income, period=period)
    assert own.to_dict() == {2004: 10.0, 2008: 30.0, 2012: 5.0}
    assert own.index.name == "period"
    prices = pd.Series({2012: 150.0, 2004: 100.0, 2008: 117.67, 1999: 90.0})
    real = poverty_line(income, period=period, deflator=prices, base=2004)
    assert real.to_dict() == {2004: 10.0, 2008: pytest.approx(11.767), 2012: 15.0}
    later = poverty_line(income, period=period, deflator=prices, base=2008)
    np.testing.assert_allclose(later, real * (30 / 11.767))


def test_a_line_by_row_counts_as_the_line_of_each_wave():
    income, period = waves()
    lines = poverty_line(income, period=period, share=1.0)
    found = headcount(
        income, poverty_line=period.map(lines), by=period.rename("period")
    )
    assert found.units["estimate"].tolist() == [0.5, 0.5, 0.5]
    assert found.tables["lines"][["lowest", "highest"]].to_numpy().tolist() == [
        [10, 60]
    ]


def test_the_median_of_an_even_sample_is_the_middle():
    income = pd.Series([4.0, 1.0, 2.0, 9.0])
    assert poverty_line(income, share=1.0, of="median") == 3.0
    heavy = pd.Series([1.0, 1.0, 2.0, 4.0])
    assert poverty_line(income, share=1.0, of="median", weight=heavy) == 6.5
    heavy = pd.Series([1.0, 1.0, 3.0, 4.0])
    assert poverty_line(income, share=1.0, of="median", weight=heavy) == 4.0


@pytest.mark.parametrize("values", ["spread", "tied", "rising", "border"])
def test_large_medians_are_those_of_a_full_sort(values):
    rng = np.random.default_rng(8)
    n = 240_000
    x = rng.lognormal(size=n)
    w = rng.integers(1, 4, n).astype(float)
    if values == "tied":
        x = np.round(x)
    elif values == "rising":  # a sample of every k-th row says little of weights
        x, w = np.sort(x), np.where(np.arange(n) < n / 3, 9.0, 1.0)
    elif values == "border":
        x, w = np.arange(n, dtype=float)[::-1].copy(), np.ones(n)
    for p in (0.25, 0.5, 0.75):
        ours = quantile(x, w, Groups(), p)[0]
        order = np.argsort(x)
        below = np.cumsum(w[order])
        i = np.searchsorted(below, p * below[-1], side="right")
        known = x[order][i]
        if below[i - 1] == p * below[-1]:
            known = (known + x[order][i - 1]) / 2
        assert ours == known


# Laws


incomes = st.lists(st.integers(0, 40).map(float), min_size=3, max_size=25)


INDICES = {
    **{f"fgt({a:g})": FGT(a) for a in (0, 0.5, 1, 2, 3)},
    "sen": Sen(),
    "sst": Shorrocks(),
}


def all_indices(y, line, w, unit=None):
    """Return every index that takes zeros, with standard errors."""
    count = len(y) if unit is None else unit.max() + 1
    stage = FirstStage(unit, None, np.array([float(count)]))
    found = {n: i.measure(y / line, w, Groups()) for n, i in INDICES.items()}
    if y.sum() > 0:
        found["gini"] = gini_of(y, w, Groups())
    rows = {
        name: (value[0], np.sqrt(stage.covariance([stage.totals(influence)])[0, 0]))
        for name, (value, influence) in found.items()
    }
    return pd.DataFrame(rows, index=["estimate", "std_error"]).T


def drawn(values, seed=0):
    rng = np.random.default_rng(seed)
    return np.array(values), rng.integers(1, 6, len(values)).astype(float)


@LAW
@given(incomes, st.floats(1e-6, 1e6))
def test_currency_and_scale_of_weights_do_not_matter(values, rate):
    y, w = drawn(values)
    one = all_indices(y, 17.3, w)
    two = all_indices(y * rate, 17.3 * rate, w * 3)
    np.testing.assert_allclose(two, one, rtol=1e-7, atol=1e-7)


@LAW
@given(incomes)
def test_weight_two_is_the_same_row_twice(values):
    y, w = drawn(values)
    one = all_indices(y, 17.3, w)
    times = w.astype(int)
    # The copies of a row are one draw, so standard errors are equal, too.
    two = all_indices(
        np.repeat(y, times),
        17.3,
        np.ones(times.sum()),
        np.repeat(np.arange(len(y)), times),
    )
    np.testing.assert_allclose(two, one, rtol=1e-7, atol=1e-7)


@LAW
@given(incomes, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(values, random):
    y, w = drawn(values)
    order = list(range(len(y)))
    random.shuffle(order)
    one, two = all_indices(y, 17.3, w), all_indices(y[order], 17.3, w[order])
    np.testing.assert_allclose(two, one, rtol=1e-7, atol=1e-7)


@LAW
@given(incomes)
def test_severity_gap_headcount_and_the_sen_indices_are_ordered(values):
    y, w = drawn(values)
    found = all_indices(y, 17.3, w)["estimate"]
    falling = found[[f"fgt({a})" for a in ("0", "0.5", "1", "2", "3")]].to_numpy()
    assert (np.diff(falling) <= 1e-12).all()
    assert found["fgt(1)"] - 1e-12 <= found["sen"] <= found["fgt(0)"] + 1e-12
    assert found["fgt(1)"] - 1e-12 <= found["sst"] <= 2 * found["fgt(1)"] + 1e-12
    if "gini" in found:
        assert -1e-12 <= found["gini"] < 1


@LAW
@given(incomes)
def test_sen_indices_are_sums_over_pairs(values):
    y, v = drawn(values)
    x = y / 17.3
    pairs = np.outer(v, v)
    gaps = np.maximum(1 - x, 0)
    greater = (pairs * np.maximum.outer(gaps, gaps)).sum() / v.sum() ** 2
    poor = x < 1
    apart = np.abs(np.subtract.outer(x, x)) * np.outer(poor, poor) * pairs
    known = gaps @ v / v.sum()
    if poor.any():
        known += apart.sum() / (2 * v.sum() * v[poor].sum())
    np.testing.assert_allclose(Shorrocks().measure(x, v, Groups())[0], greater)
    np.testing.assert_allclose(
        Sen().measure(x, v, Groups())[0], known, rtol=1e-10, atol=1e-14
    )


@LAW
@given(incomes, st.lists(st.integers(0, 3), min_size=25, max_size=25))
def test_poverty_is_the_mean_of_its_groups(values, labels):
    y, w = drawn(values)
    codes = np.unique(labels[: len(y)], return_inverse=True)[1]
    groups = Groups(codes, codes.max() + 1)
    share = groups.sum(w) / w.sum()
    for alpha in (0, 1, 2):
        whole, influence = FGT(alpha).measure(y / 17.3, w, Groups())
        within, _ = FGT(alpha).measure(y / 17.3, w, groups)
        assert whole[0] == pytest.approx(share @ within, abs=1e-12)
        assert influence.sum() == pytest.approx(0, abs=1e-12)


@LAW
@given(st.lists(st.integers(1, 16), min_size=4, max_size=20), st.data())
def test_a_transfer_to_a_poorer_poor_lowers_severity_and_sst(values, data):
    y = np.array(sorted(values), dtype=float)
    w = np.ones(len(y))
    giver = data.draw(st.integers(1, len(y) - 1))
    taker = data.draw(st.integers(0, giver - 1))
    room = (y[giver] - y[taker]) / 2
    if room == 0:
        return
    after = y.copy()
    after[giver] -= room / 2
    after[taker] += room / 2
    one, two = all_indices(y, 17.3, w), all_indices(after, 17.3, w)
    for name in ("fgt(2)", "sst", "gini"):
        assert two.loc[name, "estimate"] < one.loc[name, "estimate"]


@pytest.mark.parametrize(
    "index", [FGT(0), FGT(1), FGT(2.5), Watts(), Sen(), Shorrocks()]
)
def test_slopes_are_derivatives_by_the_log_of_the_line(index):
    # A fine grid of a lognormal: sums of jumps approach the derivative.
    y = np.exp(0.6 * ndtri(grid()) + 0.2)
    w = np.full(len(y), 3.0)
    slope = index.slope(y, w, Groups())[0]
    up, down = (index.measure(y / np.exp(s), w, Groups())[0][0] for s in (1e-3, -1e-3))
    # The kernel flattens the density a little; the others have no such error.
    rough = isinstance(index, Sen) or index == FGT(0)
    assert slope == pytest.approx((up - down) / 2e-3, rel=6e-3 if rough else 1e-4)


def grid(n=200_000):
    """Return the middles of n equal parts of the interval from 0 to 1."""
    return (np.arange(n) + 0.5) / n


def test_groups_are_measured_as_if_alone():
    rng = np.random.default_rng(5)
    y = pd.Series(np.round(rng.lognormal(size=400), 1))  # many ties
    w = pd.Series(rng.uniform(0.5, 3, 400))
    by = pd.Series(rng.choice(list("abcd"), 400), name="region")
    for measure in (
        lambda **k: sen(poverty_line=0.8, **k),
        lambda **k: sen(poverty_line=0.8, kind="sst", **k),
        lambda **k: gini(**k),
        lambda **k: fgt(poverty_line=0.8, alpha=2, **k),
    ):
        units = measure(income=y, weight=w, by=by).units.set_index("region")
        for label in "abcd":
            only = by == label
            alone = measure(income=y[only], weight=w[only]).estimates.iloc[0]
            assert units.loc[label, "estimate"] == pytest.approx(alone, rel=1e-12)


# Simulation


def test_intervals_of_relative_lines_cover_the_truth():
    """Lognormal incomes in villages: 95 % intervals hold the truth as they should."""
    rng = np.random.default_rng(11)
    line = Relative(0.6, "median")
    everybody = np.exp(0.7 * ndtri(grid())) / 0.6
    truth = {
        "headcount": FGT(0).measure(everybody, np.ones(len(everybody)), Groups())[0],
        "sen": Sen().measure(everybody, np.ones(len(everybody)), Groups())[0],
    }
    hits, draws = dict.fromkeys(truth, 0), 100
    for _ in range(draws):
        village = pd.Series(np.repeat(np.arange(80), 12))
        effect = 0.4 * rng.normal(size=80)[village]
        spread = np.sqrt(0.7**2 - 0.4**2)
        y = pd.Series(np.exp(effect + spread * rng.normal(size=960)))
        design = Survey(cluster=village)
        for name, result in (
            ("headcount", headcount(y, poverty_line=line, survey=design)),
            ("sen", sen(y, poverty_line=line, survey=design)),
        ):
            row = result.tidy().iloc[0]
            hits[name] += row["conf_low"] < truth[name] < row["conf_high"]
    for name in truth:  # 95 % within 3 Monte Carlo standard errors
        assert hits[name] / draws >= 0.884, name


def test_intervals_of_growth_and_redistribution_cover_the_truth():
    rng = np.random.default_rng(23)
    # Growth by a fifth, and inequality up from 0.5 to 0.6.
    means = {2004: 1.0, 2008: 1.2}
    spreads = {2004: 0.5, 2008: 0.6}

    def truth(spread, centre):
        scale = spreads[spread]
        y = centre * np.exp(scale * ndtri(grid()) - scale**2 / 2)
        return np.maximum(1 - y / 0.7, 0).mean()

    p = {(s, m): truth(s, means[m]) for s in means for m in means}
    grown = (p[2004, 2008] - p[2004, 2004] + p[2008, 2008] - p[2008, 2004]) / 2
    hits, draws = 0, 100
    for _ in range(draws):
        wave = pd.Series(np.repeat([2004, 2008], 400))
        s = wave.map(spreads)
        y = wave.map(means) * np.exp(s * rng.normal(size=800) - s**2 / 2)
        found = decompose_change(y, poverty_line=0.7, period=wave, alpha=1)
        row = found.tidy().set_index("term").loc["growth"]
        hits += row["conf_low"] < grown < row["conf_high"]
    assert hits / draws >= 0.884  # 95 % within 3 Monte Carlo standard errors


# What comes back


def test_units_are_ready_for_a_map(counties, people):
    rows = people.head(900)
    place = rows["region"].mod(3).map({0: "01", 1: "02", 2: "03"}).rename("unit_id")
    found = headcount(rows["income"], poverty_line=10000, by=place)
    drawn_map = join(found, counties)
    assert drawn_map.index.tolist() == ["01", "02", "03"]
    columns = ["estimate", "std_error", "conf_low", "conf_high", "rows", "population"]
    assert set(columns) <= set(drawn_map.columns)
    assert drawn_map.attrs["status"] == "simulated"
    assert (found.units["conf_low"] < found.units["estimate"]).all()


def test_groups_by_two_columns(people):
    rows = people.head(600)
    by = rows[["region", "persons"]]
    found = headcount(rows["income"], poverty_line=10000, by=by).units
    known = (rows["income"] < 10000).groupby([rows["region"], rows["persons"]]).mean()
    assert found[["region", "persons"]].apply(tuple, axis=1).tolist() == list(
        known.index
    )
    np.testing.assert_allclose(found["estimate"], known)


def test_series_are_matched_by_id_and_never_changed(people):
    rows = people.head(500)
    mixed = rows.sample(frac=1, random_state=3)
    before = mixed.copy()
    one = headcount(
        rows["income"],
        poverty_line=10000,
        weight=rows["weight"],
        by=rows["region"],
        survey=clustered(rows),
    )
    two = headcount(
        rows["income"],
        poverty_line=10000,
        weight=mixed["weight"],
        by=mixed["region"],
        survey=clustered(mixed),
    )
    pd.testing.assert_frame_equal(one.units, two.units)
    pd.testing.assert_frame_equal(one.vcov, two.vcov)
    pd.testing.assert_frame_equal(mixed, before)


def test_results_say_what_a_reader_must_know(tmp_path):
    y = pd.Series([0.0, -1.0, 5.0, 10.0, 12.0, 20.0])
    found = fgt(y, poverty_line=10, by=pd.Series(list("aabbcc"), name="region"))
    text = found.summary()
    for part in (
        "The line (10.00) is taken as known",
        "1 rows stand on the line and count as not poor",
        "1 rows have an income of 0",
        "1 rows have an income below 0",
        "3 of 3 groups have fewer than 30 rows (a, b, c)",
        "2 of 3 groups have no standard error",
    ):
        assert part in text
    relative = headcount(y, poverty_line=Relative(0.6, "median"))
    assert any(
        "0.6 of the median) is estimated from these rows" in n for n in relative.notes
    )
    found.save(tmp_path / "poverty.zip")
    assert Result.load(tmp_path / "poverty.zip").notes == found.notes


def test_no_standard_error_where_nothing_varies(people):
    rows = people.head(400)
    place = (rows["household"] % 3).rename("group")
    # Each group is one cluster: its own deviation is 0 by construction.
    found = headcount(
        rows["income"], poverty_line=10000, by=place, survey=Survey(cluster=place)
    )
    assert found.units["std_error"].isna().all()
    nobody = headcount(rows["income"] + 1, poverty_line=0.5)
    assert np.isnan(nobody.tidy()["std_error"].iloc[0])


def test_equal_groups_are_tested(people):
    found = decompose_poverty(
        people["income"],
        poverty_line=10000,
        by=people["region"],
        weight=people["weight"],
        survey=clustered(people),
    )
    test = found.tables["tests"].iloc[0]
    assert test["df"] == 8
    assert 0 < test["p_value"] < 0.05
    assert found.units["contribution_share"].sum() == pytest.approx(1)
    total = found.tables["total"].iloc[0]
    assert found.units["contribution"].sum() == pytest.approx(total["estimate"])


def test_relative_line_moves_groups_too(people):
    """The delta method with the line agrees with a jackknife over households."""
    rows = few(people)
    by, design = rows["region"], Survey(cluster=rows["household"])
    shared = {"poverty_line": Relative(0.9), "alpha": 1}
    found = decompose_poverty(
        rows["income"], by=by, weight=rows["weight"], survey=design, **shared
    )
    regions = by.unique()

    def split(part):
        y, w = part["income"], part["weight"]
        gaps = w * np.maximum(1 - y / (0.9 * (w @ y) / w.sum()), 0)
        sums = [gaps[part["region"] == r].sum() for r in regions]
        people = [w[part["region"] == r].sum() for r in regions]
        return [*np.divide(sums, people), *np.divide(sums, sum(sums))]

    homes = rows["household"].unique()
    replicates = [split(rows[rows["household"] != home]) for home in homes]
    spread = np.cov(np.array(replicates).T, bias=True) * (len(replicates) - 1)
    errors = np.sqrt(np.diag(spread))
    np.testing.assert_allclose(found.units["std_error"], errors[:2], rtol=0.03)
    np.testing.assert_allclose(
        found.units["contribution_std_error"], errors[2:], rtol=0.03
    )
    units = fgt(rows["income"], by=by, weight=rows["weight"], survey=design, **shared)
    np.testing.assert_allclose(units.units["std_error"], found.units["std_error"])


# Bad input


def test_a_deflator_must_have_every_wave():
    income, period = waves()
    free = {2004: 1.0, 2008: 1.1, 2012: 0.0}
    with pytest.raises(
        InputError, match=r"deflator must have every wave; 2 of 3 .*\(2008, 2012\)"
    ):
        poverty_line(income, period=period, deflator={2004: 100}, base=2004)
    with pytest.raises(
        InputError, match=r"deflator must be above 0; 1 of 3 .*\(2012\)"
    ):
        poverty_line(income, period=period, deflator=free, base=2004)
    twice = pd.Series([1.0, 1.1, 1.2, 1.3], index=[2004, 2008, 2008, 2012])
    with pytest.raises(InputError, match=r"stand more than once \(2008\)"):
        poverty_line(income, period=period, deflator=twice, base=2004)
    with pytest.raises(InputError, match="base must be one of the periods"):
        poverty_line(income, period=period, deflator={2004: 1}, base=2005)
    with pytest.raises(InputError, match="pass period="):
        poverty_line(income, deflator={2004: 1}, base=2004)
    with pytest.raises(InputError, match="pass deflator="):
        poverty_line(income, period=period, base=2004)


def test_indices_must_agree():
    y = pd.Series([1.0, 2.0, 3.0], index=list("abc"))
    with pytest.raises(
        InputError,
        match=r"1 ids only in income \(a\); 1 ids only in weight \(d\)\. Reindex",
    ):
        headcount(y, poverty_line=2, weight=pd.Series([1.0, 1, 1], index=list("bcd")))
    twice = pd.Series([1.0, 1, 1, 1], index=list("aabc"))
    with pytest.raises(InputError, match=r"1 ids stand more than once in weight \(a\)"):
        headcount(y, poverty_line=2, weight=twice)
    with pytest.raises(InputError, match="weight must be a Series with the index"):
        headcount(y, poverty_line=2, weight=[1.0, 1.0, 1.0])
    with pytest.raises(InputError, match="income must be a Series"):
        headcount([1.0, 2.0], poverty_line=2)


def test_incomes_and_weights_must_be_usable():
    y = pd.Series([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(InputError, match="income must be numbers"):
        gini(pd.Series(["1", "2"]))
    with pytest.raises(InputError, match=r"finite; 1 of 4 rows break this \(3\)"):
        gini(y.replace(4.0, np.inf))
    with pytest.raises(InputError, match="There is no income"):
        gini(y * np.nan)
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match=r"Weights must be above 0.*\(2\)"):
            gini(y, weight=pd.Series([1, 1, bad, 1]))
    with pytest.raises(InputError, match="weight must be numbers"):
        gini(y, weight=pd.Series(list("abcd")))
    with pytest.raises(
        InputError, match=r"Watts index needs incomes above 0; 2 of 4 .*\(0, 1\)"
    ):
        watts(pd.Series([0.0, -2.0, 3.0, 4.0]), poverty_line=2)
    with pytest.raises(EstimationError, match="needs a mean above 0"):
        gini(-y)
    with pytest.raises(InputError, match="mean must be above 0 to set a line"):
        headcount(-y, poverty_line=Relative())
    with pytest.raises(InputError, match=r"median must be above 0.*\(income\)"):
        poverty_line(-y, of="median")


def test_lines_must_be_usable():
    y = pd.Series([1.0, 2.0, 3.0])
    for bad in (0, -5.0, np.nan, np.inf):
        with pytest.raises(InputError, match="poverty_line must be above 0"):
            headcount(y, poverty_line=bad)
    with pytest.raises(
        InputError, match=r"'low' must be above 0 .*1 of 3 rows .*\(1\)"
    ):
        headcount(y, poverty_line={"low": pd.Series([1.0, np.nan, 1.0])})
    with pytest.raises(InputError, match="got str"):
        headcount(y, poverty_line="half")
    with pytest.raises(InputError, match="the mapping is empty"):
        headcount(y, poverty_line={})
    with pytest.raises(InputError, match="of must be one of 'mean', 'median'"):
        poverty_line(y, of="mode")
    with pytest.raises(InputError, match="share must be above 0"):
        Relative(0)
    with pytest.raises(InputError, match="alpha must be 0 or above"):
        fgt(y, poverty_line=2, alpha=[1, -1])
    with pytest.raises(InputError, match="kind must be one of"):
        sen(y, poverty_line=2, kind="shorrocks")


def test_groups_must_be_known():
    y = pd.Series([1.0, 2.0, 3.0])
    with pytest.raises(
        InputError, match=r"by 'region' must be known for every row; 1 of 3 .*\(1\)"
    ):
        headcount(y, poverty_line=2, by=pd.Series(["a", None, "b"], name="region"))
    with pytest.raises(InputError, match="survey must be Survey"):
        headcount(y, poverty_line=2, survey=y)
    with pytest.raises(InputError, match="period must be a Series"):
        poverty_line(y, period=[1, 2, 3])
    with pytest.raises(InputError, match="must not be called rows"):
        headcount(y, poverty_line=2, by=pd.Series([1, 2, 3], name="rows"))
    with pytest.raises(InputError, match="unit ids must be text"):
        headcount(y, poverty_line=2, by=pd.Series([1, 2, 3], name="unit_id"))
    with pytest.raises(InputError, match=r"strata must be known .*\(0\)"):
        headcount(y, poverty_line=2, survey=Survey(pd.Series([None, "a", "a"])))
    with pytest.raises(InputError, match="more primary sampling units than strata"):
        headcount(y, poverty_line=2, survey=Survey(cluster=pd.Series([1, 1, 1])))
    with pytest.raises(InputError, match="needs 2 to 5,000 groups; by has 1"):
        decompose_poverty(y, poverty_line=2, by=pd.Series([1, 1, 1]))
    with pytest.raises(EstimationError, match="Nobody is poor"):
        decompose_poverty(y, poverty_line=0.5, by=pd.Series([1, 1, 2]))
    with pytest.raises(InputError, match="one line: call it for each"):
        decompose_poverty(y, poverty_line={"a": 1, "b": 2}, by=pd.Series([1, 1, 2]))


def test_groups_without_income_are_named():
    y = pd.Series([1.0, 2.0, np.nan, 3.0])
    by = pd.Series(list("aabc"), name="region")
    found = headcount(y, poverty_line=2, by=by)
    assert found.units["region"].tolist() == ["a", "c"]
    assert any("1 groups have no income and are left out (b)" in n for n in found.notes)


def test_changes_need_waves_and_a_known_line():
    y, wave = pd.Series([1.0, 2.0, 3.0, 4.0]), pd.Series([1, 1, 2, 2])
    with pytest.raises(InputError, match="at least two waves"):
        decompose_change(y, poverty_line=2, period=wave * 0)
    with pytest.raises(InputError, match="follows the mean"):
        decompose_change(y, poverty_line=Relative(), period=wave)
    with pytest.raises(InputError, match="reference must be one of"):
        decompose_change(y, poverty_line=2, period=wave, reference="base")
    with pytest.raises(
        InputError, match=r"Mean income must be above 0; 1 of 2 .*\(2\)"
    ):
        decompose_change(y.where(wave == 1, -y), poverty_line=2, period=wave)


def test_steps_between_three_waves():
    income, period = waves()
    found = decompose_change(income, poverty_line=20.0, period=period, alpha=1)
    assert found.estimates.index.tolist() == [
        f"{name} {step}"
        for step in ("2004 to 2008", "2008 to 2012")
        for name in ("change", "growth", "redistribution")
    ]
    steps = found.tables["steps"]
    assert steps["share"].tolist()[0] == 1
    levels = found.units.set_index("period")["estimate"]
    assert steps["estimate"].iloc[3] == pytest.approx(levels[2012] - levels[2008])
