"""Classes, colours and what a legend stands on: what maps of every kind share."""

from geopoverty.classes.breaks import (
    DIVERGING,
    SCHEMES,
    SEQUENTIAL,
    Classes,
    MapStyle,
    classify,
    palette,
)
from geopoverty.classes.categories import Categories, categorise
from geopoverty.classes.crossed import Crossed, cross

__all__ = [
    "DIVERGING",
    "SCHEMES",
    "SEQUENTIAL",
    "Categories",
    "Classes",
    "Crossed",
    "MapStyle",
    "categorise",
    "classify",
    "cross",
    "palette",
]
