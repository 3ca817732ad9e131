"""What comes back to a unit: parts of the inverse of I - rho W."""

from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from geopoverty.numerics.spatial.resolvent import Resolvent
from geopoverty.numerics.spatial.selected_inverse import NormalMatrix
from geopoverty.numerics.types import Array, Matrix

NEAR = 1e-3  # |rho| below which a series is closer than a quotient of differences
STEP = 1e-4  # of the derivative by rho, by differences on both sides


class Returns:
    """Parts of B = (I - rho W)^-1 and of G = W B, at any rho.

    Of sparse weights they are read off the entries of (A'A)^-1 within the pattern of
    A'A, A = I - rho W; B itself is formed of dense weights only.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> found = Returns(W)
    >>> found.own(0.5).round(6), round(found.squares(0.5), 6)
    (array([1.333333, 1.333333]), 4.444444)
    """

    def __init__(self, W: Matrix) -> None:
        self.W = W
        self._known: dict[float, tuple[Array, float]] = {}
        self._solver: Resolvent | None = None
        self._inverse: tuple[float, Array] | None = None

    def solver(self, rho: float) -> Resolvent:
        """Return what solves with I - rho W; the last one is kept."""
        if self._solver is None or self._solver.rho != rho:
            self._solver = Resolvent(self.W, rho)
        return self._solver

    def own(self, rho: float) -> Array:
        """Return the diagonal of B: what of its own shock stays or comes back."""
        return self._at(rho)[0]

    def squares(self, rho: float) -> float:
        """Return tr G'G."""
        return self._at(rho)[1]

    def own_slope(self, rho: float) -> Array:
        """Return the derivative of `own` in rho."""
        if abs(rho) < NEAR:
            return 2 * rho * self._round_trips
        if sparse.issparse(self.W):
            ahead, behind = self.own(rho + STEP), self.own(rho - STEP)
            return np.asarray((ahead - behind) / (2 * STEP))
        B = self._dense(rho)
        # The derivative of B is B W B = B (B - I) / rho.
        return np.asarray((np.einsum("ij,ji->i", B, B) - np.diag(B)) / rho)

    def around(self, rho: float) -> tuple[Array, Array]:
        """Return the diagonal of B W, what a lag gives a unit of itself, and slope."""
        if abs(rho) < NEAR:
            return rho * self._round_trips, self._round_trips
        gain = self.own(rho) - 1
        return gain / rho, self.own_slope(rho) / rho - gain / rho**2

    @cached_property
    def _round_trips(self) -> Array:
        """The diagonal of W^2."""
        if sparse.issparse(self.W):
            return np.asarray((self.W * self.W.T).sum(axis=1)).ravel()
        return np.asarray(np.einsum("ij,ji->i", self.W, self.W))

    def _at(self, rho: float) -> tuple[Array, float]:
        if rho not in self._known:
            find = self._sparse if sparse.issparse(self.W) else self._of_inverse
            self._known[rho] = find(rho)
        return self._known[rho]

    def _sparse(self, rho: float) -> tuple[Array, float]:
        pattern = self._normal.pattern
        entries = self._normal.at(rho).entries()
        A = sparse.eye_array(self.W.shape[0], format="csr") - rho * self.W
        parts = pattern.matrix(pattern.lay(A) * entries)  # B = (A'A)^-1 A', row by row
        return np.asarray(parts.sum(axis=1)).ravel(), float(self._square @ entries)

    def _of_inverse(self, rho: float) -> tuple[Array, float]:
        B = self._dense(rho)
        own = np.ascontiguousarray(np.diag(B))
        if abs(rho) < NEAR:
            G = self.W @ B
            return own, float(np.einsum("ij,ij->", G, G))
        # G = (B - I) / rho.
        total = float(np.einsum("ij,ij->", B, B)) - 2 * float(own.sum()) + len(own)
        return own, total / rho**2

    def _dense(self, rho: float) -> Array:
        if self._inverse is None or self._inverse[0] != rho:
            self._inverse = (rho, self.solver(rho).inverse())
        return self._inverse[1]

    @cached_property
    def _normal(self) -> NormalMatrix:
        return NormalMatrix(self.W)

    @cached_property
    def _square(self) -> Array:
        square: Any = self.W.T @ self.W
        return self._normal.pattern.lay(square)
