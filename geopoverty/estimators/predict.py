"""What a fitted model expects of other rows, or other units."""

from collections.abc import Callable, Mapping
from dataclasses import replace
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

EXITED = "exit_probability"


def predict(
    result: Result,
    data: pd.DataFrame,
    *,
    weights: Any = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Predict from a fitted logit, probit, spatial binary, linear or Cox model.

    Parameters
    ----------
    result : Result
        Of `logit`, `probit`, `spatial_binary`, `ols` or `exit_hazard` (Cox, with one
        baseline).
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
        ``trend``: x'b, what a row's own covariates say; ``signal``: what reaches it
        from other units: (A^-1 X b - X b) with dependence, the part of the columns
        ``W(x)`` without it; ``index``: their sum over the spread s of its error (1
        where nothing is scaled). Then, each with ``_low`` and ``_high`` (delta method
        on the index, from the covariance of the estimates):

        - ``probability`` of binary models;
        - ``expected`` of `ols`: the mean of the outcome, in its units. The interval is
          that of the mean, by Student's t as in the fit; outcomes of single rows
          scatter by ``facts["sigma"]`` besides;
        - ``hazard_ratio`` of Cox models, against a row with the mean covariates of the
          fit, from which ``trend`` and ``signal`` count; and ``exit_probability``, the
          chance of having left by ``facts["by"]``, without an interval, which would
          need the error of the baseline.

        Rows with a missing covariate are NaN.

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
    told = _told(result, recipe)
    if not 0 < conf_level < 1:
        raise InputError(f"conf_level must be between 0 and 1; got {conf_level}.")
    held = None if weights is None else as_weights(weights)
    kept, index = index_of(recipe, data, held)
    if "centre" in recipe:  # a hazard is told relative to that of a row at the centre
        index = replace(index, X=index.X - recipe["centre"])
    found = _parts(index, result, recipe)
    wide = _quantile(result, conf_level) * found.pop("error")
    for name, curve in told.items():
        found[name] = curve(found["index"])
        if name != EXITED:
            found[f"{name}_low"] = curve(found["index"] - wide)
            found[f"{name}_high"] = curve(found["index"] + wide)
    table = pd.DataFrame(found, index=kept).reindex(np.arange(len(data)))
    return table.set_axis(data.index)


def _told(
    result: Result, recipe: Mapping[str, Any]
) -> dict[str, Callable[[Array], Array]]:
    """Return what is reported, each with how it follows from the index."""
    link = recipe["link"]
    if link in LINKS:
        return {"probability": LINKS[link].probability}
    if link == "hazard":
        hazard = float(recipe["cumulative_hazard"])
        return {
            "hazard_ratio": np.exp,
            EXITED: lambda index: np.asarray(-np.expm1(-hazard * np.exp(index))),
        }
    if result.estimator == "ols":
        return {"expected": lambda index: index}
    raise InputError(
        "predict takes logit, probit, spatial_binary, ols and exit_hazard (Cox); this "
        f"result is of {result.estimator}. Use its own tables, score_vulnerability or "
        "scenario."
    )


def _quantile(result: Result, conf_level: float) -> float:
    """Return how many standard errors an interval reaches to each side."""
    df = result.facts.get("df_t") if result.estimator == "ols" else None
    law = stats.norm if df is None else stats.t(float(df))
    return float(law.ppf(0.5 + conf_level / 2))


def _parts(
    index: SpatialIndex, result: Result, recipe: Mapping[str, Any]
) -> dict[str, Array]:
    if recipe["model"] != "none":
        return _spatial_parts(index, result)
    X, beta = index.X, result.estimates.to_numpy()
    lagged = np.array(["W(" in c for c in recipe["columns"]], dtype=bool)
    signal = X[:, lagged] @ beta[lagged]
    variance = np.einsum("ij,jk,ik->i", X, result.vcov.to_numpy(), X)
    error = np.sqrt(np.maximum(variance, 0.0))
    whole = X @ beta
    return {"trend": whole - signal, "signal": signal, "index": whole, "error": error}


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
