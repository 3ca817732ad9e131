"""What every way of estimating a spatial binary model starts from and ends with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from geopoverty._checks import refuse_separation, warn
from geopoverty.covariances import Covariance, Vcov, covariance
from geopoverty.design.durbin import LaggedDesign
from geopoverty.design.sample import Sample
from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import BinaryFit, fit_binary, score_blocks
from geopoverty.numerics.covariance import Scores, inverse
from geopoverty.numerics.links import Link
from geopoverty.numerics.spatial.cells import Cells, Layout
from geopoverty.numerics.spatial.lag_logit import LagData, LagProblem, lag_scores
from geopoverty.numerics.types import Array, Codes, Matrix

CHANCE = 1.92  # half the 95 % point of chi-squared with 1 df: a drop that tells nothing
Z95 = 1.959963984540054


class Case(Protocol):
    """One fit whose rows are in memory or elsewhere: all that sums can give."""

    @property
    def lagged(self) -> LaggedDesign:
        """The design: of all rows, or of a sample with the same columns."""

    @property
    def sample(self) -> Sample:
        """Columns of unit, period and sampling weight."""

    @property
    def model(self) -> str:
        """``"lag"``, ``"error"`` or ``"durbin"``."""

    @property
    def link(self) -> Link:
        """Logit or probit."""

    @property
    def bounds(self) -> tuple[float, float]:
        """The feasible rho."""

    @property
    def cells(self) -> Layout:
        """How rows stand in cells."""

    @property
    def means(self) -> Array:
        """Means of the covariates in cells, shape (cells, k)."""

    @property
    def n(self) -> int:
        """Rows."""

    @property
    def dropped(self) -> int:
        """Rows left out because a value is missing."""

    @property
    def share_of_ones(self) -> float:
        """Mean outcome."""

    @property
    def names(self) -> list[str]:
        """Covariates, then the spatial coefficient."""

    @property
    def spatial_name(self) -> str:
        """What the spatial coefficient is called."""

    def lag_data(self) -> LagData:
        """Return the rows as the log-odds lag takes them."""

    def plain(self) -> BinaryFit:
        """Fit the same covariates without dependence."""

    def covariance(self, vcov: Vcov, bread: Array, theta: Array) -> Covariance:
        """Return the covariance of a logit; `theta` has rho at its end, or none."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Data, weights and model of one fit.

    Attributes
    ----------
    lagged : LaggedDesign
    W : array or CSR array, shape (units, units)
    cells : Cells
    sample : Sample
    model : {"lag", "error", "durbin"}
    link : Link
    bounds : (float, float)
        The feasible rho.
    """

    lagged: LaggedDesign
    W: Matrix
    cells: Cells
    sample: Sample
    model: str
    link: Link
    bounds: tuple[float, float]

    @property
    def X(self) -> Array:  # noqa: N802 - what the equations call it
        """Covariates, shape (n, k)."""
        return self.lagged.design.X

    @property
    def y(self) -> Array:
        """Outcome, shape (n,)."""
        return self.lagged.design.y

    @property
    def names(self) -> list[str]:
        """Covariates, then the spatial coefficient."""
        return [*self.lagged.design.names, self.spatial_name]

    @property
    def spatial_name(self) -> str:
        """What the spatial coefficient is called."""
        return "lambda" if self.model == "error" else "rho"

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.y)

    @property
    def dropped(self) -> int:
        """Rows left out because a value is missing."""
        return self.lagged.design.dropped

    @property
    def share_of_ones(self) -> float:
        """Mean outcome."""
        w = np.ones(len(self.y)) if self.cells.w is None else self.cells.w
        return float(w @ self.y / w.sum())

    @cached_property
    def means(self) -> Array:
        """Means of the covariates in cells, shape (cells, k)."""
        return self.cells.mean(self.X)

    def lag_data(self) -> LagProblem:
        """Return the rows as the log-odds lag takes them."""
        return LagProblem(self.X, self.y, self.W, self.cells, self.cells.w, self.link)

    def plain(self) -> BinaryFit:
        """Fit the same covariates without dependence."""
        return fit_binary(self.X, self.y, self.link, self.cells.w)

    def covariance(self, vcov: Vcov, bread: Array, theta: Array) -> Covariance:
        """Return the covariance of a logit; `theta` has rho at its end, or none."""

        def scores() -> Scores:
            if len(theta) > self.X.shape[1]:
                return lag_scores(self.lag_data(), theta)
            return score_blocks(self.X, self.y, theta, self.link, self.cells.w)

        rows = self.lagged.design.rows
        return covariance(vcov, bread, scores, rows, self.sample.unit)

    @property
    def structure(self) -> Literal["lag", "error"]:
        """How W enters: Durbin is a lag whose covariates hold their lags."""
        return "error" if self.model == "error" else "lag"


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a way of estimating found.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        Coefficients, then rho.
    vcov : array, shape (k + 1, k + 1)
    scaled : bool
        Whether probabilities are scaled by the spread of dependent errors.
    facts : mapping
    notes : tuple of str
    record : DataFrame
        The search, a row a step.
    loglik, loglik_plain : float or None
        Of the model, and of the same covariates without dependence.
    flat : bool
        Whether the data leave rho open; all else is then at rho = 0.
    infeasible : bool
        Whether no process has the estimated rho.
    """

    theta: Array
    vcov: Array
    scaled: bool
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    record: pd.DataFrame
    loglik: float | None = None
    loglik_plain: float | None = None
    flat: bool = False
    infeasible: bool = False

    @property
    def rho(self) -> float:
        """The spatial coefficient."""
        return float(self.theta[-1])


def ends(problem: Case) -> tuple[float, float]:
    """Return a strong negative and a strong positive rho: 0.9 of what is feasible."""
    low, high = problem.bounds
    return 0.9 * max(low, -high), 0.9 * high


def wide(problem: Case, variance: float, times: float) -> bool:
    """Tell whether a 95 % interval of rho is `times` as wide as its stable range."""
    low, high = problem.bounds
    if not (np.isfinite(variance) and variance > 0):
        return True
    return bool(2 * Z95 * np.sqrt(variance) > times * (high - max(low, -high)))


def without_dependence(
    problem: Case, plain: BinaryFit, vcov: Vcov, record: pd.DataFrame
) -> Fitted:
    """Return the fit at rho = 0, where the data leave rho open; warn of it.

    Warns
    -----
    GeoPovertyWarning
    """
    low, high = ends(problem)
    name = problem.spatial_name
    note = (
        f"{name} is not identified: whether it is {low:.2g} or {high:.2g} these data "
        f"can hardly tell. So it and all spillovers are left out, and the other "
        f"numbers are those of {name} = 0."
    )
    warn(
        f"{note} Lags over nearly everybody are nearly the same everywhere: use "
        "weights with fewer neighbours (a cutoff, a steeper decay, or k)."
    )
    found = problem.covariance(vcov, inverse(plain.information), plain.beta)
    k = len(plain.beta)
    matrix = np.full((k + 1, k + 1), np.nan)
    matrix[:k, :k] = found.matrix
    return Fitted(
        np.append(plain.beta, 0.0),
        matrix,
        scaled=False,
        facts=found.facts,
        notes=(note, *found.notes),
        record=record,
        loglik=plain.loglik,
        flat=True,
    )


def refuse_boundary(problem: Case, rho: float, record: str) -> None:
    """Raise `EstimationError`: the best rho is at the end of what is feasible."""
    low, high = problem.bounds
    raise EstimationError(
        f"{problem.spatial_name} runs to the boundary of what is feasible, "
        f"{rho:.6g} in ({low:.6g}, {high:.6g}): the fit improves up to it, so there is "
        f"no estimate ({record}). Covariates that explain where the outcome clusters "
        "may be missing; add them, or use weights of fewer neighbours."
    )


def refuse_separated(problem: Case, columns: Codes) -> None:
    """Raise `EstimationError` if covariates separate the outcome perfectly."""
    refuse_separation(columns, problem.names, problem.lagged.design.formula.outcome)
