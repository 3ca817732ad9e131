"""The known answers beside the tests, as Python objects."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import geopoverty as gp

REFERENCE = Path(__file__).parent / "reference"


@cache
def answers(name: str) -> dict[str, Any]:
    return json.loads((REFERENCE / f"{name}.json").read_text())


def table(name: str, **options: Any) -> pd.DataFrame:
    text = {"unit_id": str, "firm": str, "from_id": str, "to_id": str}
    return pd.read_csv(REFERENCE / f"{name}.csv", dtype=text, **options)


def pair_matrix(column: str) -> tuple[pd.Index, np.ndarray]:
    """Return units and one column of the pairs as a matrix."""
    pairs = table("binary_pairs")
    units = pd.Index(table("binary_units")["unit_id"])
    matrix = np.zeros((len(units), len(units)))
    at = units.get_indexer(pairs["from_id"]), units.get_indexer(pairs["to_id"])
    matrix[at] = pairs[column]
    return units, matrix


def household_weights(column: str) -> gp.SpatialWeights:
    """Return the weights between the units of the simulated households."""
    units, matrix = pair_matrix(column)
    standardize = "row" if column == "weight_knn" else None
    return gp.SpatialWeights(units, matrix, standardize=standardize)


def unit_distances() -> gp.TravelTimes:
    """Return the distances between the units of the simulated households."""
    units, matrix = pair_matrix("distance")
    return gp.TravelTimes(units, matrix, "simulated")
