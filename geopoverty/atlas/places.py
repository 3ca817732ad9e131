"""What counties are called on the page."""

from typing import Any

import geopandas as gpd
import pandas as pd

from geopoverty.atlas.tables import plain_name


def places_data(
    boundaries: gpd.GeoDataFrame, units: pd.Index, name: str | None, group: str | None
) -> dict[str, Any]:
    """Return ids, names and groups as the page reads them.

    Where a county has no name it is called by its id; where it has no group, nothing.

    Examples
    --------
    >>> table = gpd.GeoDataFrame({"name": ["Ash", None]}, geometry=[None, None])
    >>> places_data(table, pd.Index(["01", "02"]), "name", None)["names"]
    ['Ash', '02']
    """
    return {
        "ids": list(units),
        "names": _texts(boundaries, name, list(units)) if name else list(units),
        "groups": _texts(boundaries, group, [""] * len(units)) if group else None,
        "group_name": plain_name(str(group or "")),
    }


def _texts(boundaries: gpd.GeoDataFrame, column: str, instead: list[str]) -> list[str]:
    return [
        other if pd.isna(text) else str(text)
        for text, other in zip(boundaries[column], instead, strict=True)
    ]
