"""Probabilities of a fitted binary model for other rows, or other units."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty.effects.indices import index_of, recipe_from
from geopoverty.errors import InputError
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.spatial.impacts import STEP
from geopoverty.numerics.spatial.index import IndexAt, SpatialIndex
from geopoverty.numerics.types import Array
from geopoverty.results import Result
from geopoverty.weights import as_weights


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
    recipe = recipe_from(result)
    if recipe["link"] not in LINKS:
        raise InputError(
            "predict gives probabilities of logit, probit and spatial_binary; this "
            f"result is of {result.estimator}. Use its own tables, score_vulnerability "
            "or scenario."
        )
    if not 0 < conf_level < 1:
        raise InputError(f"conf_level must be between 0 and 1; got {conf_level}.")
    held = None if weights is None else as_weights(weights)
    kept, index = index_of(recipe, data, held)
    link = LINKS[recipe["link"]]
    parts = _plain_parts if recipe["model"] == "none" else _spatial_parts
    found = parts(index, result)
    wide = float(stats.norm.ppf(0.5 + conf_level / 2)) * found.pop("error")
    found["probability"] = link.probability(found["index"])
    found["probability_low"] = link.probability(found["index"] - wide)
    found["probability_high"] = link.probability(found["index"] + wide)
    table = pd.DataFrame(found, index=kept).reindex(np.arange(len(data)))
    return table.set_axis(data.index)


def _plain_parts(index: SpatialIndex, result: Result) -> dict[str, Array]:
    X = index.X
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
