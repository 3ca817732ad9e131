"""The models that a search compares, and the one it ends with."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from geopoverty._checks import binary_outcome, first, refuse_separation
from geopoverty.covariances import Covariance, Vcov, covariance
from geopoverty.design import Design
from geopoverty.design.columns import refuse_collinear, refuse_ill
from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics import binary, least_squares
from geopoverty.numerics.covariance import inverse
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.subsets import BinarySubsets, LeastSquaresSubsets, Subsets
from geopoverty.numerics.types import Array

PERFECT = 1e-20  # of the outcome's squares left by the widest model: rounding


@dataclass(frozen=True, eq=False)
class Kind:
    """What kind of model is searched for.

    Attributes
    ----------
    name : {"ols", "logit", "probit"}
    """

    name: str

    @property
    def extra(self) -> int:
        """Parameters beyond the columns: the variance of the errors."""
        return int(self.name == "ols")

    def check(self, design: Design) -> float:
        """Check the sample; return its size (of the rarer outcome, if 0/1).

        Raises
        ------
        InputError
            If rows are no more than columns, columns determine one another, or the
            outcome does not vary or is not 0/1.
        """
        n, k = design.X.shape
        if n <= k:
            raise InputError(
                f"A search needs more rows than columns; there are {n} complete rows "
                f"and {k} columns ({first(design.names)}). Name fewer covariates, or "
                "add rows."
            )
        if self.name == "ols" and design.y.min() == design.y.max():
            raise InputError(
                f"The outcome '{design.formula.outcome}' must vary; it is "
                f"{design.y[0]:g} in all {n} rows. Check how it was computed."
            )
        size = float(n)
        if self.name != "ols":
            y = binary_outcome(
                pd.Series(design.y, design.rows.index), design.formula.outcome
            )
            size = float(min(y.sum(), n - y.sum()))
        refuse_collinear(design.X, design.names)
        refuse_ill(design.X, design.names)
        return size

    def subsets(self, design: Design) -> Subsets:
        """Return the models on some of the columns.

        Raises
        ------
        EstimationError
            If all columns together fit the outcome perfectly.
        """
        X, y = design.X, design.y
        if self.name != "ols":
            link = LINKS[self.name]
            found = binary.fit_binary(X, y, link).separating
            refuse_separation(found, design.names, design.formula.outcome)
            return BinarySubsets(X, y, link)
        models = LeastSquaresSubsets(X, y)
        if models.rss(range(X.shape[1])) <= PERFECT * float(y @ y):
            raise EstimationError(
                f"All covariates together fit the outcome '{design.formula.outcome}' "
                "perfectly, and models that do cannot be compared. Look for a "
                "covariate that was computed from the outcome, and leave it out."
            )
        return models

    def fit(self, design: Design, columns: list[int], vcov: Vcov, unit: str) -> "Ended":
        """Fit the last model, with the covariance asked for."""
        X, y = np.ascontiguousarray(design.X[:, columns]), design.y
        rows = design.rows
        if self.name == "ols":
            fit = least_squares.least_squares(y, X)
            bread = fit.bread * (fit.sigma2 if vcov == "iid" else 1.0)
            cov = covariance(
                vcov,
                bread,
                lambda: least_squares.score_blocks(X, fit.residual),
                rows,
                unit,
            )
            df = float(cov.facts.get("n_clusters", fit.df + 1) - 1)
            return Ended(fit.beta, cov, y - fit.residual, df)
        link = LINKS[self.name]
        found = binary.fit_binary(X, y, link)
        cov = covariance(
            vcov,
            inverse(found.information),
            lambda: binary.score_blocks(X, y, found.beta, link),
            rows,
            unit,
        )
        return Ended(found.beta, cov, link.probability(X @ found.beta), None)


@dataclass(frozen=True, eq=False)
class Ended:
    """The model a search ends with.

    Attributes
    ----------
    beta : array, shape (k,)
    cov : Covariance
    fitted : array, shape (n,)
    df : float, optional
        Of t tests.
    """

    beta: Array
    cov: Covariance
    fitted: Array
    df: float | None
