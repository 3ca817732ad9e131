"""The normal kernel, exact to rounding: a fast Gauss transform without cancellation."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from geopoverty.numerics.pairing.sides import Side
from geopoverty.numerics.types import Array, Codes

FEW = 24  # sources in a cell: up to here each is visited
MANY = 100  # targets in a cell: from here on they are interpolated
TERMS = 48  # of the series, enough up to SERIES
SERIES = 7.0  # sqrt(2) bandwidths: from cells farther off, sources are visited
FAR = 27.0  # sqrt(2) bandwidths: beyond, the kernel is 0 for a computer
TINY = 1e-17  # of the sum: what is left out
WIDTH = 2**-0.5  # of a cell, in units of sqrt(2) bandwidths: one bandwidth
STEEP = 9.0  # log of the greatest change of the sum over a cell, to be interpolated
NODES = 28
_ANGLES = (np.arange(NODES) + 0.5) * np.pi / NODES
_POINTS = (1 + np.cos(_ANGLES)) / 2  # of Chebyshev, in 0 to 1
_SERIES = 2 / NODES * np.cos(np.outer(np.arange(NODES), _ANGLES))
_SERIES[0] /= 2


@dataclass(frozen=True, eq=False)
class NormalKernel:
    """All sources count, by the normal density of their distance.

    Attributes
    ----------
    targets, sources : Side
    bandwidth : float
        The kernel's standard deviation, above 0, in units of the score.

    Notes
    -----
    Sources lie in cells of one bandwidth. With a and b the distances of target and
    source from the edge of the cell that is farther from the target (in units of
    sqrt(2) bandwidths), the kernel is exp(-a^2) exp(2ab) exp(-b^2). All terms of the
    series of exp(2ab) are positive, so sums of b^r exp(-b^2) / r! over a cell give
    its part to rounding, far in the tail, too: unlike the Hermite series of
    Greengard & Strain (1991), which is exact only relative to the largest part. Where
    a cell has many targets, they read a Chebyshev polynomial through 28 exact values.

    References
    ----------
    Greengard, L. & Strain, J. (1991). The fast Gauss transform. SIAM Journal on
    Scientific and Statistical Computing 12, 79-94.

    Examples
    --------
    >>> from geopoverty.numerics.pairing.sides import side
    >>> score = np.array([0.5, 0.4, 0.6])
    >>> one, two = side(score, np.array([0])), side(score, np.array([1, 2]))
    >>> sums = NormalKernel(one, two, 0.1).forward(np.ones((2, 1)))
    >>> bool(np.isclose(sums[0, 0], 2 * np.exp(-0.5)))
    True
    """

    targets: Side
    sources: Side
    bandwidth: float

    def forward(self, values: Array) -> Array:
        """Return each target's weighted sum over sources, shape (targets, q)."""
        return self._sums(self.targets, self.sources, values)

    def adjoint(self, values: Array) -> Array:
        """Return each source's weighted sum over targets, shape (sources, q)."""
        return self._sums(self.sources, self.targets, values)

    def _sums(self, to: Side, of: Side, values: Array) -> Array:
        held = np.ascontiguousarray(values)
        if not len(of) or not len(to):
            return np.zeros((len(to), held.shape[1]))
        scale = 1 / (np.sqrt(2) * self.bandwidth)
        starts, edges = _cells(of.score, self.bandwidth)
        moments, where = _moments(of.score, held, starts, edges, self.bandwidth, scale)
        cells = (starts, edges, where)
        return _evaluate(to.score, of.score, held, cells, moments, self.bandwidth)


@njit(cache=True, nogil=True)
def _cells(s: Array, width: float) -> tuple[Codes, Array]:
    """Return where each cell that is not empty begins, and its left edge."""
    m = len(s)
    starts, edges = np.empty(m + 1, np.intp), np.empty(m)
    cells = 0
    edge = -np.inf
    for j in range(m):
        if s[j] >= edge + width:
            edge = s[j]
            starts[cells], edges[cells] = j, edge
            cells += 1
    starts[cells] = m
    return starts[: cells + 1].copy(), edges[:cells].copy()


@njit(cache=True, nogil=True)
def _moments(
    s: Array, values: Array, starts: Codes, edges: Array, width: float, scale: float
) -> tuple[Array, Codes]:
    """Return sums of b^r exp(-b^2) / r! from both edges of each full cell."""
    cells, q = len(edges), values.shape[1]
    where = np.full(cells, -1, np.intp)
    full = 0
    for g in range(cells):
        if starts[g + 1] - starts[g] > FEW:
            where[g] = full
            full += 1
    out = np.zeros((full, 2, TERMS, q))
    for g in range(cells):
        if where[g] < 0:
            continue
        into, end = out[where[g]], edges[g] + width
        for j in range(starts[g], starts[g + 1]):
            _add_terms(into[0], (s[j] - edges[g]) * scale, values[j])
            _add_terms(into[1], (end - s[j]) * scale, values[j])
    return out, where


@njit(cache=True, nogil=True)
def _add_terms(into: Array, b: float, value: Array) -> None:
    """Add b^r exp(-b^2) / r! times a source's values, as long as they count."""
    p, size = np.exp(-b * b), 1.0
    for r in range(TERMS):
        for c in range(len(value)):
            into[r, c] += p * value[c]
        p *= b / (r + 1)
        size *= 2 * SERIES * b / (r + 1)  # of this term, for the farthest target
        if size < TINY:
            break


@njit(cache=True, nogil=True)
def _evaluate(
    x: Array,
    s: Array,
    values: Array,
    cells: tuple[Codes, Array, Codes],
    moments: Array,
    width: float,
) -> Array:
    n, q = len(x), values.shape[1]
    out, mass = np.zeros((n, q)), np.abs(values[:, 0]).sum()
    nodes = np.zeros((NODES, q))
    i = 0
    while i < n:
        end = i + np.searchsorted(x[i:], x[i] + width)
        done = False
        if end - i >= MANY and x[end - 1] > x[i]:
            at = x[i] + width * _POINTS
            nodes[:] = 0.0
            for k in range(NODES):
                _one(nodes[k], at[k], s, values, cells, moments, width, mass)
            done = _read(out[i:end], (x[i:end] - x[i]) / width, nodes)
        if not done:
            for k in range(i, end):
                if k > i and x[k] == x[k - 1]:
                    out[k] = out[k - 1]
                else:
                    _one(out[k], x[k], s, values, cells, moments, width, mass)
        i = end
    return out


@njit(cache=True, nogil=True)
def _read(out: Array, x: Array, nodes: Array) -> bool:
    """Interpolate at x in 0 to 1, or return False when the sum is too steep."""
    # The nodes run from the right end to the left.
    if nodes[0, 0] <= 0.0 or nodes[-1, 0] <= 0.0:
        return False
    rise = np.log(nodes[0, 0] / nodes[-1, 0])
    if abs(rise) > STEEP:
        return False
    flat = nodes * np.exp(-rise * _POINTS).reshape(-1, 1)
    series = _SERIES @ flat
    for i in range(len(x)):
        t, lift = 2 * x[i] - 1, np.exp(rise * x[i])
        for c in range(out.shape[1]):
            ahead = beyond = 0.0
            for k in range(NODES - 1, 0, -1):
                ahead, beyond = series[k, c] + 2 * t * ahead - beyond, ahead
            out[i, c] = lift * (series[0, c] + t * ahead - beyond)
    return True


@njit(cache=True, nogil=True)
def _one(
    total: Array,
    x: float,
    s: Array,
    values: Array,
    cells: tuple[Codes, Array, Codes],
    moments: Array,
    width: float,
    mass: float,
) -> None:
    """Add up the cells, the nearest first, until the rest cannot matter."""
    starts, edges, where = cells
    count, scale = len(edges), WIDTH / width
    right = np.searchsorted(edges, x, side="right")
    left = right - 1
    while left >= 0 or right < count:
        below = above = np.inf
        if left >= 0:
            below = max(x - edges[left] - width, 0.0) * scale
        if right < count:
            above = (edges[right] - x) * scale
        gap = min(below, above)
        if gap > FAR or np.exp(-gap * gap) * mass <= TINY * total[0]:
            break
        if below <= above:
            g, end, a = left, 0, x - edges[left]
            left -= 1
        else:
            g, end, a = right, 1, edges[right] + width - x
            right += 1
        if where[g] < 0 or a * scale > SERIES:
            here = slice(starts[g], starts[g + 1])
            _visit(total, x, s[here], values[here], scale)
        else:
            _series(total, moments[where[g], end], a * scale)


@njit(cache=True, nogil=True)
def _visit(total: Array, x: float, s: Array, values: Array, scale: float) -> None:
    """Add up the kernel source by source."""
    for j in range(len(s)):
        d = (x - s[j]) * scale
        k = np.exp(-d * d)
        for c in range(len(total)):
            total[c] += k * values[j, c]


@njit(cache=True, nogil=True)
def _series(total: Array, moments: Array, a: float) -> None:
    """Add exp(-a^2) sum (2a)^r moments_r: what one cell gives to a target."""
    factor = np.exp(-a * a)
    if factor == 0.0:
        return
    most = 2 * a * WIDTH  # no term can exceed those of a source at the far edge
    bound = factor * moments[0, 0]
    for r in range(TERMS):
        for c in range(len(total)):
            total[c] += factor * moments[r, c]
        factor *= 2 * a
        bound *= most / (r + 1)
        if r > most and bound <= TINY * total[0]:
            break
