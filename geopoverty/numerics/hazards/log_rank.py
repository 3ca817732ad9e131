"""Tests that groups leave at the same rate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from geopoverty.numerics.hazards.curves import (
    Counts,
    Spells,
    binned,
    count,
    risk_before,
)
from geopoverty.numerics.types import Array, Codes

ALIKE = 1e-10  # of the greatest eigenvalue: a contrast that never varies


@dataclass(frozen=True, eq=False)
class LogRank:
    """A (weighted) log-rank test.

    Attributes
    ----------
    observed, expected : array, shape (groups,)
        Events, and those expected if all groups left at the same rate; both with
        the weights of the test.
    variance : array, shape (groups, groups)
        Of observed - expected.
    statistic : float
        Chi-squared.
    df : int
    p_value : float
    """

    observed: Array
    expected: Array
    variance: Array
    statistic: float
    df: int
    p_value: float


def log_rank(
    spells: Spells,
    groups: Codes,
    strata: Codes | None = None,
    *,
    kind: str = "log-rank",
) -> LogRank:
    """Test that groups have the same hazard at all times.

    Parameters
    ----------
    spells : Spells, n units
        With weights, events and units at risk are weighted, and the variance is
        that of the units' scores (the robust score test of a Cox model).
    groups : array of int, shape (n,)
        From 0.
    strata : array of int, shape (n,), optional
        Groups are compared within strata, from 0.
    kind : {"log-rank", "gehan", "tarone-ware", "peto"}
        How much a time counts: all alike; by units at risk (Gehan-Breslow-Wilcoxon);
        by their square root; by the pooled survival just before it, as R's survdiff
        with rho = 1.

    Returns
    -------
    LogRank

    References
    ----------
    Mantel, N. (1966). Evaluation of survival data and two new rank order statistics.
    Cancer Chemotherapy Reports 50, 163-170. Gehan, E. (1965). Biometrika 52,
    203-223. Harrington, D. & Fleming, T. (1982). Biometrika 69, 553-566.

    Examples
    --------
    >>> spells = Spells(np.zeros(4), np.arange(1.0, 5.0), np.ones(4))
    >>> found = log_rank(spells, np.array([0, 0, 1, 1]))
    >>> found.observed, found.expected.round(4), round(found.statistic, 4)
    (array([2., 2.]), array([0.8333, 3.1667]), 2.8824)
    """
    m = int(groups.max()) + 1
    parts: Sequence[Codes] = [np.arange(len(groups))]
    if strata is not None:
        parts = [np.flatnonzero(strata == s) for s in range(int(strata.max()) + 1)]
    observed, expected = np.zeros(m), np.zeros(m)
    variance = np.zeros((m, m))
    for rows in parts:
        part = _take(spells, rows)
        o, e, v = _one_stratum(part, groups[rows], m, kind)
        observed, expected, variance = observed + o, expected + e, variance + v
    statistic, df = _quadratic(observed - expected, variance)
    p = float(stats.chi2.sf(statistic, df)) if df else float("nan")
    return LogRank(observed, expected, variance, statistic, df, p)


def _take(spells: Spells, rows: Codes) -> Spells:
    w = None if spells.w is None else spells.w[rows]
    return Spells(spells.entry[rows], spells.exit[rows], spells.event[rows], w)


def _one_stratum(
    spells: Spells, groups: Codes, m: int, kind: str
) -> tuple[Array, Array, Array]:
    counts = count(spells)
    own = np.column_stack(
        [
            risk_before(spells, counts.time, spells.weight * (groups == g))
            for g in range(m)
        ]
    )
    share = own / counts.at_risk[:, None]
    weigh = _time_weights(counts, kind)
    at = np.searchsorted(counts.time, spells.exit)
    mass = spells.weight * spells.event * weigh[at]
    observed = binned(groups, mass, m)
    expected = (weigh * counts.events) @ share
    if spells.w is not None:
        scores = _scores(spells, groups, (counts, share, weigh))
        return observed, expected, scores.T @ scores
    n, d = counts.at_risk, counts.events
    fewer = np.where(n > 1, (n - d) / np.maximum(n - 1, 1), 0.0)
    scale = weigh**2 * d * fewer
    variance = np.diag(scale @ share) - (share * scale[:, None]).T @ share
    return observed, expected, variance


def _time_weights(counts: Counts, kind: str) -> Array:
    if kind == "gehan":
        return counts.at_risk
    if kind == "tarone-ware":
        return np.sqrt(counts.at_risk)
    if kind == "peto":
        share = 1 - counts.events / counts.at_risk
        return np.concatenate([[1.0], np.cumprod(share)[:-1]])
    return np.ones(len(counts.time))


def _scores(
    spells: Spells, groups: Codes, at_times: tuple[Counts, Array, Array]
) -> Array:
    """Return each unit's share in observed - expected, (n, groups)."""
    counts, share, weigh = at_times
    rate = weigh * counts.events / counts.at_risk
    hazard = np.concatenate([[0.0], np.cumsum(rate)])
    means = np.vstack(
        [np.zeros(share.shape[1]), np.cumsum(share * rate[:, None], axis=0)]
    )
    stop = np.searchsorted(counts.time, spells.exit, side="right")
    start = np.searchsorted(counts.time, spells.entry, side="right")
    own = np.eye(share.shape[1])[groups]
    left = (spells.event * weigh[stop - 1])[:, None] * (own - share[stop - 1])
    waited = own * (hazard[stop] - hazard[start])[:, None] - (
        means[stop] - means[start]
    )
    return np.asarray(spells.weight[:, None] * (left - waited))


def _quadratic(gap: Array, variance: Array) -> tuple[float, int]:
    """Return gap' V^- gap and the rank of V."""
    values, vectors = linalg.eigh(variance)
    kept = values > ALIKE * max(float(values[-1]), 1e-300)
    along = vectors[:, kept].T @ gap
    return float(np.sum(along**2 / values[kept])), int(kept.sum())
