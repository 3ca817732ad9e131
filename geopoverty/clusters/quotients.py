"""Location quotients: how much more of an industry a unit has than all units."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.clusters.census import Cells, Census
from geopoverty.clusters.codes import Level, levels_of
from geopoverty.clusters.firms import Expected, FirmColumns, read_census
from geopoverty.numerics.industry import ratio
from geopoverty.numerics.types import Array


def location_quotients(
    firms: pd.DataFrame,
    *,
    level: Level = 3,
    measure: str = "employees",
    columns: FirmColumns | None = None,
    units: Any = None,
    known: Iterable[str] | None = None,
    on_unknown: str = "raise",
) -> pd.DataFrame:
    """Compute the location quotient of each industry in each unit.

    The industry's share of the unit over the industry's share of all units:
    ``(E_ui / E_u) / (E_i / E)``, within a period.

    Parameters
    ----------
    firms, level, columns, units, known, on_unknown
        As in `count_clusters`.
    measure : {"employees", "output", "firms"}
        What E counts.

    Returns
    -------
    DataFrame
        ``unit_id``, ``period`` (if asked for), ``level``, ``code``, ``firms``,
        ``employees``, ``output`` (if named), ``share`` of the unit, in [0, 1], and
        ``quotient``, 0 or more. Every unit with every code that has a firm in any
        period, 0 where a unit has no such firm; share and quotient are missing in a
        unit that has nothing at all, and the quotient of an industry that nobody
        has. Sorted by period, unit (as in `units`), level and code.

    Raises
    ------
    InputError
        As `count_clusters`, or if `measure` is unknown.

    Warns
    -----
    GeoPovertyWarning
        If firms are dropped.

    References
    ----------
    Isard, W. (1960). Methods of Regional Analysis. MIT Press, chapter 5.

    Examples
    --------
    >>> firms = pd.DataFrame({"unit_id": ["a", "a", "b"], "employees": [3, 1, 4],
    ...                       "industry": ["171", "341", "341"]})
    >>> location_quotients(firms)[["unit_id", "code", "quotient"]].to_numpy().tolist()
    [['a', '171', 2.0], ['a', '341', 0.4], ['b', '171', 0.0], ['b', '341', 1.6]]
    """
    levels = levels_of(level)
    expected = Expected(units, known, on_unknown)
    census = read_census(firms, columns or FirmColumns(), expected, levels, measure)
    parts = [_quotients(census, census.at(one), one) for one in levels]
    out = census.stacked(parts)
    out.attrs = census.attrs(f"Location quotients by {measure}")
    return out


def _quotients(census: Census, cells: Cells, level: int) -> pd.DataFrame:
    p, u, c = cells.shape
    place, industry, period = cells.totals()

    def spread(values: Array) -> Array:
        table = np.zeros(p * u * c)
        table[cells.position] = values
        return table.reshape(p, u, c)

    share = ratio(spread(cells.sums.value), place.reshape(p, u, 1))
    overall = ratio(industry.reshape(p, 1, c), period.reshape(p, 1, 1))
    table = census.places(c)
    table["level"] = level
    table["code"] = np.tile(cells.codes.to_numpy(), p * u)
    table["firms"] = spread(cells.sums.firms).ravel().astype(np.int64)
    table["employees"] = spread(cells.sums.employees).ravel()
    if cells.sums.output is not None:
        table["output"] = spread(cells.sums.output).ravel()
    table["share"] = share.ravel()
    table["quotient"] = ratio(share, overall).ravel()
    return pd.DataFrame(table)
