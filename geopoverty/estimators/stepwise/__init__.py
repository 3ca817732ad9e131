"""Stepwise choice of covariates."""

from geopoverty.estimators.stepwise.estimator import stepwise
from geopoverty.estimators.stepwise.options import Search

__all__ = ["Search", "stepwise"]
