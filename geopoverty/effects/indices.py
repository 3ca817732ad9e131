"""The index of a fitted model for other rows: where predictions and scenarios start."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.design.build import Design
from geopoverty.design.durbin import lagged_design
from geopoverty.design.lags import Weights
from geopoverty.design.recipe import rebuilt, sample_in
from geopoverty.design.sample import cells_of
from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.index import SpatialIndex
from geopoverty.numerics.types import Array, Codes
from geopoverty.results import Result


def recipe_from(result: Result) -> dict[str, Any]:
    """Return how to build the design of a result again.

    Raises
    ------
    InputError
        If the result does not say.
    EstimationError
        If the fit does not identify a coefficient.
    """
    recipe = result.provenance.get("recipe")
    if recipe is None:
        raise InputError(
            "This takes a result whose model can be set up for other rows: of logit, "
            "probit, ols, spatial_binary (without random effects), panel or "
            "exit_hazard (Cox, one baseline); this one is of "
            f"{result.estimator}."
        )
    unknown = result.estimates.index[result.estimates.isna()]
    if len(unknown):
        raise EstimationError(
            f"The fit does not identify {first(unknown)}, so nothing can be predicted "
            "from it. Fit with weights of fewer neighbours."
        )
    return dict(recipe)


def index_of(
    recipe: Mapping[str, Any], data: pd.DataFrame, weights: Weights | None
) -> tuple[Codes, SpatialIndex]:
    """Set a model up for rows.

    Parameters
    ----------
    recipe : mapping
        See `recipe_from`.
    data : DataFrame
    weights : SpatialWeights or None
        Needed by lags and by dependence.

    Returns
    -------
    array of int
        Which rows are complete, by position.
    SpatialIndex
        Covariates in the order of the coefficients. Without dependence every row is
        its own cell and nothing carries over.

    Raises
    ------
    InputError
        If weights are missing, or rows do not fit the recipe.
    """
    spatial = recipe["model"] != "none"
    if weights is None and (spatial or "W(" in recipe["design"]["right"]):
        raise InputError(
            "This model needs the weights between the units of the table. Pass "
            "weights=, built as for the fit."
        )
    design, kept = rebuilt(recipe["design"], data, weights)
    if not spatial or weights is None:
        X = _ordered(design, recipe)
        alone = Cells(np.arange(len(X)), len(X), 1)
        nowhere = np.zeros((0, 0))
        return kept, SpatialIndex(X, nowhere, alone, lagged=False, scaled=False)
    cells = cells_of(design.rows, weights, sample_in(recipe["design"], data))
    durbin = recipe["model"] == "durbin"
    found = lagged_design(design, weights.matrix, cells, durbin=durbin).design
    return kept, SpatialIndex(
        _ordered(found, recipe),
        weights.matrix,
        cells,
        lagged=recipe["model"] != "error",
        scaled=recipe["scaled"],
    )


def _ordered(design: Design, recipe: Mapping[str, Any]) -> Array:
    columns = [design.names.index(n) for n in recipe["columns"]]
    return np.ascontiguousarray(design.X[:, columns])
