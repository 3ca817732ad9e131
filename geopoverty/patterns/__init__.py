"""Where like values gather: local Moran and Getis-Ord."""

from geopoverty.patterns.getis import getis_ord
from geopoverty.patterns.moran import local_moran

__all__ = ["getis_ord", "local_moran"]
