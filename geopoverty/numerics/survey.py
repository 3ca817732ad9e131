"""Variances of totals from a sample drawn in strata and primary units."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class FirstStage:
    """Primary units drawn with replacement in each stratum.

    A stratum h of n primary units adds n/(n - 1) times the squared deviations of
    their totals from their mean. A stratum of one adds its squared total: totals
    of influences have mean 0 over the whole sample.

    Attributes
    ----------
    unit : array of int, shape (n,), or None
        The primary unit of each row; None when each row is one.
    stratum : array of int, shape (primary units,), or None
        The stratum of each; None when there is one.
    sizes : array, shape (strata,)
        How many primary units each has, those without a used row included.

    Examples
    --------
    >>> stage = FirstStage(None, None, np.array([4.0]))
    >>> stage.covariance([np.array([1.0, -1.0, 2.0, -2.0])])
    array([[13.33333333]])
    """

    unit: Codes | None
    stratum: Codes | None
    sizes: Array

    @cached_property
    def factor(self) -> Array:
        """What squares are multiplied with, by stratum."""
        return np.where(self.sizes > 1, self.sizes / np.maximum(self.sizes - 1, 1), 1.0)

    @cached_property
    def centring(self) -> Array:
        """What squared sums of a stratum are multiplied with and taken off."""
        return np.where(self.sizes > 1, self.factor / self.sizes, 0.0)

    @property
    def df(self) -> int:
        """Primary units less strata."""
        return int(self.sizes.sum()) - len(self.sizes)

    def totals(self, influence: Array) -> Array:
        """Return the total of each primary unit."""
        if self.unit is None:
            return influence
        return _sums(self.unit, influence, self.count)

    def covariance(self, totals: Sequence[Array]) -> Array:
        """Return the covariance of sums, from `totals` of each, shape (k, k)."""
        sums = [self.stratum_sums(t) for t in totals]
        k = len(totals)
        out = np.empty((k, k))
        for i in range(k):
            scaled = totals[i] * self.weight_of_squares
            for j in range(i + 1):
                middle = sums[i] @ (self.centring * sums[j])
                out[i, j] = out[j, i] = scaled @ totals[j] - middle
        return out

    @property
    def weight_of_squares(self) -> Array:
        """The factor of each primary unit."""
        return self.factor if self.stratum is None else self.factor[self.stratum]

    def stratum_sums(self, totals: Array) -> Array:
        """Return the sum of totals in each stratum."""
        if self.stratum is None:
            return np.array([totals.sum()])
        return _sums(self.stratum, totals, len(self.sizes))

    @property
    def count(self) -> int:
        """How many primary units there are, or used rows where each is one."""
        return int(self.sizes.sum()) if self.stratum is None else len(self.stratum)


class GroupTotals:
    """Totals of influences by group and primary unit, and their covariances.

    Parameters
    ----------
    stage : FirstStage
    influence : array, shape (n,)
        Of each row on its own group.
    groups : Groups

    Examples
    --------
    >>> stage = FirstStage(None, None, np.array([4.0]))
    >>> u = np.array([1.0, -1.0, 2.0, -2.0])
    >>> both = GroupTotals(stage, u, Groups(np.array([0, 0, 1, 1]), 2))
    >>> both.variances, both.units
    (array([ 2.66666667, 10.66666667]), array([2, 2]))
    """

    def __init__(self, stage: FirstStage, influence: Array, groups: Groups) -> None:
        self.stage, self.count = stage, groups.count
        group = groups.codes
        if group is None:
            group = np.zeros(len(influence), dtype=np.intp)
        # One cell a group and primary unit.
        self.group, self.unit, self.value = group, stage.unit, influence
        if stage.unit is not None:
            shape = (groups.count, stage.count)
            matrix = sparse.csr_array((influence, (group, stage.unit)), shape=shape)
            rows = np.repeat(np.arange(groups.count), np.diff(matrix.indptr))
            self.group, self.unit, self.value = rows, matrix.indices, matrix.data
        # Built from triplets, sums that are 0 keep their place: they count strata.
        entries = (self.value, (self.group, self._strata()))
        self.sums = sparse.csr_array(entries, shape=(groups.count, len(stage.sizes)))

    def _strata(self) -> Codes:
        strata = self.stage.stratum
        if strata is None:
            return np.zeros(len(self.value), dtype=np.intp)
        return strata if self.unit is None else strata[self.unit]

    def _of_cells(self, per_unit: Array) -> Array:
        if len(per_unit) == 1 or self.unit is None:
            return per_unit
        return per_unit[self.unit]

    @cached_property
    def units(self) -> Codes:
        """How many primary units each group has rows in."""
        return np.bincount(self.group, minlength=self.count)

    @property
    def df(self) -> Codes:
        """Primary units less strata that each group has rows in."""
        return np.asarray(self.units - np.diff(self.sums.indptr), dtype=np.intp)

    @cached_property
    def _squares(self) -> Array:
        factor = self._of_cells(self.stage.weight_of_squares)
        return _sums(self.group, factor * self.value**2, self.count)

    @cached_property
    def variances(self) -> Array:
        """The variance of each group's sum."""
        centred = self.sums.power(2) @ self.stage.centring
        return np.asarray(self._squares - centred)

    def with_sum(self, influence: Array) -> Array:
        """Return the covariance of each group's sum with that of other influences."""
        totals = self.stage.totals(influence)
        sums = self.stage.stratum_sums(totals)
        scaled = self._of_cells(self.stage.weight_of_squares * totals)
        outer = _sums(self.group, self.value * scaled, self.count)
        return np.asarray(outer - self.sums @ (self.stage.centring * sums))

    def covariance(self) -> Array:
        """Return the covariance of the groups' sums, shape (count, count)."""
        if self.unit is None:  # no primary unit is in two groups
            out = np.diag(self._squares)
        else:
            shape = (self.count, self.stage.count)
            cells = (self.group, self.unit)
            factor = self._of_cells(self.stage.weight_of_squares)
            scaled = sparse.csr_array((factor * self.value, cells), shape=shape)
            matrix = sparse.csr_array((self.value, cells), shape=shape)
            out = (scaled @ matrix.T).toarray()
        centred = self.sums.multiply(self.stage.centring[None, :])
        out = out - (sparse.csr_array(centred) @ self.sums.T).toarray()
        return np.asarray((out + out.T) / 2)


def _sums(codes: Codes, values: Array, count: int) -> Array:
    sums = np.bincount(codes, weights=values, minlength=count)
    return np.asarray(sums, dtype=np.float64)
