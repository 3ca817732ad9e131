"""Incomes of a register, summed by group and primary unit: two passes over it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require
from geopoverty.design.drawn import noted
from geopoverty.errors import InputError
from geopoverty.measures.register_cells import places_of
from geopoverty.measures.rows import RESERVED, Survey, group_labels
from geopoverty.numerics.scatter import Scattered, gathered
from geopoverty.numerics.survey_cells import Cells
from geopoverty.numerics.types import Array, Codes, Mask
from geopoverty.numerics.welfare import MeanIndex
from geopoverty.registers.columns import Column
from geopoverty.registers.register import Register
from geopoverty.registers.runners import Sums
from geopoverty.registers.scan import MOST_GROUPS

OWN = 2  # sums before those of the indices: weight, and weighted income


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

    def kernel(table: pd.DataFrame) -> Sums:
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


@dataclass(frozen=True, eq=False)
class Summed:
    """Sums of a register's rows over cells.

    Attributes
    ----------
    cells : Cells
        Sums of weight, weighted income and the weighted values of each index at each
        line, and of what the line moves.
    keys : DataFrame
        What names each group.
    rows, population : array, shape (groups,)
    on : array, shape (lines,)
        Rows on each line.
    facts : dict
    notes : list of str
    """

    cells: Cells
    keys: pd.DataFrame
    rows: Array
    population: Array
    on: Array
    facts: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def sum_up(
    register: Register,
    asked: Asked,
    looked: Looked,
    levels: Sequence[float | str],
    indices: Sequence[MeanIndex],
    *,
    needed: bool,
    estimated: bool,
) -> Summed:
    """Sum indices over the cells of a register, in one pass.

    Parameters
    ----------
    register : Register
    asked : Asked
    looked : Looked
    levels : sequence of float or str
        The lines: numbers, or columns.
    indices : sequence of index
    needed : bool
        Whether the survey's design was given, so that it must allow for errors.
    estimated : bool
        Whether a line is computed from these incomes.
    """
    places = places_of(asked, looked.cells)
    products = asked.cluster is None
    d = OWN + 2 * len(levels) * len(indices)
    # What only an estimated line asks for is summed for one alone.
    held = np.arange(d) if estimated else np.array([0, *range(OWN, d, 2)])
    count = len(places.codes)

    def kernel(table: pd.DataFrame) -> tuple[Any, ...]:
        rows, y, w = asked.kept(table)
        own, on = _values(rows, y, levels, indices)
        values = np.ascontiguousarray(own[:, held]) * w[:, None]
        parts = [np.ones((len(y), 1)), values]
        if products:
            outer = values[:, :, None] * values[:, None, :]
            parts.append(outer.reshape(len(y), -1))
        every = Scattered(places.of(table), np.ones((len(table), 1)), count)
        used = Scattered(places.of(rows), np.hstack(parts), count)
        return every, used, on

    every, used, on = register.total(
        kernel, asked.columns, (gathered, gathered, np.add)
    )
    every, used = (s.sums() if isinstance(s, Scattered) else s for s in (every, used))
    sums, squares = _spread_out(used[:, 1:], held, d)
    drawn = every[:, 0]
    if places.unit is not None:
        drawn = np.zeros(len(drawn))
        drawn[np.unique(places.unit, return_index=True)[1]] = 1
    sizes: Array = np.bincount(places.stratum, drawn, len(places.strata)).astype(float)
    cells = Cells(
        sums,
        squares,
        used[:, 0],
        places.group,
        places.stratum,
        places.unit,
        sizes,
        len(places.keys),
    )
    facts, notes = noted(
        sizes,
        places.strata,
        stratified=asked.strata is not None,
        clustered=asked.cluster is not None,
        needed=needed,
    )
    return _described(asked, looked, _with_rows(cells, places.keys), (facts, notes, on))


def _spread_out(found: Array, held: Codes, d: int) -> tuple[Array, Array | None]:
    """Return sums by their places among d, and sums of products if there are any."""
    k = len(held)
    sums = np.zeros((len(found), d))
    sums[:, held] = found[:, :k]
    if found.shape[1] == k:
        return sums, None
    squares = np.zeros((len(found), d, d))
    squares[:, held[:, None], held] = found[:, k:].reshape(-1, k, k)
    return sums, squares


def _values(
    rows: pd.DataFrame,
    y: Array,
    levels: Sequence[float | str],
    indices: Sequence[MeanIndex],
) -> tuple[Array, Array]:
    """Return what is summed of each row, (m, 2 + 2 x lines x indices), rows on lines.

    1, income; then for each line and index its value and what the line's logarithm
    moves it by.
    """
    parts, on = [np.ones(len(y)), y], []
    for level in levels:
        line = rows[level].to_numpy(np.float64) if isinstance(level, str) else level
        x = y / line
        on.append(np.count_nonzero(y == line))
        for index in indices:
            rise = index.rise(x)
            parts += [index.each(x), np.zeros(len(y)) if rise is None else rise]
    return np.column_stack(parts), np.array(on)


def _with_rows(
    cells: Cells, keys: pd.DataFrame
) -> tuple[Cells, pd.DataFrame, list[str]]:
    """Leave groups out that have no income: they have no place in the result."""
    rows = np.bincount(cells.group, cells.rows, len(keys))
    if rows.all():
        return cells, keys, []
    names = np.array(group_labels(keys))[rows == 0]
    note = f"{len(names)} groups have no income and are left out ({first(names)})."
    there: Mask = (rows > 0)[cells.group]
    place = np.cumsum(rows > 0) - 1
    squares = None if cells.squares is None else cells.squares[there]
    held = replace(
        cells,
        sums=cells.sums[there],
        squares=squares,
        rows=cells.rows[there],
        group=place[cells.group[there]],
        stratum=cells.stratum[there],
        unit=None if cells.unit is None else cells.unit[there],
        groups=int((rows > 0).sum()),
    )
    return held, keys[rows > 0].reset_index(drop=True), [note]


def _described(
    asked: Asked,
    looked: Looked,
    held: tuple[Cells, pd.DataFrame, list[str]],
    told: tuple[dict[str, Any], list[str], Array],
) -> Summed:
    cells, keys, empty = held
    drawn, notes, on = told
    lost = looked.rows - looked.used
    facts = {
        "n_obs": looked.used,
        "n_dropped": lost,
        "population": looked.weight,
        **drawn,
        **({"n_groups": len(keys)} if asked.by else {}),
    }
    dropped = [f"{lost} rows without an income are left out."] if lost else []
    rows: Array = np.bincount(cells.group, cells.rows, len(keys)).astype(float)
    return Summed(
        cells,
        keys,
        rows,
        cells.totals[:, 0],
        on,
        facts,
        [*dropped, *empty, *notes],
    )
