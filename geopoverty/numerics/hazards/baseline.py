"""Baseline hazards, and the survival curves they give, with intervals."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from geopoverty.numerics.hazards.cox import CoxFit
from geopoverty.numerics.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Baseline:
    """Cumulative hazards at mean covariates, with what their errors need.

    Attributes
    ----------
    times : array, shape (G,)
        Distinct times of exit, stratum by stratum.
    stratum : array of int, shape (G,)
    cumulative : array, shape (G,)
        Of a row at the centre.
    variance : array, shape (G,)
        Of `cumulative`, were the coefficients known.
    drift : array, shape (G, k)
        Minus the derivative of the log hazard's part in `cumulative` by beta.
    centre : array, shape (k,)
    beta : array, shape (k,)
    vcov : array, shape (k, k)
    """

    times: Array
    stratum: Codes
    cumulative: Array
    variance: Array
    drift: Array
    centre: Array
    beta: Array
    vcov: Array

    @property
    def std_error(self) -> Array:
        """Of `cumulative`, shape (G,)."""
        spread = np.einsum("gi,ij,gj->g", self.drift, self.vcov, self.drift)
        return np.asarray(np.sqrt(self.variance + spread))

    def log_hazard(self, X: Array) -> Array:
        """Return log hazards relative to the centre, shape (n,)."""
        return np.asarray((X - self.centre) @ self.beta)

    def hazards(self, X: Array, stratum: Codes, times: Array) -> tuple[Array, Array]:
        """Return cumulative hazards of rows at times and their standard errors.

        Parameters
        ----------
        X : array, shape (n, k)
        stratum : array of int, shape (n,)
        times : array, shape (t,)

        Returns
        -------
        (array, array), shape (n, t) each

        References
        ----------
        Tsiatis, A. A. (1981). A large sample study of Cox's regression model. Annals
        of Statistics 9, 93-108.
        """
        out = np.zeros((len(X), len(times)))
        error = np.zeros_like(out)
        for s in np.unique(stratum):
            rows = np.flatnonzero(stratum == s)
            out[rows], error[rows] = self._one(X[rows], s, times)
        return out, error

    def _one(self, X: Array, s: int, times: Array) -> tuple[Array, Array]:
        begin, end = np.searchsorted(self.stratum, [s, s + 1])
        at = np.searchsorted(self.times[begin:end], times, side="right") - 1
        known = at >= 0
        at = np.where(known, begin + at, 0)
        H = np.where(known, self.cumulative[at], 0.0)
        own = np.where(known, self.variance[at], 0.0)
        drift = np.where(known[:, None], self.drift[at], 0.0)
        off = X - self.centre
        r = np.exp(off @ self.beta)[:, None]
        moved, sizes = drift @ self.vcov, np.einsum("ij,ij->i", off @ self.vcov, off)
        spread = np.einsum("tj,tj->t", moved, drift) - 2 * (off @ moved.T) * H
        spread += sizes[:, None] * H**2
        return r * H, r * np.sqrt(np.maximum(own + spread, 0.0))


def baseline(fit: CoxFit, vcov: Array | None = None) -> Baseline:
    """Return the baseline of a fit: as R's survfit, ties as the fit's.

    Parameters
    ----------
    fit : CoxFit
    vcov : array, shape (k, k), optional
        Of the coefficients, when it is not the inverse of the information.
    """
    at, risk = fit.moments, fit.moments.data.risk
    # The moments are of hazards over a common factor.
    factor = np.exp(-at.top)
    return Baseline(
        times=risk.times,
        stratum=risk.stratum,
        cumulative=risk.within(at.hazard) * factor,
        variance=risk.within(at.a0) * factor**2,
        drift=risk.within(at.drift) * factor,
        centre=fit.centre,
        beta=fit.beta,
        vcov=fit.vcov if vcov is None else vcov,
    )


def exit_chances(
    hazard: Array, error: Array, conf_level: float = 0.95
) -> tuple[Array, Array, Array]:
    """Return the chance of having left, and an interval, from cumulative hazards.

    The interval is that of the log of the cumulative hazard, so that it stays
    between 0 and 1 (R's ``conf.type="log-log"``).

    Examples
    --------
    >>> p, low, high = exit_chances(np.array([0.5]), np.array([0.1]))
    >>> [round(float(v[0]), 4) for v in (low, p, high)]
    [0.2867, 0.3935, 0.5229]
    """
    z = float(stats.norm.ppf(0.5 + conf_level / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        wide = np.where(hazard > 0, np.exp(z * error / hazard), 1.0)
    low, high = -np.expm1(-hazard / wide), -np.expm1(-hazard * wide)
    return -np.expm1(-hazard), low, high
