"""Moments of generalised residuals, and their exact derivatives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from geopoverty.numerics.links import Link
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.resolvent import Resolvent, lag_cells
from geopoverty.numerics.types import Array, Matrix

SpatialModel: TypeAlias = Literal["lag", "error"]
VarianceAt: TypeAlias = Callable[[float], tuple[Array, Array]]  # s^2 and its slope

ERROR_VARIANCE = {"probit": 1.0, "logit": np.pi**2 / 3}


@dataclass(frozen=True, eq=False)
class BinaryData:
    """A spatial binary model and its data.

    Attributes
    ----------
    X : array, shape (n_rows, k)
    y : array, shape (n_rows,)
        0 or 1.
    W : array or CSR array, shape (n, n)
    cells : Cells
    link : Link
    model : {"lag", "error"}
    """

    X: Array
    y: Array
    W: Matrix
    cells: Cells
    link: Link
    model: SpatialModel = "lag"


@dataclass(frozen=True, eq=False)
class Moments:
    """Generalised residuals at one parameter, in the space of the instruments.

    Attributes
    ----------
    value : array, shape (p,)
        Q'v.
    jacobian : array, shape (p, k + 1)
        Its derivatives in (beta, rho).
    gradient : array, shape (n_rows, k + 1)
        The derivatives of v itself.
    weight : array, shape (n_rows,)
        Variance of each generalised residual, f^2 / (F (1 - F)).
    variance : array, shape (n_rows,)
        s^2 of each row's latent error.
    """

    value: Array
    jacobian: Array
    gradient: Array
    weight: Array
    variance: Array


def design(data: BinaryData, rho: float) -> tuple[Array, Array]:
    """Return the latent mean's design and its derivative in rho.

    Parameters
    ----------
    data : BinaryData
    rho : float

    Returns
    -------
    M : array, shape (n_rows, k)
        A_N^-1 X in a lag model, X in an error model: the latent mean is M beta.
    slope : array, shape (n_cells, k)
        Derivative of M in rho, the same for all rows of a cell: B W B X.

    Raises
    ------
    EstimationError
        If I - rho W is singular.
    """
    if data.model == "error":
        return data.X, np.zeros((data.cells.n, data.X.shape[1]))
    cells, solver = data.cells, Resolvent(data.W, rho)
    means = cells.mean(data.X)
    pulled = solver.cells(cells, means)
    slope = solver.cells(cells, lag_cells(data.W, cells, pulled))
    return data.X + (pulled - means)[cells.codes], slope


def moments(data: BinaryData, theta: Array, Q: Array, variances: VarianceAt) -> Moments:
    """Return the moments at one parameter with their derivatives.

    Parameters
    ----------
    data : BinaryData
    theta : array, shape (k + 1,)
        (beta, rho).
    Q : array, shape (n_rows, p)
        Orthonormal basis of the instruments.
    variances : callable
        From rho to s^2 and its derivative in rho, each of shape (n_rows,).

    Returns
    -------
    Moments

    Raises
    ------
    EstimationError
        If I - rho W is singular.

    Notes
    -----
    v is the generalised residual of the link at a = M beta / s, so that
    dv/da = -(observed information), da/dbeta = M / s and
    da/drho = (dM/drho) beta / s - a (ds^2/drho) / (2 s^2).
    """
    beta, rho = theta[:-1], float(theta[-1])
    M, slope = design(data, rho)
    variance, d_variance = variances(rho)
    s = np.sqrt(variance)
    index = M @ beta / s
    point = data.link.at(index, data.y)
    of_rho = (slope @ beta)[data.cells.codes] / s - index * d_variance / (2 * variance)
    gradient = np.column_stack([M / s[:, None], of_rho]) * -point.weight[:, None]
    weight = _weight(data.link, index)
    value, jacobian = Q.T @ point.residual, Q.T @ gradient
    return Moments(value, jacobian, gradient, weight, variance)


def covariance(
    data: BinaryData, rho: float, here: Moments, Q: Array, *, dependent: bool = True
) -> Array:
    """Return the covariance of the moments Q'v.

    Parameters
    ----------
    data : BinaryData
    rho : float
    here : Moments
        At that rho.
    Q : array, shape (n_rows, p)
    dependent : bool
        Whether residuals of different rows covary, as the model says. Without,
        the result is Q' diag(weight) Q.

    Returns
    -------
    array, shape (p, p)

    Raises
    ------
    EstimationError
        If I - rho W is singular.

    Notes
    -----
    Outcomes whose latent errors correlate by r_ij have
    E[v_i v_j] = w_i w_j tau r_ij + O(r_ij^2), w the variance of v and tau that of
    the link's error: the density is the derivative of the bivariate normal
    probability in r [1]_. As r = Sigma_ij / (s_i s_j), all pairs together take one
    solve for each instrument, and no n x n matrix.

    References
    ----------
    .. [1] Plackett, R. L. (1954). A reduction formula for normal multivariate
       integrals. Biometrika 41, 351-360.
    """
    if not dependent:
        return np.asarray((Q * here.weight[:, None]).T @ Q)
    cells, solver = data.cells, Resolvent(data.W, rho)
    scaled = Q * (here.weight / np.sqrt(here.variance))[:, None]
    sums = cells.add(scaled)
    carried = solver.cells(cells, sums, transposed=True) - sums
    of_shocks = scaled + cells.share[:, None] * carried[cells.codes]
    tau = ERROR_VARIANCE[data.link.name]
    rest = Q * (here.weight * (1 - tau * here.weight))[:, None]
    return np.asarray(Q.T @ rest + tau * of_shocks.T @ of_shocks)


def _weight(link: Link, index: Array) -> Array:
    # f^2 / (F (1 - F)) as a product of two residuals stays exact in the tails.
    ones = np.ones_like(index)
    up, down = link.at(index, ones).residual, link.at(index, 0 * ones).residual
    return -up * down
