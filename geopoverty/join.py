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
from geopoverty.provenance import SOURCE_KEYS, notes_in, sources_in, weakest_status
from geopoverty.results import Result

MADE_BY = ("formula", "options", "seed", "data_hash", "versions")


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
        ``attrs`` say where it comes from: ``title``, ``status`` (the least firm of
        all), ``notes`` of both sides, ``data`` (title, status, source, licence and
        attribution of each source); of a Result also ``method`` (estimator, formula,
        options, seed, versions). Other ``attrs`` of both are kept, those of `source`
        first. `write_map` writes them into the file.

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
    said = _said_by(source) if isinstance(source, Result) else attrs
    out.attrs = _together(boundaries.attrs, said)
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


def _said_by(result: Result) -> dict[str, Any]:
    """Say where a result comes from, as the ``attrs`` of a table do."""
    made = {k: result.provenance[k] for k in MADE_BY if result.provenance.get(k)}
    formula = str(made.get("formula", ""))
    return {
        "title": f"{result.estimator}: {formula}" if formula else result.estimator,
        "notes": list(result.notes),
        "data": list(result.provenance.get("data", [])),
        "method": {"estimator": result.estimator, **made},
    }


def _together(boundaries: dict[Any, Any], source: dict[Any, Any]) -> dict[Any, Any]:
    """Say where a table on a map comes from: its data, and the boundaries'."""
    listed = [*sources_in(boundaries), *sources_in(source)]
    sources = [s for i, s in enumerate(listed) if s not in listed[:i]]
    notes = [*notes_in(boundaries), *notes_in(source)]
    own = any(source.get(k) for k in SOURCE_KEYS)
    # A licence of the boundaries is not one of the table.
    rest = {k: v for k, v in boundaries.items() if not (own and k in SOURCE_KEYS)}
    out = {**rest, **source}
    if sources:
        out["data"] = sources
    if any(s.get("status") for s in sources):
        out["status"] = weakest_status(sources)
    if notes:
        out["notes"] = list(dict.fromkeys(notes))
    return out


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
