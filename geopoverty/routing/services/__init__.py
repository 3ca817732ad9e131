"""Travel times from routing services: OSRM, Valhalla, openrouteservice and others."""

from geopoverty.routing.services.options import (
    OSRM,
    AnyService,
    Google,
    OpenRouteService,
    Service,
    Valhalla,
)
from geopoverty.routing.services.pace import Clock
from geopoverty.routing.services.report import ServiceTable
from geopoverty.routing.services.settings import Requests
from geopoverty.routing.services.table import table_from_service

__all__ = [
    "OSRM",
    "AnyService",
    "Clock",
    "Google",
    "OpenRouteService",
    "Requests",
    "Service",
    "ServiceTable",
    "Valhalla",
    "table_from_service",
]
