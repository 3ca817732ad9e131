"""Linearised GMM of a spatial-lag binary model (Klier & McMillen 2008)."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import Link
from geopoverty.numerics.rank import dependent_among, stacked, triangle
from geopoverty.numerics.rows import Block, Combines, Feed, Kernel, Parts
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.lag_logit import LagData, LagProblem
from geopoverty.numerics.spatial.resolvent import lag_cells
from geopoverty.numerics.types import Array, Codes, Matrix


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
    data = LagProblem(X, y, W, cells, None, link)
    return fit_linear_rows(data, fit_plain(X, y, link), order)


def fit_linear_rows(data: LagData, plain: Array, order: int = 2) -> LinearGmmFit:
    """Fit a spatial-lag logit or probit by two-stage least squares, rows anywhere.

    Parameters
    ----------
    data : LagData
        Without weights of rows.
    plain : array, shape (k,)
        Coefficients of the model without spatial dependence.
    order : int

    Returns
    -------
    LinearGmmFit
        See `fit_linear_gmm`.

    Raises
    ------
    EstimationError
        If the instruments do not identify rho.
    """
    H = _Instruments.of(data, order)
    check_moments(len(H.triangle), len(plain) + 1)
    index = data.means @ plain
    lag = lag_cells(data.W, data.cells, index)
    link = data.link

    def linearised(block: Block) -> tuple[Array, Array, Array]:
        eta = block.X @ plain
        point = link.at(eta, block.y)
        G = point.weight[:, None] * np.column_stack([block.X, lag[block.codes]])
        return H.basis(block), G, point.residual + point.weight * eta

    def first(block: Block) -> Parts:
        Q, G, left = linearised(block)
        return Q.T @ G, Q.T @ left, np.einsum("ij,ij->j", G, G), len(left)

    projected, pulled, squares, n = data.rows.total(first)
    bread = _bread(projected, np.sqrt(squares))
    theta = bread @ pulled

    def second(block: Block) -> Parts:
        Q, G, left = linearised(block)
        scores = (Q @ bread.T) * (left - G @ theta)[:, None]
        return (scores.T @ scores,)

    (outer,) = data.rows.total(second)
    k = len(theta)
    return LinearGmmFit(
        theta=theta,
        covariance=np.asarray(outer) * (n / (n - k)),
        plain=plain,
        moments=len(H.triangle),
        parameters=k,
        outside=bool(abs(theta[-1]) >= 1),
    )


@dataclass(frozen=True, eq=False)
class _Instruments:
    """Covariates and their lags, as far as they are independent, of any block.

    Attributes
    ----------
    lags : array, shape (cells, m)
    kept : array of int
        Columns of (X, lags).
    triangle : array, shape (p, p)
        R of their QR decomposition over all rows.
    """

    lags: Array
    kept: Codes
    triangle: Array

    @classmethod
    def of(cls, data: LagData, order: int) -> "_Instruments":
        """Find the instruments of a model."""
        low, high = data.rows.total(
            lambda b: (b.X.min(axis=0), b.X.max(axis=0)), (np.minimum, np.maximum)
        )
        lags = [data.means[:, high > low]]
        for _ in range(order):
            lags.append(lag_cells(data.W, data.cells, lags[-1]))
        found = cls(np.column_stack(lags[1:]), np.zeros(0, np.intp), np.zeros((0, 0)))
        (gram,) = data.rows.total(lambda b: (_gram(found.columns(b)),))
        drop = {j for j, _ in dependent_among(_Columns(data.rows, found), gram)}
        kept = np.array([j for j in range(len(gram)) if j not in drop], dtype=np.intp)
        found = cls(found.lags, kept, found.triangle)
        (R,) = data.rows.total(lambda b: (triangle(found.columns(b)),), stacked)
        return cls(found.lags, kept, R)

    def columns(self, block: Block) -> Array:
        """Return the instruments of a block, all of them until some are kept."""
        H = np.column_stack([block.X, self.lags[block.codes]])
        return H[:, self.kept] if len(self.kept) else H

    def basis(self, block: Block) -> Array:
        """Return the block's rows of an orthonormal basis, shape (m, p)."""
        H = self.columns(block)
        return np.asarray(linalg.solve_triangular(self.triangle, H.T, trans="T").T)


@dataclass(frozen=True, eq=False)
class _Columns:
    """Instruments as plain rows."""

    rows: Feed
    of: _Instruments

    def total(self, kernel: Kernel, combine: Combines = np.add) -> Parts:
        """Return what a kernel gives for each block, combined over all of them."""
        of = self.of

        def columns(block: Block) -> Parts:
            return kernel(Block(of.columns(block), block.y))

        return self.rows.total(columns, combine)


def _gram(H: Array) -> Array:
    return np.asarray(H.T @ H)


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


def _bread(projected: Array, scale: Array) -> Array:
    """Return the inverse of Q'G, shape (k + 1, p); G's columns have length `scale`."""
    left, values, right = linalg.svd(projected / scale, full_matrices=False)
    if values[-1] < 1e-10 * values[0]:
        raise EstimationError(
            "The instruments do not tell rho from the coefficients. Use other "
            "weights, or estimate by maximum likelihood."
        )
    return np.asarray((right.T / values) @ left.T / scale[:, None])
