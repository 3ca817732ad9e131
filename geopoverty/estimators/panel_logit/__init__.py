"""Logits for panels: one idea a module.

`options` says how, `problem` what; `pooled`, `conditional` and `random` are the three
ways, with `averaged` for what a population shows; `estimator` is the public function.
"""

from geopoverty.estimators.panel_logit.estimator import panel_logit
from geopoverty.estimators.panel_logit.options import Neighbors, RandomIntercept

__all__ = ["Neighbors", "RandomIntercept", "panel_logit"]
