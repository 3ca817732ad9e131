"""Propensity-score matching: one idea a module.

`options` says how, `rows` and `score` what, `engine` matches, `errors` finds standard
errors, `balance`, `support` and `sensitivity` check, `report` wraps up, `estimator` and
`several` are the public functions.
"""

from geopoverty.estimators.matching.estimator import match
from geopoverty.estimators.matching.options import (
    AbadieImbens,
    Bootstrap,
    GivenWeights,
    Kernel,
    Nearest,
    Radius,
    Score,
)
from geopoverty.estimators.matching.several import match_all

__all__ = [
    "AbadieImbens",
    "Bootstrap",
    "GivenWeights",
    "Kernel",
    "Nearest",
    "Radius",
    "Score",
    "match",
    "match_all",
]
