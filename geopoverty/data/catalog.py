"""Every data set there is to try the methods on, by name.

Real ones ship with the package or come from an optional package at run time;
simulated ones are drawn anew and say so in ``attrs["status"]``.
"""

from geopoverty.data.bundled import data_folder
from geopoverty.data.chile import coquimbo_travel_times, coquimbo_zones
from geopoverty.data.china import china_counties
from geopoverty.data.examples import lalonde_training, vietnam_households
from geopoverty.data.simulated.liangshan import liangshan_households
from geopoverty.data.simulated.village import village_modes, village_survey
from geopoverty.data.simulated.xu import xu_households
from geopoverty.data.simulated.zhejiang import (
    zhejiang_counties,
    zhejiang_firms,
    zhejiang_households,
    zhejiang_study,
    zhejiang_travel_times,
)
from geopoverty.data.united_states import (
    us_cities,
    us_counties,
    us_county_income,
    us_county_panel,
    us_road_distances,
    us_travel_times,
)
from geopoverty.data.us_exits import us_county_exits

__all__ = [
    "china_counties",
    "coquimbo_travel_times",
    "coquimbo_zones",
    "data_folder",
    "lalonde_training",
    "liangshan_households",
    "us_cities",
    "us_counties",
    "us_county_exits",
    "us_county_income",
    "us_county_panel",
    "us_road_distances",
    "us_travel_times",
    "vietnam_households",
    "village_modes",
    "village_survey",
    "xu_households",
    "zhejiang_counties",
    "zhejiang_firms",
    "zhejiang_households",
    "zhejiang_study",
    "zhejiang_travel_times",
]
