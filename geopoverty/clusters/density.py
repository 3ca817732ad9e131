"""Economic density: what a unit makes, or employs, on a square kilometre."""

import geopandas as gpd
import numpy as np
import pandas as pd

from geopoverty._checks import (
    first,
    require,
    require_columns,
    require_option,
    unit_ids,
)
from geopoverty.clusters.origin import derived_attrs
from geopoverty.clusters.values import at_least_zero, coded
from geopoverty.data.boundaries import EQUAL_AREA, check_geometry, require_crs
from geopoverty.errors import InputError
from geopoverty.numerics.types import Mask

M2_PER_KM2 = 1e6


def economic_density(
    data: pd.DataFrame,
    areas: gpd.GeoDataFrame | pd.Series,
    *,
    value: str = "output",
    unit: str = "unit_id",
    period: str | None = None,
    absent: str = "raise",
) -> pd.DataFrame:
    """Compute economic density: a total per square kilometre of each unit.

    The study of Zhejiang's clusters takes the gross domestic product per area;
    employees or output of firms do as well.

    Parameters
    ----------
    data : DataFrame, n rows
        One firm, or one unit (and period), a row; rows of a unit are summed. Never
        modified.
    areas : Series or GeoDataFrame, u units
        Square kilometres above 0, indexed by unit id; or boundaries indexed by unit
        id, whose area is measured in an equal-area projection (EPSG:6933), inland
        water included.
    value : str
        Column to be summed: 0 or above, in any unit.
    unit, period : str
        Columns of unit ids and, if any, periods.
    absent : {"raise", "zero", "drop"}
        What a unit of `areas` without a row (in a period) gets. ``"zero"`` is right
        for a full census of firms, never for a table with gaps.

    Returns
    -------
    DataFrame
        ``unit_id``, ``period`` (if asked for), the sum under its own name,
        ``area_km2`` and ``economic_density``, the sum per square kilometre. Sorted
        by period and unit, as in `areas`. ``attrs``: title, status and notes.

    Raises
    ------
    InputError
        If a column is missing, ids are missing or not text, values are missing or
        negative, an area is not above 0, the coordinate system is not known, a
        unit has no area, or units are absent.

    References
    ----------
    Ciccone, A. & Hall, R. E. (1996). Productivity and the density of economic
    activity. American Economic Review 86, 54-70.

    Examples
    --------
    >>> firms = pd.DataFrame({"unit_id": ["a", "a", "b"], "output": [30.0, 10.0, 5.0]})
    >>> areas = pd.Series({"a": 20.0, "b": 10.0})
    >>> economic_density(firms, areas)["economic_density"].to_list()
    [2.0, 0.5]
    """
    require_option(absent, ("raise", "zero", "drop"), "absent")
    keys = [unit, *([] if period is None else [period])]
    require_columns(data, [*keys, value], "economic_density")
    km2 = _areas(areas)
    ids = unit_ids(data[unit], "The table", unique=False)
    place = km2.index.get_indexer(ids)
    require(
        place >= 0,
        "Every unit of the table needs an area",
        ids=ids,
        way_out="Add the areas of these units, or drop their rows.",
    )
    numbers = at_least_zero(data[value])
    when, periods = np.zeros(len(data), dtype=np.intp), pd.Index([None])
    if period is not None:
        when, periods = coded(data[period], "period")
    size = len(periods) * len(km2)
    cell = when * len(km2) + place
    there = np.bincount(cell, minlength=size) > 0
    table = {"unit_id": np.tile(km2.index.to_numpy(), len(periods))}
    if period is not None:
        table["period"] = np.repeat(periods.to_numpy(), len(km2))
    table[value] = np.bincount(cell, numbers, minlength=size)
    table["area_km2"] = np.tile(km2.to_numpy(), len(periods))
    table["economic_density"] = table[value] / table["area_km2"]
    out = pd.DataFrame(table)
    if absent == "raise":
        _refuse_absent(out, there)
    if absent == "drop":
        out = out[there].reset_index(drop=True)
    named = f"Economic density ({value} per square kilometre)"
    out.attrs = derived_attrs(named, [data.attrs, areas.attrs], ())
    return out


def _areas(areas: gpd.GeoDataFrame | pd.Series) -> pd.Series:
    """Return square kilometres by unit id."""
    if isinstance(areas, gpd.GeoDataFrame):
        require_crs(areas, "The boundaries")
        check_geometry(areas)
        km2 = areas.geometry.to_crs(EQUAL_AREA).area / M2_PER_KM2
    elif isinstance(areas, pd.Series):
        km2 = areas
    else:
        raise InputError(
            "areas must be a Series of square kilometres or boundaries; got "
            f"{type(areas).__name__}. From a table: table.set_index('unit_id')"
            "['area_km2']."
        )
    units = unit_ids(km2.index, "The areas", unique=True)
    values = pd.to_numeric(km2, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    require(
        np.isfinite(values) & (values > 0),
        "The area of a unit must be above 0",
        ids=units,
        noun="units",
        way_out="Give square kilometres, or boundaries that are polygons.",
    )
    return pd.Series(values, index=units)


def _refuse_absent(table: pd.DataFrame, there: Mask) -> None:
    if there.all():
        return
    lost = table.loc[~there, [c for c in ("unit_id", "period") if c in table]]
    named = [" in ".join(map(str, row)) for row in lost.head(6).to_numpy()]
    raise InputError(
        f"Every unit with an area needs a row; {len(lost)} of {len(table)} have none "
        f"({first(named)}). Use absent='zero' if the table is a full census, "
        "absent='drop' to leave them out."
    )
