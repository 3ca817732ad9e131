"""Correlations of what is left of columns once others are held fixed."""

import numpy as np
from scipy import linalg, stats

from geopoverty.numerics.concentration import ranked_rows
from geopoverty.numerics.types import Array

NOTHING_LEFT = 1e-10  # of a column's length: shorter residuals are rounding


def as_ranks(columns: Array, w: Array) -> Array:
    """Return each column as weighted mid-ranks between 0 and 1, shape (n, m).

    Examples
    --------
    >>> as_ranks(np.array([[10.0], [30.0]]), np.ones(2)).ravel()
    array([0.25, 0.75])
    """
    ranks = [ranked_rows(column, w).rank for column in columns.T]
    return np.column_stack(ranks) if ranks else columns.astype(np.float64)


def leftover(columns: Array, given: Array, w: Array) -> Array:
    """Return standardised residuals of columns on a constant and others.

    Parameters
    ----------
    columns : array, shape (n, m)
    given : array, shape (n, k)
        Held fixed; with a constant of full rank.
    w : array, shape (n,)
        Weights above 0.

    Returns
    -------
    array, shape (n, m)
        Weighted mean 0 and mean square 1; a column of NaN where nothing is left.

    Examples
    --------
    >>> leftover(np.array([[1.0], [3.0]]), np.empty((2, 0)), np.ones(2)).ravel()
    array([-1.,  1.])
    """
    share = w / w.sum()
    root = np.sqrt(share)[:, None]
    centre = share @ columns
    around = columns - centre
    held = np.column_stack([np.ones(len(w)), given - share @ given])
    basis = linalg.qr(root * held, mode="economic")[0]
    scaled = root * around
    rest = scaled - basis @ (basis.T @ scaled)
    rest -= basis @ (basis.T @ rest)  # twice is enough
    length = np.sqrt(np.einsum("ij,ij->j", rest, rest))
    # A constant has no length but rounding, which its level sets.
    whole = np.sqrt(np.einsum("ij,ij->j", scaled, scaled)) + 1e-4 * np.abs(centre)
    length = np.where(length > NOTHING_LEFT * whole, length, np.nan)
    return np.asarray(rest / root / length)


def correlations(left: Array, right: Array, w: Array) -> Array:
    """Return the correlation of each pair of standardised columns, in [-1, 1].

    Examples
    --------
    >>> z = np.array([[-1.0], [1.0]])
    >>> correlations(z, -z, np.ones(2))
    array([-1.])
    """
    found = (w / w.sum()) @ (left * right)
    return np.asarray(np.clip(found, -1.0, 1.0))


def correlation_of_correlations(matrix: Array, pairs: list[tuple[int, int]]) -> Array:
    """Return how estimates of correlations go together, as a correlation matrix.

    Parameters
    ----------
    matrix : array, shape (m, m)
        Correlations of the columns.
    pairs : list of pair of int
        The columns of each estimate.

    Returns
    -------
    array, shape (pairs, pairs)
        Of normal columns, in large samples; 1 on the diagonal.

    References
    ----------
    Olkin, I. & Siotani, M. (1976). Asymptotic distribution of functions of a
    correlation matrix. In Essays in Probability and Statistics, Shinko Tsusho,
    235-251.

    Examples
    --------
    >>> R = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.5, 1.0]])
    >>> correlation_of_correlations(R, [(0, 1), (0, 2)])
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    j, k = np.array(pairs).T
    first, second = matrix[j, k][:, None], matrix[j, k][None, :]
    jh, jm = matrix[np.ix_(j, j)], matrix[np.ix_(j, k)]
    kh, km = matrix[np.ix_(k, j)], matrix[np.ix_(k, k)]
    cross = (
        first * second * (jh**2 + jm**2 + kh**2 + km**2) / 2
        + jh * km
        + jm * kh
        - first * (jh * jm + kh * km)
        - second * (jh * kh + jm * km)
    )
    scale = np.sqrt(np.maximum(np.diag(cross), 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        out = cross / np.outer(scale, scale)
    np.fill_diagonal(out, 1.0)
    return np.asarray(out)


def fisher_interval(
    r: Array, spread: Array | float, conf_level: float
) -> tuple[Array, Array]:
    """Return the interval of correlations, from that of artanh(r).

    Parameters
    ----------
    r : array, shape (m,)
    spread : float or array, shape (m,)
        Standard error of artanh(r): 1 / sqrt(n - 3 - k) for normal columns.
    conf_level : float

    References
    ----------
    Fisher, R. A. (1924). The distribution of the partial correlation coefficient.
    Metron 3, 329-332.

    Examples
    --------
    >>> low, high = fisher_interval(np.array([0.5]), 0.1, 0.95)
    >>> low.round(4), high.round(4)
    (array([0.3393]), array([0.6323]))
    """
    wide = stats.norm.ppf(0.5 + conf_level / 2) * np.asarray(spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.arctanh(r)
        return np.tanh(z - wide), np.tanh(z + wide)
