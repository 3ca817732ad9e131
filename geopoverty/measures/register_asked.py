"""Which columns of a register are asked for, and what the first pass says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require
from geopoverty.errors import InputError
from geopoverty.measures.rows import RESERVED, Survey
from geopoverty.numerics.rows import Parts
from geopoverty.numerics.types import Array
from geopoverty.registers.columns import Column
from geopoverty.registers.register import Register
from geopoverty.registers.scan import MOST_GROUPS


@dataclass(frozen=True, eq=False)
class Asked:
    """Which columns of a register play which part.

    Attributes
    ----------
    income : str
    lines : tuple of str
        Columns of lines.
    weight : str or None
    by : tuple of str
    strata, cluster : str or None
    positive : bool
        Whether every income must be above 0.
    """

    income: str
    lines: tuple[str, ...]
    weight: str | None
    by: tuple[str, ...]
    strata: str | None
    cluster: str | None
    positive: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns that group rows."""
        drawn = (c for c in (self.strata, self.cluster) if c is not None)
        return tuple(dict.fromkeys((*self.by, *drawn)))

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        weighing = () if self.weight is None else (self.weight,)
        return (self.income, *weighing, *self.lines, *self.labels)

    def kept(self, table: pd.DataFrame) -> tuple[pd.DataFrame, Array, Array]:
        """Return the rows with an income, their incomes and weights."""
        y: Array = table[self.income].to_numpy(np.float64)
        known = ~np.isnan(y)
        if not known.all():
            table, y = table[known], y[known]
        w = np.ones(len(y))
        if self.weight is not None:
            w = table[self.weight].to_numpy(np.float64)
        return table, y, w


def asked_for(
    income: Column,
    lines: Mapping[str, Any],
    weight: Column | None,
    by: Column | None,
    survey: Survey | None,
    *,
    positive: bool = False,
) -> Asked:
    """Check that what was given are columns of one register.

    Raises
    ------
    InputError
        If one is of another register or a Series, or holds no numbers where it must.
    """
    survey = Survey() if survey is None else survey
    given: dict[str, Any] = {"weight": weight, "by": by}
    given |= {"strata": survey.strata, "cluster": survey.cluster}
    for what, column in given.items():
        if column is not None:
            _require_column(column, income, what)
    for label, line in lines.items():
        if isinstance(line, Column):
            _require_column(line, income, f"poverty_line {label}".strip())
    numeric = {"income": income, "weight": weight}
    numeric |= {f"poverty_line {k}".strip(): v for k, v in lines.items()}
    for what, column in numeric.items():
        if isinstance(column, Column) and column.kind != "number":
            raise InputError(
                f"{what} must be numbers; '{column.name}' is {column.kind}."
            )
    names = () if by is None else tuple(by.names)
    taken = [name for name in names if name in RESERVED]
    if taken:
        raise InputError(
            f"by must not be called {first(taken)}: a column of the result is. Rename "
            "it in the register."
        )
    one = {k: None if c is None else c.name for k, c in given.items() if k != "by"}
    columns = tuple(z.name for z in lines.values() if isinstance(z, Column))
    return Asked(
        income.name,
        tuple(dict.fromkeys(columns)),
        one["weight"],
        names,
        one["strata"],
        one["cluster"],
        positive,
    )


def _require_column(column: Any, income: Column, what: str) -> None:
    if not isinstance(column, Column):
        raise InputError(
            f"{what} must be a column of the register, as income is; got "
            f"{type(column).__name__}. Take it from there: homes['{what}']."
        )
    if column.register is not income.register:
        raise InputError(
            f"income and {what} must be of one register, read once: homes = "
            "read_register(...), then homes['income'] and so on."
        )


@dataclass(frozen=True, eq=False)
class Looked:
    """What the first pass says.

    Attributes
    ----------
    rows, used, zero, below : int
        Rows, those with an income, with one of 0 and with one below.
    weight, income : float
        Sum of weights, and of weighted incomes.
    ranges : array, shape (line columns, 2)
        Lowest and highest line.
    cells : DataFrame
        The groups, strata and primary units there are, a row a combination.
    """

    rows: int
    used: int
    zero: int
    below: int
    weight: float
    income: float
    ranges: Array
    cells: pd.DataFrame


def look(register: Register, asked: Asked) -> Looked:
    """Check a register's incomes, weights, lines and labels in one pass."""

    def kernel(table: pd.DataFrame) -> Parts:
        _check(table, asked)
        rows, y, w = asked.kept(table)
        counts = np.array([len(table), len(y), (y == 0).sum(), (y < 0).sum()])
        lines = rows[list(asked.lines)].to_numpy(np.float64)
        low = lines.min(axis=0, initial=np.inf)
        high = lines.max(axis=0, initial=-np.inf)
        cells = _distinct(table[list(asked.labels)]).astype(object)
        return counts, np.array([w.sum(), w @ y]), low, high, cells

    ways = (np.add, np.add, np.minimum, np.maximum, _union)
    counts, sums, low, high, cells = register.total(
        kernel, asked.columns, ways, "Reading the register once, part"
    )
    if not counts[1]:
        raise InputError("There is no income: all rows are missing. Check the column.")
    rows, used, zero, below = map(int, counts)
    ranges = np.column_stack([low, high])
    mass, income = map(float, sums)
    return Looked(rows, used, zero, below, mass, income, ranges, cells)


def _check(table: pd.DataFrame, asked: Asked) -> None:
    every: Array = table[asked.income].to_numpy(np.float64)
    require(
        ~np.isinf(every),
        "Income must be finite",
        ids=table.index,
        way_out="Drop these rows, or set their income to missing.",
    )
    rows, y, w = asked.kept(table)
    require(
        np.isfinite(w) & (w > 0),
        "Weights must be above 0 and finite",
        ids=rows.index,
        way_out="Drop rows that stand for nobody.",
    )
    if asked.positive:
        require(
            y > 0,
            "The Watts index needs incomes above 0",
            ids=rows.index,
            way_out="Drop these rows, or take the poverty gap: fgt(alpha=1).",
        )
    for name in asked.lines:
        values = rows[name].to_numpy(np.float64)
        require(
            np.isfinite(values) & (values > 0),
            f"poverty_line '{name}' must be above 0 and finite",
            ids=rows.index,
            way_out="Give each row the line of its wave.",
        )
    for name in asked.labels:
        require(
            table[name].notna().to_numpy(),
            f"'{name}' must be known for every row",
            ids=table.index,
            way_out="Drop these rows, or give them a label of their own.",
        )


def _distinct(labels: pd.DataFrame) -> pd.DataFrame:
    # Rows without any label are one; pandas would keep them all.
    return labels.drop_duplicates() if len(labels.columns) else labels.iloc[:1]


def _union(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    both = _distinct(pd.concat([one, other]))
    if len(both) > MOST_GROUPS:
        raise InputError(
            f"{', '.join(both.columns)} make over {MOST_GROUPS:,} groups and primary "
            "units, too many to hold. Group by a coarser column."
        )
    return both
