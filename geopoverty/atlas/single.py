"""One indicator on one map."""

import geopandas as gpd

from geopoverty._checks import require_columns
from geopoverty.atlas.book import Atlas
from geopoverty.atlas.county_map import CountyMap
from geopoverty.atlas.gathered import DEFAULT_STYLE
from geopoverty.atlas.rows import UNIT, keyed_ids
from geopoverty.classes import MapStyle
from geopoverty.errors import InputError


def choropleth(
    table: gpd.GeoDataFrame,
    column: str,
    *,
    label: str | None = None,
    unit: str = "",
    period: str | None = None,
    interval: tuple[str, str] | None = None,
    p_value: str | None = None,
    style: MapStyle = DEFAULT_STYLE,
) -> CountyMap:
    """Map one column of a table with geometry, in longitude and latitude.

    Parameters
    ----------
    table : GeoDataFrame
        As `join` returns it: one row a county (and period), keyed by a column or
        index ``unit_id``. A column ``name`` gives the names to show.
    column : str
        The numbers to show.
    label : str, optional
        What to call them; by default the column's name.
    unit : str
        Such as ``"%"``.
    period : str, optional
        The column of the periods; the map gets a selector.
    interval : tuple of two str, optional
        Columns of the lower and the upper end.
    p_value : str, optional
        Column of p-values; counties at or above ``style.alpha`` are dotted.
    style : MapStyle
        Classes and colours.

    Returns
    -------
    CountyMap
        A ``folium.Map``: it shows in a notebook, takes layers, and saves to one
        file that opens without a network.

    Raises
    ------
    InputError
        As ``Atlas`` and ``Atlas.add``.

    Warns
    -----
    GeoPovertyWarning
        If counties overlap, so that their borders cannot be simplified.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> table = gpd.GeoDataFrame({"unit_id": ["01", "02"], "poor": [12.5, 31.0]},
    ...     geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
    >>> type(choropleth(table, "poor", unit="%")).__name__
    'CountyMap'
    """
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError(
            f"choropleth needs a GeoDataFrame; got {type(table).__name__}. Join the "
            "boundaries first: join(table, boundaries)."
        )
    require_columns(table, [column], "choropleth")
    ids = keyed_ids(table, "The table")
    places = table[~ids.duplicated()].copy()
    places.index = ids[~ids.duplicated()].rename(UNIT)
    atlas = Atlas(
        places.drop(columns=UNIT, errors="ignore"),
        title=label or column,
        name="name" if "name" in table.columns else None,
        projection=None,
        pages=(),
    )
    return atlas.add(
        table,
        column,
        label=label or column,
        unit=unit,
        period=period,
        interval=interval,
        p_value=p_value,
        style=style,
    ).county_map()
