"""Climbing the Laplace log-likelihood of a logit with unit effects."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial.random_laplace import Grouped, Laplace, LaplacePoint
from geopoverty.numerics.types import Array, Mask

NEAR = 1e-8  # squared step in standard errors: near enough to take the information
DECREMENT = 1e-11  # the same where the search ends
NEGLIGIBLE = 1e-6  # the same, on a likelihood so flat that steps do not get there
MAX_STEPS = 60
NEWTON_STEPS = 8
APART = 1e-4  # in standard errors: between the gradients that make the information
FAR = 6.5  # where tanh is 1 to 5e-6: rho has come to the end of its range
LEAST = 1e-8  # sigma: small enough for 0, large enough to divide by its square
SINGULAR = 1e-6  # information, as a share of what the quasi-Newton steps saw
STRIDE = 1.5  # the longest step in t


@dataclass(frozen=True)
class RandomStep:
    """One step of the search: where it stood.

    Attributes
    ----------
    sigma, rho, loglik : float
    decrement : float
        Squared length of the step that follows, in standard errors.
    """

    sigma: float
    rho: float
    loglik: float
    decrement: float


@dataclass(frozen=True, eq=False)
class Top:
    """Where a climb ended, in the search's coordinates x.

    Attributes
    ----------
    x, gradient : array, shape (k + 2,)
    point : LaplacePoint
    information : array
        Of x, as well as it is known.
    """

    x: Array
    point: LaplacePoint
    gradient: Array
    information: Array


class RandomSearch:
    """The Laplace log-likelihood over x = (beta, sigma, t), rho = mid + half tanh t.

    In t the singular ends of rho are far away. Sigma may have either sign, so that
    its boundary at 0 is a stationary point like any other.

    Parameters
    ----------
    data : Grouped
    bounds : (float, float)
        Of rho; equal bounds fix it.
    stepped : callable
        Called after every evaluation.

    Attributes
    ----------
    laplace : Laplace
    fixed : bool
        Whether rho is given.
    record : list of RandomStep
    """

    def __init__(
        self,
        data: Grouped,
        bounds: tuple[float, float],
        stepped: Callable[[], object] = lambda: None,
    ) -> None:
        self.laplace, self.bounds, self._stepped = Laplace(data), bounds, stepped
        self.fixed = bounds[0] == bounds[1]
        # Leroux effects stop at independence, though P goes on beyond.
        low = -bounds[1] if data.precision.structure == "leroux" else bounds[0]
        self._mid, self._half = (low + bounds[1]) / 2, (bounds[1] - low) / 2
        self._low = -FAR if low == bounds[0] else self._t(bounds[0])
        self.record: list[RandomStep] = []

    def start(self, beta: Array, share: float) -> Array:
        """Return x at beta, a share of rho's bounds, and sigma by moments."""
        data, laplace = self.laplace.data, self.laplace
        rho = share * self.bounds[1] if share >= 0 else -share * self.bounds[0]
        rho = self.bounds[0] if self.fixed else rho
        s, D, _ = laplace.sums(data.X @ beta)
        spread = float((s @ s - D.sum()) / (D @ D))
        spread /= float(laplace.prior_variances(rho).mean())
        sigma = np.sqrt(np.clip(spread, 0.01, 4.0))
        return np.append(beta, [sigma, self._t(rho)])

    def at(self, x: Array) -> LaplacePoint:
        """Evaluate at x, in the parameters (beta, log sigma, rho)."""
        rho = self.bounds[0] if self.fixed else self._mid + self._half * np.tanh(x[-1])
        log_sigma = np.log(max(abs(x[-2]), LEAST))
        point = self.laplace.at(np.append(x[:-2], [log_sigma, rho]))
        self._stepped()
        return point

    def along(self, x: Array) -> float:
        """Return the derivative of rho in t."""
        return 0.0 if self.fixed else float(self._half / np.cosh(x[-1]) ** 2)

    def at_end(self, x: Array) -> bool:
        """Whether rho stands at an end of its range."""
        if self.fixed:
            return False
        return bool(x[-1] >= FAR or x[-1] <= self._low)

    def climb(self, x: Array) -> Top:
        """Climb near to the maximum, by quasi-Newton steps."""
        point = self.at(x)
        gradient = self._gradient(x, point)
        H = self._rough(x, point, gradient)
        for _ in range(MAX_STEPS):
            direction = self._direction(x, gradient, H)
            decrement = float(gradient @ direction)
            self._note(point, decrement)
            if decrement < NEAR:
                return Top(x, point, gradient, H)
            there, point = self._halved(x, point, direction, decrement)
            slope = self._gradient(there, point)
            H = _bfgs(H, there - x, gradient - slope)
            x, gradient = there, slope
        raise self._lost()

    def finish(self, top: Top) -> tuple[Top, Mask]:
        """Take the last Newton steps, with the observed information.

        Returns
        -------
        Top
            Its `information` is of what is free.
        array of bool, shape (k + 2,)
            What is free: neither fixed nor at its end.
        """
        x, point, gradient = top.x, top.point, top.gradient
        free = self._free(x, gradient)
        H = self._information(top, free)
        for _ in range(NEWTON_STEPS):
            step = np.zeros(len(x))
            step[free] = linalg.cho_solve(linalg.cho_factor(H), gradient[free])
            decrement = float(gradient @ step)
            self._note(point, decrement)
            if decrement < DECREMENT:
                break
            x = x + step
            x[-1] = np.clip(x[-1], self._low, FAR)
            point = self.at(x)
            gradient = self._gradient(x, point)
        if decrement > NEGLIGIBLE:
            raise self._lost()
        return Top(x, point, gradient, H), free

    def _t(self, rho: float) -> float:
        if self.fixed:
            return 0.0
        inside = np.clip((rho - self._mid) / self._half, -1 + 1e-12, 1 - 1e-12)
        return float(np.clip(np.arctanh(inside), -FAR, FAR))

    def _gradient(self, x: Array, point: LaplacePoint) -> Array:
        sigma = np.copysign(max(abs(x[-2]), LEAST), x[-2])
        into = np.append(np.ones(len(x) - 2), [1 / sigma, self.along(x)])
        return np.asarray(point.gradient * into)

    def _free(self, x: Array, gradient: Array) -> Mask:
        free = np.ones(len(x), dtype=np.bool_)
        low = x[-1] <= self._low and gradient[-1] < 0
        free[-1] = not (self.fixed or low or (x[-1] >= FAR and gradient[-1] > 0))
        return free

    def _direction(self, x: Array, gradient: Array, H: Array) -> Array:
        free = self._free(x, gradient)
        step = np.zeros(len(x))
        factor = linalg.cho_factor(H[np.ix_(free, free)])
        step[free] = linalg.cho_solve(factor, gradient[free])
        return step

    def _halved(
        self, x: Array, point: LaplacePoint, direction: Array, decrement: float
    ) -> tuple[Array, LaplacePoint]:
        far = max(
            abs(direction[-1]) / STRIDE, abs(direction[-2]) / max(abs(x[-2]), 0.5), 1.0
        )
        size = 1 / far
        while size > 1e-8:
            there = x + size * direction
            there[-1] = np.clip(there[-1], self._low, FAR)
            new = self.at(there)
            if new.loglik >= point.loglik + 1e-4 * size * decrement - 1e-9:
                return there, new
            size /= 2
        raise self._lost()

    def _rough(self, x: Array, point: LaplacePoint, gradient: Array) -> Array:
        """Return a first information: differences in sigma and t, the rest cheap."""
        k = len(x) - 2
        H = np.zeros((k + 2, k + 2))
        H[:k, :k] = self.laplace.information(point)
        for j in (k, k + 1):
            if j == k + 1 and self.fixed:
                H[j, j] = 1.0
                continue
            there = x.copy()
            there[j] += 1e-4
            H[:, j] = (gradient - self._gradient(there, self.at(there))) / 1e-4
            H[j, :k] = H[:k, j]
        H[k, k + 1] = H[k + 1, k] = 0.0 if self.fixed else H[k, k + 1]
        try:
            linalg.cholesky(H)
        except linalg.LinAlgError:
            H[:k, k:] = H[k:, :k] = 0.0
            H[k:, k:] = np.diag(np.abs(np.diag(H)[k:]).clip(1.0))
        return H

    def _information(self, top: Top, free: Mask) -> Array:
        """Return minus the differenced gradient, of what is free."""
        rough = top.information[np.ix_(free, free)]
        # Upper triangular: of the whitened directions only the last one moves t.
        apart = APART * linalg.inv(linalg.cholesky(rough))
        columns = []
        for direction in apart.T:
            x = top.x.copy()
            x[free] += direction
            columns.append((top.gradient - self._gradient(x, self.at(x)))[free])
        rows = np.array(columns)
        if np.linalg.eigvals(rows @ apart).real.min() > SINGULAR * APART**2:
            H = np.linalg.solve(apart.T, rows)
            return np.asarray((H + H.T) / 2)
        raise EstimationError(
            "The information is singular: the data do not tell the parameters of the "
            f"unit effects apart ({self.in_words()}). Leave out covariates that are "
            "constant within units, or fix rho."
        )

    def _note(self, point: LaplacePoint, decrement: float) -> None:
        sigma, rho = float(np.exp(point.parameters[-2])), float(point.parameters[-1])
        self.record.append(RandomStep(sigma, rho, point.loglik, decrement))

    def in_words(self) -> str:
        """Say where the last steps stood."""
        first = max(len(self.record) - 3, 0)
        return "; ".join(
            f"step {first + i + 1} at sigma {s.sigma:.4g}, rho {s.rho:.4g}, "
            f"log-likelihood {s.loglik:.8g}, squared step {s.decrement:.2g}"
            for i, s in enumerate(self.record[first:])
        )

    def _lost(self) -> EstimationError:
        return EstimationError(
            "The likelihood of the unit effects did not converge: "
            f"{self.in_words()}. Rescale covariates of very different size, or fix "
            "rho."
        )


def _bfgs(H: Array, step: Array, change: Array) -> Array:
    """Update an information matrix by what the gradient lost over a step."""
    along = H @ step
    curvature, seen = float(step @ along), float(step @ change)
    # Powell's damping keeps it positive definite where the likelihood is not concave.
    share = 1.0
    if seen < 0.2 * curvature:
        share = 0.8 * curvature / (curvature - seen)
    change = share * change + (1 - share) * along
    H = H - np.outer(along, along) / curvature
    return np.asarray(H + np.outer(change, change) / float(step @ change))
