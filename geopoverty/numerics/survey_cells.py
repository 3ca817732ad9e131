"""Variances of means from a sample drawn in strata and primary units, from sums.

Rows are summed into cells: those of one group and primary unit or, where each row is a
unit of its own, of one group and stratum. What is estimated is a linear combination of
the sums, and so is the influence of each unit on it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Cells:
    """Sums over cells of rows.

    Attributes
    ----------
    sums : array, shape (cells, d)
    squares : array, shape (cells, d, d), or None
        Sums of products over rows, where each row is a primary unit; else None.
    rows : array, shape (cells,)
        Rows that are used.
    group, stratum : array of int, shape (cells,)
    unit : array of int, shape (cells,), or None
        The primary unit of each cell.
    sizes : array, shape (strata,)
        How many primary units each has, those without a used row included.
    groups : int

    Notes
    -----
    A stratum h of n primary units adds n/(n - 1) times the squared deviations of their
    totals from their mean; a stratum of one its squared total.

    Examples
    --------
    >>> one = np.zeros(3, dtype=int)
    >>> t = np.array([[1.0], [-1.0], [3.0]])
    >>> cells = Cells(t, None, np.ones(3), one, one, np.arange(3), np.array([3.0]), 1)
    >>> cells.whole.item(), cells.by_group.item()
    (12.0, 12.0)
    """

    sums: Array
    squares: Array | None
    rows: Array
    group: Codes
    stratum: Codes
    unit: Codes | None
    sizes: Array
    groups: int

    @cached_property
    def _factor(self) -> Array:
        return np.where(self.sizes > 1, self.sizes / np.maximum(self.sizes - 1, 1), 1.0)

    @cached_property
    def _centring(self) -> Array:
        return np.where(self.sizes > 1, self._factor / self.sizes, 0.0)

    @cached_property
    def _by_stratum(self) -> Array:
        """Sums of each stratum, shape (strata, d)."""
        return _summed(self.stratum, self.sums, len(self.sizes))

    @cached_property
    def totals(self) -> Array:
        """Sums of each group, shape (groups, d)."""
        return _summed(self.group, self.sums, self.groups)

    @cached_property
    def whole(self) -> Array:
        """The covariance of the sums over all rows, shape (d, d)."""
        centred = self._by_stratum.T @ (self._centring[:, None] * self._by_stratum)
        if self.squares is not None:
            factor = self._factor[self.stratum]
            return np.asarray(np.einsum("c,cij->ij", factor, self.squares) - centred)
        totals, stratum = self._units
        return np.asarray(
            totals.T @ (self._factor[stratum][:, None] * totals) - centred
        )

    @property
    def _units(self) -> tuple[Array, Codes]:
        """Sums of each primary unit over its groups, and its stratum."""
        assert self.unit is not None
        count = int(self.unit.max()) + 1
        stratum = np.zeros(count, dtype=np.intp)
        stratum[self.unit] = self.stratum
        return _summed(self.unit, self.sums, count), stratum

    @cached_property
    def by_group(self) -> Array:
        """The covariance of each group's sums, shape (groups, d, d)."""
        place, group, stratum = self._pairs
        sums = _summed(place, self.sums, len(group))
        out = self._squared(self.sums)
        return out - _products(
            group, (self._centring[stratum], sums, sums), self.groups
        )

    @cached_property
    def with_whole(self) -> Array:
        """The covariance of each group's sums with those of all, (groups, d, d)."""
        place, group, stratum = self._pairs
        sums = _summed(place, self.sums, len(group))
        whole = self._by_stratum[stratum]
        other = self.sums if self.unit is None else self._units[0][self.unit]
        centred = _products(group, (self._centring[stratum], sums, whole), self.groups)
        return self._squared(other) - centred

    def _squared(self, other: Array) -> Array:
        factor = self._factor[self.stratum]
        if self.squares is None:
            return _products(self.group, (factor, self.sums, other), self.groups)
        flat = (factor[:, None, None] * self.squares).reshape(len(factor), -1)
        d = self.sums.shape[1]
        return _summed(self.group, flat, self.groups).reshape(-1, d, d)

    @cached_property
    def _pairs(self) -> tuple[Codes, Codes, Codes]:
        """Where each cell stands among pairs of group and stratum; these."""
        strata = len(self.sizes)
        codes, place = np.unique(
            self.group * strata + self.stratum, return_inverse=True
        )
        group, stratum = np.divmod(codes, strata)
        return place, group, stratum

    @cached_property
    def units(self) -> Codes:
        """How many primary units each group has rows in."""
        used = (self.rows > 0).astype(np.float64)
        counted = self.rows if self.unit is None else used
        return np.bincount(self.group, counted, self.groups).astype(np.intp)

    @cached_property
    def df(self) -> Codes:
        """Primary units less strata that each group has rows in."""
        place, group, _ = self._pairs
        used = np.bincount(place, self.rows, len(group)) > 0
        strata = np.bincount(group, used, self.groups)
        return np.asarray(self.units - strata.astype(np.intp))


def _summed(codes: Codes, values: Array, count: int) -> Array:
    columns = [np.bincount(codes, v, count) for v in values.T]
    return np.column_stack(columns) if columns else np.zeros((count, 0))


def _products(codes: Codes, parts: tuple[Array, Array, Array], count: int) -> Array:
    """Return sums by code of factor x outer product of two rows."""
    factor, left, right = parts
    d = left.shape[1]
    out = np.empty((count, d, d))
    for i in range(d):
        scaled = factor * left[:, i]
        for j in range(d):
            out[:, i, j] = np.bincount(codes, scaled * right[:, j], count)
    return out
