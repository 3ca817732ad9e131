"""Which rho are feasible: between the singular points of I - rho W around 0."""

import numpy as np

from geopoverty.numerics.spectrum import eigenvalue_range
from geopoverty.numerics.types import Matrix

WIDE = 10.0  # without a round trip nothing bounds rho: keep it where numbers are sane


def feasible_rho(W: Matrix) -> tuple[float, float]:
    """Return the interval around 0 in which I - rho W stays regular.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
        At least 0.

    Returns
    -------
    tuple of float
        The inverses of the least and the greatest real part of the eigenvalues.

    Notes
    -----
    I - rho W is singular where 1/rho is a real eigenvalue. W at least 0 has its
    spectral radius as an eigenvalue (Perron and Frobenius), which bounds rho from
    above exactly. Weights of asymmetric travel times have complex eigenvalues, too,
    which make nothing singular; the least real part is then at most the least real
    eigenvalue, so that the lower bound errs, if at all, on the safe side (LeSage &
    Pace 2009, section 4.3.2).

    Examples
    --------
    >>> low, high = feasible_rho(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> round(low, 6), round(high, 6)
    (-1.0, 1.0)
    """
    least, greatest = eigenvalue_range(W)
    largest = float(np.asarray(W.sum(axis=1)).max())
    tiny = 1e-9 * largest
    high = 1 / greatest if greatest > tiny else WIDE / largest
    return (1 / least if least < -tiny else -high), high
