"""Differences in differences, plain, staggered, and between like units."""

from geopoverty.estimators.did.estimator import did
from geopoverty.estimators.did.options import Adoption, KernelWeights
from geopoverty.estimators.did.psm_did import psm_did

__all__ = ["Adoption", "KernelWeights", "did", "psm_did"]
