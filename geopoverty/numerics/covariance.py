"""Sandwich covariances from blocks of scores."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from geopoverty.numerics.types import Array, Matrix

Scores = Iterable[tuple[slice, Array]]


def inverse(information: Array) -> Array:
    """Return the inverse of a positive definite matrix, exactly symmetric."""
    eye = np.eye(len(information))
    out = linalg.solve(information, eye, assume_a="pos")
    return np.asarray((out + out.T) / 2)


def outer_sum(scores: Scores, k: int) -> Array:
    """Return the sum of s s' over rows: the meat of HC0, shape (k, k)."""
    meat = np.zeros((k, k))
    for _, block in scores:
        meat += block.T @ block
    return meat


def group_sums(
    scores: Scores, codes: NDArray[np.integer], groups: int, k: int
) -> Array:
    """Return the sum of scores in each group, shape (groups, k).

    Parameters
    ----------
    scores : iterable of (slice, array (m, k))
    codes : array of int, shape (n,)
        From 0 to groups - 1.
    groups, k : int

    Examples
    --------
    >>> blocks = [(slice(0, 3), np.array([[1.0], [2.0], [4.0]]))]
    >>> group_sums(blocks, np.array([0, 1, 0]), 2, 1).ravel()
    array([5., 2.])
    """
    total = np.zeros((groups, k))
    for rows, block in scores:
        m = len(block)
        # One link a row: summing is a product with a sparse incidence matrix.
        incidence = sparse.csr_array(
            (np.ones(m), codes[rows], np.arange(m + 1)), shape=(m, groups)
        )
        total += incidence.T @ block
    return total


def cluster_factor(groups: int, n: int, k: int, correction: str) -> float:
    """Return the small-sample factor of a clustered covariance.

    ``"hc1"`` is G/(G-1) (n-1)/(n-k), as statsmodels and R's
    ``sandwich::vcovCL(type="HC1")``; ``"groups"`` is G/(G-1), as Stata after
    maximum likelihood; ``"none"`` is 1, as R's survival.

    Examples
    --------
    >>> round(cluster_factor(40, 400, 4, "hc1"), 4), cluster_factor(5, 9, 2, "groups")
    (1.0334, 1.25)
    """
    if correction == "none":
        return 1.0
    factor = groups / (groups - 1)
    return factor * (n - 1) / (n - k) if correction == "hc1" else factor


def sandwich(bread: Array, meat: Array) -> tuple[Array, bool]:
    """Return bread x meat x bread, and whether it had to be made positive.

    A difference of sandwiches (two-way clusters) or an indefinite kernel can
    give negative variances; then negative eigenvalues are set to 0, as Cameron,
    Gelbach & Miller (2011), section 2.3, propose.

    Examples
    --------
    >>> sandwich(np.eye(2), np.diag([2.0, 3.0]))[1]
    False
    """
    vcov = bread @ meat @ bread
    vcov = (vcov + vcov.T) / 2
    values, vectors = linalg.eigh(vcov)
    if values.min() >= -1e-12 * max(values.max(), 0.0):
        return np.asarray(vcov), False
    positive = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return np.asarray((positive + positive.T) / 2), True


def kernel_meat(sums: Array, kernel: Matrix) -> Array:
    """Return the meat of Conley's covariance: sums' K sums.

    Parameters
    ----------
    sums : array, shape (units, k)
        Scores summed over each unit's rows.
    kernel : array or CSR array, shape (units, units)
        How much two units' scores count together: 1 on the diagonal, falling to
        0 at the cutoff; symmetric.

    References
    ----------
    Conley, T. G. (1999). GMM estimation with cross sectional dependence.
    Journal of Econometrics 92, 1-45.

    Examples
    --------
    >>> kernel_meat(np.array([[1.0], [2.0]]), np.eye(2))
    array([[5.]])
    """
    meat = sums.T @ (kernel @ sums)
    return np.asarray((meat + meat.T) / 2)
