"""Poverty lines: numbers, shares of mean or median income, held in real terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_option
from geopoverty._tables import number
from geopoverty.errors import InputError
from geopoverty.measures.register_lines import levels_on_register
from geopoverty.measures.rows import Rows, gather, waves_of
from geopoverty.numerics.grouped import Groups, density, quantile
from geopoverty.numerics.types import Array
from geopoverty.numerics.welfare import (
    log_mean_influence,
    log_median_influence,
)
from geopoverty.registers.columns import Column


@dataclass(frozen=True)
class Relative:
    """A poverty line that is a share of the mean or median of these very incomes.

    Passed as ``poverty_line=``, it is computed from all rows, and standard errors
    hold its own sampling error.

    Attributes
    ----------
    share : float
        Above 0, such as 0.5 or 0.6.
    of : {"mean", "median"}

    Examples
    --------
    >>> Relative(0.6, "median")
    Relative(share=0.6, of='median')
    """

    share: float = 0.5
    of: str = "mean"

    def __post_init__(self) -> None:
        require_option(self.of, ("mean", "median"), "of")
        if not 0 < self.share < np.inf:
            raise InputError(f"share must be above 0; got {self.share}.")

    def __str__(self) -> str:
        return f"{self.share:g} of the {self.of}"


Lines: TypeAlias = float | pd.Series | Relative | Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Line:
    """One poverty line, ready to be used.

    Attributes
    ----------
    label : str
        Empty when it is the only one.
    level : float or array, shape (n,)
    log_influence : array, shape (n,), optional
        Of each row on its logarithm, when estimated from the rows.
    given : object
        As the user gave it.
    """

    label: str
    level: float | Array
    log_influence: Array | None
    given: Any

    @property
    def in_words(self) -> str:
        """What it is, for a note."""
        if isinstance(self.level, float):
            return number(self.level)
        return f"{number(self.level.min())} to {number(self.level.max())}"


def poverty_line(
    income: pd.Series | Column,
    *,
    share: float = 0.5,
    of: str = "mean",
    weight: pd.Series | Column | None = None,
    period: pd.Series | Column | None = None,
    deflator: pd.Series | Mapping[Any, float] | None = None,
    base: Any = None,
) -> float | pd.Series:
    """Set a relative poverty line, and hold it in real terms across waves.

    Parameters
    ----------
    income : Series, shape (n,)
        Income or consumption per head, indexed by household or person, in one
        currency. Missing values are left out. Never modified. A column of a register,
        ``read_register(...)["income"]``, is read in parts and never whole; weights and
        periods are then columns of it, too. The median is exact.
    share : float
        Of the mean or median; above 0.
    of : {"mean", "median"}
        Half of mean income is the OECD's line of 1976; 60 % of the median is the
        European Union's at-risk-of-poverty threshold.
    weight : Series, shape (n,), optional
        Sampling weights above 0, matched by index. Where rows are households and
        the line is for persons: sampling weight times household size.
    period : Series, shape (n,), optional
        The wave of each row: one line a wave.
    deflator : Series or mapping from period to price index, optional
        With it, the line of the `base` wave is moved to the others by the ratio of
        prices, so that its purchasing power stays. Without it, each wave's line is
        the share of its own incomes.
    base : label of a period, optional
        Needed with `deflator`: the wave whose incomes set the line.

    Returns
    -------
    float, or Series indexed by period
        In the currency of `income`. ``period.map(lines)`` gives the line of each
        row, as `headcount` and its kin take it.

    Raises
    ------
    InputError
        If indices differ, weights are not above 0, the deflator lacks a wave or is
        not above 0, or a line would not be above 0.

    Notes
    -----
    The weighted median is the least income whose running weight exceeds half the
    total, or the mean of that and the income before it if half falls exactly between
    (Stata's convention; ``laeken::incMedian`` takes the higher of the two then).

    References
    ----------
    Atkinson, T., Cantillon, B., Marlier, E. & Nolan, B. (2002). Social Indicators:
    The EU and Social Inclusion. Oxford University Press.

    Examples
    --------
    >>> income = pd.Series([10.0, 30.0, 20.0, 60.0])
    >>> poverty_line(income)
    15.0
    >>> wave = pd.Series([2004, 2004, 2008, 2008])
    >>> lines = poverty_line(income, period=wave, deflator={2004: 100, 2008: 120},
    ...                      base=2004)
    >>> lines.to_dict()
    {2004: 10.0, 2008: 12.0}
    """
    relative = Relative(share, of)
    if period is None:
        if deflator is not None or base is not None:
            raise InputError(
                "deflator and base hold a line across waves: pass period=, too."
            )
        return float(_by_wave(relative, income, weight, None)[0][0])
    levels, waves = _by_wave(relative, income, weight, period)
    lines = pd.Series(levels, index=waves.rename("period"), name="poverty_line")
    if deflator is None:
        if base is not None:
            raise InputError("base says whose line is deflated: pass deflator=, too.")
        return lines
    return _real(lines, deflator, base)


def _by_wave(
    relative: Relative, income: Any, weight: Any, period: Any
) -> tuple[Array, pd.Index]:
    """Return the line of each wave, and the waves."""
    if isinstance(income, Column):
        share, of = relative.share, relative.of
        return levels_on_register(income, weight, period, share=share, of=of)
    if period is None:
        return _levels(relative, gather(income, weight)), pd.RangeIndex(1)
    rows = gather(income, weight, waves_of(period))
    return _levels(relative, rows), pd.Index(rows.keys["period"])


def _levels(relative: Relative, rows: Rows) -> Array:
    if relative.of == "mean":
        sums = rows.groups.sum(rows.weight * rows.income)
        centre = sums / rows.groups.sum(rows.weight)
    else:
        centre = quantile(rows.income, rows.weight, rows.groups, 0.5)
    names = rows.labels or [rows.name]
    require(
        centre > 0,
        f"The {relative.of} must be above 0 to set a line by it",
        ids=names,
        noun="waves" if len(names) > 1 else "samples",
        way_out="Check negative incomes, or give the line as a number.",
    )
    return np.asarray(relative.share * centre)


def _real(
    lines: pd.Series, deflator: pd.Series | Mapping[Any, float], base: Any
) -> pd.Series:
    if base is None or base not in lines.index:
        raise InputError(
            f"base must be one of the periods ({first(lines.index)}), the wave whose "
            f"incomes set the line; got {base!r}."
        )
    prices = pd.Series(deflator, dtype=np.float64)
    if not prices.index.is_unique:
        twice = prices.index[prices.index.duplicated()].unique()
        raise InputError(
            f"The deflator must give one price index a period; {len(twice)} stand more "
            f"than once ({first(twice)})."
        )
    found = prices.reindex(lines.index)
    known = found.to_numpy()
    require(
        ~np.isnan(known),
        "The deflator must have every wave",
        ids=lines.index,
        noun="waves",
        way_out=f"It has: {first(prices.index)}. Add the price index of the others.",
    )
    require(
        np.isfinite(known) & (known > 0),
        "The deflator must be above 0",
        ids=lines.index,
        noun="waves",
        way_out="Give it as an index, such as 100 in the base wave.",
    )
    return (lines[base] * found / found[base]).rename("poverty_line")


def lines_of(given: Lines, rows: Rows) -> list[Line]:
    """Check one line or several, and compute those that are relative.

    Raises
    ------
    InputError
        If a line is not above 0, or is of no known kind.
    """
    if not isinstance(given, Mapping):
        return [_line("", given, rows)]
    if not given:
        raise InputError("poverty_line must hold a line; the mapping is empty.")
    return [_line(str(label), line, rows) for label, line in given.items()]


def _line(label: str, given: Any, rows: Rows) -> Line:
    named = f"poverty_line '{label}'" if label else "poverty_line"
    if isinstance(given, Relative):
        return _estimated(label, given, rows)
    if isinstance(given, pd.Series):
        return Line(label, _by_row(given, rows, named), None, given)
    if isinstance(given, bool) or not isinstance(given, int | float | np.number):
        raise InputError(
            f"{named} must be a number above 0, a Series with the index of income, "
            f"Relative(share, of), or a mapping from names to these; got "
            f"{type(given).__name__}."
        )
    if not 0 < given < np.inf:
        raise InputError(f"{named} must be above 0 and finite; got {given}.")
    return Line(label, float(given), None, given)


def _by_row(given: pd.Series, rows: Rows, named: str) -> Array:
    taken = rows.take(given, named)
    values = pd.to_numeric(taken, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    require(
        np.isfinite(values) & (values > 0),
        f"{named} must be above 0 and finite",
        ids=rows.ids,
        way_out="Give each row the line of its wave: period.map(lines).",
    )
    return np.asarray(values)


def _estimated(label: str, given: Relative, rows: Rows) -> Line:
    y, w, whole = rows.income, rows.weight, Groups()
    if given.of == "mean":
        level = float(w @ y / w.sum())
    else:
        level = float(quantile(y, w, whole, 0.5)[0])
    if not level > 0:
        raise InputError(
            f"The {given.of} must be above 0 to set a line by it; it is {level:g}. "
            "Check negative incomes, or give the line as a number."
        )
    if given.of == "mean":
        influence = log_mean_influence(y, w)
    else:
        dense = float(density(y, w, whole, np.array([level]))[0])
        influence = log_median_influence(y, w, level, dense)
    return Line(label, given.share * level, influence, given)
