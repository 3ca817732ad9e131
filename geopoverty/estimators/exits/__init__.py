"""Hazards of exits: one idea a module.

`options` says how, `clock` turns dates into times, `spells` and `validate` hold and
check them, `problem` is what a model starts from, `cox`, `aft` and `discrete` are the
models, `report` wraps up, `estimator` is the public function; `periods` makes the table
of units and periods.
"""

from geopoverty.estimators.exits.estimator import exit_hazard
from geopoverty.estimators.exits.options import Hazard, Timeline
from geopoverty.estimators.exits.periods import exit_periods

__all__ = ["Hazard", "Timeline", "exit_hazard", "exit_periods"]
