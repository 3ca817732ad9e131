"""A binary model with first-stage residuals among its covariates."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.numerics.binary import BinaryFit, fit_binary
from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class TwoStep:
    """What goes in.

    Attributes
    ----------
    X : array, shape (n, k)
        Covariates, the endogenous ones among them.
    y : array, shape (n,)
        0 or 1.
    endogenous : array of int, shape (e,)
        Columns of `X`.
    Z : array, shape (n, l)
        All instruments: exogenous covariates and those from outside.
    link : Link
    w : array, shape (n,), or None
        Weights that sum to n.
    """

    X: Array
    y: Array
    endogenous: Codes
    Z: Array
    link: Link
    w: Array | None = None

    @property
    def weight(self) -> Array:
        """Weights, 1 where there are none."""
        return np.ones(len(self.y)) if self.w is None else self.w


@dataclass(frozen=True, eq=False)
class TwoStepFit:
    """Both stages.

    Attributes
    ----------
    binary : BinaryFit
        Of covariates, then residuals.
    XV : array, shape (n, k + e), C order
        Covariates and residuals.
    first : array, shape (l, e)
        First-stage coefficients.
    influence : array, shape (n, k + e + e l)
        How much each row moves the estimates: those of the binary model, then the
        first stages'. Their cross-product is the covariance, to first order.
    """

    binary: BinaryFit
    XV: Array
    first: Array
    influence: Array


def fit_two_step(model: TwoStep) -> TwoStepFit:
    """Regress the endogenous covariates on the instruments, include the residuals.

    Parameters
    ----------
    model : TwoStep

    Returns
    -------
    TwoStepFit
        Without influence when an outcome is separated (``binary.separating``).

    Notes
    -----
    The moments of both stages are stacked: ``z v = 0`` and the score
    ``(y - F) (x, v) = 0`` with ``v = x - z'pi``; the sandwich of the whole system
    carries the first stage's error into the second (Newey & McFadden 1994, section 6;
    Wooldridge 2010, section 12.4).

    References
    ----------
    Rivers, D. & Vuong, Q. (1988). Limited information estimators and exogeneity tests
    for simultaneous probit models. Journal of Econometrics 39, 347-366.
    """
    root = np.sqrt(model.weight)[:, None]
    target = model.X[:, model.endogenous]
    first = linalg.lstsq(model.Z * root, target * root)[0]
    V = target - model.Z @ first
    XV = np.ascontiguousarray(np.column_stack([model.X, V]))
    fit = fit_binary(XV, model.y, model.link, model.w)
    if fit.separating.size:
        return TwoStepFit(fit, XV, first, np.zeros((len(V), 0)))
    return TwoStepFit(fit, XV, first, _influence(model, fit, XV, V))


def _influence(model: TwoStep, fit: BinaryFit, XV: Array, V: Array) -> Array:
    Z, w, k = model.Z, model.weight, model.X.shape[1]
    here = model.link.at(XV @ fit.beta, model.y)
    residual, curve = here.residual * w, here.weight * w
    bread = linalg.inv(fit.information)
    gram = linalg.inv((Z * w[:, None]).T @ Z)
    score = XV * residual[:, None]
    firsts = []
    for j in range(V.shape[1]):
        first = (Z * (w * V[:, j])[:, None]) @ gram
        # The score's derivative in pi_j, through v in the index and v as a covariate.
        slope = fit.beta[k + j] * ((XV * curve[:, None]).T @ Z)
        slope[k + j] -= residual @ Z
        score = score + first @ slope.T
        firsts.append(first)
    return np.column_stack([score @ bread, *firsts])


def stacked_moments(model: TwoStep, theta: Array, first: Array) -> Array:
    """Return each row's moments of both stages, shape (n, k + e + e l).

    Parameters
    ----------
    model : TwoStep
    theta : array, shape (k + e,)
    first : array, shape (l, e)
    """
    V = model.X[:, model.endogenous] - model.Z @ first
    XV = np.column_stack([model.X, V])
    residual = model.link.at(XV @ theta, model.y).residual
    parts = [XV * residual[:, None], *(model.Z * v[:, None] for v in V.T)]
    return np.asarray(np.column_stack(parts) * model.weight[:, None])
