"""Rows of a panel as units by periods, and the transformations over time."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False)
class Grid:
    """Where each row stands among units and periods.

    Attributes
    ----------
    who : array of int, shape (n,)
        Unit of each row, from 0 to units - 1.
    when : array of int, shape (n,)
        Period, from 0 to length - 1; each pair stands once.
    units, length : int
    """

    who: Codes
    when: Codes
    units: int
    length: int

    def spread(self, values: Array) -> Array:
        """Return values by unit and period, NaN where there is no row.

        Parameters
        ----------
        values : array, shape (n,) or (n, k)

        Returns
        -------
        array, shape (units, length) or (units, length, k)
        """
        out = np.full((self.units, self.length, *values.shape[1:]), np.nan)
        out[self.who, self.when] = values
        return out


def differences(x: Array) -> Array:
    """Return x_t - x_(t-1), NaN where either is; shape as `x` (units, length, ...).

    Examples
    --------
    >>> differences(np.array([[1.0, 3.0, np.nan, 5.0, 6.0]]))
    array([[nan,  2., nan, nan,  1.]])
    """
    out = np.full_like(x, np.nan)
    out[:, 1:] = x[:, 1:] - x[:, :-1]
    return out


def deviations_matrix(there: Mask) -> Array:
    """Return each unit's forward orthogonal deviations as a matrix.

    Parameters
    ----------
    there : array of bool, shape (units, length)
        Periods with an equation.

    Returns
    -------
    array, shape (units, length, length)
        Row t + 1 takes from x_t the mean of the later values there are, scaled to
        keep the variance: errors that were independent stay so. It stands one
        period later, as in Roodman (2009), so that lags count as for differences.

    References
    ----------
    Arellano, M. & Bover, O. (1995). Another look at the instrumental variable
    estimation of error-components models. Journal of Econometrics 68, 29-51.

    Examples
    --------
    >>> deviations_matrix(np.array([[True, True]])).round(3)[0]
    array([[ 0.   ,  0.   ],
           [ 0.707, -0.707]])
    """
    units, length = there.shape
    out = np.zeros((units, length, length))
    for t in range(length - 1):
        later = there[:, t + 1 :].astype(np.float64)
        count = later.sum(axis=1)
        used = there[:, t] & (count > 0)
        scale = np.where(used, np.sqrt(count / (count + 1)), 0.0)
        out[:, t + 1, t] = scale
        mean = later / np.maximum(count, 1)[:, None]
        out[:, t + 1, t + 1 :] -= scale[:, None] * mean
    return out


def differences_matrix(there: Mask) -> Array:
    """Return each unit's first differences as a matrix, shape (units, length, length).

    Parameters
    ----------
    there : array of bool, shape (units, length)
        Periods with an equation; a difference needs two neighbours.

    Examples
    --------
    >>> differences_matrix(np.array([[True, True]]))[0]
    array([[ 0.,  0.],
           [-1.,  1.]])
    """
    units, length = there.shape
    out = np.zeros((units, length, length))
    both = (there[:, 1:] & there[:, :-1]).astype(np.float64)
    at = np.arange(1, length)
    out[:, at, at] = both
    out[:, at, at - 1] = -both
    return out


def transformed(matrix: Array, x: Array, there: Mask) -> tuple[Array, Mask]:
    """Apply each unit's matrix; say which rows are equations.

    Parameters
    ----------
    matrix : array, shape (units, length, length)
    x : array, shape (units, length, k)
        Anything where not `there`.
    there : array of bool, shape (units, length)

    Returns
    -------
    array, shape (units, length, k)
        0 where there is no equation.
    array of bool, shape (units, length)
    """
    filled = np.where(there[..., None], x, 0.0)
    return matrix @ filled, np.asarray(matrix.any(axis=2), dtype=bool)
