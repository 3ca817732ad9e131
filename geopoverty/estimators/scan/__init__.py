"""One model an industry: the same fit for each code, with p-values adjusted."""

from geopoverty.estimators.scan.estimator import industry_scan

__all__ = ["industry_scan"]
