"""Spatial panels at one rho: residual sums of squares net of fixed effects.

Values stand as (n, T) or (n, T, k): units, periods, covariates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from geopoverty.numerics.types import Array, Matrix


@dataclass(frozen=True)
class Sweep:
    """Which effects are swept out, and whether the likelihood allows for it.

    Attributes
    ----------
    unit, period : bool
    correct : bool
        Whether the likelihood is that of the swept data (Lee & Yu 2010).
    """

    unit: bool
    period: bool
    correct: bool = True

    def __call__(self, values: Array) -> Array:
        """Return values less their means by unit, by period, or both.

        Examples
        --------
        >>> Sweep(unit=True, period=False)(np.array([[1.0, 3.0], [2.0, 2.0]]))
        array([[-1.,  1.],
               [ 0.,  0.]])
        """
        if self.unit:
            values = values - values.mean(axis=1, keepdims=True)
        if self.period:
            values = values - values.mean(axis=0, keepdims=True)
        return values

    def waves(self, periods: int) -> int:
        """Return how many independent periods are left."""
        return periods - 1 if self.unit and self.correct else periods

    def size(self, units: int, periods: int) -> int:
        """Return how many independent observations are left."""
        lost = 1 if self.period and self.correct else 0
        return (units - lost) * self.waves(periods)


class Profile(Protocol):
    """A model at any rho, its coefficients at their best."""

    def squares(self, rho: float) -> tuple[float, float]:
        """Return the residual sum of squares and its derivative in rho."""

    def coefficients(self, rho: float) -> Array:
        """Return the coefficients, shape (k,)."""

    def residual(self, rho: float) -> Array:
        """Return what they leave, net of effects, shape (n, T)."""


class LagProfile:
    """y = rho W y + X b + effects + e, effects swept out.

    Parameters
    ----------
    y : array, shape (n, T)
    X : array, shape (n, T, k)
    W : array or CSR array, shape (n, n)
    sweep : Sweep
    """

    def __init__(self, y: Array, X: Array, W: Matrix, sweep: Sweep) -> None:
        self.X = sweep(X).reshape(y.size, -1)
        self.lagged = sweep(lag(W, y))
        both = np.column_stack([sweep(y).ravel(), self.lagged.ravel()])
        # Two regressions, of the outcome and of its lag, hold for every rho.
        self._b = np.linalg.lstsq(self.X, both, rcond=None)[0]
        self._e = both - self.X @ self._b
        self._shape = y.shape
        self._q = self._e.T @ self._e

    def squares(self, rho: float) -> tuple[float, float]:
        """Return the residual sum of squares and its derivative in rho."""
        (yy, yw), ww = self._q[0], self._q[1, 1]
        return float(yy - 2 * rho * yw + rho**2 * ww), float(2 * (rho * ww - yw))

    def coefficients(self, rho: float) -> Array:
        """Return the coefficients, shape (k,)."""
        return np.asarray(self._b[:, 0] - rho * self._b[:, 1])

    def residual(self, rho: float) -> Array:
        """Return e net of effects, shape (n, T)."""
        return np.asarray((self._e[:, 0] - rho * self._e[:, 1]).reshape(self._shape))


class ErrorProfile:
    """y = X b + effects + u, u = lambda W u + e, effects swept out.

    Units' effects leave by means over periods. Those of periods enter A u, A = I -
    lambda W, times s = A 1, which is constant only if all rows of W have one sum: s
    is projected out of each period, which is right for any W.

    Parameters
    ----------
    y : array, shape (n, T)
    X : array, shape (n, T, k)
    W : array or CSR array, shape (n, n)
    sweep : Sweep
    """

    def __init__(self, y: Array, X: Array, W: Matrix, sweep: Sweep) -> None:
        both = np.concatenate([y[:, :, None], X], axis=2)
        self._Z = Sweep(sweep.unit, period=False)(both)
        self._WZ = lag(W, self._Z)
        self._period = sweep.period
        Z, WZ = (v.reshape(y.size, -1) for v in (self._Z, self._WZ))
        cross = Z.T @ WZ
        self._products = Z.T @ Z, -(cross + cross.T), WZ.T @ WZ
        r = np.asarray(W.sum(axis=1)).ravel()
        self.row_sums = r
        # In each period s'AZ, a polynomial in lambda.
        self._U = (
            self._Z.sum(axis=0),
            -(self._WZ.sum(axis=0) + np.einsum("i,itk->tk", r, self._Z)),
            np.einsum("i,itk->tk", r, self._WZ),
        )

    def moments(self, rho: float) -> tuple[Array, Array]:
        """Return the products of A [y X] net of effects, and their derivative."""
        value, slope = _polynomial(self._products, rho)
        if self._period:
            U, dU = _polynomial(self._U, rho)
            s = 1 - rho * self.row_sums
            size, change = float(s @ s), -2 * float(s @ self.row_sums)
            cross = dU.T @ U
            square = U.T @ U
            value = value - square / size
            slope = slope - (cross + cross.T) / size + square * (change / size**2)
        return value, slope

    def squares(self, rho: float) -> tuple[float, float]:
        """Return the residual sum of squares and its derivative in rho."""
        C, dC = self.moments(rho)
        v = np.append(1.0, -np.linalg.solve(C[1:, 1:], C[1:, 0]))
        # At their best the coefficients' own change counts for nothing.
        return float(v @ C @ v), float(v @ dC @ v)

    def coefficients(self, rho: float) -> Array:
        """Return the coefficients, shape (k,)."""
        C = self.moments(rho)[0]
        return np.asarray(np.linalg.solve(C[1:, 1:], C[1:, 0]))

    def residual(self, rho: float) -> Array:
        """Return u net of effects, shape (n, T)."""
        v = np.append(1.0, -self.coefficients(rho))
        u = np.asarray(self._Z @ v)
        if not self._period:
            return u
        s = 1 - rho * self.row_sums
        shocks = u - rho * (self._WZ @ v)
        return np.asarray(u - (s @ shocks) / (s @ s))


def lag(W: Matrix, values: Array) -> Array:
    """Return W v, period by period, for v of shape (n, T) or (n, T, k)."""
    return np.asarray(W @ values.reshape(len(values), -1)).reshape(values.shape)


def _polynomial(parts: Sequence[Array] | Array, rho: float) -> tuple[Array, Array]:
    """Return a quadratic of arrays, and its derivative."""
    constant, linear, square = parts
    value, slope = constant + rho * (linear + rho * square), linear + 2 * rho * square
    return np.asarray(value), np.asarray(slope)
