"""Indices of how industries concentrate in space, and units in industries."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require_option
from geopoverty.clusters.census import Cells, Census
from geopoverty.clusters.codes import Level, levels_of
from geopoverty.clusters.firms import Expected, FirmColumns, read_census
from geopoverty.numerics.industry import (
    ellison_glaeser,
    group_totals,
    profiles,
    ratio,
)
from geopoverty.numerics.types import Codes


def industry_indices(
    firms: pd.DataFrame,
    *,
    of: str = "industry",
    level: Level = 3,
    measure: str = "employees",
    columns: FirmColumns | None = None,
    units: Any = None,
    known: Iterable[str] | None = None,
    on_unknown: str = "raise",
) -> pd.DataFrame:
    """Measure how concentrated each industry is, or how specialised each unit.

    Parameters
    ----------
    firms, level, columns, units, known, on_unknown
        As in `count_clusters`.
    of : {"industry", "unit"}
        What the rows are.
    measure : {"employees", "output", "firms"}
        What shares are taken of.

    Returns
    -------
    DataFrame
        Keys: ``period`` (if asked for), then ``level`` and ``code``, or ``unit_id``
        and ``level``. With s the shares of the industry in units, or of the unit in
        industries, and x those of everything:

        - ``firms``, ``employees``, ``output`` (if named).
        - ``units_with``: units that have the industry; or ``industries``: industries
          that the unit has.
        - ``herfindahl``: sum of s^2, from 1/number to 1.
        - ``krugman``: sum of ``|s - x|``, from 0 (as everything) to 2.
        - ``theil``: sum of s ln(s/x), 0 or above.

        And for industries:

        - ``plant_herfindahl``: sum of squared shares of firms, in (0, 1].
        - ``raw_concentration``: G, the sum of (s - x)^2.
        - ``ellison_glaeser``: gamma: concentration beyond what few large plants
          bring about; 0 under chance, below 0 if plants avoid each other, above
          0.05 "highly concentrated" by its authors. Missing where one firm is the
          whole industry.
        - ``std_error``: of gamma if plants choose by chance alone, and
          ``statistic``: gamma over it. The law is skewed for few plants: read 2 as
          a hint, not as a test at 5 %.

        All are missing for a unit that has nothing.

    Raises
    ------
    InputError
        As `count_clusters`, or if `of` or `measure` is unknown.

    Warns
    -----
    GeoPovertyWarning
        If firms are dropped.

    References
    ----------
    Ellison, G. & Glaeser, E. L. (1997). Geographic concentration in U.S.
    manufacturing industries: a dartboard approach. Journal of Political Economy
    105, 889-927, equations 3 to 5. Krugman, P. (1991). Geography and Trade. MIT
    Press, appendix B. Theil, H. (1967). Economics and Information Theory.
    North-Holland.

    Examples
    --------
    >>> firms = pd.DataFrame({"unit_id": list("aabb"), "employees": 1,
    ...                       "industry": ["171", "171", "341", "341"]})
    >>> industry_indices(firms)[["code", "krugman", "ellison_glaeser"]].values.tolist()
    [['171', 1.0, 1.0], ['341', 1.0, 1.0]]
    """
    require_option(of, ("industry", "unit"), "of")
    levels = levels_of(level)
    expected = Expected(units, known, on_unknown)
    census = read_census(firms, columns or FirmColumns(), expected, levels, measure)
    if of == "unit":
        parts = [_of_units(census, census.at(one), one) for one in levels]
        out = census.stacked(parts)
    else:
        parts = [_of_industries(census, census.at(one), one) for one in levels]
        out = pd.concat(parts, ignore_index=True)
        if census.periods is not None:
            out = out.sort_values("period", kind="stable", ignore_index=True)
    out.attrs = census.attrs(f"Indices of each {of} by {measure}")
    return out


def _of_units(census: Census, cells: Cells, level: int) -> pd.DataFrame:
    p, u, c = cells.shape
    _, industry, period = cells.totals()
    share, _, benchmark, _ = cells.shares()
    squares = (ratio(industry.reshape(p, c), period[:, None]) ** 2).sum(axis=1)
    found = profiles(cells.place, share, benchmark, np.repeat(squares, u))
    return pd.DataFrame(
        {
            **census.places(),
            "level": level,
            **_sizes(cells, cells.place, p * u, "industries"),
            "herfindahl": found.herfindahl,
            "krugman": found.krugman,
            "theil": found.theil,
        }
    )


def _of_industries(census: Census, cells: Cells, level: int) -> pd.DataFrame:
    p, u, c = cells.shape
    place, _, period = cells.totals()
    _, share, _, benchmark = cells.shares()
    parts = ratio(place.reshape(p, u), period[:, None])
    power = {k: np.repeat((parts**k).sum(axis=1), c) for k in (2, 3)}
    found = profiles(cells.industry, share, benchmark, power[2])
    plants = _plants(cells, p * c)
    agglomeration = ellison_glaeser(found.raw, plants, (power[2], power[3]))
    keys: dict[str, Any] = {}
    if census.periods is not None:
        keys["period"] = np.repeat(census.periods.to_numpy(), c)
    return pd.DataFrame(
        {
            **keys,
            "level": level,
            "code": np.tile(cells.codes.to_numpy(), p),
            **_sizes(cells, cells.industry, p * c, "units_with"),
            "herfindahl": found.herfindahl,
            "krugman": found.krugman,
            "theil": found.theil,
            "plant_herfindahl": plants[0],
            "raw_concentration": found.raw,
            "ellison_glaeser": agglomeration.gamma,
            "std_error": agglomeration.std_error,
            "statistic": ratio(agglomeration.gamma, agglomeration.std_error),
        }
    )


def _plants(cells: Cells, groups: int) -> tuple[Any, Any]:
    """Return the sums of z^2 and z^4 over the firms of each industry."""
    sums = cells.sums.grouped(cells.industry, groups)
    # Squares are over the greatest value of all firms, so totals must be, too.
    whole = sums.value / cells.sums.greatest
    return ratio(sums.squares, whole**2), ratio(sums.fourths, whole**4)


def _sizes(cells: Cells, group: Codes, count: int, parts: str) -> dict[str, Any]:
    sums = cells.sums.grouped(group, count)
    out = {
        "firms": sums.firms.astype(np.int64),
        "employees": sums.employees,
        **({} if sums.output is None else {"output": sums.output}),
    }
    there = group_totals(group, count, (cells.sums.value > 0).astype(np.float64))
    return {**out, parts: there.astype(np.int64)}
