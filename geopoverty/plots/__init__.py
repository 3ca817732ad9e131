"""Plots of results with matplotlib (extra ``plots``): one picture a module.

`canvas` brings the axes, `style` their look, `writing` the words on them, `reading`
takes tables from a `Result`. Maps have rooms of their own: `map_table` reads what
`join` returns, `map_canvas` draws polygons, `map_words` writes the legend. Nothing here
estimates: each plot shows a table.
"""

from geopoverty.plots.bands import risk_bands
from geopoverty.plots.distribution import risk_distribution
from geopoverty.plots.events import event_study
from geopoverty.plots.forest import hazard_forest
from geopoverty.plots.love import love_plot
from geopoverty.plots.map_kinds import map_classes, map_crossed
from geopoverty.plots.map_table import MapLook
from geopoverty.plots.maps import map_plot, map_series
from geopoverty.plots.overlap import score_overlap
from geopoverty.plots.path import quantile_path
from geopoverty.plots.schoenfeld import schoenfeld_plot
from geopoverty.plots.survival import survival_plot
from geopoverty.plots.trends import parallel_trends

__all__ = [
    "MapLook",
    "event_study",
    "hazard_forest",
    "love_plot",
    "map_classes",
    "map_crossed",
    "map_plot",
    "map_series",
    "parallel_trends",
    "quantile_path",
    "risk_bands",
    "risk_distribution",
    "schoenfeld_plot",
    "score_overlap",
    "survival_plot",
]
