"""The lag L(x): the same unit's value some periods earlier, found by key."""

import numpy as np
import pandas as pd

from geopoverty._checks import require
from geopoverty.design.evaluate import evaluate
from geopoverty.design.lags import Source
from geopoverty.design.periods import TimeAxis, time_axis
from geopoverty.design.quoting import Earlier
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes


class History:
    """Who had which value when.

    Parameters
    ----------
    source : Source
        One value a unit and period, or several that are equal.
    rows : DataFrame, n rows
        Those that want earlier values, with the key columns of `source`.

    Raises
    ------
    InputError
        If periods have no order or even spacing, or the source has none.
    """

    def __init__(self, source: Source, rows: pd.DataFrame) -> None:
        if source.period is None:
            raise InputError(
                f"L(x) needs periods where x is taken from; {source.name} has none. "
                "Add the column of periods to it."
            )
        self.source = source
        self.key = source.entity or source.unit
        codes, keys = pd.factorize(source.table[self.key])
        self.axis: TimeAxis = time_axis(source.table[source.period], source.period)
        self.who: Codes = np.asarray(codes, dtype=np.intp)
        self.when = self.axis.at(source.table[source.period])
        self.wanted_who, self.wanted_when = self.who, self.when
        if source.table is not rows:
            self.wanted_who = pd.Index(keys).get_indexer(rows[self.key])
            self.wanted_when = self.axis.at(rows[source.period])

    def earlier(
        self, name: str, lag: Earlier, table: pd.DataFrame
    ) -> tuple[Array, Array]:
        """Return earlier values for rows of the source and for those that want them.

        Parameters
        ----------
        name : str
            Of the lag, for messages.
        lag : Earlier
        table : DataFrame
            The source's table, inner lags added.

        Returns
        -------
        tuple of array
            NaN where there is no row so many periods earlier.

        Raises
        ------
        InputError
            If a unit has different values in one period.
        """
        values = evaluate(lag.expression, table).to_numpy()
        there = (self.who >= 0) & (self.when >= 0) & ~np.isnan(values)
        span = self.axis.length
        cells = self.who[there] * span + self.when[there]
        known, at, back = np.unique(cells, return_index=True, return_inverse=True)
        found = values[there][at]
        require(
            found[back] == values[there],
            f"{name} needs one value a {self.key} and {self.source.period}",
            ids=self.source.table[self.key].to_numpy()[there],
            way_out="Lag a column that is the same in all rows of a "
            f"{self.key}, or name in unit= those whose earlier values are meant.",
        )
        return tuple(  # type: ignore[return-value]
            _looked_up(known, found, who, when - lag.periods, span)
            for who, when in (
                (self.who, self.when),
                (self.wanted_who, self.wanted_when),
            )
        )


def _looked_up(known: Codes, found: Array, who: Codes, when: Codes, span: int) -> Array:
    cells = np.where((who >= 0) & (when >= 0), who * span + when, -1)
    at = np.searchsorted(known, cells).clip(max=max(len(known) - 1, 0))
    out = np.full(len(cells), np.nan)
    if len(known):
        there = known[at] == cells
        out[there] = found[at[there]]
    return out
