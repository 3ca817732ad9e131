"""ln|I - rho W| as a smooth curve in rho, from a few factorisations."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.polynomial import Chebyshev
from scipy import linalg, sparse

from geopoverty.numerics.spatial.resolvent import Resolvent
from geopoverty.numerics.types import Array, Matrix

SYMMETRIC = 1e-10  # of the greatest entry: rounding of standardisation
EVEN = 1e-12  # row sums that differ by less than this share of them are equal


class LogDeterminant:
    """The log-determinant of I - rho W at any rho, never by way of an inverse.

    Sparse weights are factored at each rho that is asked for, and dense ones, too,
    unless they are symmetric up to a scaling of rows, as weights of symmetric travel
    times are: their eigenvalues are found once.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
        At least 0.

    Examples
    --------
    >>> ring = np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
    >>> round(LogDeterminant(ring).at(0.5), 6)  # ln(.5 x 1.25^2)
    -0.24686
    """

    def __init__(self, W: Matrix) -> None:
        self.W = W
        self.row_sums = np.asarray(W.sum(axis=1)).ravel()
        self._column_sums = np.asarray(W.sum(axis=0)).ravel()
        self._known: dict[float, tuple[float, float | None]] = {}

    @property
    def even(self) -> bool:
        """Whether all rows have the same sum, as row-standardised ones have."""
        return bool(np.ptp(self.row_sums) <= EVEN * self.row_sums.max())

    def at(self, rho: float) -> float:
        """Return ln|I - rho W|."""
        if rho not in self._known:
            self._factor(rho)
        return self._known[rho][0]

    def drift_at(self, rho: float) -> float:
        """Return 1'G1 / n: what a shock of 1 to all adds to the mean lag.

        G is W (I - rho W)^-1.
        """
        if self.even:
            return float(self.row_sums[0] / (1 - rho * self.row_sums[0]))
        if rho not in self._known or self._known[rho][1] is None:
            self._solve(Resolvent(self.W, rho))
        drift = self._known[rho][1]
        assert drift is not None
        return drift

    def curve(self, low: float, high: float, nodes: int) -> Chebyshev:
        """Return ln|I - rho W| between two rho, as a polynomial through nodes.

        Its derivatives are -tr G and -tr G^2.
        """
        return _through(self.at, low, high, nodes)

    def drift(self, low: float, high: float, nodes: int) -> Chebyshev:
        """Return the drift between two rho, as a polynomial through nodes."""
        return _through(self.drift_at, low, high, nodes)

    def _factor(self, rho: float) -> None:
        values = self._eigenvalues
        if values is None:
            self._solve(Resolvent(self.W, rho))
        else:
            self._known[rho] = (float(np.log(np.abs(1 - rho * values)).sum()), None)

    def _solve(self, solver: Resolvent) -> None:
        # One factor gives both, and solving costs little beside it.
        ones = np.ones(len(self.row_sums))
        drift = float(self._column_sums @ solver.solve(ones)) / len(ones)
        self._known[solver.rho] = (solver.log_determinant, drift)

    @cached_property
    def _eigenvalues(self) -> Array | None:
        if sparse.issparse(self.W):
            return None
        scale = symmetric_scale(self.W)
        if scale is None:
            return None
        root = np.sqrt(scale)
        alike = self.W * root[:, None] / root
        return np.asarray(
            linalg.eigvalsh(alike.T, overwrite_a=True, check_finite=False)
        )


def symmetric_scale(W: Array) -> Array | None:
    """Return d > 0 with d_i W_ij = d_j W_ji, or None where none is found.

    It is looked for along a unit that is linked with every other, both ways.

    Examples
    --------
    >>> symmetric_scale(np.array([[0.0, 1.0], [2.0, 0.0]]))
    array([1. , 0.5])
    >>> symmetric_scale(np.array([[0.0, 1.0], [0.0, 0.0]])) is None
    True
    """
    hub = int(np.argmax((W > 0).sum(axis=1)))
    others = np.arange(len(W)) != hub
    there, back = W[hub, others], W[others, hub]
    if not (np.all(there > 0) and np.all(back > 0)):
        return None
    scale = np.ones(len(W))
    scale[others] = there / back
    scaled = W * scale[:, None]
    gap = np.abs(scaled - scaled.T).max()
    return scale if gap <= SYMMETRIC * scaled.max() else None


def _through(
    value: Callable[[float], float], low: float, high: float, nodes: int
) -> Chebyshev:
    def each(points: Array) -> Array:
        return np.array([value(float(p)) for p in points])

    return Chebyshev.interpolate(each, nodes - 1, domain=[low, high])
