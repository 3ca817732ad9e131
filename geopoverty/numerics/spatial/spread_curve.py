"""The variances of latent errors as a smooth function of rho."""

import numpy as np
from scipy.fft import dct

from geopoverty.numerics.spatial.spread import Variances, lay_out
from geopoverty.numerics.types import Array

EDGE = 0.995  # how far from 0 towards the ends of the feasible rho a curve goes
TOLERANCE = 1e-3  # of the last coefficients of a log variance, near its error
NEAR = 0.1  # how far, in t, a curve around one rho reaches
LOCAL_TOLERANCE = 1e-9
MAX_DEGREE = 64


class SpreadCurve:
    """The variances as a function of rho, interpolated.

    Parameters
    ----------
    variances : Variances
    low, high : float
        The feasible rho, finite, around 0.
    around : float, optional
        Cover only the rho near this one, to about 1e-9. By default the curve
        covers 99.5 per cent of the way from 0 to either end, to about 1e-3 there
        and far better elsewhere.

    Notes
    -----
    Chebyshev interpolation of log (BMB')_gg in t, rho = middle + half tanh(t),
    which is close to linear towards both ends. The degree doubles until the last
    coefficients are small. `at` returns the exact derivative of the interpolant:
    an optimiser sees one smooth function.

    Examples
    --------
    >>> from geopoverty.numerics.spatial.cells import Cells
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.arange(2), units=2, periods=1)
    >>> curve = SpreadCurve(Variances(W, cells), -1.0, 1.0, around=0.45)
    >>> variance, slope = curve.at(0.5)
    >>> variance.round(6), slope.round(6)
    (array([2.222222, 2.222222]), array([7.703704, 7.703704]))
    """

    def __init__(
        self,
        variances: Variances,
        low: float,
        high: float,
        around: float | None = None,
    ) -> None:
        self._variances, self.cells = variances, variances.cells
        self._middle, self._half = (low + high) / 2, (high - low) / 2
        self._ends = EDGE * low, EDGE * high
        self._first, self._last = self.t(low), self.t(high)
        tolerance = TOLERANCE
        if around is not None:
            t, tolerance = self.t(around), LOCAL_TOLERANCE
            self._first = max(self._first, t - NEAR)
            self._last = min(self._last, t + NEAR)
        self._weighted = self.cells.w is not None
        self._coefficients = self._fitted(tolerance)

    @property
    def degree(self) -> int:
        """Of the interpolating polynomials."""
        return int(self._coefficients.shape[1]) - 1

    @property
    def ends(self) -> tuple[float, float]:
        """Least and greatest t of the curve."""
        return self._first, self._last

    def t(self, rho: float) -> float:
        """Return t of a rho, at most 99.5 per cent of the way from 0 to an end."""
        inside = np.clip(rho, *self._ends)
        return float(np.arctanh((inside - self._middle) / self._half))

    def rho(self, t: float) -> float:
        """Return rho of a t."""
        return float(self._middle + self._half * np.tanh(t))

    def slope(self, t: float) -> float:
        """Return the derivative of rho in t."""
        return float(self._half / np.cosh(t) ** 2)

    def at(self, rho: float) -> tuple[Array, Array]:
        """Return variances and their derivatives in rho, each of shape (n_rows,)."""
        width = (self._last - self._first) / 2
        t = float(np.clip(self.t(rho), self._first, self._last))
        x = float(np.clip((t - self._first) / width - 1, -1.0, 1.0))
        order = np.arange(self.degree + 1)
        here = self._coefficients @ np.cos(order * np.arccos(x))
        slope = self._coefficients @ _chebyshev_slopes(x, len(order))
        slope /= width * self.slope(t)
        own, d_own = np.zeros(self.cells.units), np.zeros(self.cells.units)
        if self._weighted:
            split = self.cells.units
            own, d_own = np.sinh(here[:split]), np.cosh(here[:split]) * slope[:split]
            here, slope = here[split:], slope[split:]
        quadratic = np.exp(here)
        return (
            lay_out(self.cells, own, quadratic),
            lay_out(self.cells, d_own, quadratic * slope, constant=0.0),
        )

    def _fitted(self, tolerance: float) -> Array:
        degree = 8
        values = self._values(_nodes(degree))
        while True:
            coefficients = _chebyshev(values)
            tail = np.abs(coefficients[:, -3:]).max()
            if tail < tolerance or degree >= MAX_DEGREE:
                return coefficients
            finer = np.empty((len(values), 2 * degree + 1))
            finer[:, ::2] = values
            finer[:, 1::2] = self._values(_nodes(2 * degree)[1::2])
            values, degree = finer, 2 * degree

    def _values(self, nodes: Array) -> Array:
        t = self._first + (nodes + 1) * (self._last - self._first) / 2
        return np.column_stack([self._node(x) for x in t])

    def _node(self, t: float) -> Array:
        own, quadratic = self._variances.diagonals(self.rho(t), own=self._weighted)
        logs = np.log(quadratic)
        # B_gg matters only when rows of a cell weigh differently; it may be negative.
        return np.concatenate([np.arcsinh(own), logs]) if self._weighted else logs


def _nodes(degree: int) -> Array:
    return np.cos(np.pi * np.arange(degree + 1, dtype=np.float64) / degree)


def _chebyshev(values: Array) -> Array:
    """Return coefficients, a row each, from values at the nodes."""
    degree = values.shape[1] - 1
    coefficients = dct(values, type=1, axis=1) / degree
    coefficients[:, [0, -1]] /= 2
    return np.asarray(coefficients)


def _chebyshev_slopes(x: float, count: int) -> Array:
    """Return the derivatives of the Chebyshev polynomials: k U_{k-1}."""
    second = np.zeros(count)
    if count > 1:
        second[1] = 1.0
    for k in range(2, count):
        second[k] = 2 * x * second[k - 1] - second[k - 2]
    return np.asarray(np.arange(count) * second, np.float64)
