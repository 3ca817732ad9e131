"""Rows at risk in each of a few periods, and the chances that follow."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from geopoverty.numerics.links import Link
from geopoverty.numerics.types import Array, Codes, Mask

Z95 = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, eq=False)
class Expanded:
    """Rows at risk by period.

    Attributes
    ----------
    row : array of int, shape (m,)
        Which row it came from.
    period : array of int, shape (m,)
        From 0.
    y : array, shape (m,)
        1 where it leaves in this period.
    """

    row: Codes
    period: Codes
    y: Array


def expand(entry: Array, time: Array, exited: Mask, ends: Array) -> Expanded:
    """Repeat each row for every period at whose end it is still observed.

    Parameters
    ----------
    entry, time : array, shape (n,)
        A row is at risk in (entry, time].
    exited : array of bool, shape (n,)
        Whether it leaves at `time`, which is then one of `ends`.
    ends : array, shape (p,)
        Ends of periods, ascending.

    Examples
    --------
    >>> found = expand(np.zeros(2), np.array([2.0, 3.0]), np.array([True, False]),
    ...                np.array([1.0, 2.0, 3.0]))
    >>> found.row, found.period, found.y
    (array([0, 0, 1, 1, 1]), array([0, 1, 0, 1, 2]), array([0., 1., 0., 0., 0.]))
    """
    first = np.searchsorted(ends, entry, side="right")
    stop = np.searchsorted(ends, time, side="right")
    count = np.maximum(stop - first, 0)
    row = np.repeat(np.arange(len(time)), count)
    starts = np.cumsum(count) - count
    period = np.arange(len(row)) - starts[row] + first[row]
    y = (exited[row] & (period == stop[row] - 1)).astype(np.float64)
    return Expanded(row, period, y)


def survival(
    eta: Array, gradients: Array, vcov: Array, link: Link
) -> tuple[Array, Array, Array]:
    """Return survival after each period with 95 % limits, each (n, p).

    Parameters
    ----------
    eta : array, shape (n, p)
        Linear predictors by period.
    gradients : array, shape (n, p, k)
        Of each in the coefficients.
    vcov : array, shape (k, k)
    link : Link

    Notes
    -----
    Intervals by the delta method on the logarithm of the cumulative hazard, minus the
    logarithm of survival.

    Examples
    --------
    >>> from geopoverty.numerics.links import Logit
    >>> s, low, high = survival(np.zeros((1, 2)), np.ones((1, 2, 1)), np.eye(1), Logit)
    >>> s.round(3), bool((low < s).all() and (s < high).all())
    (array([[0.5 , 0.25]]), True)
    """
    steps, slopes = staying(eta, link)
    hazard = np.cumsum(steps, axis=1)
    along = np.cumsum(slopes[:, :, None] * gradients, axis=1)
    variance = np.einsum("ijk,kl,ijl->ij", along, vcov, along)
    return around(hazard, np.sqrt(np.maximum(variance, 0)))


def staying(eta: Array, link: Link) -> tuple[Array, Array]:
    """Return minus the logarithm of the chance to stay, and its derivative.

    Examples
    --------
    >>> from geopoverty.numerics.links import Cloglog
    >>> staying(np.array([0.0, 5.0]), Cloglog)[0].round(3)
    array([  1.   , 148.413])
    """
    here = link.at(eta, np.zeros_like(eta))
    return -here.loglik, -here.residual


def around(hazard: Array, error: Array) -> tuple[Array, Array, Array]:
    """Return survival with limits from cumulative hazards and their errors.

    Examples
    --------
    >>> [round(float(s), 3) for s in around(np.array(0.5), np.array(0.1))]
    [0.607, 0.477, 0.713]
    """
    # So wide an interval holds all that is possible.
    ratio = np.minimum(Z95 * error / np.maximum(hazard, 1e-300), 500.0)
    wide = np.exp(ratio)
    return np.exp(-hazard), np.exp(-hazard * wide), np.exp(-hazard / wide)
