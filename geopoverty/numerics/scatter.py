"""Sums by group over rows that come in any order, a block at a time."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geopoverty.numerics.types import Array


@dataclass(frozen=True, eq=False)
class Scattered:
    """Values of rows, on their way into sums by group.

    Attributes
    ----------
    codes : array of int, shape (m,)
        Group of each row, from 0 to groups - 1.
    values : array, shape (m, k)
    groups : int
    """

    codes: NDArray[np.intp]
    values: Array
    groups: int

    def sums(self) -> Array:
        """Return the sum in each group, shape (groups, k).

        Examples
        --------
        >>> rows = Scattered(np.array([0, 1, 0]), np.array([[1.0], [2.0], [4.0]]), 2)
        >>> rows.sums().ravel()
        array([5., 2.])
        """
        out = np.zeros((self.groups, self.values.shape[1]))
        _add(out, self.codes, self.values)
        return out


def gathered(one: Array | Scattered, other: Array | Scattered) -> Array:
    """Add rows or sums to sums by group; the first, where it is sums, is added to.

    Examples
    --------
    >>> rows = Scattered(np.array([1]), np.array([[2.0]]), 2)
    >>> gathered(rows, np.array([[1.0], [1.0]])).ravel()
    array([1., 3.])
    """
    total = one.sums() if isinstance(one, Scattered) else one
    if isinstance(other, Scattered):
        _add(total, other.codes, other.values)
    else:
        total += other
    return total


def dense(sums: Array | Scattered) -> Array:
    """Return sums by group, added up if nothing else has done it.

    Examples
    --------
    >>> dense(Scattered(np.array([1]), np.array([[2.0]]), 2)).ravel()
    array([0., 2.])
    """
    return sums.sums() if isinstance(sums, Scattered) else sums


@njit(cache=True, nogil=True)
def _add(total: Array, codes: NDArray[np.intp], values: Array) -> None:
    for i in range(len(codes)):
        g = codes[i]
        for j in range(values.shape[1]):
            total[g, j] += values[i, j]
