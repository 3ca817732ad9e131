"""Ordinary least squares."""

from geopoverty.estimators.linear.estimator import ols

__all__ = ["ols"]
