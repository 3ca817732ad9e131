"""Linear panels: one idea a module.

`options` says how, `problem` what, `within`, `likelihood`, `random` and `components`
estimate, `report` wraps up, `estimator` is the public function.
"""

from geopoverty.estimators.panel.estimator import panel
from geopoverty.estimators.panel.options import SpatialPanel

__all__ = ["SpatialPanel", "panel"]
