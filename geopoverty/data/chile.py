"""Traffic zones of Coquimbo, Chile, and the minutes between them."""

from dataclasses import replace

import geopandas as gpd

from geopoverty.data.boundaries import read_boundaries
from geopoverty.data.bundled import bundled_attrs, bundled_path, bundled_table
from geopoverty.data.travel import TravelTimes
from geopoverty.data.travel_files import read_travel_times


def coquimbo_zones() -> gpd.GeoDataFrame:
    """Return the 133 traffic zones of Coquimbo and La Serena, Chile.

    Returns
    -------
    GeoDataFrame, 133 rows
        Indexed by ``unit_id`` ("1" to "133"), EPSG:4326, with ``population``
        (persons) and ``area_km2``. (c) OpenStreetMap contributors, ODbL 1.0.

    Raises
    ------
    InputError
        If the data folder is missing.

    Examples
    --------
    >>> len(coquimbo_zones())
    133
    """
    zones = read_boundaries(bundled_path("boundaries", "coquimbo_zones.parquet"))
    zones.attrs = bundled_attrs("boundaries", "coquimbo_zones.parquet")
    return zones


def coquimbo_travel_times() -> TravelTimes:
    """Return the routed driving minutes between the zones of Coquimbo.

    Returns
    -------
    TravelTimes, n = 133
        In the order of `coquimbo_zones`; "routed": quickest ways over the roads
        of OpenStreetMap without congestion. Not symmetric (one-way streets).
        (c) OpenStreetMap contributors, ODbL 1.0.

    Raises
    ------
    InputError
        If the data folder is missing.

    Examples
    --------
    >>> coquimbo_travel_times()
    TravelTimes: 133 units, 17,556 pairs (100 %), median 12.8 minutes, routed
    """
    table = bundled_table("travel_matrices", "coquimbo_minutes.parquet")
    units = [str(zone) for zone in range(1, 134)]
    times = read_travel_times(table, units=units, status=str(table.attrs["status"]))
    note = (
        "Travel times are routed over OpenStreetMap roads at posted or assumed "
        "speeds, without congestion. (c) OpenStreetMap contributors, ODbL 1.0."
    )
    return replace(times, notes=(*times.notes, note))
