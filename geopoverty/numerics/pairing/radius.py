"""All sources within a distance."""

import numpy as np
from numba import njit

from geopoverty.numerics.pairing.sides import Side, same
from geopoverty.numerics.pairing.windows import Windows
from geopoverty.numerics.types import Array, Codes


def within(targets: Side, sources: Side, radius: float) -> Windows:
    """Match each target with all sources at most `radius` away.

    Parameters
    ----------
    targets, sources : Side
    radius : float
        Above 0, in units of the score; distances equal to it to 1e-12 of the range
        of scores are within.

    Returns
    -------
    Windows

    Examples
    --------
    >>> from geopoverty.numerics.pairing.sides import side
    >>> score = np.array([0.1, 0.2, 0.3])
    >>> found = within(side(score, np.array([1])), side(score, np.array([0, 2])), 0.1)
    >>> found.low.tolist(), found.high.tolist()
    ([0], [2])
    """
    reach = radius + same(targets, sources)
    low, high = _sweep(targets.score, sources.score, reach)
    return Windows(low, high, len(sources))


@njit(cache=True, nogil=True)
def _sweep(targets: Array, sources: Array, reach: float) -> tuple[Codes, Codes]:
    n, m = len(targets), len(sources)
    low, high = np.empty(n, np.intp), np.empty(n, np.intp)
    a, b = 0, 0
    for i in range(n):
        x = targets[i]
        while a < m and x - sources[a] > reach:
            a += 1
        b = max(a, b)
        while b < m and sources[b] - x <= reach:
            b += 1
        low[i], high[i] = a, b
    return low, high
