"""Poverty and inequality measured: lines, indices with standard errors, their parts.

`rows` matches what the user gave, `lines` sets poverty lines, `poverty` and
`inequality` hold the indices, `groups` and `change` take them apart, `report` wraps up.
"""

from geopoverty.measures.change import decompose_change
from geopoverty.measures.groups import decompose_poverty
from geopoverty.measures.inequality import gini
from geopoverty.measures.lines import Relative, poverty_line
from geopoverty.measures.poverty import fgt, headcount, sen, watts
from geopoverty.measures.rows import Survey

__all__ = [
    "Relative",
    "Survey",
    "decompose_change",
    "decompose_poverty",
    "fgt",
    "gini",
    "headcount",
    "poverty_line",
    "sen",
    "watts",
]
