"""The Gaussian that expectation propagation works with: prior times sites.

Rows in cells have prior precision I + Z Q Z', N (Q + N^-1) N = A'NA, and sites
add T = diag(t). With D = I + T and S = Z'D^-1 Z, Woodbury's identity twice gives

    (D + Z Q Z')^-1 = D^-1 - D^-1 Z (S^-1 - S^-1 N M^-1 N S^-1) Z'D^-1,
    M = A'NA + N S^-1 N - N,

so that all that is ever factored, for households and units alike, is M: of the
size of units, sparse like A'A, positive definite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.selected_inverse import (
    NormalMatrix,
    SelectedInverse,
)
from geopoverty.numerics.types import Array

_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, eq=False)
class Sites:
    """The Gaussian factors exp(v y* - t y*^2 / 2) that stand for the half-lines.

    Attributes
    ----------
    t, v : array, shape (n_rows,)
        t is above 0.
    reach : float
        How many times their last change the fixed point may be away.

    Examples
    --------
    >>> Sites.cold(2).t
    array([0.5, 0.5])
    """

    t: Array
    v: Array
    reach: float = 1.0

    @staticmethod
    def cold(n: int) -> "Sites":
        """Return sites to begin with."""
        return Sites(np.full(n, 0.5), np.zeros(n))

    def towards(self, other: "Sites", share: float) -> "Sites":
        """Go a share of the way; beyond 1 or below 0 only while t stays above 0."""
        t = self.t + share * (other.t - self.t)
        v = self.v + share * (other.v - self.v)
        return Sites(np.where(t > 0, t, self.t), v, self.reach)


@dataclass(frozen=True, eq=False)
class Tilted:
    """What one sweep finds for every row.

    Attributes
    ----------
    sites : Sites
        The sites that would give each row its moments, others kept.
    loglik : float
        Sum of the rows' parts of the log-likelihood.
    step : array, shape (2 n_rows,)
        Changes of t, then of v, in units of the row's posterior precision, and of
        its root.
    """

    sites: Sites
    loglik: float
    step: Array

    @property
    def change(self) -> float:
        """The largest change of a site."""
        return float(np.abs(self.step).max())


class Posterior:
    """Prior of latent rows times their sites, at one rho.

    Parameters
    ----------
    normals : sequence of NormalMatrix, one a period
    cells : Cells
    rho : float
    t : array, shape (n_rows,)
        Precision of the sites, above 0.

    Attributes
    ----------
    factors : tuple of SelectedInverse
        M of each period.

    Raises
    ------
    EstimationError
        If I - rho W is singular.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cells = Cells(np.arange(2), units=2, periods=1)
    >>> Posterior([NormalMatrix(W)], cells, 0.0, np.ones(2)).variance
    array([0.5, 0.5])
    """

    def __init__(
        self, normals: Sequence[NormalMatrix], cells: Cells, rho: float, t: Array
    ) -> None:
        counts = cells.counts
        self.cells, self._normals = cells, normals
        self._noise = 1 / (1 + t)
        self._inner = cells.add(self._noise)
        self._gain = counts / self._inner
        extra = (counts * (self._gain - 1)).reshape(cells.periods, cells.units)
        self.factors = tuple(
            normal.at(rho, each) for normal, each in zip(normals, extra, strict=True)
        )
        self.log_determinant = (
            float(np.log1p(t).sum())
            + float(np.log(self._inner).sum())
            - 2 * float(np.log(counts).sum())
            + sum(factor.log_determinant for factor in self.factors)
        )

    @cached_property
    def variance(self) -> Array:
        """Return the posterior variance of every row, shape (n_rows,)."""
        inverse = np.concatenate([factor.diagonal() for factor in self.factors])
        shared = self._gain**2 * inverse - 1 / self._inner
        return np.asarray(self._noise + self._noise**2 * shared[self.cells.codes])

    def solve(self, x: Array) -> Array:
        """Return posterior covariance times x, of shape (n_rows,) or (n_rows, m)."""
        wide = x.reshape(len(x), -1)
        scaled = self._noise[:, None] * wide
        sums = self.cells.add(scaled)
        gain = self._gain[:, None]
        parts = np.split(gain * sums, self.cells.periods)
        solved = [f.solve(part) for f, part in zip(self.factors, parts, strict=True)]
        shared = gain * np.concatenate(solved) - sums / self._inner[:, None]
        found = scaled + self._noise[:, None] * shared[self.cells.codes]
        return np.asarray(found.reshape(x.shape))

    def correction(self, third: Array, fourth: Array) -> float:
        """Return what the site's cumulants add to the log-likelihood.

        Parameters
        ----------
        third, fourth : array, shape (n_rows,)
            Cumulants of each row cut at 0: what a Gaussian site leaves out.

        Returns
        -------
        float

        Notes
        -----
        The leading terms of the expansion of the exact likelihood about the EP
        one [1]_: half the sum over pairs of rows of c_i c_j (C_ij / C_ii C_jj)^l
        / l!, l = 3, 4, with C the posterior covariance. Pairs of rows whose units
        are not linked in A'A have tiny cubes and are left out.

        References
        ----------
        .. [1] Opper, M., Paquet, U. & Winther, O. (2013). Perturbative corrections
           for approximate inference in Gaussian latent variable models. J. Mach.
           Learn. Res. 14, 2857-2898.
        """
        ratio = self._noise / self.variance
        inverse = np.concatenate([factor.diagonal() for factor in self.factors])
        shared = self._gain**2 * inverse - 1 / self._inner  # C_ij in a cell, over d d
        total = 0.0
        for power, cumulant, weight in ((3, third, 1 / 12), (4, fourth, 1 / 48)):
            of_row = cumulant * ratio**power
            of_cell = self.cells.add(of_row)
            own = of_cell**2 - self.cells.add(of_row**2)
            total += weight * float(shared**power @ own)
            parts = np.split(self._gain**power * of_cell, self.cells.periods)
            for normal, factor, part in zip(
                self._normals, self.factors, parts, strict=True
            ):
                total += weight * _across(normal, factor, part, power)
        return total


def tilt(sign: Array, mean: Array, variance: Array, sites: Sites) -> Tilted:
    """Give every row the moments of its half-line, the other sites kept.

    Parameters
    ----------
    sign : array, shape (n_rows,)
        1 where y* is above 0, -1 where it is below.
    mean, variance : array, shape (n_rows,)
        Of the posterior.
    sites : Sites

    Returns
    -------
    Tilted

    Notes
    -----
    With the site taken out a row is Normal(m, 1/p); cut at 0 it has mass Phi(z),
    z = sign m sqrt(p), and its variance shrinks by w = h (z + h), h = phi/Phi (z)
    (Rasmussen & Williams 2006, section 3.6, at zero noise).

    Examples
    --------
    >>> one = np.ones(1)
    >>> found = tilt(one, 0 * one, one, Sites(0 * one, 0 * one))
    >>> round(found.loglik, 6), found.sites.t.round(6)  # log(1/2), 1/(1 - 2/pi) - 1
    (-0.693147, array([1.751938]))
    """
    p, pull, z, hazard, shrunk = _cavity(sign, mean, variance, sites)
    t = p * shrunk / (1 - shrunk)
    v = t * pull / p + sign * hazard * np.sqrt(p) / (1 - shrunk)
    step = np.append((t - sites.t) * variance, (v - sites.v) * np.sqrt(variance))
    part = np.log(p * variance) + mean * mean / variance - pull * pull / p
    loglik = special.log_ndtr(z) - 0.5 * part
    return Tilted(Sites(t, v), float(loglik.sum()), step)


def cumulants(
    sign: Array, mean: Array, variance: Array, sites: Sites
) -> tuple[Array, Array]:
    """Return the third and fourth cumulant of each row cut at 0.

    Parameters
    ----------
    sign, mean, variance : array, shape (n_rows,)
    sites : Sites
        All as in `tilt`.

    Returns
    -------
    tuple of array, shape (n_rows,)

    Notes
    -----
    Cumulants above the second are the derivatives of log Phi in z, over powers of
    the root precision.

    Examples
    --------
    >>> one = np.ones(1)
    >>> third, fourth = cumulants(one, 0 * one, one, Sites(0 * one, 0 * one))
    >>> third.round(4), fourth.round(4)  # of the half-normal
    (array([0.218]), array([0.1148]))
    """
    p, _, z, hazard, shrunk = _cavity(sign, mean, variance, sites)
    reach = z + hazard
    first = hazard * (1 - shrunk) - shrunk * reach  # derivatives of shrunk in z
    second = -first * (reach + hazard) - 2 * shrunk * (1 - shrunk)
    return -first * sign / p**1.5, -second / p**2


def _cavity(
    sign: Array, mean: Array, variance: Array, sites: Sites
) -> tuple[Array, Array, Array, Array, Array]:
    """Return precision, pull, z, phi/Phi and lost variance without a row's site."""
    precision = 1 / variance
    p = np.maximum(precision - sites.t, 1e-12 * precision)
    pull = mean * precision - sites.v
    z = sign * pull / np.sqrt(p)
    hazard = np.exp(-0.5 * z * z - _HALF_LOG_2PI - special.log_ndtr(z))
    return p, pull, z, hazard, np.clip(hazard * (z + hazard), 1e-14, 1 - 1e-12)


def _across(
    normal: NormalMatrix, factor: SelectedInverse, part: Array, power: int
) -> float:
    """Sum part_g part_h (M^-1)_gh^power over linked units g and h other than g."""
    entries = factor.entries()
    powers = entries * entries * entries * normal.linked
    if power == 4:
        powers *= entries
    powers = normal.pattern.matrix(powers)
    own = float(part**2 @ factor.diagonal() ** power)
    return float(part @ np.asarray(powers @ part)) - own
