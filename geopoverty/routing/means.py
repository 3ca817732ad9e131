"""Minutes between units of several points: means weighted by people."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geopoverty.numerics.types import Array, Codes
from geopoverty.routing.points import Spots

HALF = 0.5  # of the people of two units must have a way to each other


class Means:
    """Sums over pairs of points, filled row by row.

    The minutes between two units are the mean over pairs of points that have a way,
    weighted by the people of both, if these are at least half of all pairs of people.

    Parameters
    ----------
    spots : Spots
    columns : array of int, shape (c,)
        Positions among the spots: where trips end.

    Examples
    --------
    >>> import pandas as pd
    >>> two = Spots(pd.Index(["a", "b"]), np.array([0, 1, 1]), np.zeros(3), np.zeros(3),
    ...             np.array([1.0, 0.25, 0.75]), "")
    >>> sums = Means(two, np.arange(3))
    >>> sums.add(np.array([0]), np.array([[0.0, 10.0, 20.0]]))
    >>> sums.minutes()
    array([[ 0. , 17.5],
           [ nan,  0. ]])
    """

    def __init__(self, spots: Spots, columns: Codes) -> None:
        n, count = len(spots.units), len(columns)
        self._spots = spots
        self._total, self._people = np.zeros((n, n)), np.zeros((n, n))
        weight = (spots.weight[columns], (np.arange(count), spots.unit[columns]))
        self._of_units = sparse.csr_array(weight, shape=(count, n))

    def add(self, rows: Codes, table: Array) -> None:
        """Add minutes from some points (positions among the spots), shape (r, c).

        Minutes that are not finite are no way. Rows of one unit must not be added by
        two threads at once.
        """
        units, own = np.unique(self._spots.unit[rows], return_inverse=True)
        weight = (self._spots.weight[rows], (own, np.arange(len(rows))))
        of_rows = sparse.csr_array(weight, shape=(len(units), len(rows)))
        known = np.isfinite(table)
        minutes = np.where(known, table, 0.0)
        self._total[units] += (of_rows @ minutes) @ self._of_units
        self._people[units] += (of_rows @ known.astype(np.float64)) @ self._of_units

    def minutes(self) -> Array:
        """Return the means, shape (n, n): NaN without a way, 0 to oneself."""
        # Shares of people are sums of shares: half may be a last digit below it.
        enough = self._people >= HALF - 1e-9
        means = np.full(self._total.shape, np.nan)
        np.divide(self._total, self._people, out=means, where=enough)
        np.fill_diagonal(means, 0.0)
        return means


def whole_units(unit: Codes, least: int) -> NDArray[np.int64]:
    """Return where runs of at least so many points end, so that none splits a unit.

    Examples
    --------
    >>> whole_units(np.repeat([0, 1, 2], [20, 20, 5]), 32).tolist()
    [0, 40, 45]
    """
    ends = np.flatnonzero(np.diff(unit, append=-1)) + 1
    bounds = [0]
    for end in ends:
        if end - bounds[-1] >= least or end == len(unit):
            bounds.append(int(end))
    return np.array(bounds, dtype=np.int64)


def near_only(minutes: Array, cutoff: float) -> sparse.csr_array:
    """Return minutes up to a cutoff as a CSR array without a diagonal.

    Examples
    --------
    >>> near_only(np.array([[0.0, 5.0], [9.0, 0.0]]), 6.0).nnz
    1
    """
    near = (minutes <= cutoff) & ~np.eye(len(minutes), dtype=bool)
    row, column = np.nonzero(near)
    return sparse.csr_array((minutes[near], (row, column)), shape=minutes.shape)
