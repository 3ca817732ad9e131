"""Dynamic panels by GMM, and what two waves leave of them: one idea a module.

`options` says how, `variables` which regressor has which instruments, `equations`
builds what is estimated, `two_waves` is the honest route for two periods, `report`
wraps up, `estimator` is the public function.
"""

from geopoverty.estimators.dynamic_panel.estimator import dynamic_panel
from geopoverty.estimators.dynamic_panel.options import (
    DynamicGMM,
    Household,
    Instruments,
)

__all__ = ["DynamicGMM", "Household", "Instruments", "dynamic_panel"]
