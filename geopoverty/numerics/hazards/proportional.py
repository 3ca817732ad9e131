"""Whether hazards are proportional: the score test of effects that change over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from geopoverty.numerics.diagnostics import ChiSquare
from geopoverty.numerics.hazards.partial import Moments
from geopoverty.numerics.hazards.residuals import schoenfeld_residuals
from geopoverty.numerics.hazards.risk import RiskSets, risk_sets
from geopoverty.numerics.types import Array, Mask

TRANSFORMS = ("km", "rank", "identity")


@dataclass(frozen=True, eq=False)
class Proportional:
    """The score of effects beta + theta g(t), and its information.

    Attributes
    ----------
    score : array, shape (k,)
        Of theta, at 0.
    information : array, shape (2k, 2k)
        Of beta and theta.
    """

    score: Array
    information: Array

    def test(self, columns: Sequence[int]) -> ChiSquare:
        """Test that the effects of some columns do not change over time."""
        k = len(self.score)
        kept = [*range(k), *(k + j for j in columns)]
        u = np.concatenate([np.zeros(k), self.score[list(columns)]])
        information = self.information[np.ix_(kept, kept)]
        # Unit lengths, so that units of measurement and of time do not matter.
        size = np.sqrt(np.diag(information))
        size[size == 0] = 1.0
        found = linalg.lstsq(information / np.outer(size, size), u / size)[0]
        statistic = float(found @ (u / size))
        df = len(columns)
        return ChiSquare(statistic, df, float(stats.chi2.sf(statistic, df)))


def proportional(at: Moments, g: Array) -> Proportional:
    """Return what tests of proportional hazards need.

    Parameters
    ----------
    at : Moments
        At the maximum.
    g : array, shape (G,)
        A function of time, at the times of the blocks.

    Notes
    -----
    The score test with the full information, as R's survival from version 3; the
    older test took the variance of those at risk for constant.

    References
    ----------
    Grambsch, P. M. & Therneau, T. M. (1994). Proportional hazards tests and
    diagnostics based on weighted residuals. Biometrika 81, 515-526.
    """
    risk, w = at.data.risk, at.data.mass
    g = g - (risk.counts @ g) / risk.counts.sum()
    sums = risk.exiting(at.data.X * at.data.w[:, None])
    score = g @ (sums - w[:, None] * at.mean)
    once, twice = at.information(g), at.information(g * g)
    plain = at.curvature
    return Proportional(score, np.block([[plain, once], [once, twice]]))


def transformed(
    how: str,
    time: Array,
    exited: Mask,
    entry: Array | None,
    at: Array,
    risk: RiskSets | None = None,
) -> Array:
    """Return a function of time at some of the times, as R's cox.zph.

    Parameters
    ----------
    how : {"km", "rank", "identity"}
        1 less the Kaplan-Meier curve just before (all strata together, without
        weights), the mean rank among the times of all rows, or time itself.
    time, exited, entry
        Of all rows.
    at : array
        Times of exit.
    risk : RiskSets, optional
        Those of all rows in one stratum, where they are known.

    Examples
    --------
    >>> time, gone = np.array([1.0, 2, 2, 3]), np.array([True, True, False, True])
    >>> [transformed(h, time, gone, None, time[gone]) for h in TRANSFORMS]
    [array([0.  , 0.25, 0.5 ]), array([1. , 2.5, 4. ]), array([1., 2., 3.])]
    """
    if how == "identity":
        return at
    if how == "rank":
        ordered = np.sort(time)
        low, high = (np.searchsorted(ordered, at, side=s) for s in ("left", "right"))
        return np.asarray((low + 1 + high) / 2)
    if risk is None:
        risk = risk_sets(time, exited, entry)
    at_risk = risk.at_risk(np.ones((risk.n, 1)))[:, 0]
    survival = np.cumprod(1 - risk.counts / at_risk)
    before = np.searchsorted(risk.times, at, side="left")
    return np.asarray(1 - np.append(1.0, survival)[before])


def scaled_schoenfeld(at: Moments, beta: Array) -> Array:
    """Return Schoenfeld residuals that scatter about the effect at each exit, (m, k).

    References
    ----------
    Grambsch & Therneau (1994), equation 4.
    """
    m = len(at.data.risk.exits)
    scaled = linalg.solve(at.curvature / m, schoenfeld_residuals(at).T)
    return np.asarray(scaled.T + beta)
