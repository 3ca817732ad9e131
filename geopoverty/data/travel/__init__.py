"""Travel times between units: the type, where they come from, what they say."""

from geopoverty.data.travel.modelled import (
    Circuity,
    estimate_circuity,
    model_travel_times,
)
from geopoverty.data.travel.times import TravelTimes, left_out, positions
from geopoverty.data.travel.within import Within

__all__ = [
    "Circuity",
    "TravelTimes",
    "Within",
    "estimate_circuity",
    "left_out",
    "model_travel_times",
    "positions",
]
