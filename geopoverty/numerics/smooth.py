"""A smooth line through points: natural cubic splines by least squares."""

from typing import NamedTuple

import numpy as np

from geopoverty.numerics.types import Array


class Smooth(NamedTuple):
    """A line and how sure it is.

    Attributes
    ----------
    value : array, shape (m,)
    leverage : array, shape (m,)
        Variance of `value` for points of variance 1.
    """

    value: Array
    leverage: Array


def smooth(x: Array, y: Array, grid: Array, df: int = 4) -> Smooth:
    """Fit a natural cubic spline and read it on a grid.

    Parameters
    ----------
    x, y : array, shape (n,)
        Finite.
    grid : array, shape (m,)
        From the least to the largest x. The inner knots are quantiles of grid and
        points together, as in R's plot.cox.zph.
    df : int
        Columns of the spline, at least 2; fewer where x takes too few values.

    Examples
    --------
    >>> line = smooth(np.arange(9.0), 2 + np.arange(9.0), np.array([0.0, 4.0, 8.0]))
    >>> line.value.round(6).tolist()
    [2.0, 6.0, 10.0]
    """
    low, wide = float(x.min()), float(np.ptp(x)) or 1.0
    inside, at = (x - low) / wide, (grid - low) / wide
    most = min(df, len(np.unique(x)))
    for columns in range(most, 0, -1):
        knots = _knots(np.concatenate([at, inside]), columns)
        Q, R = np.linalg.qr(_basis(inside, knots, columns))
        size = np.abs(np.diag(R))
        if size.min() > 1e-9 * size.max():
            break
    half = np.linalg.solve(R.T, _basis(at, knots, columns).T).T
    return Smooth(half @ (Q.T @ y), np.einsum("ij,ij->i", half, half))


def _knots(x: Array, columns: int) -> Array:
    """Return inner and outer knots, `columns` in all."""
    return np.asarray(np.quantile(x, np.linspace(0, 1, columns)))


def _basis(x: Array, knots: Array, columns: int) -> Array:
    """Return truncated powers that are straight beyond the outer knots, (n, columns).

    Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning,
    equation 5.4.
    """
    parts = [np.ones_like(x), x][:columns]
    last = knots[-1]

    def cubic(knot: float) -> Array:
        gap = last - knot or 1.0  # knots that fall together: a column of zeros
        both = np.maximum(x - knot, 0) ** 3 - np.maximum(x - last, 0) ** 3
        return np.asarray(both / gap)

    parts += [cubic(k) - cubic(knots[-2]) for k in knots[: columns - 2]]
    return np.column_stack(parts)
