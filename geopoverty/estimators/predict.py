"""What a fitted model expects of other rows, or other units."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty.design.quoting import holds_lag
from geopoverty.design.recipe import names_in_right
from geopoverty.effects.indices import index_of, recipe_from
from geopoverty.errors import InputError
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.spatial.impacts import STEP
from geopoverty.numerics.spatial.index import IndexAt, SpatialIndex
from geopoverty.numerics.types import Array
from geopoverty.registers import Data, is_register, read_register
from geopoverty.registers.writing import Written, where_complete, write_parts
from geopoverty.results import Result
from geopoverty.weights import as_weights

EXITED = "exit_probability"


@overload
def predict(
    result: Result,
    data: pd.DataFrame,
    *,
    weights: Any = None,
    conf_level: float = 0.95,
) -> pd.DataFrame: ...


@overload
def predict(
    result: Result,
    data: Data,
    *,
    weights: Any = None,
    conf_level: float = 0.95,
    path: str | os.PathLike[str],
    keep: Sequence[str] | None = None,
) -> Written: ...


def predict(
    result: Result,
    data: Data,
    *,
    weights: Any = None,
    conf_level: float = 0.95,
    path: str | os.PathLike[str] | None = None,
    keep: Sequence[str] | None = None,
) -> pd.DataFrame | Written:
    """Predict from a fitted logit, probit, spatial binary, linear or Cox model.

    Parameters
    ----------
    result : Result
        Of `logit`, `probit`, `spatial_binary`, `ols` or `exit_hazard` (Cox, with one
        baseline).
    data : DataFrame, n rows; or a register
        The covariates of the fit: the same rows, the same units with other
        covariates, or other units. The outcome is not used. Never modified. A
        register is read in parts; the model must then have no lags or dependence.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between the units of `data`, built as for the fit; needed by lags and by
        dependence. To predict for new units beside those of the fit, give rows and
        weights of all of them.
    conf_level : float
        Between 0 and 1.
    path : path, optional
        For a register, and needed there: the folder that Parquet parts are written
        to, a row for each row. It must not be there yet.
    keep : sequence of str, optional
        Columns of a register that are written along; when not given, the unit's.

    Returns
    -------
    DataFrame, n rows, indexed as `data`; of a register, what was written
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
    if is_register(data):
        return _written(_Predictor(result, recipe, told, conf_level), data, path, keep)
    if path is not None or keep is not None:
        raise InputError(
            "path and keep are for registers, whose predictions are written in parts; "
            "those of a table are returned. Leave them out."
        )
    held = None if weights is None else as_weights(weights)
    table = _Predictor(result, recipe, told, conf_level).table(data, held)
    return table.reindex(np.arange(len(data))).set_axis(data.index)


@dataclass(frozen=True, eq=False)
class _Predictor:
    """What predicts rows: a result, its recipe and what is told."""

    result: Result
    recipe: Mapping[str, Any]
    told: Mapping[str, Callable[[Array], Array]]
    conf_level: float

    @property
    def names(self) -> list[str]:
        """The columns of predictions."""
        each = [
            (n,) if n == EXITED else (n, f"{n}_low", f"{n}_high") for n in self.told
        ]
        return ["trend", "signal", "index", *(name for names in each for name in names)]

    def table(self, data: pd.DataFrame, weights: Any = None) -> pd.DataFrame:
        """Return predictions of the complete rows, by position."""
        result, recipe = self.result, self.recipe
        kept, index = index_of(recipe, data, weights)
        if "centre" in recipe:  # a hazard is told relative to that of a row there
            index = replace(index, X=index.X - recipe["centre"])
        found = _parts(index, result, recipe)
        wide = _quantile(result, self.conf_level) * found.pop("error")
        for name, curve in self.told.items():
            found[name] = curve(found["index"])
            if name != EXITED:
                found[f"{name}_low"] = curve(found["index"] - wide)
                found[f"{name}_high"] = curve(found["index"] + wide)
        return pd.DataFrame(found, index=kept)

    def batch(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return predictions of a batch of a register."""
        right = self.recipe["design"]["right"]
        return where_complete(rows, right, self.names, self.table)


def _written(
    predictor: _Predictor,
    data: Data,
    path: str | os.PathLike[str] | None,
    keep: Sequence[str] | None,
) -> Written:
    """Write the predictions of a register."""
    recipe, register = predictor.recipe, read_register(data)
    if recipe["model"] != "none" or holds_lag(recipe["design"]["right"]):
        raise InputError(
            "Lags and dependence need all units at hand, and a register is read in "
            "parts. Predict from a table of units."
        )
    if path is None:
        raise InputError(
            "The predictions of a register are written to a folder: pass path=."
        )
    design = recipe["design"]
    register.must_have(design["levels"])
    needed = names_in_right(design["right"])
    reads = [c for c in register.columns if c in needed]
    unit = [c for c in (design["unit"],) if c in register.columns]
    keep = unit if keep is None else keep
    return write_parts(register, path, predictor.batch, reads, keep)


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
