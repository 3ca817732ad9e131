"""Fit of binary models against R (pROC, lmtest), loops over pairs, and laws."""

import numpy as np
import pandas as pd
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table

import geopoverty as gp
from geopoverty.effects.quality import (
    calibration_table,
    confusion_table,
    quality,
    spans_constant,
)
from geopoverty.numerics import ranking as rk
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import Logit

# Sums over a few hundred rows of probabilities that agree to 1e-10; R's are
# rounded to 12 digits there.
CLOSE = {"rel": 1e-8, "abs": 1e-8}

FITS = answers("quality")["fits"]
PLAIN = [name for name in FITS if "weighted" not in name]


def fitted(name):
    known = FITS[name]
    estimator = gp.logit if known["link"] == "logit" else gp.probit
    data = table("mtcars" if "mtcars" in name else "binary")
    weight = "sampling_weight" if "weighted" in name else None
    unit = "model" if "mtcars" in name else "unit_id"
    return known, estimator(
        known["formula"], data, vcov="iid", unit=unit, sampling_weight=weight
    )


@pytest.mark.parametrize("name", FITS)
def test_facts_equal_those_of_r(name):
    known, result = fitted(name)
    for fact, value in known["facts"].items():
        assert result.facts[fact] == pytest.approx(value, **CLOSE), fact


@pytest.mark.parametrize("name", FITS)
def test_confusion_equals_that_of_r(name):
    known, result = fitted(name)
    ours = result.tables["confusion"]
    for at, row in enumerate(known["confusion"]):
        for column, value in row.items():
            assert ours.loc[at, column] == pytest.approx(value, **CLOSE), column


@pytest.mark.parametrize("name", PLAIN)
def test_calibration_equals_that_of_r(name):
    known, result = fitted(name)
    ours = result.tables["calibration"]
    theirs = pd.DataFrame(known["calibration"])
    assert ours["group"].tolist() == list(range(1, len(theirs) + 1))
    # A bound of 0 or 1 is exact here; prop.test leaves rounding.
    pd.testing.assert_frame_equal(
        ours[theirs.columns], theirs, check_dtype=False, rtol=1e-8, atol=1e-8
    )


def test_wide_tables_and_comparisons_show_the_area_under_the_curve():
    _, first = fitted("households_logit")
    _, second = fitted("households_probit")
    shown = gp.compare(first, second).loc[("facts", "auc")]
    assert shown.tolist() == ["0.6811", "0.6810"]
    assert {"auc", "brier_score", "likelihood_ratio"} <= set(first.glance().columns)


@st.composite
def samples(draw, weighted=None):
    """Draw outcomes of both kinds, probabilities with ties, and weights or none."""
    n = draw(st.integers(2, 25))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), float)
    y[:2] = [0, 1]
    tenths = st.integers(0, 10).map(lambda v: v / 10)
    p = np.array(draw(st.lists(tenths, min_size=n, max_size=n)))
    if weighted is None:
        weighted = draw(st.booleans())
    if not weighted:
        return y, p, None
    whole = st.integers(1, 5).map(float)
    return y, p, np.array(draw(st.lists(whole, min_size=n, max_size=n)))


def pairs(y, p, w):
    """Return the area and its standard error by a loop over all pairs."""
    w = np.ones(len(y)) if w is None else w
    one = y == 1
    above = (p[one][:, None] > p[~one]) + 0.5 * (p[one][:, None] == p[~one])
    share1, share0 = w[one] / w[one].sum(), w[~one] / w[~one].sum()
    area = share1 @ above @ share0
    m, n = one.sum(), (~one).sum()
    if min(m, n) < 2:
        return area, np.nan
    variance = m / (m - 1) * (share1**2 @ (above @ share0 - area) ** 2)
    variance += n / (n - 1) * (share0**2 @ (share1 @ above - area) ** 2)
    return area, np.sqrt(variance)


@LAW
@given(samples())
def test_area_equals_a_loop_over_pairs(sample):
    area, error = rk.auc(rk.rank_rows(*sample))
    known_area, known_error = pairs(*sample)
    assert area == pytest.approx(known_area, abs=1e-12)
    assert error == pytest.approx(known_error, abs=1e-9, nan_ok=True)


@LAW
@given(samples())
def test_scores_equal_their_definitions(sample):
    y, p, w = sample
    ranking = rk.rank_rows(*sample)
    assert rk.brier(ranking) == pytest.approx(np.average((y - p) ** 2, weights=w))
    means = [
        np.average(p[y == v], weights=None if w is None else w[y == v]) for v in (0, 1)
    ]
    assert rk.tjur(ranking) == pytest.approx(means[1] - means[0], abs=1e-12)


@LAW
@given(samples(), st.integers(1, 12))
def test_calibration_adds_up_and_rises(sample, groups):
    y, p, w = sample
    got = calibration_table(rk.rank_rows(*sample), groups)
    sums = rk.calibration_sums(rk.rank_rows(*sample), groups)
    assert got["rows"].sum() == len(y)
    assert 1 <= len(got) <= groups
    assert got["predicted"].is_monotonic_increasing
    if w is None:
        assert np.average(sums.observed, weights=sums.rows) == pytest.approx(y.mean())
        assert np.average(sums.predicted, weights=sums.rows) == pytest.approx(p.mean())
        np.testing.assert_allclose(sums.effective, sums.rows)
    assert (sums.effective <= sums.rows * (1 + 1e-12)).all()
    assert got["conf_low"].between(0, got["observed"]).all()
    assert got["conf_high"].between(got["observed"], 1).all()


@LAW
@given(samples(), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_confusion_equals_counting(sample, threshold):
    y, p, w = sample
    weight = np.ones(len(y)) if w is None else w
    got = confusion_table(rk.rank_rows(*sample), threshold)
    assert got["rule"].tolist() == ["fixed", "share of ones", "Youden"]
    for row in got.itertuples():
        guess = p >= row.threshold * (1 - 1e-9)
        assert row.true_positive == weight[guess & (y == 1)].sum()
        assert row.false_positive == weight[guess & (y == 0)].sum()
        assert row.true_negative == weight[~guess & (y == 0)].sum()
        assert row.false_negative == weight[~guess & (y == 1)].sum()
        assert row.accuracy == pytest.approx(np.average(guess == y, weights=w))
        assert (
            row.sensitivity + row.specificity - 1
            <= (got["sensitivity"] + got["specificity"] - 1).iloc[2] + 1e-12
        )
        assert np.isnan(row.precision) == (not guess.any())
    assert got["true_positive"].dtype == (np.int64 if w is None else np.float64)


@LAW
@given(samples(weighted=True))
def test_weights_are_rows_several_times(sample):
    y, p, w = sample
    times = w.astype(int)
    once = quality(y, p, w, loglik=-1.0, k=2)
    often = quality(np.repeat(y, times), np.repeat(p, times), loglik=-1.0, k=2)
    rows_count = {"auc_std_error", "bic"}
    for fact in once.facts.keys() - rows_count:
        assert once.facts[fact] == pytest.approx(
            often.facts[fact], rel=1e-6, abs=1e-7, nan_ok=True
        ), fact
    pd.testing.assert_frame_equal(
        once.tables["confusion"], often.tables["confusion"], check_dtype=False
    )
    shown = ["predicted", "observed"]
    pd.testing.assert_frame_equal(
        once.tables["calibration"][shown], often.tables["calibration"][shown]
    )


@LAW
@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(sample, random):
    y, p, w = sample
    order = list(range(len(y)))
    random.shuffle(order)
    there = quality(y, p, w)
    back = quality(y[order], p[order], None if w is None else w[order])
    assert there.facts == pytest.approx(back.facts, nan_ok=True)
    for name, one in there.tables.items():
        pd.testing.assert_frame_equal(one, back.tables[name])


def test_rounding_does_not_break_ties():
    y = np.array([1.0, 0.0, 1.0, 0.0])
    p = np.full(4, 0.3)
    p[::2] = np.nextafter(0.3, 1)
    ranking = rk.rank_rows(y, p)
    assert len(ranking.value) == 1
    assert rk.auc(ranking) == (0.5, 0.0)
    below_half = np.nextafter(0.5, 0)
    assert rk.confusion(rk.rank_rows(y, np.full(4, below_half)), 0.5) == (2, 2, 0, 0)


def test_a_constant_alone_ranks_nothing_and_is_not_tested():
    homes = table("binary")
    facts = gp.logit("poor ~ 1", homes).facts
    assert (facts["auc"], facts["auc_std_error"]) == (0.5, 0.0)
    assert facts["tjur_r_squared"] == pytest.approx(0, abs=1e-12)
    assert facts["pseudo_r_squared"] == pytest.approx(0, abs=1e-12)
    assert np.isnan(facts["calibration_slope"])
    assert "likelihood_ratio" not in facts


def test_the_ratio_test_needs_a_constant_among_the_columns():
    homes = table("binary")
    with_constant = gp.logit("poor ~ region", homes).facts
    groups = gp.logit("poor ~ 0 + region", homes).facts
    assert groups["likelihood_ratio"] == pytest.approx(
        with_constant["likelihood_ratio"], rel=1e-9
    )
    assert groups["likelihood_ratio_df"] == with_constant["likelihood_ratio_df"]
    assert "likelihood_ratio" not in gp.logit("poor ~ 0 + x1 + x2", homes).facts


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_constant_is_found_whatever_the_units(scale):
    x = np.random.default_rng(0).normal(size=(50, 2))
    assert not spans_constant(x * [scale, 1])
    assert spans_constant(np.column_stack([1 - x[:, 0], scale * x[:, 0]]))


def test_without_a_likelihood_only_what_rests_on_it_is_missing():
    y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.4, 0.1])
    facts = quality(y, p).facts
    assert not {"aic", "bic", "log_likelihood", "likelihood_ratio"} & set(facts)
    assert {"auc", "brier_score", "tjur_r_squared"} <= set(facts)


def test_a_single_one_has_an_area_but_no_standard_error():
    area, error = rk.auc(rk.rank_rows(np.array([0.0, 1, 0]), np.array([0.1, 0.9, 0.3])))
    assert area == 1.0
    assert np.isnan(error)


def test_perfect_ranks_have_no_calibration_line():
    y, p = np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])
    line = rk.calibration_line(rk.rank_rows(y, p))
    assert np.isnan(line).all()


def test_probabilities_of_exactly_0_and_1_are_taken():
    y, p = np.array([0.0, 1, 0, 1, 1]), np.array([0.0, 0.4, 0.5, 0.6, 1.0])
    facts = quality(y, p).facts
    assert facts["brier_score"] == pytest.approx((0.36 + 0.25 + 0.16) / 5)
    assert np.isfinite(facts["auc"])


@pytest.mark.parametrize("seed", range(12))
def test_the_calibration_line_is_a_logit_on_the_log_odds(seed):
    rng = np.random.default_rng(seed)
    eta = rng.normal(size=60) * (1, 3, 8)[seed % 3] + rng.normal()
    y = (rng.random(60) < 1 / (1 + np.exp(rng.normal() * 0.3 * eta - 0.5))).astype(
        float
    )
    w = rng.uniform(0.5, 2, 60)
    line = rk.calibration_line(rk.rank_rows(y, 1 / (1 + np.exp(-eta)), w))
    X = np.column_stack([np.ones(60), eta])
    assert line == pytest.approx(fit_binary(X, y, Logit, w).beta, rel=1e-6, abs=1e-6)


def test_a_planted_calibration_line_is_found():
    rng = np.random.default_rng(4)
    eta = rng.normal(size=40_000)
    y = (rng.random(40_000) < 1 / (1 + np.exp(-(0.3 + 0.6 * eta)))).astype(float)
    line = rk.calibration_line(rk.rank_rows(y, 1 / (1 + np.exp(-eta))))
    assert line == pytest.approx((0.3, 0.6), abs=0.04)  # SE about 0.011


def test_the_standard_error_of_the_area_is_the_spread_over_samples():
    rng = np.random.default_rng(9)
    drawn = []
    for _ in range(600):
        p = rng.beta(2, 3, size=150)
        y = (rng.random(150) < p).astype(float)
        w = rng.exponential(size=150) + 0.2
        drawn.append(rk.auc(rk.rank_rows(y, p, w)))
    area, error = np.transpose(drawn)
    # The spread of 600 draws is known to 3 %; three times that.
    assert np.sqrt((error**2).mean()) == pytest.approx(area.std(), rel=0.09)


def test_sampling_weights_are_noted_with_the_ratio_test():
    _, weighted = fitted("households_weighted_logit")
    _, plain = fitted("households_logit")
    assert any("sampling design" in note for note in weighted.notes)
    assert not any("sampling design" in note for note in plain.notes)
