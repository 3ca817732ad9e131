"""Kernels that end: sums of polynomials of the distance, by running moments."""

from dataclasses import dataclass
from math import comb

import numpy as np
from numba import njit

from geopoverty.numerics.pairing.sides import Side
from geopoverty.numerics.types import Array, Codes

# (1 - |u|^p)^q; constants in front cancel.
POWERS = {"epanechnikov": (2, 1), "biweight": (2, 2), "tricube": (3, 3)}
FEW = 32  # sources: up to here each is visited
FAINT = 0.05  # mean kernel below which moments cancel, so each is visited


@dataclass(frozen=True, eq=False)
class CompactKernel:
    """Sources count by a polynomial of their distance, up to one bandwidth.

    Attributes
    ----------
    targets, sources : Side
    kernel : {"epanechnikov", "biweight", "tricube"}
    bandwidth : float
        Above 0, in units of the score.

    Notes
    -----
    Targets are swept in cells of half a bandwidth. Within a cell the powers of the
    scores in reach, left and right of the target, are held as running sums about the
    middle of the cell, so that a source is touched a few times whatever its number
    of targets.

    Examples
    --------
    >>> from geopoverty.numerics.pairing.sides import side
    >>> score = np.array([0.5, 0.4, 0.6])
    >>> one, two = side(score, np.array([0])), side(score, np.array([1, 2]))
    >>> found = CompactKernel(one, two, "epanechnikov", 0.2)
    >>> found.forward(np.ones((2, 1)))[:, 0].round(12).tolist()
    [1.5]
    """

    targets: Side
    sources: Side
    kernel: str
    bandwidth: float

    def forward(self, values: Array) -> Array:
        """Return each target's weighted sum over sources, shape (targets, q)."""
        return self._sums(self.targets, self.sources, values)

    def adjoint(self, values: Array) -> Array:
        """Return each source's weighted sum over targets, shape (sources, q)."""
        return self._sums(self.sources, self.targets, values)

    def _sums(self, to: Side, of: Side, values: Array) -> Array:
        inner, outer = POWERS[self.kernel]
        held = np.ascontiguousarray(values)
        poly = _polynomial(inner, outer)
        return _sweep(to.score, of.score, held, poly, (inner, outer), self.bandwidth)


def _polynomial(inner: int, outer: int) -> Array:
    """Return the coefficients of (1 - v^inner)^outer by power of v."""
    out = np.zeros(inner * outer + 1)
    for r in range(outer + 1):
        out[r * inner] = (-1) ** r * comb(outer, r)
    return out


@njit(cache=True, nogil=True)
def _sweep(
    to: Array,
    of: Array,
    values: Array,
    poly: Array,
    powers: tuple[int, int],
    h: float,
) -> Array:
    n, q, d = len(to), values.shape[1], len(poly)
    out = np.zeros((n, q))
    binomial = _binomials(d)
    left, right = np.zeros((d, q)), np.zeros((d, q))
    at = np.zeros(3, np.intp)
    middle, end = 0.0, -np.inf
    for i in range(n):
        x = to[i]
        if i > 0 and x == to[i - 1]:
            out[i] = out[i - 1]
            continue
        if x >= end:
            middle, end = x + h / 4, x + h / 2
            left[:] = 0.0
            right[:] = 0.0
            at[1] = at[2] = at[0] = _first_within(of, at[0], x, h)
        _slide(at, x, middle, h, of, values, left, right)
        a, b = at[0], at[2]
        few = b - a <= FEW
        if not few:
            _evaluate(out[i], left, right, poly, binomial, (x - middle) / h)
            few = out[i, 0] < FAINT * (left[0, 0] + right[0, 0])
        if few:
            _visit(out[i], x, of[a:b], values[a:b], powers, h)
    return out


@njit(cache=True, nogil=True)
def _first_within(of: Array, start: int, x: float, h: float) -> int:
    while start < len(of) and x - of[start] > h:
        start += 1
    return start


@njit(cache=True, nogil=True)
def _slide(
    at: Codes,
    x: float,
    middle: float,
    h: float,
    of: Array,
    values: Array,
    left: Array,
    right: Array,
) -> None:
    """Move the sources in reach on to a target, and their moments with them.

    Those from at[0] to at[1] lie left of the target, those up to at[2] right of it.
    """
    while at[2] < len(of) and of[at[2]] - x <= h:
        _move(right, values, at[2], (of[at[2]] - middle) / h, 1.0)
        at[2] += 1
    while at[1] < at[2] and of[at[1]] <= x:
        u = (of[at[1]] - middle) / h
        _move(right, values, at[1], u, -1.0)
        _move(left, values, at[1], u, 1.0)
        at[1] += 1
    while at[0] < at[1] and x - of[at[0]] > h:
        _move(left, values, at[0], (of[at[0]] - middle) / h, -1.0)
        at[0] += 1


@njit(cache=True, nogil=True)
def _visit(
    total: Array, x: float, of: Array, values: Array, powers: tuple[int, int], h: float
) -> None:
    """Add up the kernel source by source."""
    total[:] = 0.0
    for j in range(len(of)):
        u = abs(of[j] - x) / h
        # 1 - u^p without losing digits near u = 1.
        base = (1 - u) * (1 + u) if powers[0] == 2 else (1 - u) * (1 + u + u * u)
        k = max(base, 0.0) ** powers[1]
        for c in range(len(total)):
            total[c] += k * values[j, c]


@njit(cache=True, nogil=True)
def _binomials(d: int) -> Array:
    out = np.zeros((d, d))
    for r in range(d):
        out[r, 0] = 1.0
        for s in range(1, r + 1):
            out[r, s] = out[r - 1, s - 1] + out[r - 1, s]
    return out


@njit(cache=True, nogil=True)
def _move(moments: Array, values: Array, j: int, u: float, sign: float) -> None:
    """Add a source to the moments, or take it away."""
    p = sign
    for r in range(len(moments)):
        for c in range(values.shape[1]):
            moments[r, c] += p * values[j, c]
        p *= u


@njit(cache=True, nogil=True)
def _evaluate(
    total: Array, left: Array, right: Array, poly: Array, binomial: Array, t: float
) -> None:
    """Add up poly(|u - t|) over both sides, from moments of u."""
    for r in range(len(poly)):
        if poly[r] == 0.0:
            continue
        odd = -1.0 if r % 2 else 1.0  # |u - t|^r = odd (u - t)^r left of the target
        shift = 1.0
        for s in range(r, -1, -1):
            f = poly[r] * binomial[r, s] * shift
            for c in range(len(total)):
                total[c] += f * (odd * left[s, c] + right[s, c])
            shift *= -t
