"""All lags of a formula, over neighbours and over periods, inner ones first."""

from dataclasses import dataclass

import pandas as pd

from geopoverty._checks import require_columns
from geopoverty.design.earlier import History
from geopoverty.design.formula import ParsedFormula, names_in
from geopoverty.design.lags import Lag, Neighbours, Source, Weights
from geopoverty.numerics.types import Array


@dataclass(frozen=True, eq=False)
class Lagged:
    """The lags of a formula, row by row.

    Attributes
    ----------
    columns : dict of str to array, each of shape (n,)
        NaN where ``L(x)`` has no earlier value.
    row_sums : array, shape (n,), or None
        Each row's sum of spatial weights, where there is a ``W(x)``.
    notes : list of str
        What a careful reader must know about each lag.
    """

    columns: dict[str, Array]
    row_sums: Array | None
    notes: list[str]


class _Held:
    """A source, its table with the lags found so far, and its rows in place."""

    def __init__(self, source: Source) -> None:
        self.source, self.table = source, source.table.copy(deep=False)
        self._neighbours: Neighbours | None = None
        self._history: History | None = None

    def neighbours(self, weights: Weights, rows: pd.DataFrame) -> Neighbours:
        if self._neighbours is None:
            self._neighbours = Neighbours(weights, self.source, rows)
        return self._neighbours

    def history(self, rows: pd.DataFrame) -> History:
        if self._history is None:
            self._history = History(self.source, rows)
        return self._history


def lag_columns(
    parsed: ParsedFormula,
    sources: list[Source],
    rows: pd.DataFrame,
    weights: Weights | None,
) -> Lagged:
    """Compute every lag of a formula for every row.

    Parameters
    ----------
    parsed : ParsedFormula
    sources : list of Source
        A lag is taken from the first that has all its columns; the last is that
        of `rows`.
    rows : DataFrame, n rows
        With the unit (and period) columns of the sources.
    weights : SpatialWeights or None
        Needed by ``W(x)``.

    Returns
    -------
    Lagged

    Raises
    ------
    InputError
        If a unit is not in the weights, a unit of the weights has no value, or
        periods have no order.
    """
    held = [_Held(source) for source in sources]
    out = Lagged({}, None, [])
    sums: Array | None = None
    for name in parsed.order:
        columns, inner = _uses(name, parsed)
        chosen = _first_with(columns, held)
        if name in parsed.earlier:
            history = chosen.history(rows)
            own, wanted = history.earlier(name, parsed.earlier[name], chosen.table)
        else:
            assert weights is not None  # the design has asked for them
            place = chosen.neighbours(weights, rows)
            late = any(n in parsed.earlier for n in inner)
            lag = Lag(name, parsed.lags[name], frozenset(columns | inner), late)
            own, wanted, notes = place.lagged(lag, chosen.table)
            out.notes.extend(notes)
            sums = place.row_sums
        chosen.table[name] = own
        # A lag of a lag may stand in an expression with columns of the rows.
        held[-1].table[name] = wanted
        out.columns[name] = wanted
    return Lagged(out.columns, sums, out.notes)


def _uses(name: str, parsed: ParsedFormula) -> tuple[set[str], set[str]]:
    """Return the columns and the inner lags that a lag rests on."""
    columns, inner = set(), set()
    for used in names_in(parsed.lagged(name)):
        if used in parsed.order:
            inner.add(used)
            more = _uses(used, parsed)
            columns |= more[0]
            inner |= more[1]
        elif used in parsed.lagged_columns:
            columns.add(used)
    return columns, inner


def _first_with(columns: set[str], held: list[_Held]) -> _Held:
    for one in held:
        if columns <= set(one.table.columns):
            return one
    require_columns(held[-1].table, sorted(columns), "data")
    return held[-1]
