"""Partial likelihoods, residuals and curves: slow sums, R, and laws."""

import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from known import answers, table

from geopoverty.numerics.hazards.autocorrelation import moran_test
from geopoverty.numerics.hazards.baseline import baseline, exit_chances
from geopoverty.numerics.hazards.concordance import concordance
from geopoverty.numerics.hazards.cox import fit_cox
from geopoverty.numerics.hazards.partial import CoxData, Moments
from geopoverty.numerics.hazards.proportional import proportional, transformed
from geopoverty.numerics.hazards.residuals import (
    deviance_residuals,
    schoenfeld_residuals,
    score_residuals,
)
from geopoverty.numerics.hazards.risk import risk_sets

EXACT = 1e-10  # sums in another order
TERMS = ("fin", "age", "race", "wexp", "mar", "paro", "prio")
SETS = [(ties, kind) for ties in (True, False) for kind in ("plain", "late strata")]
seeds = st.integers(0, 10**6)


class Rows:
    """Simulated rows: whole-number times with many ties."""

    def __init__(self, seed, n=40, k=2, late=True):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(n, k))
        self.time = rng.integers(2, 9, size=n).astype(float)
        self.exited = rng.random(n) < 0.7
        self.exited[:4] = True
        self.entry = np.where(rng.random(n) < 0.4, rng.integers(0, 2, n), 0.0)
        self.stratum = rng.integers(0, 2, size=n)
        self.w = rng.uniform(0.5, 2, size=n)
        if not late:
            self.entry, self.stratum = None, None

    def data(self, *, efron=True):
        risk = risk_sets(self.time, self.exited, self.entry, self.stratum)
        return CoxData(self.X, risk, self.w, efron)


def slow_log_likelihood(rows, beta, *, efron=True):
    """Look at every pair: the definition."""
    entry = np.zeros(len(rows.time)) if rows.entry is None else rows.entry
    layer = np.zeros(len(rows.time)) if rows.stratum is None else rows.stratum
    eta, total = rows.X @ beta, 0.0
    r = rows.w * np.exp(eta)
    for s in np.unique(layer):
        for t in np.unique(rows.time[rows.exited & (layer == s)]):
            tied = rows.exited & (layer == s) & (rows.time == t)
            at_risk = (layer == s) & (entry < t) & (t <= rows.time)
            d = tied.sum()
            total += rows.w[tied] @ eta[tied]
            for turn in range(d):
                gone = turn / d if efron else 0.0
                left = r[at_risk].sum() - gone * r[tied].sum()
                total -= rows.w[tied].mean() * np.log(left)
    return total


def differences(function, at, step=1e-5):
    eye = np.eye(len(at)) * step
    return np.array([(function(at + e) - function(at - e)) / (2 * step) for e in eye])


@pytest.mark.parametrize(("efron", "kind"), SETS)
def test_likelihood_gradient_and_information(efron, kind):
    rows = Rows(3, late=kind != "plain")
    data, beta = rows.data(efron=efron), np.array([0.3, -0.5])

    def value(b):
        return Moments(data, rows.X @ b).log_likelihood

    def gradient(b):
        return Moments(data, rows.X @ b).gradient

    at = Moments(data, rows.X @ beta)
    slow = slow_log_likelihood(rows, beta, efron=efron)
    assert value(beta) == pytest.approx(slow, rel=EXACT)
    np.testing.assert_allclose(at.gradient, differences(value, beta), rtol=1e-6)
    np.testing.assert_allclose(
        at.information(), -differences(gradient, beta), rtol=1e-6
    )


@pytest.mark.parametrize(("efron", "kind"), SETS)
def test_scores_of_changing_effects_and_their_information(efron, kind):
    """The test's pieces are derivatives by theta of effects beta + theta g(t)."""
    rows = Rows(5, late=kind != "plain")
    data, k = rows.data(efron=efron), 2
    fit = fit_cox(data)
    g = np.log(data.risk.times)

    def gradient(both):
        """Blocks apart: in each, the effect is what it is at its time."""
        found = np.zeros(2 * k)
        centred = g - (data.risk.counts @ g) / data.risk.counts.sum()
        for block, at in enumerate(centred):
            q = np.zeros(len(g))
            q[block] = 1.0
            eta = rows.X @ (both[:k] + at * both[k:])
            here = Moments(data, eta)
            exits = data.risk.exits[data.risk.block == block]
            own = rows.w[exits] @ rows.X[exits]
            part = own - (rows.w * here.expected(q)) @ rows.X
            found += np.concatenate([part, at * part])
        return found

    found = proportional(fit.moments, g)
    point = np.concatenate([fit.beta, np.zeros(k)])
    np.testing.assert_allclose(found.score, gradient(point)[k:], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        found.information, -differences(gradient, point), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(("efron", "kind"), SETS)
def test_score_residuals_are_derivatives_of_the_weights(efron, kind):
    """dfbeta: how the estimate moves as a row's weight grows.

    With Efron's ties the mean weight of the tied exits enters, so the law holds for
    untied exits; Breslow's keep it throughout.
    """
    rows = Rows(11, n=30, late=kind != "plain")
    if efron:
        rows.time = np.argsort(np.argsort(rows.time + rows.X[:, 0] * 1e-3)) + 2.0
    data = rows.data(efron=efron)
    fit = fit_cox(data)
    moved = score_residuals(fit.moments) @ fit.vcov
    for i in (0, 7, 19):
        step = np.zeros(len(rows.w))
        step[i] = 1e-4
        ends = [
            fit_cox(CoxData(rows.X, data.risk, rows.w + sign * step, efron)).beta
            for sign in (1, -1)
        ]
        np.testing.assert_allclose(
            moved[i], (ends[0] - ends[1]) / 2e-4, rtol=1e-4, atol=1e-7
        )


def rossi_fit(terms=TERMS, *, efron=True, stratum=None):
    rows = table("rossi")
    risk = risk_sets(
        rows["week"].to_numpy(float), rows["arrest"].to_numpy() == 1, None, stratum
    )
    X = np.ascontiguousarray(rows[list(terms)].to_numpy(float))
    return fit_cox(CoxData(X, risk, np.ones(len(rows)), efron))


def test_score_and_schoenfeld_residuals_equal_r():
    known, fit = answers("hazard")["efron"], rossi_fit()
    np.testing.assert_allclose(
        score_residuals(fit.moments)[:20], known["score_residuals"], rtol=1e-7,
        atol=1e-9,
    )  # fmt: skip
    ours = schoenfeld_residuals(fit.moments)[:14]
    weeks = fit.moments.data.risk.block[:14]
    theirs = np.array(known["schoenfeld"][:14])
    for week in np.unique(weeks):  # R's order within a week is its own
        np.testing.assert_allclose(
            ours[weeks == week].sum(axis=0), theirs[weeks == week].sum(axis=0),
            rtol=1e-7, atol=1e-9,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "terms"),
    [("efron", TERMS), ("breslow", TERMS), ("stratified", ("fin", "age", "prio"))],
)
def test_curves_and_intervals_equal_r(name, terms):
    known = answers("hazard")
    layer = None
    if name == "stratified":
        layer = table("rossi")["wexp"].to_numpy()
    fit = rossi_fit(terms, efron=name != "breslow", stratum=layer)
    people = np.array([[p[t] for t in terms] for p in known["people"]], float)
    where = np.array([p["wexp"] if layer is not None else 0 for p in known["people"]])
    hazard, error = baseline(fit).hazards(people, where, np.array(known["times"]))
    p, low, high = exit_chances(hazard, error)
    for i, theirs in enumerate(known[name]["curves"]):
        np.testing.assert_allclose(1 - p[i], theirs["survival"], rtol=1e-9)
        np.testing.assert_allclose(error[i], theirs["hazard_se"], rtol=1e-8)
        np.testing.assert_allclose(1 - high[i], theirs["low"], rtol=1e-8)
        np.testing.assert_allclose(1 - low[i], theirs["high"], rtol=1e-8)


def test_transforms_with_late_entry():
    """Kaplan-Meier by hand: at 2 one of two leaves, at 3 one of two (2 comes late)."""
    time, gone = np.array([2.0, 3.0, 4.0]), np.array([True, True, True])
    entry = np.array([0.0, 0.0, 2.0])
    found = transformed("km", time, gone, entry, time)
    np.testing.assert_allclose(found, [0, 0.5, 0.75])


def test_moments_of_morans_i_are_those_of_all_orders():
    rng = np.random.default_rng(0)
    W = rng.random((6, 6)) * (rng.random((6, 6)) < 0.6)
    np.fill_diagonal(W, 0)
    x = rng.normal(size=6) ** 3
    from itertools import permutations

    off = x - x.mean()
    every = np.array([off[list(p)] for p in permutations(range(6))])
    values = 6 / W.sum() * np.einsum("pi,ij,pj->p", every, W, every) / (off @ off)
    found = moran_test(x, W)
    assert found.expected == pytest.approx(values.mean())
    assert found.variance == pytest.approx(values.var())
    assert moran_test(np.ones(6), W) is None
    assert moran_test(x, np.zeros((6, 6))) is None


def slow_concordance(prediction, rows):
    agree = pairs = 0.0
    for i in np.flatnonzero(rows.exited):
        for j in range(len(rows.time)):
            later = rows.time[j] > rows.time[i] or (
                rows.time[j] == rows.time[i] and not rows.exited[j]
            )
            if rows.stratum[i] != rows.stratum[j] or rows.entry[j] >= rows.time[i]:
                continue
            if later:
                weight = rows.w[i] * rows.w[j]
                pairs += weight
                order = np.sign(prediction[i] - prediction[j])
                agree += weight * (1 + order) / 2
    return agree / pairs


@LAW
@given(seed=seeds)
def test_concordance_is_that_of_all_pairs(seed):
    rows = Rows(seed, n=25)
    prediction = np.round(rows.X[:, 0], 1)
    found = concordance(
        prediction, rows.time, rows.exited, rows.w, rows.entry, rows.stratum
    )
    assert found.estimate == pytest.approx(slow_concordance(prediction, rows), rel=1e-9)
    other = concordance(
        -prediction, rows.time, rows.exited, rows.w, rows.entry, rows.stratum
    )
    assert found.estimate + other.estimate == pytest.approx(1)
    assert found.std_error == pytest.approx(other.std_error)


@LAW
@given(seed=seeds, efron=st.booleans())
def test_order_of_rows_does_not_matter(seed, efron):
    rows = Rows(seed)
    one = fit_cox(rows.data(efron=efron))
    if one.separating.size:
        return
    p = np.random.default_rng(seed).permutation(len(rows.time))
    martingale, scores = one.moments.martingale, score_residuals(one.moments)
    for name in ("X", "time", "exited", "entry", "stratum", "w"):
        setattr(rows, name, getattr(rows, name)[p])
    two = fit_cox(rows.data(efron=efron))
    np.testing.assert_allclose(one.beta, two.beta, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(martingale[p], two.moments.martingale, atol=1e-8)
    np.testing.assert_allclose(scores[p], score_residuals(two.moments), atol=1e-8)


@LAW
@given(seed=seeds, scale=st.floats(1e-3, 1e3), efron=st.booleans())
def test_units_of_time_and_of_covariates_do_not_matter(seed, scale, efron):
    rows = Rows(seed)
    one = fit_cox(rows.data(efron=efron))
    if one.separating.size:
        return
    tests = proportional(one.moments, one.moments.data.risk.times)
    rows.time, rows.entry = rows.time * scale, rows.entry * scale
    rows.X = rows.X * scale + 7.0
    two = fit_cox(rows.data(efron=efron))
    np.testing.assert_allclose(one.beta, two.beta * scale, rtol=1e-6, atol=1e-8)
    again = proportional(two.moments, two.moments.data.risk.times)
    for columns in ([0], [1], [0, 1]):
        assert tests.test(columns).statistic == pytest.approx(
            again.test(columns).statistic, rel=1e-5, abs=1e-7
        )


@LAW
@given(seed=seeds)
def test_weights_are_repeated_rows_with_breslows_ties(seed):
    rows = Rows(seed)
    times = np.random.default_rng(seed).integers(1, 4, size=len(rows.time))
    rows.w = times.astype(float)
    one = fit_cox(rows.data(efron=False))
    if one.separating.size:
        return
    for name in ("X", "time", "exited", "entry", "stratum"):
        setattr(rows, name, np.repeat(getattr(rows, name), times, axis=0))
    rows.w = np.ones(times.sum())
    two = fit_cox(rows.data(efron=False))
    np.testing.assert_allclose(one.beta, two.beta, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-6)
    assert one.log_likelihood == pytest.approx(two.log_likelihood)
    np.testing.assert_allclose(
        baseline(one).cumulative, baseline(two).cumulative, rtol=1e-6
    )


@LAW
@given(seed=seeds, efron=st.booleans())
def test_rows_cut_in_two_say_the_same(seed, efron):
    rows = Rows(seed)
    one = fit_cox(rows.data(efron=efron))
    if one.separating.size:
        return
    n, cut = len(rows.time), 1.5 + (np.arange(len(rows.time)) % 4)
    cut = np.where(cut < rows.time, cut, (rows.entry + rows.time) / 2)
    cut = np.maximum(cut, (rows.entry + np.minimum(cut, rows.time)) / 2)
    ends, begins = np.append(cut, rows.time), np.append(rows.entry, cut)
    rows.exited = np.append(np.zeros(n, dtype=bool), rows.exited)
    rows.time, rows.entry = ends, begins
    rows.X, rows.w = np.vstack([rows.X] * 2), np.tile(rows.w, 2)
    rows.stratum = np.tile(rows.stratum, 2)
    two = fit_cox(rows.data(efron=efron))
    np.testing.assert_allclose(one.beta, two.beta, rtol=1e-7, atol=1e-9)
    both = two.moments.martingale
    np.testing.assert_allclose(one.moments.martingale, both[:n] + both[n:], atol=1e-8)


@LAW
@given(seed=seeds, efron=st.booleans())
def test_residuals_sum_to_nothing_and_survival_never_rises(seed, efron):
    rows = Rows(seed)
    fit = fit_cox(rows.data(efron=efron))
    if fit.separating.size:
        return
    w = rows.w
    assert w @ fit.moments.martingale == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(w @ score_residuals(fit.moments), 0, atol=1e-6)
    np.testing.assert_allclose(
        schoenfeld_residuals(fit.moments).sum(axis=0), 0, atol=1e-6
    )
    assert (fit.moments.martingale <= 1).all()
    deviance = deviance_residuals(fit.moments.martingale, rows.exited.astype(float))
    assert (np.sign(deviance) == np.sign(fit.moments.martingale)).all()
    at = np.linspace(0.1, 9, 30)
    hazard, error = baseline(fit).hazards(rows.X, rows.stratum, at)
    assert (np.diff(hazard, axis=1) >= 0).all()
    p, low, high = exit_chances(hazard, error)
    assert ((low <= p) & (p <= high)).all()
    assert ((low >= 0) & (high <= 1)).all()


@LAW
@given(seed=seeds, column=st.integers(0, 1))
def test_separation_is_found_whatever_the_units(seed, column):
    """Each exit has the highest value among those at risk."""
    rows = Rows(seed)
    rows.X[:, column] = np.where(rows.exited, 100.0 - rows.time, 0.0) * 10.0 ** (
        seed % 7 - 3
    )
    fit = fit_cox(rows.data())
    assert column in fit.separating


def test_many_strata_with_hazards_far_apart():
    """Sums over those at risk in one stratum owe nothing to the others."""
    rows = Rows(1, n=600)
    rows.stratum, rows.X = np.arange(600) // 6, rows.X * 5
    beta = np.array([1.5, -2.0])
    at = Moments(rows.data(), rows.X @ beta)
    assert at.log_likelihood == pytest.approx(
        slow_log_likelihood(rows, beta), rel=EXACT
    )


def test_large_numbers_do_not_overflow():
    rows = Rows(2)
    rows.X = rows.X * 1e8 + 1e9
    fit = fit_cox(rows.data())
    assert not fit.separating.size
    assert np.isfinite(fit.vcov).all()
