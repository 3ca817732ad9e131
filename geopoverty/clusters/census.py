"""What firms add up to: cells of unit, period and industry, at any level."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.clusters.codes import cut
from geopoverty.clusters.origin import derived_attrs
from geopoverty.numerics.industry import group_totals, ratio
from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the firms of each cell.

    Attributes
    ----------
    firms, employees : array, shape (m,)
    value : array, shape (m,)
        What is measured: firms, employees or output.
    squares, fourths : array, shape (m,)
        The value of each firm, over the greatest of all firms, to that power.
    output : array, shape (m,), or None
    greatest : float
        The greatest value of a firm.
    """

    firms: Array
    employees: Array
    value: Array
    squares: Array
    fourths: Array
    output: Array | None = None
    greatest: float = 1.0

    def grouped(self, group: Codes, count: int) -> "Sums":
        """Return the sums of groups of cells."""
        columns = {k: v for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        sums: dict[str, Any] = {
            k: group_totals(group, count, v) for k, v in columns.items()
        }
        return replace(self, **sums)


@dataclass(frozen=True, eq=False)
class Cells:
    """One row a unit, period and code that has a firm.

    Attributes
    ----------
    unit, period, code : array of int, shape (m,)
        Positions in the units and periods of the census, and in `codes`.
    sums : Sums
    codes : Index, shape (c,)
        The industries of all periods, sorted.
    shape : tuple of int
        Number of periods, units and codes.
    """

    unit: Codes
    period: Codes
    code: Codes
    sums: Sums
    codes: pd.Index
    shape: tuple[int, int, int]

    @property
    def place(self) -> Codes:
        """The unit in its period, in [0, p u)."""
        return np.asarray(self.period * self.shape[1] + self.unit)

    @property
    def industry(self) -> Codes:
        """The code in its period, in [0, p c)."""
        return np.asarray(self.period * self.shape[2] + self.code)

    @property
    def position(self) -> Codes:
        """The cell among all pairs of places and codes, in [0, p u c)."""
        return np.asarray(self.place * self.shape[2] + self.code)

    def totals(self) -> tuple[Array, Array, Array]:
        """Return the value of each place (p u,), industry (p c,) and period (p,)."""
        p, u, c = self.shape
        value = self.sums.value
        return (
            group_totals(self.place, p * u, value),
            group_totals(self.industry, p * c, value),
            group_totals(self.period, p, value),
        )

    def shares(self) -> tuple[Array, Array, Array, Array]:
        """Return of each cell s_place, s_industry and the benchmarks of both.

        The first is the industry's share of the place, with the industry's share of
        everything for a benchmark; the second the place's share of the industry.
        """
        place, industry, period = self.totals()
        value, whole = self.sums.value, period[self.period]
        return (
            ratio(value, place[self.place]),
            ratio(value, industry[self.industry]),
            ratio(industry[self.industry], whole),
            ratio(place[self.place], whole),
        )


@dataclass(frozen=True, eq=False)
class Census:
    """A firm table that has been checked, summed at the codes as given.

    Attributes
    ----------
    units : Index, shape (u,)
        All units asked for, with firms or not.
    periods : Index, shape (p,), or None
        None where the table has none: all is one period.
    codes : Index, shape (c,)
        As the firms have them.
    unit, period, code : array of int, shape (m,)
    sums : Sums
    origin : pair of dict and tuple of str
        The ``attrs`` of the firm table, and notes.
    """

    units: pd.Index
    periods: pd.Index | None
    codes: pd.Index
    unit: Codes
    period: Codes
    code: Codes
    sums: Sums
    origin: tuple[dict[Any, Any], tuple[str, ...]]

    @property
    def n_periods(self) -> int:
        """Number of periods, 1 where the table has none."""
        return 1 if self.periods is None else len(self.periods)

    def at(self, level: int) -> Cells:
        """Return the cells with codes cut to `level` digits."""
        into, codes = pd.factorize(cut(self.codes, level), sort=True)
        shape = (self.n_periods, len(self.units), len(codes))
        cell = np.ravel_multi_index((self.period, self.unit, into[self.code]), shape)
        kept, group = np.unique(cell, return_inverse=True)
        period, unit, code = np.unravel_index(kept, shape)
        sums = self.sums.grouped(group, len(kept))
        return Cells(unit, period, code, sums, pd.Index(codes, dtype=object), shape)

    def places(self, n_codes: int = 1) -> dict[str, Any]:
        """Return the columns that name every unit in every period.

        Units run fastest; with `n_codes`, each stands as many times in a row.
        """
        n, periods = len(self.units), self.n_periods
        named = {"unit_id": np.tile(np.repeat(self.units.to_numpy(), n_codes), periods)}
        if self.periods is not None:
            named["period"] = np.repeat(self.periods.to_numpy(), n * n_codes)
        return named

    def attrs(self, title: str) -> dict[str, Any]:
        """Return the ``attrs`` of a table made from this census."""
        source, notes = self.origin
        return derived_attrs(title, [source], notes)

    def stacked(self, levels: list[pd.DataFrame]) -> pd.DataFrame:
        """Return tables of all places in one, the levels of a place together."""
        if len(levels) == 1:
            return levels[0]
        places = np.arange(self.n_periods * len(self.units))
        rows = [np.repeat(places, len(t) // len(places)) for t in levels]
        order = np.concatenate(rows).argsort(kind="stable")
        return pd.concat(levels, ignore_index=True).iloc[order].reset_index(drop=True)
