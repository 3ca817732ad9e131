"""Weights from whatever holds weights."""

from typing import Any

import pandas as pd
from libpysal.graph import Graph
from libpysal.weights import W
from scipy import sparse

from geopoverty.errors import InputError
from geopoverty.weights.spatial import SpatialWeights, standardized, with_island_note


def as_weights(weights: Any) -> SpatialWeights:
    """Return `SpatialWeights` from whatever holds spatial weights.

    Parameters
    ----------
    weights : SpatialWeights, libpysal.graph.Graph or libpysal.weights.W
        The weights are taken as they are, with the transformation they have.

    Returns
    -------
    SpatialWeights

    Raises
    ------
    InputError
        If it is none of these, its ids are not text, or no unit has a neighbour.

    Warns
    -----
    GeoPovertyWarning
        If some units of a Graph or W have no neighbour.

    Examples
    --------
    >>> w = SpatialWeights(["a", "b"], [[0.0, 1.0], [1.0, 0.0]])
    >>> as_weights(w.to_graph()).units.tolist()
    ['a', 'b']
    """
    if isinstance(weights, SpatialWeights):
        return weights
    if isinstance(weights, Graph):
        units, matrix = weights.unique_ids, weights.sparse
        row = weights.transformation == "R"
    elif isinstance(weights, W):
        units, matrix = pd.Index(weights.id_order), weights.sparse
        row = weights.transform == "R"
    else:
        raise InputError(
            "weights must be SpatialWeights, a libpysal Graph or a libpysal W; got "
            f"{type(weights).__name__}. Build them with travel_weights, "
            "contiguity_weights or knn_weights."
        )
    held = sparse.csr_array(matrix)
    held.eliminate_zeros()
    kind = f"from libpysal {type(weights).__name__}"
    out = SpatialWeights(
        units.rename(None), standardized(held, None), kind, "row" if row else None
    )
    return out if len(out.islands) == 0 else with_island_note(out)
