"""The bootstrap: the same draws whoever computes them."""

import numpy as np
import pytest

from geopoverty.errors import EstimationError
from geopoverty.numerics.resampling import Drawn, Resamples, resample

Y = np.random.default_rng(0).normal(size=400)


def mean(counts):
    return np.array([counts @ Y / counts.sum()])


@pytest.mark.parametrize("workers", [2, 5, None])
def test_workers_do_not_change_the_numbers(workers):
    plan = Resamples(len(Y), draws=60, seed=3)
    alone = resample(mean, plan, workers=1).values
    assert (resample(mean, plan, workers=workers).values == alone).all()


def test_more_draws_begin_with_the_same():
    few, more = (resample(mean, Resamples(len(Y), draws=d)).values for d in (20, 50))
    assert (more[:20] == few).all()


def test_seeds_differ():
    one, two = (resample(mean, Resamples(len(Y), 20, seed=s)).values for s in (0, 1))
    assert (one != two).all()


def test_standard_error_of_a_mean():
    drawn = resample(mean, Resamples(len(Y), draws=4000))
    se = np.sqrt(drawn.covariance()[0, 0])
    # 4,000 draws leave an error of 1/sqrt(8000) = 1.1 %.
    assert se == pytest.approx(Y.std() / len(Y) ** 0.5, rel=0.05)
    low, high = drawn.interval(0.9)
    assert (high - low)[0] == pytest.approx(2 * 1.645 * se, rel=0.06)


def test_clusters_are_drawn_whole():
    clusters = np.arange(60) // 6
    counts = Resamples(60, clusters=clusters).counts(7).reshape(10, 6)
    assert (counts == counts[:, :1]).all()
    assert counts[:, 0].sum() == 10


def test_strata_keep_their_size():
    strata = np.random.default_rng(1).integers(0, 3, size=90)
    for draw in range(5):
        counts = Resamples(90, strata=strata).counts(draw)
        assert (np.bincount(strata, counts) == np.bincount(strata)).all()


def test_clusters_within_strata():
    clusters = np.arange(60) // 6
    strata = (clusters < 4).astype(np.intp)
    counts = Resamples(60, clusters=clusters, strata=strata).counts(0)
    assert counts[strata == 1].sum() == 24
    assert (counts.reshape(10, 6) == counts.reshape(10, 6)[:, :1]).all()


def test_every_row_is_as_likely():
    strata = np.repeat([0, 1], [30, 70])
    total = sum(Resamples(100, strata=strata).counts(b) for b in range(2000))
    # Each count is binomial around 1: the mean of 2,000 has an error of 0.022.
    assert np.abs(total / 2000 - 1).max() < 0.1


def test_failed_draws_are_counted_and_left_out():
    def sometimes(counts):
        if counts[0] == 0:
            raise EstimationError("The first row is needed.")
        return np.array([counts @ Y, 1.0])

    drawn = resample(sometimes, Resamples(len(Y), draws=50))
    assert 0 < drawn.failed < 50
    assert drawn.values.shape == (50, 2)
    assert len(drawn.complete) == 50 - drawn.failed
    assert np.isfinite(drawn.covariance()).all()


def test_nothing_drawn_is_nan_and_no_error():
    def never(counts):
        return np.array([np.nan * counts.sum()])

    drawn = resample(never, Resamples(5, draws=4))
    assert drawn.failed == 4
    assert np.isnan(drawn.covariance()).all()
    assert np.isnan(drawn.interval()[0]).all()


def test_other_errors_are_not_swallowed():
    def broken(counts):
        raise KeyError(len(counts))

    with pytest.raises(KeyError):
        resample(broken, Resamples(5, draws=4))


def test_watch_sees_every_draw():
    seen = []

    def watch(steps, total):
        for step in steps:
            seen.append((len(seen), total))
            yield step

    resample(mean, Resamples(len(Y), draws=6), watch=watch)
    assert seen == [(b, 6) for b in range(6)]


def test_covariance_is_that_of_numpy():
    values = np.random.default_rng(2).normal(size=(30, 3))
    np.testing.assert_allclose(Drawn(values).covariance(), np.cov(values.T))
