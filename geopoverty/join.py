"""Put results back on the map."""

from typing import Any

import geopandas as gpd
import pandas as pd

from geopoverty._checks import (
    first,
    require_columns,
    require_option,
    require_same_units,
    unit_ids,
)
from geopoverty.data.boundaries import (
    check_geometry,
    require_crs,
    same_crs,
    units_of,
)
from geopoverty.errors import InputError
from geopoverty.provenance import sources_of, weakest_status
from geopoverty.results import Result


def join(
    source: Result | pd.DataFrame,
    boundaries: gpd.GeoDataFrame,
    *,
    on: str = "unit_id",
    how: str = "exact",
) -> gpd.GeoDataFrame:
    """Join a result, or any table of units, to geometry by key.

    Parameters
    ----------
    source : Result or DataFrame
        A Result gives its `units`. Several rows a unit (periods) are kept.
    boundaries : GeoDataFrame, n units
        Indexed by unit id.
    on : str
        Column (or index) of unit ids in `source`.
    how : {"exact", "inner", "boundaries"}
        ``"exact"`` asks that both sides hold the same units; ``"inner"`` keeps
        the units that both have; ``"boundaries"`` keeps every boundary, with
        missing values where `source` has no row.

    Returns
    -------
    GeoDataFrame
        Indexed by unit id in the order of `boundaries`, then of `source`; the
        columns of `source`, those of `boundaries` it lacks, and the geometry of
        `boundaries`.
        ``attrs`` are those of both, `source` first; of a Result, title, weakest
        status, notes and all data it rests on.

    Raises
    ------
    InputError
        If ids are missing or not text, `source` is a GeoDataFrame in another
        coordinate system, units differ (``"exact"``), `source` has
        a unit the boundaries lack (``"boundaries"``), nothing matches, or the
        geometry is not usable.

    Examples
    --------
    >>> from shapely.geometry import Point
    >>> towns = gpd.GeoDataFrame({"name": ["A", "B"]}, index=["a", "b"], crs=4326,
    ...                          geometry=[Point(0, 0), Point(1, 0)])
    >>> table = pd.DataFrame({"unit_id": ["b", "a"], "poverty": [0.2, 0.1]})
    >>> join(table, towns)["poverty"].to_dict()
    {'a': 0.1, 'b': 0.2}
    """
    require_option(how, ("exact", "inner", "boundaries"), "how")
    units = units_of(boundaries)
    require_crs(boundaries, "The boundaries")
    check_geometry(boundaries)
    if isinstance(source, gpd.GeoDataFrame) and source.active_geometry_name:
        same_crs(source, boundaries)
    table, attrs = _keyed(source, on)
    # The shapes come from the boundaries, whatever the table brings.
    table = table.drop(columns=boundaries.geometry.name, errors="ignore")
    ids = unit_ids(table.index, "The table", unique=False)
    _check_units(pd.Index(ids.unique()), units, how)
    shapes = boundaries.set_axis(units)[
        [c for c in boundaries.columns if c not in table.columns]
    ]
    side = "left" if how == "boundaries" else "inner"
    merged = shapes.merge(
        table.set_axis(ids), left_index=True, right_index=True, how=side, sort=False
    )
    order = [*table.columns, *shapes.columns]
    out = gpd.GeoDataFrame(merged[order], geometry=boundaries.geometry.name)
    out = out.iloc[units.get_indexer(out.index).argsort(kind="stable")]
    out.index.name = "unit_id"
    out.attrs = {**boundaries.attrs, **attrs}
    if isinstance(source, Result):
        out.attrs = _attrs_of(source, boundaries)
    return out


def _keyed(
    source: Result | pd.DataFrame, on: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    if isinstance(source, Result):
        return _keyed(source.units, on)
    if not isinstance(source, pd.DataFrame):
        raise InputError(
            f"join takes a Result or a DataFrame; got {type(source).__name__}."
        )
    attrs = dict(source.attrs)
    if on in source.columns:
        return source.set_index(on), attrs
    if source.index.name != on:
        require_columns(source, [on], "join")
    return source, attrs


def _attrs_of(result: Result, boundaries: gpd.GeoDataFrame) -> dict[str, Any]:
    """Say where a result on a map comes from: its data, and the boundaries'."""
    sources = [*sources_of(boundaries), *result.provenance.get("data", [])]
    sources = [s for s in sources if s]
    return {
        "title": f"{result.estimator}: {result.provenance.get('formula', '')}",
        "status": weakest_status(sources),
        "notes": list(result.notes),
        "data": sources,
    }


def _check_units(table: pd.Index, boundaries: pd.Index, how: str) -> None:
    if how == "exact":
        require_same_units(
            table,
            boundaries,
            names=("the table", "the boundaries"),
            way_out="Ask for how='inner' to keep the common units, or "
            "how='boundaries' to keep every boundary.",
        )
    unknown = table.difference(boundaries)
    if how == "boundaries" and len(unknown):
        raise InputError(
            f"Every unit of the table must have a boundary; {len(unknown)} of "
            f"{len(table)} have none ({first(unknown)}). Ask for how='inner' to leave "
            "them out."
        )
    if len(unknown) == len(table):
        raise InputError(
            f"No unit of the table has a boundary: the table holds {first(table)}, the "
            f"boundaries {first(boundaries)}. Check that both use the same ids."
        )
