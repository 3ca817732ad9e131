"""Linearised GMM of a spatial-lag binary model (Klier & McMillen 2008)."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import Link
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.instruments import instruments
from geopoverty.numerics.spatial.resolvent import lag_cells
from geopoverty.numerics.types import Array, Matrix


@dataclass(frozen=True, eq=False)
class LinearGmmFit:
    """A spatial-lag binary model, linearised at rho = 0.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        (beta, rho).
    covariance : array, shape (k + 1, k + 1)
    plain : array, shape (k,)
        Coefficients without spatial lag, where the model is linearised.
    moments, parameters : int
        Independent instruments; k + 1.
    outside : bool
        Whether abs(rho) is 1 or more: no stable process has that.
    """

    theta: Array
    covariance: Array
    plain: Array
    moments: int
    parameters: int
    outside: bool


def fit_linear_gmm(
    X: Array, y: Array, W: Matrix, cells: Cells, link: Link, order: int = 2
) -> LinearGmmFit:
    """Fit a spatial-lag logit or probit by two-stage least squares.

    Parameters
    ----------
    X : array, shape (n_rows, k)
        Full column rank.
    y : array, shape (n_rows,)
        0 or 1, both present.
    W : array or CSR array, shape (n, n)
        Between units, no diagonal.
    cells : Cells
    link : Link
    order : int
        The highest power of the weights among the instruments.

    Returns
    -------
    LinearGmmFit

    Raises
    ------
    EstimationError
        If the outcome is separated, the plain fit does not converge, or the
        instruments do not identify rho.

    Notes
    -----
    With v the generalised residuals of the plain fit b, g = -dv/d(Xb) and
    G = g (X, W X b), v + g X b is regressed on G by two-stage least squares with
    instruments (X, WX, ...) [1]_. The linearisation holds at rho = 0 only: away
    from it the estimate is not consistent.

    Standard errors are HC1 with the residuals v + g X b - G theta of the
    equation itself. Residuals of the second stage, which some programs use, hold
    the first stage's noise too.

    References
    ----------
    .. [1] Klier, T. & McMillen, D. P. (2008). Clustering of auto supplier plants
       in the United States. Journal of Business & Economic Statistics 26, 460-471.

    Examples
    --------
    >>> from geopoverty.numerics.links import Logit
    >>> rng = np.random.default_rng(0)
    >>> W = np.roll(np.eye(60), 1, axis=1) / 2 + np.roll(np.eye(60), -1, axis=1) / 2
    >>> X = np.column_stack([np.ones(60), rng.normal(size=60)])
    >>> y = (X[:, 1] + rng.logistic(size=60) > 0).astype(float)
    >>> cells = Cells(np.arange(60), units=60, periods=1)
    >>> fit = fit_linear_gmm(X, y, W, cells, Logit)
    >>> fit.moments, fit.parameters, fit.outside
    (4, 3, False)
    """
    plain = fit_plain(X, y, link)
    H = instruments(X, W, cells, order)
    check_moments(H.shape[1], X.shape[1] + 1)
    index = X @ plain
    point = link.at(index, y)
    lag = lag_cells(W, cells, cells.mean(index))[cells.codes]
    G = point.weight[:, None] * np.column_stack([X, lag])
    left = point.residual + point.weight * index
    Q = linalg.qr(H, mode="economic")[0]
    theta, covariance = _two_stage(G, left, Q)
    outside = bool(abs(theta[-1]) >= 1)
    return LinearGmmFit(theta, covariance, plain, H.shape[1], len(theta), outside)


def fit_plain(X: Array, y: Array, link: Link) -> Array:
    """Return the coefficients of the model without spatial dependence.

    Raises
    ------
    EstimationError
        If the outcome is separated or the fit does not converge.
    """
    plain = fit_binary(np.ascontiguousarray(X), y, link)
    if plain.separating.size:
        names = ", ".join(map(str, plain.separating[:5]))
        raise EstimationError(
            "A binary model needs an outcome that no covariate separates; "
            f"{plain.separating.size} of {X.shape[1]} columns do ({names}). Drop them."
        )
    return plain.beta


def check_moments(moments: int, parameters: int) -> None:
    """Refuse fewer independent instruments than parameters.

    Raises
    ------
    EstimationError
        If there are too few.
    """
    if moments < parameters:
        raise EstimationError(
            f"GMM needs an independent instrument for each of {parameters} "
            f"parameters; there are {moments}. Add a covariate whose spatial lag is "
            "not a combination of the covariates, or estimate by maximum likelihood."
        )


def _two_stage(G: Array, left: Array, Q: Array) -> tuple[Array, Array]:
    n, k = G.shape
    scale = np.sqrt(np.einsum("ij,ij->j", G, G))
    projected = Q.T @ (G / scale)
    left_singular, values, right = linalg.svd(projected, full_matrices=False)
    if values[-1] < 1e-10 * values[0]:
        raise EstimationError(
            "The instruments do not tell rho from the coefficients. Use other "
            "weights, or estimate by maximum likelihood."
        )
    bread = (right.T / values) @ left_singular.T / scale[:, None]  # k x p
    theta = bread @ (Q.T @ left)
    scores = (Q @ bread.T) * (left - G @ theta)[:, None]
    return theta, np.asarray(scores.T @ scores) * (n / (n - k))
