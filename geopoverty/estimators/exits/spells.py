"""Validated durations of the used rows, as arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False)
class Spells:
    """From when to when each used row is at risk, and how that ends.

    Attributes
    ----------
    entry : array, shape (n,)
        At risk from here on, not included; 0 without late entry.
    lower, upper : array, shape (n,)
        The exit lies in (lower, upper]; an exact one has ``lower == upper``, a row
        that has not left ``upper == inf`` and `lower` the end of observation.
    exited : array of bool, shape (n,)
    stratum : array of int, shape (n,)
        From 0.
    strata : tuple of str
        What the strata are called.
    individual : array of int, shape (n,)
        Whose row it is, from 0; rows of one individual follow one another in time.
    weights : array, shape (n,), or None
        Sampling weights, scaled to sum to n.
    per : str
        What time is counted in: "days", "months", "years" or "" (as given).
    origin : Timestamp or None
        The common origin of dates, when there is one.

    Notes
    -----
    Checked when built: all finite but `upper`, 0 <= entry < time, entry <= lower <=
    upper, at least two exits, rows of an individual without overlap or gap and none
    after its exit.
    """

    entry: Array
    lower: Array
    upper: Array
    exited: Mask
    stratum: Codes
    strata: tuple[str, ...]
    individual: Codes
    weights: Array | None = None
    per: str = ""
    origin: pd.Timestamp | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.entry)

    @cached_property
    def time(self) -> Array:
        """The one time for models of points: known by when, or end of observation."""
        return np.where(self.exited, self.upper, self.lower)

    @cached_property
    def interval(self) -> Mask:
        """Which exits are known up to an interval only, shape (n,)."""
        return np.asarray(self.exited & (self.lower < self.upper))

    @property
    def late(self) -> bool:
        """Whether any row enters after 0."""
        return bool((self.entry > 0).any())

    @cached_property
    def individuals(self) -> int:
        """Number of individuals."""
        return int(self.individual.max()) + 1

    @cached_property
    def last(self) -> Codes:
        """The last row of each individual, shape (individuals,)."""
        order = np.lexsort((self.time, self.individual))
        ends = np.append(np.flatnonzero(np.diff(self.individual[order])), self.n - 1)
        return np.asarray(order[ends])

    @property
    def histories(self) -> bool:
        """Whether some individual has several rows."""
        return self.individuals < self.n

    def sum(self, values: Array) -> Array:
        """Sum values of rows over each individual, shape (individuals,)."""
        sums = np.bincount(self.individual, values, minlength=self.individuals)
        return np.asarray(sums, dtype=np.float64)
