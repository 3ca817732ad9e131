"""Whether residuals of neighbours are alike."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats

from geopoverty.numerics.types import Array, Matrix


@dataclass(frozen=True)
class Moran:
    """Moran's I with its test under randomisation.

    Attributes
    ----------
    statistic, expected, variance, z, p_value : float
        Two-sided p.
    """

    statistic: float
    expected: float
    variance: float
    z: float
    p_value: float


def moran_test(x: Array, W: Matrix) -> Moran | None:
    """Return Moran's I of x, and its moments if x were drawn anew among the units.

    Parameters
    ----------
    x : array, shape (n,)
    W : array or CSR array, shape (n, n)
        With a diagonal of 0.

    Returns
    -------
    Moran or None
        None if x does not vary, there is no link, or there are fewer than four units.

    References
    ----------
    Cliff, A. D. & Ord, J. K. (1981). Spatial Processes. Pion, equations 1.36 to 1.44.

    Examples
    --------
    >>> ring = np.roll(np.eye(6), 1, axis=1)
    >>> found = moran_test(np.array([1.0, 2, 3, 3, 2, 1]), ring)
    >>> round(found.statistic, 4), round(found.expected, 4)
    (0.5, -0.2)
    """
    W = sparse.csr_array(W)
    n, total = len(x), float(W.sum())
    z = x - x.mean()
    square = float(z @ z)
    if n < 4 or total == 0 or square <= 1e-24 * float(x @ x):
        return None
    statistic = n / total * float(z @ (W @ z)) / square
    both = W + W.T
    s1 = float((both * both).sum()) / 2
    margins = np.asarray(W.sum(axis=0)) + np.asarray(W.sum(axis=1))
    s2 = float(margins @ margins)
    kurtosis = n * float(np.sum(z**4)) / square**2
    expected = -1 / (n - 1)
    first = n * ((n * n - 3 * n + 3) * s1 - n * s2 + 3 * total**2)
    second = kurtosis * ((n * n - n) * s1 - 2 * n * s2 + 6 * total**2)
    below = (n - 1) * (n - 2) * (n - 3) * total**2
    variance = (first - second) / below - expected**2
    if not variance > 0:
        return None
    score = (statistic - expected) / np.sqrt(variance)
    return Moran(
        statistic,
        expected,
        variance,
        float(score),
        float(2 * stats.norm.sf(abs(score))),
    )
