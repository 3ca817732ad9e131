"""The routing services that are known: their limits, formats and terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from geopoverty._checks import nearest_name
from geopoverty.errors import InputError

OSM = "© OpenStreetMap contributors"
ODBL = "ODbL 1.0 (OpenStreetMap)"
FREE_FLOW = "without live traffic, unless its operator loaded any"


@dataclass(frozen=True)
class Dialect:
    """What must be known of one kind of service to ask it for tables.

    Attributes
    ----------
    label : str
        Its name for readers.
    router : str
        The class of routingpy that writes its requests.
    form : {"osrm", "valhalla", "graphhopper", "google"}
        How its answers look.
    profile : str
        The way of travelling asked for by default.
    block : int
        Places on each side of one request that it accepts by default.
    url : str, optional
        Where it is; None if the user must say.
    key_variable : str, optional
        The environment variable that holds its key.
    per_minute : float, optional
        Requests that it allows in a minute.
    at_most : int, optional
        Requests that a run may make unless told otherwise (they are billed).
    storable : bool
        Whether its terms let answers be kept.
    fixed : mapping
        What is asked of it in every request.
    refused : mapping
        Options that may not be given, and why.
    traffic, licence, attribution : str
        What a reader must know of its minutes.
    """

    label: str
    router: str
    form: str
    profile: str
    block: int
    url: str | None = None
    key_variable: str | None = None
    per_minute: float | None = None
    at_most: int | None = None
    storable: bool = True
    fixed: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    traffic: str = FREE_FLOW
    licence: str = ODBL
    attribution: str = OSM


GUESSES = "it fills pairs without a route with guesses; here they are NaN"
MOMENT = "blocks are asked at different moments, so their traffic would not compare"

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "osrm": Dialect(
            label="OSRM",
            router="OSRM",
            form="osrm",
            profile="driving",
            block=100,
            fixed={"annotations": ["duration"]},
            refused={"fallback_speed": GUESSES},
        ),
        "valhalla": Dialect(
            label="Valhalla",
            router="Valhalla",
            form="valhalla",
            profile="auto",
            block=50,
            refused={
                "matrix_locations": "it leaves pairs out",
                "date_time": "it holds for one departure, not for a table",
            },
        ),
        "openrouteservice": Dialect(
            label="openrouteservice",
            router="ORS",
            form="osrm",
            profile="driving-car",
            block=50,
            url="https://api.openrouteservice.org",
            key_variable="ORS_API_KEY",
            per_minute=40,
            fixed={"metrics": ["duration"]},
            traffic="without traffic",
            licence="ODbL 1.0 (OpenStreetMap) and the terms of openrouteservice",
            attribution=f"© openrouteservice.org by HeiGIT | {OSM}",
        ),
        "graphhopper": Dialect(
            label="GraphHopper",
            router="Graphhopper",
            form="graphhopper",
            profile="car",
            block=5,
            url="https://graphhopper.com/api/1",
            key_variable="GRAPHHOPPER_API_KEY",
            per_minute=60,
            # By default one pair without a route spoils the whole answer.
            fixed={"out_array": ["times"], "fail_fast": "false"},
            licence="ODbL 1.0 (OpenStreetMap) and the terms of GraphHopper",
            attribution=f"Powered by GraphHopper | {OSM}",
        ),
        "mapbox": Dialect(
            label="Mapbox",
            router="MapboxOSRM",
            form="osrm",
            profile="driving",
            block=12,
            url="https://api.mapbox.com",
            key_variable="MAPBOX_ACCESS_TOKEN",
            per_minute=60,
            at_most=100,
            storable=False,
            fixed={"annotations": ["duration"]},
            refused={"fallback_speed": GUESSES},
            traffic="with typical traffic where the profile has it",
            licence="terms of Mapbox, not an open licence",
            attribution=f"© Mapbox | {OSM}",
        ),
        "google": Dialect(
            label="Google",
            router="Google",
            form="google",
            profile="driving",
            block=10,
            url="https://maps.googleapis.com/maps/api",
            key_variable="GOOGLE_MAPS_API_KEY",
            per_minute=600,
            at_most=100,
            storable=False,
            refused={"departure_time": MOMENT, "traffic_model": MOMENT},
            traffic="for average traffic",
            licence="terms of the Google Maps Platform, not an open licence",
            attribution="Google Maps",
        ),
    }
)
OTHER_NAMES = {"ors": "openrouteservice", "mapbox_osrm": "mapbox"}
WITHOUT_TABLES = {
    "here": "routingpy asks an interface that HERE has closed to new users",
    "opentripplanner": "it has no tables",
}


def dialect_named(name: str) -> tuple[str, Dialect]:
    """Return the name that a service goes by here, and what is known of it.

    Raises
    ------
    InputError
        If there is none of this name.

    Examples
    --------
    >>> dialect_named("ORS")[0]
    'openrouteservice'
    >>> dialect_named("osmr")
    Traceback (most recent call last):
    geopoverty.errors.InputError: service must be one of osrm, valhalla, \
openrouteservice, graphhopper, mapbox, google; got 'osmr'. Did you mean 'osrm'?
    """
    plain = str(name).strip().lower()
    known = OTHER_NAMES.get(plain, plain)
    if known in DIALECTS:
        return known, DIALECTS[known]
    why = f" ({WITHOUT_TABLES[known]})" if known in WITHOUT_TABLES else ""
    hint = nearest_name(known, DIALECTS) if not why else ""
    raise InputError(
        f"service must be one of {', '.join(DIALECTS)}; got {name!r}{why}.{hint}"
    )
