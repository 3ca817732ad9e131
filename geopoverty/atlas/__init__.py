"""Maps and atlases: one HTML file that opens without a network."""

from geopoverty.atlas.book import Atlas
from geopoverty.atlas.county_map import CountyMap
from geopoverty.atlas.single import choropleth
from geopoverty.classes import MapStyle

__all__ = ["Atlas", "CountyMap", "MapStyle", "choropleth"]
