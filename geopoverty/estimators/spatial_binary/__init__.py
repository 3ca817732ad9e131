"""Logit and probit with spatial dependence: one idea a module.

`options` says how, `problem` what, `likelihood`, `moments` and `random` estimate,
`report` wraps up, `estimator` is the public function.
"""

from geopoverty.estimators.spatial_binary.estimator import spatial_binary
from geopoverty.estimators.spatial_binary.options import (
    GMM,
    ML,
    LinearGMM,
    RandomEffects,
)

__all__ = ["GMM", "ML", "LinearGMM", "RandomEffects", "spatial_binary"]
