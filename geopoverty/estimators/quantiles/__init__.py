"""Quantile regression."""

from geopoverty.estimators.quantiles.estimator import quantile_regression
from geopoverty.estimators.quantiles.options import QuantileBootstrap

__all__ = ["QuantileBootstrap", "quantile_regression"]
