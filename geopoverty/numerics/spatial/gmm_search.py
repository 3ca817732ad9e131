"""The search for the least GMM objective."""

from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import least_squares

from geopoverty.errors import EstimationError
from geopoverty.numerics.spatial.moments import (
    BinaryData,
    Moments,
    moments,
)
from geopoverty.numerics.spatial.spread import Variances
from geopoverty.numerics.spatial.spread_curve import SpreadCurve
from geopoverty.numerics.types import Array

SEARCHES = {1: 3, 2: 2}  # how many starts are followed to their end, by step
EVALUATIONS = 200  # a search needs about 10
ROUNDS = 5  # of moving the exact variances after the estimate; one is the rule
MARGIN = 0.02  # in t, to the ends of the exact variances
INSIDE = 1e-6
FLAT = 1e-4  # of the objective's root, in standard errors: a smaller slope is none

Record: TypeAlias = list[dict[str, float | int | str]]


class Search:
    """Minimises |R Q'v|^2 over beta and t, where rho = middle + half tanh(t).

    Parameters
    ----------
    data : BinaryData
    Q : array, shape (n_rows, p)
        Orthonormal basis of the instruments.
    bounds : tuple of float
        The feasible rho, finite.
    """

    def __init__(self, data: BinaryData, Q: Array, bounds: tuple[float, float]) -> None:
        self.data, self.Q = data, Q
        self._variances, self._bounds = Variances(data.W, data.cells), bounds
        self.curve = SpreadCurve(self._variances, *bounds)
        self._near: SpreadCurve | None = None

    def near(self, rho: float) -> SpreadCurve:
        """Return the variances around a rho, as good as exact."""
        if self._near is None or not self._well_inside(self._near, rho):
            self._near = SpreadCurve(self._variances, *self._bounds, around=rho)
        return self._near

    def moments(self, theta: Array, curve: SpreadCurve | None = None) -> Moments:
        """Return the moments at (beta, rho), by default on exact variances."""
        curve = self.near(float(theta[-1])) if curve is None else curve
        return moments(self.data, theta, self.Q, curve.at)

    def run(self, step: int, root: Array, starts: list[Array]) -> tuple[Array, Record]:
        """Search from the most promising starts; return the least and the record."""
        level = [self._objective(root, theta) for theta in starts]
        best: tuple[float, Array] | None = None
        record: Record = []
        for at in np.argsort(level, kind="stable")[: SEARCHES[step]]:
            entry, theta = self._follow(root, starts[at])
            record.append({"step": step, "start": float(starts[at][-1]), **entry})
            objective = float(entry["objective"])
            if entry["status"] == "converged" and (not best or objective < best[0]):
                best = objective, theta
        if best is None:
            raise EstimationError(
                f"No search for the least GMM objective converged: {record}. Estimate "
                "by maximum likelihood, or rescale covariates of very different size."
            )
        return best[1], record

    def least_at(self, root: Array, theta: Array) -> float:
        """Return the least objective over beta alone, rho as given."""
        rho = theta[-1:]

        def at(beta: Array) -> Moments:
            return self.moments(np.append(beta, rho), self.curve)

        found = least_squares(
            lambda beta: root @ at(beta).value,
            theta[:-1],
            lambda beta: root @ at(beta).jacobian[:, :-1],
            x_scale="jac",
            max_nfev=EVALUATIONS,
        )
        return float(2 * found.cost)

    def _objective(self, root: Array, theta: Array) -> float:
        value = root @ self.moments(theta, self.curve).value
        return float(value @ value)

    def _follow(
        self, root: Array, theta: Array
    ) -> tuple[dict[str, float | int | str], Array]:
        found = self._minimise(root, theta, self.curve)
        evaluations = int(found.nfev)
        for _ in range(ROUNDS):
            theta = np.append(found.x[:-1], self.curve.rho(found.x[-1]))
            curve = self.near(float(theta[-1]))
            found = self._minimise(root, theta, curve)
            evaluations += int(found.nfev)
            theta = np.append(found.x[:-1], curve.rho(found.x[-1]))
            if self._well_inside(curve, float(theta[-1])):
                break
        converged = found.status > 0 or _flat(found)
        return {
            "evaluations": evaluations,
            "rho": float(theta[-1]),
            "objective": float(2 * found.cost),
            "status": "converged" if converged else "not converged",
        }, theta

    def _minimise(self, root: Array, theta: Array, curve: SpreadCurve) -> Any:
        last: tuple[bytes, Moments] | None = None

        def at(x: Array) -> Moments:
            nonlocal last
            if last is None or last[0] != x.tobytes():
                here = np.append(x[:-1], curve.rho(x[-1]))
                last = x.tobytes(), self.moments(here, curve)
            return last[1]

        def jacobian(x: Array) -> Array:
            J = at(x).jacobian.copy()
            J[:, -1] *= curve.slope(x[-1])
            return root @ J

        free = np.full(len(theta) - 1, np.inf)
        low, high = curve.ends
        # The search insists on a start inside.
        t = np.clip(curve.t(float(theta[-1])), low + INSIDE, high - INSIDE)
        return least_squares(
            lambda x: root @ at(x).value,
            np.append(theta[:-1], t),
            jacobian,
            bounds=(np.append(-free, low), np.append(free, high)),
            x_scale="jac",
            ftol=1e-14,
            xtol=1e-10,
            gtol=1e-12,
            max_nfev=EVALUATIONS,
        )

    def _well_inside(self, curve: SpreadCurve, rho: float) -> bool:
        """Whether a curve reaches to both sides of rho, or to the end of all."""
        t, (low, high), (least, most) = curve.t(rho), curve.ends, self.curve.ends
        return (t - low > MARGIN or low <= least) and (
            high - t > MARGIN or high >= most
        )


def _flat(found: Any) -> bool:
    """Whether a search ended by its count of steps where nothing falls any more.

    An error model is flat in rho at 0: steps towards it shrink, but never end.
    """
    length = np.sqrt(np.einsum("ij,ij->j", found.jac, found.jac))[:-1]
    level = np.abs(found.grad[:-1]) < FLAT * length * np.sqrt(2 * found.cost)
    return bool(level.all() and abs(found.grad[-1]) < FLAT * found.cost)
