"""The Laplace approximation of a logit with unit effects, and its gradient."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import special

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial.random_precision import Precision
from geopoverty.numerics.spatial.selected_inverse import SelectedInverse
from geopoverty.numerics.types import Array, Codes, Matrix

NEARLY = 1e-6  # log-odds: after a Newton step so short, what is left is its square
SETTLED = 1e-9  # the same for steps with an older factor, which fall by STALE
STALE = 0.1
MAX_STEPS = 100


@dataclass(frozen=True, eq=False)
class Grouped:
    """Rows in units: what a logit with unit effects is fitted to.

    Attributes
    ----------
    X : array, shape (n_rows, k)
    y : array, shape (n_rows,)
        0 or 1.
    codes : array of int, shape (n_rows,)
        Unit of each row, 0 to ``precision.n - 1``. Units may have no rows.
    w : array, shape (n_rows,)
        Weight of each row's log-likelihood: 2 counts as two rows.
    precision : Precision
        Of the effects of units.
    """

    X: Array
    y: Array
    codes: Codes
    w: Array
    precision: Precision


@dataclass(frozen=True, eq=False)
class _Height:
    """How likely rows and effects are together, at some effects."""

    theta: Array
    sums: tuple[Array, Array, Array]
    loglik: float
    total: float


@dataclass(frozen=True, eq=False)
class _Mode:
    """Where that is highest, and M = P + sigma^2 D factored there."""

    theta: Array
    sums: tuple[Array, Array, Array]
    loglik: float
    factor: SelectedInverse
    steps: int


@dataclass(frozen=True, eq=False)
class LaplacePoint:
    """The Laplace log-likelihood at one (beta, log sigma, rho).

    Attributes
    ----------
    parameters : array, shape (k + 2,)
    loglik : float
    gradient : array, shape (k + 2,)
        Exact: of the approximation, not of the integral.
    theta : array, shape (units,)
        Mode of the unit effects.
    variances : array, shape (units,)
        Variance of the effects around their mode, given the parameters.
    steps : int
        Newton steps to the mode.
    factor : SelectedInverse
        Of M = P + sigma^2 D.
    """

    parameters: Array
    loglik: float
    gradient: Array
    theta: Array
    variances: Array
    steps: int
    factor: SelectedInverse


class Laplace:
    """Evaluates the Laplace log-likelihood; keeps what the next point can use.

    Log-odds are x'b + theta_g, with theta ~ N(0, sigma^2 P(rho)^-1). With s, D and T
    the sums over each unit's rows of the first three derivatives of the
    log-likelihood (signs: y - p, p (1 - p), p (1 - p)(1 - 2p)), the mode solves
    P theta = sigma^2 s, and with M = P + sigma^2 D

        loglik = sum log p(y) - theta's / 2 + (log|P| - log|M|) / 2.      [1]_

    Nothing here divides by sigma^2, so that sigma may go to 0.

    Parameters
    ----------
    data : Grouped

    References
    ----------
    .. [1] Breslow, N. E. & Clayton, D. G. (1993). Approximate inference in
       generalized linear mixed models. Journal of the American Statistical
       Association 88, 9-25, equation 3; without their approximation of the
       determinant.

    Examples
    --------
    >>> data = Grouped(
    ...     np.ones((4, 1)), np.array([1.0, 0, 0, 0]), np.array([0, 0, 1, 1]),
    ...     np.ones(4), Precision(np.zeros((2, 2)), "sar"))
    >>> point = Laplace(data).at(np.array([-1.0, 0.0, 0.0]))
    >>> round(point.loglik, 4), point.theta.round(4)
    (-2.3946, array([ 0.3252, -0.3967]))
    """

    def __init__(self, data: Grouped) -> None:
        self.data = data
        self._theta = np.zeros(data.precision.n)
        self._factor: SelectedInverse | None = None
        self._prior: tuple[float, SelectedInverse] | None = None

    def at(self, parameters: Array) -> LaplacePoint:
        """Evaluate at (beta, log sigma, rho), shape (k + 2,).

        Raises
        ------
        EstimationError
            If P is not positive definite at rho, or the mode is not found.
        """
        data, tau = self.data, float(np.exp(2 * parameters[-2]))
        rho, eta = float(parameters[-1]), data.X @ parameters[:-2]
        prior, mode = self._prior_at(rho), self._mode(eta, tau, rho)
        s, D, T = mode.sums
        loglik = mode.loglik - 0.5 * float(mode.theta @ s)
        loglik += 0.5 * (prior.log_determinant - mode.factor.log_determinant)
        around = tau * mode.factor.diagonal()
        # How log|M| moves with the mode, carried back through the mode's equation.
        pull = mode.factor.solve(around * T)
        rows = _row_pull(
            eta, mode.theta, data.y, data.w, data.codes, around, tau * pull
        )
        scale = float(mode.theta @ s - around @ D - tau * (pull @ s))
        slope = data.precision.slope(rho)
        bent = data.precision.pattern.matrix(slope) @ mode.theta
        turn = prior.trace(slope) - mode.factor.trace(slope)
        turn += float((pull - mode.theta / tau) @ bent)
        gradient = np.concatenate([rows @ data.X, [scale, 0.5 * turn]])
        theta, factor = mode.theta, mode.factor
        return LaplacePoint(
            parameters, loglik, gradient, theta, around, mode.steps, factor
        )

    def information(self, point: LaplacePoint) -> Array:
        """Return the information on beta if the determinants stood still, (k, k).

        Close to the observed information when units have many rows, and much
        cheaper.
        """
        data, tau = self.data, float(np.exp(2 * point.parameters[-2]))
        eta = data.X @ point.parameters[:-2] + point.theta[data.codes]
        p = special.expit(eta)
        weighted = data.X * (data.w * p * (1 - p))[:, None]
        sums = np.zeros((data.precision.n, data.X.shape[1]))
        for j, column in enumerate(weighted.T):
            sums[:, j] = np.bincount(data.codes, column, minlength=len(sums))
        return np.asarray(weighted.T @ data.X - tau * sums.T @ point.factor.solve(sums))

    def sums(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return s, D and T without effects, each of shape (units,)."""
        data = self.data
        _, s, D, T = unit_sums(
            eta, np.zeros(data.precision.n), data.y, data.w, data.codes
        )
        return s, D, T

    def prior_variances(self, rho: float) -> Array:
        """Return the diagonal of P^-1, shape (units,)."""
        return self._prior_at(rho).diagonal()

    def _prior_at(self, rho: float) -> SelectedInverse:
        if self._prior is None or self._prior[0] != rho:
            precision = self.data.precision
            self._prior = rho, precision.pattern.factor(precision.values(rho))
        return self._prior[1]

    def _mode(self, eta: Array, tau: float, rho: float) -> _Mode:
        """Climb to the mode by Newton steps, keeping a factor while it serves."""
        precision = self.data.precision
        values = precision.values(rho)
        P = precision.pattern.matrix(values)
        here = self._height(eta, tau, P, self._theta)
        fresh, last = self._factor is None, np.inf
        factor = self._factor or precision.pattern.factor(values, tau * here.sums[1])
        for step in range(1, MAX_STEPS + 1):
            move = factor.solve(tau * here.sums[0] - P @ here.theta)
            size = float(np.abs(move).max())
            here = self._climb(eta, tau, P, here, move)
            settled = size < (NEARLY if fresh else SETTLED)
            fresh = settled or size > STALE * last
            if fresh:
                factor, size = (
                    precision.pattern.factor(values, tau * here.sums[1]),
                    np.inf,
                )
            if settled:
                self._theta, self._factor = here.theta, factor
                return _Mode(here.theta, here.sums, here.loglik, factor, step)
            last = size
        raise EstimationError(
            f"The unit effects did not settle in {MAX_STEPS} steps at sigma "
            f"{tau**0.5:.4g}, rho {rho:.4g}. Rescale covariates of very different "
            "size."
        )

    def _height(self, eta: Array, tau: float, P: Matrix, theta: Array) -> _Height:
        data = self.data
        loglik, s, D, T = unit_sums(eta, theta, data.y, data.w, data.codes)
        total = loglik - float(theta @ (P @ theta)) / (2 * tau)
        return _Height(theta, (s, D, T), loglik, total)

    def _climb(
        self, eta: Array, tau: float, P: Matrix, here: _Height, move: Array
    ) -> _Height:
        size = 1.0
        while True:
            there = self._height(eta, tau, P, here.theta + size * move)
            if there.total >= here.total - 1e-9 * (1 + abs(here.total)) or size < 1e-6:
                return there
            size /= 2


@njit(cache=True)
def unit_sums(
    eta: Array, theta: Array, y: Array, w: Array, codes: Codes
) -> tuple[float, Array, Array, Array]:
    """Return the log-likelihood, and each unit's sums of its first derivatives.

    Parameters
    ----------
    eta : array, shape (n_rows,)
        Linear predictor without the unit effects.
    theta : array, shape (units,)
    y, w : array, shape (n_rows,)
    codes : array of int, shape (n_rows,)

    Returns
    -------
    loglik : float
    s, D, T : array, shape (units,)
        Sums of y - p, p (1 - p) and p (1 - p)(1 - 2 p).

    Examples
    --------
    >>> one, unit = np.ones(1), np.zeros(1, dtype=np.intp)
    >>> unit_sums(np.zeros(1), np.zeros(1), one, one, unit)[1:]
    (array([0.5]), array([0.25]), array([0.]))
    """
    loglik = 0.0
    s, D, T = np.zeros(len(theta)), np.zeros(len(theta)), np.zeros(len(theta))
    for i in range(len(eta)):
        g = codes[i]
        x = eta[i] + theta[g]
        small = np.exp(-abs(x))
        p = 1 / (1 + small) if x > 0 else small / (1 + small)
        spread = w[i] * p * (1 - p)
        loglik -= w[i] * (np.log1p(small) + max(x, 0.0) - y[i] * x)
        s[g] += w[i] * (y[i] - p)
        D[g] += spread
        T[g] += spread * (1 - 2 * p)
    return loglik, s, D, T


@njit(cache=True)
def _row_pull(
    eta: Array, theta: Array, y: Array, w: Array, codes: Codes, bend: Array, pull: Array
) -> Array:
    """Return each row's derivative of the Laplace log-likelihood in its predictor."""
    rows = np.empty(len(eta))
    for i in range(len(eta)):
        g = codes[i]
        x = eta[i] + theta[g]
        small = np.exp(-abs(x))
        p = 1 / (1 + small) if x > 0 else small / (1 + small)
        inner = pull[g] - bend[g] * (1 - 2 * p)
        rows[i] = w[i] * (y[i] - p + 0.5 * p * (1 - p) * inner)
    return rows
