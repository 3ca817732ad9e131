"""Kaplan-Meier and Nelson-Aalen curves of one group, and what is read off them."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.types import Array, Codes

LEVEL = 1e-8  # a curve this close to a level lies on it


@dataclass(frozen=True, eq=False)
class Spells:
    """Durations of one group.

    Attributes
    ----------
    entry, exit : array, shape (n,)
        A unit is at risk in (entry, exit].
    event : array of float, shape (n,)
        1 if it left at `exit`, 0 if it was last seen then.
    w : array, shape (n,), or None
        Sampling weights above 0; None is 1 each.
    """

    entry: Array
    exit: Array
    event: Array
    w: Array | None = None

    @property
    def weight(self) -> Array:
        """The weights, 1 where none were given."""
        return np.ones(len(self.exit)) if self.w is None else self.w


@dataclass(frozen=True, eq=False)
class Counts:
    """How many units are at risk, leave or are last seen, at each distinct time.

    Attributes
    ----------
    time : array, shape (m,)
        Ascending.
    at_risk, events, censored : array, shape (m,)
        Weighted; at risk just before the time.
    units : array, shape (m,)
        Units at risk, without weights.
    """

    time: Array
    at_risk: Array
    events: Array
    censored: Array
    units: Array


@dataclass(frozen=True, eq=False)
class Curve:
    """A survival curve with its standard errors.

    Attributes
    ----------
    counts : Counts
    survival : array, shape (m,)
        Just after each time.
    log_error : array, shape (m,)
        Standard error of its logarithm; NaN once it is 0.
    hazard, hazard_error : array, shape (m,)
        Nelson-Aalen cumulative hazard and its standard error.
    """

    counts: Counts
    survival: Array
    log_error: Array
    hazard: Array
    hazard_error: Array


def count(spells: Spells) -> Counts:
    """Count units at risk at each distinct time of exit or last sight.

    Examples
    --------
    >>> found = count(Spells(np.zeros(3), np.array([1.0, 2.0, 2.0]), np.ones(3)))
    >>> found.time, found.at_risk, found.events
    (array([1., 2.]), array([3., 2.]), array([1., 2.]))
    """
    time, at = np.unique(spells.exit, return_inverse=True)
    w = spells.weight
    events = binned(at, w * spells.event, len(time))
    leaving = binned(at, w, len(time))
    return Counts(
        time,
        risk_before(spells, time, w),
        events,
        np.maximum(leaving - events, 0),
        risk_before(spells, time, np.ones(len(w))),
    )


def binned(codes: Codes, values: Array, n: int) -> Array:
    """Sum values by code, shape (n,).

    Examples
    --------
    >>> binned(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]), 3)
    array([1., 0., 5.])
    """
    return np.asarray(np.bincount(codes, values, minlength=n), dtype=np.float64)


def risk_before(spells: Spells, time: Array, values: Array) -> Array:
    """Sum `values` over the units at risk just before each time.

    Parameters
    ----------
    spells : Spells, n units
    time : array, shape (m,)
    values : array, shape (n,)

    Examples
    --------
    >>> spells = Spells(np.array([0.0, 1.0]), np.array([2.0, 3.0]), np.ones(2))
    >>> risk_before(spells, np.array([1.0, 2.0, 3.0]), np.ones(2))
    array([1., 2., 1.])
    """
    gone = _sums_to(spells.exit, values, time, "left")
    come = _sums_to(spells.entry, values, time, "left")
    return np.asarray(come - gone)


def _sums_to(at: Array, values: Array, time: Array, side: str) -> Array:
    """Sum values whose `at` is before each time (or at it, with side right)."""
    order = np.argsort(at, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(values[order])])
    where = np.searchsorted(
        at[order], time, side="right" if side == "right" else "left"
    )
    return np.asarray(sums[where])


def fit_curve(spells: Spells) -> Curve:
    """Estimate survival and cumulative hazard.

    Without weights the variances are Greenwood's and Aalen's. With weights they
    are sums of squared influences of units (the infinitesimal jackknife), as R's
    survfit for weights that are no counts.

    Parameters
    ----------
    spells : Spells, n units

    Returns
    -------
    Curve

    References
    ----------
    Greenwood, M. (1926). The natural duration of cancer. Reports on Public Health
    and Medical Subjects 33. Therneau, T. & Grambsch, P. (2000). Modeling survival
    data, sections 2.2 and 7.

    Examples
    --------
    >>> curve = fit_curve(Spells(np.zeros(4), np.arange(1.0, 5.0), np.ones(4)))
    >>> curve.survival
    array([0.75, 0.5 , 0.25, 0.  ])
    """
    counts = count(spells)
    n, d = counts.at_risk, counts.events
    left = n - d
    left[d >= n * (1 - 1e-12)] = 0.0
    with np.errstate(divide="ignore"):
        survival = np.exp(np.cumsum(np.log(left / n)))
    hazard = np.cumsum(d / n)
    if spells.w is None:
        greenwood = np.cumsum(_ratio(d, n * left))
        variance, hazard_variance = greenwood, np.cumsum(d / n**2)
    else:
        variance = _jackknife(spells, counts.time, _ratio(d, n * left), _ratio(1, left))
        hazard_variance = _jackknife(spells, counts.time, d / n**2, 1 / n)
    error = np.sqrt(np.where(survival > 0, variance, np.nan))
    return Curve(counts, survival, error, hazard, np.sqrt(hazard_variance))


def _ratio(top: Array | float, bottom: Array) -> Array:
    """Divide, 0 where nobody is left to divide by."""
    out = np.zeros(len(bottom))
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out


def _jackknife(spells: Spells, time: Array, steps: Array, jumps: Array) -> Array:
    """Return sums of squared influences by time.

    A unit's influence grows by w x `steps` while it is at risk and falls by
    w x `jumps` when it leaves.
    """
    grown = np.cumsum(steps)
    started = _at_time(spells.entry, time, grown)
    w, at = spells.weight, np.searchsorted(time, spells.exit)
    final = w * (grown[at] - started - spells.event * jumps[at])
    done = _sums_to(spells.exit, final**2, time, "right")
    # Those still at risk just after each time: expand the square (grown - started)^2.
    parts = [
        _sums_to(spells.entry, v, time, "left")
        - _sums_to(spells.exit, v, time, "right")
        for v in (w**2, w**2 * started, w**2 * started**2)
    ]
    open_ = grown**2 * parts[0] - 2 * grown * parts[1] + parts[2]
    return np.asarray(done + np.maximum(open_, 0))


def _at_time(when: Array, time: Array, values: Array) -> Array:
    """Return a step function, given by its values from each time on, at `when`."""
    steps = np.concatenate([[0.0], values])
    return np.asarray(steps[np.searchsorted(time, when, side="right")])


def bands(curve: Curve, kind: str, z: float) -> tuple[Array, Array]:
    """Return pointwise limits of the survival curve.

    Parameters
    ----------
    curve : Curve
    kind : {"log", "log-log", "plain"}
        On which scale they are symmetric.
    z : float
        Quantile of the normal, such as 1.96.

    Returns
    -------
    low, high : array, shape (m,)
        NaN once survival is 0; for "log-log" also while it is 1.

    References
    ----------
    Kalbfleisch, J. & Prentice, R. (2002). The statistical analysis of failure time
    data, section 1.4.

    Examples
    --------
    >>> curve = fit_curve(Spells(np.zeros(4), np.arange(1.0, 5.0), np.ones(4)))
    >>> [round(float(limit[1]), 4) for limit in bands(curve, "log", 1.959964)]
    [0.1877, 1.0]
    """
    s, wide = curve.survival, z * curve.log_error
    if kind == "plain":
        wide = np.where(s > 0, wide, np.nan) * s
        return np.maximum(s - wide, 0), np.minimum(s + wide, 1)
    if kind == "log":
        return s * np.exp(-wide), np.minimum(s * np.exp(wide), 1)
    inside = np.where((s > 0) & (s < 1), s, np.nan)
    with np.errstate(divide="ignore"):
        shift = wide / np.log(inside)
    return np.asarray(inside ** np.exp(-shift)), np.asarray(inside ** np.exp(shift))


def quantile(time: Array, curve: Array, level: float) -> float:
    """Return when a falling curve reaches a level; NaN if it never does.

    Where it stays on the level for a while, the middle of that stretch is
    returned, as in R's survfit.

    Parameters
    ----------
    time, curve : array, shape (m,)
        `curve` holds from each time on; NaN counts as not known.
    level : float
        From 0 to 1.

    Examples
    --------
    >>> quantile(np.array([1.0, 2.0, 5.0]), np.array([0.8, 0.5, 0.2]), 0.5)
    3.5
    """
    known = ~np.isnan(curve)
    time, curve = time[known], curve[known]
    reached = np.flatnonzero(curve < level + LEVEL)
    if not reached.size:
        return float("nan")
    at = reached[0]
    later = np.flatnonzero(curve < curve[at] - LEVEL)
    if abs(curve[at] - level) < LEVEL and later.size:
        return float((time[at] + time[later[0]]) / 2)
    return float(time[at])


def restricted_mean(
    spells: Spells, curve: Curve, horizon: float
) -> tuple[float, float]:
    """Return the mean time until the event or the horizon, and its standard error.

    Parameters
    ----------
    spells : Spells
    curve : Curve
        Of these spells.
    horizon : float
        Above 0: times beyond it count as the horizon.

    References
    ----------
    Royston, P. & Parmar, M. (2013). Restricted mean survival time. BMC Medical
    Research Methodology 13, 152.

    Examples
    --------
    >>> spells = Spells(np.zeros(4), np.arange(1.0, 5.0), np.ones(4))
    >>> mean, error = restricted_mean(spells, fit_curve(spells), 4.0)
    >>> mean, round(error, 4)
    (2.5, 0.559)
    """
    counts = curve.counts
    kept = counts.time < horizon
    time, s = counts.time[kept], curve.survival[kept]
    edges = np.concatenate([[0.0], time, [horizon]])
    areas = np.diff(edges) * np.concatenate([[1.0], s])
    # What lies under the curve from each time on.
    after = np.cumsum(areas[1:][::-1])[::-1]
    n, d = counts.at_risk[kept], counts.events[kept]
    left = np.where(s > 0, n - d, 0.0)
    if spells.w is None:
        return float(areas.sum()), float(np.sqrt(after**2 @ _ratio(d, n * left)))
    if not time.size:
        return float(areas.sum()), 0.0
    cut = Spells(
        spells.entry,
        np.minimum(spells.exit, time[-1]),
        spells.event * (spells.exit <= time[-1]),
        spells.w,
    )
    variance = _jackknife(
        cut, time, after * _ratio(d, n * left), after * _ratio(1, left)
    )
    return float(areas.sum()), float(np.sqrt(variance[-1]))
