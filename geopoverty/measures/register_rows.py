"""Incomes of a register, summed by group and primary unit in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.design.drawn import noted
from geopoverty.measures.register_asked import Asked, Looked
from geopoverty.measures.register_cells import places_of
from geopoverty.measures.rows import group_labels
from geopoverty.numerics.scatter import Scattered, gathered
from geopoverty.numerics.survey_cells import Cells
from geopoverty.numerics.types import Array, Codes, Mask
from geopoverty.numerics.welfare import MeanIndex
from geopoverty.registers.register import Register

OWN = 2  # sums before those of the indices: weight, and weighted income


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
