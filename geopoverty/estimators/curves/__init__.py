"""Curves of who is still poor when, by group."""

from geopoverty.estimators.curves.estimator import survival_curves
from geopoverty.estimators.curves.options import CurveOptions

__all__ = ["CurveOptions", "survival_curves"]
