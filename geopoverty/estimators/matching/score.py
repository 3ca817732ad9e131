"""The chance of treatment: what rows are matched on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first, refuse_separation, require
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.matching.options import Score
from geopoverty.estimators.matching.rows import Rows
from geopoverty.numerics.binary import BinaryFit, fit_binary
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.pairing import Side, same, side
from geopoverty.numerics.types import Array, Mask
from geopoverty.results import inference_table


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A fitted model of treatment.

    Attributes
    ----------
    fit : BinaryFit
        On columns divided by `scale`.
    scale : array, shape (k,)
    columns : list of int
        Of the design.
    loglik_null : float
    """

    fit: BinaryFit
    scale: Array
    columns: list[int]
    loglik_null: float

    @property
    def beta(self) -> Array:
        """Coefficients in the units of the covariates."""
        return np.asarray(self.fit.beta / self.scale)

    @property
    def lr(self) -> float:
        """Likelihood ratio against the constant alone."""
        return 2 * (self.fit.loglik - self.loglik_null)

    @property
    def pseudo_r_squared(self) -> float:
        """McFadden's."""
        return 1 - self.fit.loglik / self.loglik_null

    @property
    def df(self) -> int:
        """Number of covariates."""
        return len(self.columns) - 1


@dataclass(frozen=True, eq=False, repr=False)
class Scored:
    """Rows with their score.

    Attributes
    ----------
    rows : Rows
    score : Score
    model : Model or None
        None when the score came from elsewhere.
    index, value : array, shape (n,)
        The linear predictor (of a given score, the score) and what is matched on.
    supported : array of bool, shape (n,)
        False for treated rows outside the range of the controls' scores.
    """

    rows: Rows
    score: Score
    model: Model | None
    index: Array
    value: Array
    supported: Mask

    @property
    def sides(self) -> tuple[Side, Side]:
        """Treated rows on support, and controls, sorted by score."""
        treated = self.rows.treated
        return (
            side(self.value, np.flatnonzero(treated & self.supported)),
            side(self.value, np.flatnonzero(~treated)),
        )


def fit_model(
    rows: Rows, link: str, weight: Array | None = None, columns: list[int] | None = None
) -> Model:
    """Fit who is treated.

    Parameters
    ----------
    rows : Rows
    link : {"probit", "logit"}
    weight : array, shape (n,), optional
        At least 0; sampling weights when not given.
    columns : list of int, optional
        All when not given.

    Raises
    ------
    EstimationError
        If covariates separate the arms.
    """
    chosen = list(range(len(rows.names))) if columns is None else columns
    w = weight
    if weight is None and rows.weighted:
        w = rows.weight
    X = rows.X[:, chosen] if columns is not None else rows.X
    # Yuan beside years of age: equal lengths keep the information well conditioned.
    scale = np.sqrt(np.einsum("ij,ij->j", X, X) / len(X))
    y = rows.treated.astype(np.float64)
    fit = fit_binary(np.ascontiguousarray(X / scale), y, LINKS[link], w)
    refuse_separation(fit.separating, [rows.names[j] for j in chosen], rows.treatment)
    total = float(len(y) if w is None else w.sum())
    ones = float(y.sum() if w is None else w @ y)
    return Model(fit, scale, chosen, loglik_of_constant(ones, total))


def loglik_of_constant(ones: float, total: float) -> float:
    """Return the log-likelihood of the constant alone, from sums of weights."""
    return float(ones * np.log(ones / total) + (total - ones) * np.log1p(-ones / total))


def predictor(rows: Rows, beta: Array) -> Array:
    """Return X beta, the same to the last bit in rows that are the same.

    A matrix product adds up in an order that depends on where a row stands, so that
    two equal households could differ in the last digit and would not be tied.
    """
    total = np.zeros(len(rows.X))
    for j, b in enumerate(beta):
        total += rows.X[:, j] * b
    return total


def score_rows(rows: Rows, score: Score, weight: Array | None = None) -> Scored:
    """Score the rows and find the common support.

    Raises
    ------
    InputError
        If a given score is not finite.
    EstimationError
        If covariates separate the arms, or no treated row is on support.
    """
    if score.column is None:
        model = fit_model(rows, score.link, weight)
        index = predictor(rows, model.beta)
        value = LINKS[score.link].probability(index)
    else:
        model, value = None, _given(rows, score.column)
        index = value
    if score.column is not None and np.ptp(value) == 0:
        raise InputError(
            f"The score '{score.column}' is {value[0]:g} in every row: nothing is "
            "nearer than anything else. Check how it was computed."
        )
    found = Scored(rows, score, model, index, value, _supported(rows, score, value))
    if not (found.supported & rows.treated).any():
        controls = value[~rows.treated]
        treated = value[rows.treated]
        raise EstimationError(
            "Treated and controls have no overlap: no treated row's score, from "
            f"{treated.min():.4g} to {treated.max():.4g}, lies within the controls', "
            f"from {controls.min():.4g} to {controls.max():.4g}. There is nobody to "
            "compare with: leave out what predicts treatment (almost) perfectly."
        )
    return found


def _given(rows: Rows, column: str) -> Array:
    if not pd.api.types.is_numeric_dtype(rows.table[column]):
        raise InputError(f"The score '{column}' must be numeric.")
    value = rows.table[column].to_numpy(np.float64)
    require(
        np.isfinite(value),
        f"The score '{column}' must be finite",
        ids=rows.table.index,
        way_out="Drop these rows, or compute their score.",
    )
    return np.asarray(value)


def _supported(rows: Rows, score: Score, value: Array) -> Mask:
    if score.support == "all":
        return np.ones(len(value), dtype=bool)
    controls = value[~rows.treated]
    everyone = side(value, np.arange(len(value)))
    slack = same(everyone)
    inside = (value >= controls.min() - slack) & (value <= controls.max() + slack)
    return np.asarray(inside | ~rows.treated)


def score_table(scored: Scored) -> pd.DataFrame:
    """Return the coefficients of the model of treatment; empty without one."""
    if scored.model is None:
        return pd.DataFrame(columns=["term", "estimate", "std_error"])
    model = scored.model
    variance = np.diag(inverse(model.fit.information)) / model.scale**2
    names = scored.rows.names
    return inference_table(
        pd.Series(model.beta, index=names),
        pd.Series(np.sqrt(variance), index=names),
    )


def model_facts(scored: Scored) -> dict[str, float]:
    """Return how well covariates explain treatment."""
    if scored.model is None:
        return {}
    model = scored.model
    return {
        "score_log_likelihood": model.fit.loglik,
        "score_pseudo_r_squared": model.pseudo_r_squared,
        "score_lr": model.lr,
        "score_lr_p": float(stats.chi2.sf(model.lr, model.df)),
    }


def off_support_note(scored: Scored) -> list[str]:
    """Say how many treated rows are left out, and which."""
    off = ~scored.supported
    if not off.any():
        return []
    ids = scored.rows.table.index[off]
    return [
        f"{int(off.sum()):,} of {int(scored.rows.treated.sum()):,} treated rows lie "
        f"outside the range of the controls' scores and are left out ({first(ids)}): "
        "the effect is that of the others."
    ]
