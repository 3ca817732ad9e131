"""Logit and probit, on tables and on registers."""

from geopoverty.estimators.binary.estimator import logit, probit

__all__ = ["logit", "probit"]
