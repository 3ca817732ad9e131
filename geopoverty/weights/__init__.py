"""Spatial weights: the type, how it is built, and what else can be read as it."""

from geopoverty.weights.build import contiguity_weights, knn_weights, travel_weights
from geopoverty.weights.convert import as_weights
from geopoverty.weights.spatial import SpatialWeights

__all__ = [
    "SpatialWeights",
    "as_weights",
    "contiguity_weights",
    "knn_weights",
    "travel_weights",
]
