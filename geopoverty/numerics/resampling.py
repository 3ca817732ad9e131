"""A bootstrap that gives the same draws whatever the number of workers.

A resample is how often each row is in it. A statistic takes these counts as weights,
so nothing is copied and nothing sorted again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from geopoverty.errors import EstimationError
from geopoverty.numerics.threads import in_threads
from geopoverty.numerics.types import Array, Codes

Statistic = Callable[[Codes], Array]  # from counts, shape (n,), to m numbers


@dataclass(frozen=True, eq=False)
class Resamples:
    """How rows are drawn, with replacement.

    Attributes
    ----------
    n : int
        Number of rows, 1 or more.
    draws : int
    seed : int
        Draw b depends on (seed, b) alone.
    clusters : array of int, shape (n,), optional
        Codes from 0: whole clusters are drawn instead of rows.
    strata : array of int, shape (n,), optional
        Codes from 0: as many rows (or clusters) are drawn from each stratum as it
        has. A cluster lies in one stratum.

    Examples
    --------
    >>> plan = Resamples(4, draws=2, seed=1)
    >>> plan.counts(0).sum(), bool((plan.counts(1) == plan.counts(1)).all())
    (np.int64(4), True)
    """

    n: int
    draws: int = 500
    seed: int = 0
    clusters: Codes | None = None
    strata: Codes | None = None

    def counts(self, draw: int) -> Codes:
        """Return how often each row is in one resample, shape (n,)."""
        rng = np.random.default_rng([self.seed, draw])
        if self.clusters is None:
            return _drawn(rng, self.n, self.strata)
        size = int(self.clusters.max()) + 1
        strata = None
        if self.strata is not None:
            strata = np.zeros(size, dtype=np.intp)
            strata[self.clusters] = self.strata
        return _drawn(rng, size, strata)[self.clusters]


def _drawn(rng: np.random.Generator, n: int, strata: Codes | None) -> Codes:
    if strata is None:
        return np.bincount(rng.integers(0, n, size=n), minlength=n)
    order = np.argsort(strata, kind="stable")
    sizes = np.bincount(strata)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    picks = rng.integers(0, np.repeat(sizes, sizes))
    return np.bincount(order[first + picks], minlength=n)


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a statistic gave in each resample.

    Attributes
    ----------
    values : array, shape (draws, m)
        NaN where it could not be computed.
    """

    values: Array

    @property
    def failed(self) -> int:
        """Number of resamples without a value."""
        return int(np.isnan(self.values).any(axis=1).sum())

    @property
    def complete(self) -> Array:
        """The other resamples, shape (draws - failed, m)."""
        return np.asarray(self.values[~np.isnan(self.values).any(axis=1)])

    def covariance(self) -> Array:
        """Return the covariance over resamples, shape (m, m).

        Examples
        --------
        >>> Drawn(np.array([[0.0], [2.0], [np.nan]])).covariance()
        array([[2.]])
        """
        kept = self.complete
        if len(kept) < 2:
            return np.full((self.values.shape[1],) * 2, np.nan)
        centred = kept - kept.mean(axis=0)
        return np.asarray(centred.T @ centred / (len(kept) - 1))

    def interval(self, conf_level: float = 0.95) -> tuple[Array, Array]:
        """Return the percentile interval, two arrays of shape (m,)."""
        tail = (1 - conf_level) / 2
        kept = self.complete
        if not len(kept):
            none = np.full(self.values.shape[1], np.nan)
            return none, none
        low, high = np.quantile(kept, [tail, 1 - tail], axis=0)
        return low, high


def resample(
    statistic: Statistic,
    plan: Resamples,
    *,
    workers: int | None = None,
    watch: Callable[[Iterator[Array], int], Iterator[Array]] | None = None,
) -> Drawn:
    """Compute a statistic in every resample, in threads.

    Parameters
    ----------
    statistic : callable
        From counts, shape (n,), to an array of m numbers. It must not keep state.
        An `EstimationError` or `LinAlgError` counts as a resample that failed; NaN,
        too.
    plan : Resamples
    workers : int, optional
        Threads; as many as there are cores when not given. The numbers do not
        depend on it. Statistics that hold the interpreter gain nothing from more.
    watch : callable, optional
        From the running results and their number to the same, such as a progress
        bar.

    Returns
    -------
    Drawn

    Examples
    --------
    >>> y = np.arange(10.0)
    >>> means = resample(lambda counts: np.array([counts @ y / 10]), Resamples(10))
    >>> means.values.shape, means.failed
    ((500, 1), 0)
    """

    def one(draw: int) -> Array:
        try:
            return np.atleast_1d(np.asarray(statistic(plan.counts(draw)), np.float64))
        except (EstimationError, np.linalg.LinAlgError):
            return np.full(1, np.nan)

    found = in_threads(one, plan.draws, workers, watch)
    width = max(len(row) for row in found)
    values = np.full((len(found), width), np.nan)
    for b, row in enumerate(found):
        if len(row) == width:
            values[b] = row
    return Drawn(values)
