"""Spatial weights as a study names them."""

import inspect
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd

from geopoverty._checks import require, require_columns, require_option
from geopoverty.data.travel import TravelTimes
from geopoverty.errors import InputError
from geopoverty.study.schema import UNIT, Study, Weights
from geopoverty.weights import (
    SpatialWeights,
    contiguity_weights,
    knn_weights,
    travel_weights,
)

KINDS: dict[str, Callable[..., SpatialWeights]] = {
    "travel": travel_weights,
    "contiguity": contiguity_weights,
    "knn": knn_weights,
}
OPTIONS = ("decay", "power", "scale", "cutoff", "k", "standardize", "rook")


def source_of(part: Weights, study: Study) -> str:
    """Say what the file lacks to make these weights from; nothing if it is there.

    Examples
    --------
    >>> study = Study(None, None, None, {}, {}, {}, {}, {})
    >>> source_of(Weights(), study)
    'Weights of kind "travel" need [travel_times].'
    """
    if part.kind == "travel" and study.times is None:
        return 'Weights of kind "travel" need [travel_times].'
    if part.kind in ("contiguity", "knn") and study.boundaries is None:
        return f'Weights of kind "{part.kind}" need [boundaries].'
    return ""


def weights_of(
    part: Weights,
    counties: gpd.GeoDataFrame | None,
    times: TravelTimes | None,
    table: pd.DataFrame | None,
) -> SpatialWeights | None:
    """Return the weights, or None if what they rest on has failed.

    Parameters
    ----------
    part : Weights
    counties, times
        None if the study has none, or they have a problem of their own.
    table : DataFrame or None
        Whose units alone are to be linked.

    Raises
    ------
    InputError
        For an unknown kind, an option of another kind, and as the functions.
    """
    require_option(part.kind, tuple(KINDS), "kind")
    options = _options(part)
    source: Any = times if part.kind == "travel" else counties
    if source is None:
        return None
    if table is not None:
        source = _subset(source, table)
    return KINDS[part.kind](source, **options)


def _options(part: Weights) -> dict[str, Any]:
    given = {k: v for k in OPTIONS if (v := getattr(part, k)) is not None}
    known = inspect.signature(KINDS[part.kind]).parameters
    for key in given:
        if key not in known:
            raise InputError(
                f"Weights of kind '{part.kind}' have no '{key}'. They have: "
                f"{', '.join(k for k in OPTIONS if k in known)}."
            )
    if part.kind == "knn" and "k" not in given:
        raise InputError("Weights of kind 'knn' need k, the number of neighbours.")
    if given.get("standardize") == "none":
        given["standardize"] = None
    return given


def _subset(source: Any, table: pd.DataFrame) -> Any:
    require_columns(table, [UNIT], "units")
    units = pd.Index(table[UNIT].unique())
    held = source.units if isinstance(source, TravelTimes) else source.index
    require(
        units.isin(held),
        "Every unit of the table must be among those to be linked",
        ids=units,
        noun="units",
        way_out="Leave these units out of the table.",
    )
    if isinstance(source, TravelTimes):
        return source.subset(units)
    return source.loc[held[held.isin(units)]]
