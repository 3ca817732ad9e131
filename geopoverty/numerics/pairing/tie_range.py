"""How far the answer moves with the choice among tied controls."""

import numpy as np
from numba import njit

from geopoverty.numerics.pairing.nearest import Neighbours
from geopoverty.numerics.types import Array, Codes


def tie_range(
    found: Neighbours, values: Array, outcome: Array, weight: Array
) -> tuple[float, float]:
    """Return the least and greatest mean difference over all choices among ties.

    Parameters
    ----------
    found : Neighbours
    values : array, shape (sources,)
        Outcomes of controls, sorted by score.
    outcome, weight : array, shape (targets,)
        Of treated; those without a control are left out.

    Returns
    -------
    tuple of float
        When each treated takes exactly k controls.

    Examples
    --------
    >>> from geopoverty.numerics.pairing.nearest import nearest
    >>> from geopoverty.numerics.pairing.sides import side
    >>> score = np.array([0.2, 0.1, 0.1])
    >>> found = nearest(side(score, np.array([0])), side(score, np.array([1, 2])), 1)
    >>> tie_range(found, np.array([1.0, 5.0]), np.array([7.0]), np.ones(1))
    (2.0, 6.0)
    """
    least, most = _ends(
        (found.all.low, found.all.high), (found.low, found.high), found.wanted, values
    )
    on = found.all.sizes() > 0
    w, y = weight[on], outcome[on]
    return (
        float(w @ (y - most[on]) / w.sum()),
        float(w @ (y - least[on]) / w.sum()),
    )


@njit(cache=True, nogil=True)
def _ends(
    outer: tuple[Codes, Codes],
    inner: tuple[Codes, Codes],
    wanted: Codes,
    values: Array,
) -> tuple[Array, Array]:
    """Return the least and greatest mean each target can have."""
    n = len(wanted)
    least, most = np.full(n, np.nan), np.full(n, np.nan)
    before = (outer[0][0] - 1, outer[0][0], outer[0][0], outer[0][0])
    for i in range(n):
        low, high = outer[0][i], outer[1][i]
        a, b = inner[0][i], inner[1][i]
        if high == low:
            continue
        same = low == before[0] and high == before[1]
        if same and a == before[2] and b == before[3]:
            least[i], most[i] = least[i - 1], most[i - 1]
            continue
        before = (low, high, a, b)
        tied = np.sort(np.concatenate((values[low:a], values[b:high])))
        r = wanted[i]
        base, k = values[a:b].sum(), b - a + r
        least[i] = (base + tied[:r].sum()) / k
        most[i] = (base + tied[len(tied) - r :].sum()) / k
    return least, most
