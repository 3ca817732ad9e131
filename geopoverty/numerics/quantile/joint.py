"""The joint covariance of several regression quantiles."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.quantile.fit import (
    KEPT,
    SMALL,
    Frame,
    Solved,
    near,
    outer_rows,
    solve_rows,
)
from geopoverty.numerics.resampling import Drawn, Resamples, resample
from geopoverty.numerics.types import Array, Codes

ROUGH = 1e-6  # the step to a vertex does the rest


def sandwiches(taus: Sequence[float], hessians: Sequence[Array], meat: Array) -> Array:
    """Return the covariance of all coefficients, quantile by quantile.

    (min(s, t) - s t) H_s^-1 J H_t^-1 for each pair of quantiles.

    Parameters
    ----------
    taus : sequence of float, length m
    hessians : sequence of array (k, k)
        X' f X with the densities at each quantile.
    meat : array, shape (k, k)
        J = X'X.

    Returns
    -------
    array, shape (m k, m k)

    References
    ----------
    Koenker, R. (2005). Quantile Regression. Cambridge University Press, section 3.2.

    Examples
    --------
    >>> sandwiches([0.5], [np.eye(1)], np.eye(1))
    array([[0.25]])
    """
    breads = np.vstack([_inverse(h) for h in hessians])
    t = np.asarray(taus, dtype=float)
    both = np.minimum.outer(t, t) - np.outer(t, t)
    k = len(meat)
    out = np.kron(both, np.ones((k, k))) * (breads @ meat @ breads.T)
    return np.asarray((out + out.T) / 2)


def _inverse(hessian: Array) -> Array:
    """Invert on the scale of its diagonal: columns may differ in size by far."""
    size = np.sqrt(np.diag(hessian))
    inner = inverse(hessian / np.outer(size, size))
    return np.asarray(inner / np.outer(size, size))


@dataclass(frozen=True, eq=False)
class Wald:
    """A test that a set of differences is 0.

    Attributes
    ----------
    statistic : float
        F.
    df, df_residual : float
    p_value : float
    """

    statistic: float
    df: float
    df_residual: float
    p_value: float


def equal_slopes(beta: Array, vcov: Array, columns: Sequence[int], n: int) -> Wald:
    """Test that coefficients do not differ between quantiles.

    Parameters
    ----------
    beta : array, shape (m, k)
    vcov : array, shape (m k, m k)
    columns : sequence of int
        Which of the k.
    n : int
        Rows.

    References
    ----------
    Koenker, R. & Bassett, G. (1982). Robust tests for heteroscedasticity based on
    regression quantiles. Econometrica 50, 43-61.

    Examples
    --------
    >>> equal_slopes(np.array([[1.0], [3.0]]), np.eye(2), [0], 10).statistic
    2.0
    """
    m, k = beta.shape
    pick = np.eye(k)[list(columns)]
    differences = np.kron(np.diff(np.eye(m), axis=0), pick)
    gap = differences @ beta.ravel()
    spread = differences @ vcov @ differences.T
    df = float(len(gap))
    rest = n * m - df
    try:
        f = float(gap @ linalg.solve(spread, gap, assume_a="pos")) / df
    except linalg.LinAlgError:
        return Wald(np.nan, df, rest, np.nan)
    return Wald(f, df, rest, float(stats.f.sf(f, df, rest)))


Watch = Callable[[Iterator[Array], int], Iterator[Array]]


def bootstrap(
    frame: Frame,
    taus: Sequence[float],
    fits: Sequence[Solved],
    plan: Resamples,
    watch: Watch | None = None,
    workers: int | None = None,
) -> Drawn:
    """Draw rows or clusters with their outcome, and fit every quantile again.

    Parameters
    ----------
    frame : Frame
    taus : sequence of float, length m
    fits : sequence of Solved
        To the rows as they are.
    plan : Resamples
    watch, workers
        As in `resample`.

    Returns
    -------
    Drawn
        Coefficients on the scale of the user, shape (draws, m k).

    References
    ----------
    Efron, B. & Tibshirani, R. (1993). An Introduction to the Bootstrap, section 9.5,
    for pairs; Hagemann, A. (2017). Cluster-robust bootstrap inference in quantile
    regression models. Journal of the American Statistical Association 112, 446-456,
    for clusters.
    """
    n, k = frame.X.shape
    kept = KEPT * ((k + 1) * n) ** (2 / 3)
    outer = None
    if n > SMALL and kept < 0.8 * n:
        pairs = zip(taus, fits, strict=True)
        outer = [outer_rows(frame, t, s.b, kept) for t, s in pairs]

    def statistic(counts: Codes) -> Array:
        weight = counts.astype(np.float64)
        some = weight > 0
        out = []
        for at, tau in enumerate(taus):
            found = None
            if outer is not None:
                found = near(frame, tau, outer[at], kept, weight)
            if found is None:
                rows = weight[some]
                X, y = frame.X[some] * rows[:, None], frame.y[some] * rows
                found = solve_rows(X, y, tau, gap=ROUGH)
            out.append(frame.given(found.b))
        return np.concatenate(out)

    return resample(statistic, plan, workers=workers, watch=watch)
