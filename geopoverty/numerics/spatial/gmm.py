"""GMM of spatial lag and error models of a binary outcome."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial.gmm_search import Record, Search
from geopoverty.numerics.spatial.instruments import instruments, variance_instruments
from geopoverty.numerics.spatial.linear_gmm import (
    check_moments,
    fit_linear_gmm,
    fit_plain,
)
from geopoverty.numerics.spatial.moments import BinaryData, covariance, design
from geopoverty.numerics.spatial.spread_curve import EDGE
from geopoverty.numerics.types import Array

GRID = (-0.5, 0.3, 0.6, 0.85)  # starts beside 0, as shares of the way to an end
FAR = 0.99  # of the way to an end: what the data should be able to exclude
EXCLUDED = 3.84  # rise of the objective at the limit of a 95 % interval
LAST = EDGE - 1e-4  # the search cannot go further towards an end
SINGULAR = 1e-8  # of the moments' derivatives, scaled to length 1


@dataclass(frozen=True)
class GmmOptions:
    """How to estimate.

    Attributes
    ----------
    steps : {1, 2}
        One: weight by (H'H)^-1. Two: by the inverse variance S of the moments at
        the one-step estimate.
    order : int
        The highest power of the weights among the instruments; at least 1 in a
        lag model, 2 in an error model.
    bounds : tuple of float
        The feasible rho, finite, around 0.
    dependent : bool
        Whether S counts that latent errors of neighbours covary. The papers leave
        that out, which makes standard errors too small: choose False to compare
        with published work.
    start : array, shape (k + 1,), optional
        (beta, rho) to start at, besides the starts that are always tried.
    """

    steps: int = 1
    order: int = 2
    bounds: tuple[float, float] = (-1.0, 1.0)
    dependent: bool = True
    start: Array | None = None


@dataclass(frozen=True, eq=False)
class GmmFit:
    """A fitted spatial binary model.

    Attributes
    ----------
    theta : array, shape (k + 1,)
        (beta, rho).
    covariance : array, shape (k + 1, k + 1)
    objective : float
        n g'Psi g at the estimate. After two steps it is Hansen's J.
    moments, parameters : int
        Independent instruments, and k + 1.
    steps : int
        1 or 2.
    rise : tuple of float
        By how much the efficient objective rises when rho is moved down, and up,
        to 99 per cent of the way from 0 to the nearer feasible end. Below 3.84 a
        95 per cent interval for rho reaches there.
    weak : bool
        Whether either does: the instruments leave rho open on that side, and
        neither its standard error nor J can be trusted.
    at_boundary : bool
        Whether the least objective lies at an end of the feasible rho.
    record : list of dict
        Every search: step, start (of rho), evaluations, rho, objective, status.
    """

    theta: Array
    covariance: Array
    objective: float
    moments: int
    parameters: int
    steps: int
    rise: tuple[float, float]
    weak: bool
    at_boundary: bool
    record: Record

    @property
    def df(self) -> int:
        """Overidentifying restrictions: the degrees of freedom of J."""
        return self.moments - self.parameters


def fit_gmm(data: BinaryData, options: GmmOptions | None = None) -> GmmFit:
    """Fit a spatial lag or error model by the generalised method of moments.

    Parameters
    ----------
    data : BinaryData
        X of full column rank; both outcomes present; weights without diagonal.
    options : GmmOptions, optional

    Returns
    -------
    GmmFit

    Raises
    ------
    EstimationError
        If the outcome is separated, there are fewer independent instruments
        than parameters, they do not identify rho, or no search converges (the
        message holds the record).

    Notes
    -----
    Minimises v'H Psi H'v / n over beta and rho, v the generalised residuals at
    a = A_N^-1 X b / s (lag) or X b / s (error) [1]_ [2]_, with exact derivatives.
    A lag model takes H = (X, WX, ..., W^order X).

    In an error model only the standard deviation s depends on rho. Pinkse & Slade
    leave its instruments open; lags of X do not move s, so H = (X, cX, ...,
    c^(order - 1) X) with c = diag(WW' + 2 W^2), the leading part of s^2. That
    identifies rho, and hardly its sign, only as far as variances differ between
    units: expect `weak`, and prefer maximum likelihood, which also uses which
    outcomes go together.

    The search runs from several starts on interpolated variances; the best three
    are finished on exact ones.

    References
    ----------
    .. [1] Pinkse, J. & Slade, M. E. (1998). Contracting in space. Journal of
       Econometrics 85, 125-154.
    .. [2] Piras, G. & Sarrias, M. (2023). One or two-step? Evaluating GMM
       efficiency for spatial binary probit models. Journal of Choice Modelling
       48, 100432.

    Examples
    --------
    >>> from geopoverty.numerics.links import Logit
    >>> from geopoverty.numerics.spatial.cells import Cells
    >>> rng = np.random.default_rng(0)
    >>> W = np.roll(np.eye(200), 1, axis=1) / 2 + np.roll(np.eye(200), -1, axis=1) / 2
    >>> X = np.column_stack([np.ones(200), rng.normal(size=200)])
    >>> shocks = X[:, 1] + rng.logistic(size=200)
    >>> y = (np.linalg.solve(np.eye(200) - 0.5 * W, shocks) > 0).astype(float)
    >>> cells = Cells(np.arange(200), units=200, periods=1)
    >>> fit = fit_gmm(BinaryData(X, y, W, cells, Logit), GmmOptions(steps=2))
    >>> fit.moments, fit.parameters, fit.df, fit.at_boundary
    (4, 3, 1, False)
    """
    options = GmmOptions() if options is None else options
    make = instruments if data.model == "lag" else variance_instruments
    H = make(data.X, data.W, data.cells, options.order)
    check_moments(H.shape[1], data.X.shape[1] + 1)
    Q = np.asarray(linalg.qr(H, mode="economic")[0])
    search = Search(data, Q, options.bounds)
    starts = list(_starts(search, options))
    root = np.eye(Q.shape[1])
    theta, record = search.run(1, root, starts)
    if options.steps == 2:
        root = _root_of_inverse(_moment_covariance(search, theta, options))
        theta, second = search.run(2, root, [theta, *starts])
        record = record + second
    return _finished(search, theta, root, options, record)


def _starts(search: Search, options: GmmOptions) -> Iterator[Array]:
    """Yield where to start: the plain fit given each of several rho."""
    data, (low, high) = search.data, options.bounds
    if options.start is not None:
        yield options.start
    yield np.append(fit_plain(data.X, data.y, data.link), 0.0)
    grid = [share * (high if share > 0 else -low) for share in GRID]
    if data.model == "lag":
        with suppress(EstimationError):
            parts = data.X, data.y, data.W, data.cells, data.link, options.order
            linear = float(fit_linear_gmm(*parts).theta[-1])
            grid.append(float(np.clip(linear, 0.9 * low, 0.9 * high)))
    for rho in grid:
        with suppress(EstimationError):  # one start less
            yield _plain_at(search, rho)


def _plain_at(search: Search, rho: float) -> Array:
    data = search.data
    scale = np.sqrt(search.curve.at(rho)[0])[:, None]
    return np.append(fit_plain(design(data, rho)[0] / scale, data.y, data.link), rho)


def _moment_covariance(search: Search, theta: Array, options: GmmOptions) -> Array:
    here = search.moments(theta)
    return covariance(
        search.data, float(theta[-1]), here, search.Q, dependent=options.dependent
    )


def _root_of_inverse(S: Array) -> Array:
    """Return R with R'R the inverse of S."""
    try:
        lower = linalg.cholesky(S, lower=True)
    except linalg.LinAlgError as error:
        raise EstimationError(
            "The variance of the moments is singular: fitted probabilities are 0 or "
            "1. Look for a covariate that separates the outcome."
        ) from error
    inverse = linalg.solve_triangular(lower, np.eye(len(S)), lower=True)
    return np.asarray(inverse)


def _finished(
    search: Search, theta: Array, root: Array, options: GmmOptions, record: Record
) -> GmmFit:
    here = search.moments(theta)
    S = _moment_covariance(search, theta, options)
    bread = _bread(root @ here.jacobian, theta) @ root
    rise = _rise(search, theta, _root_of_inverse(S), options)
    low, high = options.bounds
    return GmmFit(
        theta=theta,
        covariance=bread @ S @ bread.T,
        objective=float(np.sum((root @ here.value) ** 2)),
        moments=search.Q.shape[1],
        parameters=len(theta),
        steps=options.steps,
        rise=rise,
        weak=min(rise) < EXCLUDED,
        at_boundary=not LAST * low < theta[-1] < LAST * high,
        record=record,
    )


def _bread(G: Array, theta: Array) -> Array:
    """Return (G'G)^-1 G', G the weighted derivatives of the moments."""
    scale = np.sqrt(np.einsum("ij,ij->j", G, G))
    if scale.all():
        left, values, right = linalg.svd(G / scale, full_matrices=False)
        if values[-1] > SINGULAR:
            return np.asarray((right.T / values) @ left.T / scale[:, None])
    raise EstimationError(
        "The instruments do not identify the coefficients: at "
        f"rho = {theta[-1]:.6g} the derivatives of the moments are dependent. Use "
        "other weights, or estimate by maximum likelihood."
    )


def _rise(
    search: Search, theta: Array, root: Array, options: GmmOptions
) -> tuple[float, float]:
    """Return how far the objective rises towards the two ends of rho."""
    least = search.least_at(root, theta)
    nearer = min(-options.bounds[0], options.bounds[1])
    rises = []
    for rho in (-FAR * nearer, FAR * nearer):
        start = np.append(theta[:-1], rho)
        with suppress(EstimationError):
            start = _plain_at(search, rho)
        rises.append(search.least_at(root, start) - least)
    return rises[0], rises[1]
