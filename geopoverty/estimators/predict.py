"""Probabilities of a fitted binary model for other rows, or other units."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first
from geopoverty.design.durbin import lagged_design
from geopoverty.design.recipe import rebuilt, sample_in
from geopoverty.design.sample import cells_of
from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.spatial.impacts import STEP
from geopoverty.numerics.spatial.index import IndexAt, SpatialIndex
from geopoverty.numerics.types import Array, Codes
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights, as_weights


def predict(
    result: Result,
    data: pd.DataFrame,
    *,
    weights: Any = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Predict probabilities from a fitted logit, probit or spatial binary model.

    Parameters
    ----------
    result : Result
        Of `logit`, `probit` or `spatial_binary`.
    data : DataFrame, n rows
        The covariates of the fit: the same rows, the same units with other
        covariates, or other units. The outcome is not used. Never modified.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between the units of `data`, built as for the fit; needed by lags and by
        dependence. To predict for new units beside those of the fit, give rows and
        weights of all of them.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    DataFrame, n rows, indexed as `data`
        ``trend``: x'b, what a row's own covariates say; ``signal``: what reaches
        it from other units, (A^-1 X b - X b); ``index``: their sum over the spread
        s of its error (1 where nothing is scaled); ``probability`` with
        ``probability_low`` and ``probability_high`` (delta method on the index,
        from the covariance of the estimates). Rows with a missing covariate are NaN.

    Raises
    ------
    InputError
        If the result is of another estimator, columns or weights are missing, or a
        category was not in the fit.
    EstimationError
        If the fit does not identify the spatial coefficient.

    Notes
    -----
    The predictors of Goulard, Laurent & Thomas-Agnan (2017) without in-sample
    outcomes ("TC"): outcomes of neighbours that were seen are not used, so that
    predictions for old and new units are alike.

    References
    ----------
    Goulard, M., Laurent, T. & Thomas-Agnan, C. (2017). About predictions in spatial
    autoregressive models: optimal and almost optimal strategies. Spatial Economic
    Analysis 12, 304-325.

    Examples
    --------
    >>> import geopoverty as gp
    >>> homes = pd.DataFrame({"poor": [1, 1, 0, 1, 0, 0], "age": [2, 4, 3, 1, 5, 6]})
    >>> fit = gp.logit("poor ~ age", homes, vcov="iid")
    >>> gp.predict(fit, pd.DataFrame({"age": [3.5]}))["probability"].round(3).tolist()
    [0.5]
    """
    recipe = _recipe(result)
    if not 0 < conf_level < 1:
        raise InputError(f"conf_level must be between 0 and 1; got {conf_level}.")
    held = None if weights is None else as_weights(weights)
    spatial = recipe["model"] != "none"
    if held is None and (spatial or "W(" in recipe["design"]["right"]):
        raise InputError(
            "This model needs the weights between the units of the table. Pass "
            "weights=, built as for the fit."
        )
    kept, parts = _indices(recipe, result, data, held)
    link = LINKS[recipe["link"]]
    wide = float(stats.norm.ppf(0.5 + conf_level / 2)) * parts.pop("error")
    parts["probability"] = link.probability(parts["index"])
    parts["probability_low"] = link.probability(parts["index"] - wide)
    parts["probability_high"] = link.probability(parts["index"] + wide)
    table = pd.DataFrame(parts, index=kept).reindex(np.arange(len(data)))
    return table.set_axis(data.index)


def _recipe(result: Result) -> dict[str, Any]:
    recipe = result.provenance.get("recipe")
    if recipe is None:
        raise InputError(
            "predict takes a result of logit, probit or spatial_binary (without "
            f"random effects); this one is of {result.estimator}."
        )
    unknown = result.estimates.index[result.estimates.isna()]
    if len(unknown):
        raise EstimationError(
            f"The fit does not identify {first(unknown)}, so nothing can be predicted "
            "from it. Fit with weights of fewer neighbours."
        )
    return dict(recipe)


def _ordered(X: Array, names: list[str], recipe: dict[str, Any]) -> Array:
    columns = [names.index(n) for n in recipe["columns"]]
    return np.ascontiguousarray(X[:, columns])


def _indices(
    recipe: dict[str, Any],
    result: Result,
    data: pd.DataFrame,
    weights: SpatialWeights | None,
) -> tuple[Codes, dict[str, Array]]:
    """Return which rows are complete, and their trend, signal, index and its SE."""
    design, kept = rebuilt(recipe["design"], data, weights)
    if recipe["model"] == "none" or weights is None:
        return kept, _plain_parts(_ordered(design.X, design.names, recipe), result)
    cells = cells_of(design.rows, weights, sample_in(recipe["design"], data))
    durbin = recipe["model"] == "durbin"
    found = lagged_design(design, weights.matrix, cells, durbin=durbin).design
    index = SpatialIndex(
        _ordered(found.X, found.names, recipe),
        weights.matrix,
        cells,
        lagged=recipe["model"] != "error",
        scaled=recipe["scaled"],
    )
    return kept, _spatial_parts(index, result)


def _plain_parts(X: Array, result: Result) -> dict[str, Array]:
    trend = X @ result.estimates.to_numpy()
    variance = np.einsum("ij,jk,ik->i", X, result.vcov.to_numpy(), X)
    error = np.sqrt(np.maximum(variance, 0.0))
    return {"trend": trend, "signal": 0 * trend, "index": trend, "error": error}


def _spatial_parts(index: SpatialIndex, result: Result) -> dict[str, Array]:
    theta, vcov = result.estimates.to_numpy(), result.vcov.to_numpy()
    beta, rho = theta[:-1], float(theta[-1])
    here = index.at(rho)
    step = STEP * float(np.sqrt(vcov[-1, -1]))
    ahead, behind = (index.at(rho + s * step).rows(beta) for s in (1, -1))
    gradient = np.column_stack([_slopes(here), (ahead - behind) / (2 * step)])
    variance = np.einsum("ij,jk,ik->i", gradient, vcov, gradient)
    trend = index.X @ beta
    return {
        "trend": trend,
        "signal": (here.carried @ beta)[index.cells.codes],
        "index": here.rows(beta),
        "error": np.sqrt(np.maximum(variance, 0.0)),
    }


def _slopes(at: IndexAt) -> Array:
    """Return the derivative of each row's index in the coefficients, (n, k)."""
    M = at.of.X + at.carried[at.of.cells.codes]
    return np.asarray(M / at.scale[:, None])
