"""Average effects when residuals are held at their distribution, with gradients.

The average structural function gives everybody each residual in turn (Blundell &
Powell 2004): a double average over rows and residuals, both on one line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.effects import Slope
from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array

PAIRS = 2_000_000  # at a time, so that temporaries stay small


@dataclass(frozen=True, eq=False)
class Structure:
    """A fitted binary model with residuals among its covariates.

    Attributes
    ----------
    X : array, shape (n, k)
        Covariates.
    V : array, shape (n, e)
        First-stage residuals.
    Z : array, shape (n, l)
        First-stage regressors.
    theta : array, shape (k + e,)
        Coefficients of both.
    link : Link
    w : array, shape (n,)
        Weights that sum to 1.
    """

    X: Array
    V: Array
    Z: Array
    theta: Array
    link: Link
    w: Array

    @property
    def beta(self) -> Array:
        """Coefficients of the covariates."""
        return self.theta[: self.X.shape[1]]

    @property
    def rho(self) -> Array:
        """Coefficients of the residuals."""
        return self.theta[self.X.shape[1] :]


def average_slope(s: Structure, slope: Slope) -> tuple[float, Array]:
    """Average the derivative of the probability over rows and residuals.

    Parameters
    ----------
    s : Structure
    slope : Slope
        Of the index, in columns of X.

    Returns
    -------
    float
    array, shape (k + e + e l,)
        Gradient in the coefficients, then in the first stages'.
    """
    value, gradient = 0.0, np.zeros(s.theta.size + s.V.shape[1] * s.Z.shape[1])
    index = s.X @ s.beta
    for j, multiplier in slope.parts:
        m = np.ones(len(index)) if multiplier is None else multiplier
        level, by_row, by_residual = _double(
            s, (s.link.density, s.link.slope), index, m * s.w
        )
        value += s.beta[j] * level
        gradient += s.beta[j] * _gradient(s, s.X, by_row, by_residual)
        gradient[j] += level
    return value, gradient


def average_change(
    s: Structure, columns: tuple[Sequence[int], int]
) -> tuple[float, Array]:
    """Average the change of the probability from a factor's base to one level.

    Parameters
    ----------
    s : Structure
    columns : (sequence of int, int)
        All the factor's 0/1 columns, and the one of the level.

    Returns
    -------
    float
    array, shape (k + e + e l,)
    """
    value, gradient = 0.0, np.zeros(s.theta.size + s.V.shape[1] * s.Z.shape[1])
    for sign in (1.0, -1.0):
        X = s.X.copy()
        X[:, list(columns[0])] = 0.0
        if sign > 0:
            X[:, columns[1]] = 1.0
        level, by_row, by_residual = _double(
            s, (s.link.probability, s.link.density), X @ s.beta, s.w
        )
        value += sign * level
        gradient += sign * _gradient(s, X, by_row, by_residual)
    return value, gradient


def structural_density(s: Structure) -> Array:
    """Return each row's density, averaged over the residuals, shape (n,)."""
    return _mean_over(s.link.density, s.X @ s.beta, s.V @ s.rho, s.w)


Curve = Callable[[Array], Array]


def _double(
    s: Structure, curves: tuple[Curve, Curve], index: Array, weight: Array
) -> tuple[float, Array, Array]:
    """Sum a curve over rows and residuals; its derivative by row and by residual."""
    curve, bend = curves
    shift = s.V @ s.rho
    level = float(weight @ _mean_over(curve, index, shift, s.w))
    by_row = weight * _mean_over(bend, index, shift, s.w)
    by_residual = s.w * _mean_over(bend, shift, index, weight)
    return level, by_row, by_residual


def _gradient(s: Structure, X: Array, by_row: Array, by_residual: Array) -> Array:
    through_first = by_residual @ s.Z
    return np.concatenate(
        [by_row @ X, by_residual @ s.V, *(-r * through_first for r in s.rho)]
    )


def _mean_over(curve: Curve, at: Array, over: Array, weight: Array) -> Array:
    """Return sum_h weight_h curve(at_i + over_h) for each i.

    Where it saves work, through a Chebyshev interpolant in `at`: the curves are
    analytic within a distance of pi (logit) of the real line, so that the error falls
    as exp(-pi degree / half the range); the degree below takes it to rounding.
    """
    low, high = float(at.min()), float(at.max())
    half = (high - low) / 2
    degree = int(24 + 12 * half)
    if at.size <= degree + 1:
        return _summed(curve, at, over, weight)
    if half < 1e-12:
        return np.full(at.size, _summed(curve, at[:1], over, weight)[0])
    nodes = chebyshev.chebpts1(degree + 1)
    values = _summed(curve, low + half * (nodes + 1), over, weight)
    coefficients = chebyshev.chebvander(nodes, degree).T @ values * 2 / (degree + 1)
    coefficients[0] /= 2
    return np.asarray(chebyshev.chebval((at - low) / half - 1, coefficients))


def _summed(curve: Curve, at: Array, over: Array, weight: Array) -> Array:
    out = np.empty(at.size)
    for rows in blocks(at.size, max(1, PAIRS // over.size)):
        out[rows] = curve(at[rows, None] + over[None, :]) @ weight
    return out
