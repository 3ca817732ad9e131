"""Plots of results with matplotlib (extra ``plots``): one picture a module.

`canvas` brings the axes, `style` their look, `writing` the words on them, `reading`
takes tables from a `Result`. Nothing here estimates: each plot shows a table.
"""

from geopoverty.plots.bands import risk_bands
from geopoverty.plots.distribution import risk_distribution
from geopoverty.plots.events import event_study
from geopoverty.plots.forest import hazard_forest
from geopoverty.plots.love import love_plot
from geopoverty.plots.overlap import score_overlap
from geopoverty.plots.path import quantile_path
from geopoverty.plots.schoenfeld import schoenfeld_plot
from geopoverty.plots.survival import survival_plot
from geopoverty.plots.trends import parallel_trends

__all__ = [
    "event_study",
    "hazard_forest",
    "love_plot",
    "parallel_trends",
    "quantile_path",
    "risk_bands",
    "risk_distribution",
    "schoenfeld_plot",
    "score_overlap",
    "survival_plot",
]
