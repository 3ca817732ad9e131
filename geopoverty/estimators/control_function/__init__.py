"""Logit with endogenous covariates: first-stage residuals as a control function.

`problem` takes covariates and instruments apart, `effects` averages over residuals,
`report` wraps up, `estimator` is the public function.
"""

from geopoverty.estimators.control_function.estimator import control_function

__all__ = ["control_function"]
