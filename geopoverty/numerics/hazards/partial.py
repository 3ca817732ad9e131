"""Cox's partial likelihood with ties, strata, late entry and weights."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geopoverty.numerics.hazards.risk import RiskSets
from geopoverty.numerics.types import Array

TINY = 1e-100  # of the highest hazard


@dataclass(frozen=True, eq=False)
class CoxData:
    """What a Cox model is fitted to.

    Attributes
    ----------
    X : array, shape (n, k)
    risk : RiskSets
    w : array, shape (n,)
        Weights of rows.
    efron : bool
        Whether ties are Efron's, or Breslow's.
    """

    X: Array
    risk: RiskSets
    w: Array
    efron: bool = True

    @cached_property
    def died(self) -> Array:
        """1 where a row exits, shape (n,)."""
        out = np.zeros(self.risk.n)
        out[self.risk.exits] = 1.0
        return out

    @cached_property
    def share(self) -> Array:
        """How much of the tied exits each exit in turn finds gone, shape (m,)."""
        risk = self.risk
        if not self.efron:
            return np.zeros(len(risk.exits))
        turn = np.arange(len(risk.exits)) - risk.starts[risk.block]
        return np.asarray(turn / risk.counts[risk.block])

    @cached_property
    def mass(self) -> Array:
        """Weight of the exits of each block, shape (G,)."""
        return self.risk.exiting(self.w[:, None])[:, 0]


class Moments:
    """Sums over those at risk, at given log hazards.

    With S0, S1 the sums of w exp(eta) and w exp(eta) x over those at risk, D0, D1 the
    same over the tied exits, and f the share of them gone: each exit has the hazard
    v / (S0 - f D0), where v is the mean weight of the tied exits.

    Parameters
    ----------
    data : CoxData
    eta : array, shape (n,)
        Log hazards relative to the baseline.
    """

    def __init__(self, data: CoxData, eta: Array) -> None:
        self.data, self.eta = data, eta
        risk = data.risk
        # A common factor of all hazards leaves everything but `hazard` as it is.
        self.top = float(eta.max())
        self.score = np.exp(eta - self.top)  # r
        self.weighted = data.w * self.score
        columns = np.empty((risk.n, data.X.shape[1] + 1))
        columns[:, 0] = self.weighted
        np.multiply(data.X, self.weighted[:, None], out=columns[:, 1:])
        s, d = risk.at_risk(columns), risk.exiting(columns)
        self.S0, self.S1, self.D0, self.D1 = s[:, 0], s[:, 1:], d[:, 0], d[:, 1:]
        self._add_up()

    def _add_up(self) -> None:
        data, risk = self.data, self.data.risk
        block, f = risk.block, data.share
        left = self.S0[block] - f * self.D0[block]
        # Hazards further apart than numbers reach: no such point is gone to.
        self.possible = bool(left.min() > TINY)
        left = np.maximum(left, TINY)
        v = (data.mass / risk.counts)[block]

        def total(values: Array) -> Array:
            if not risk.tied:
                return values
            return np.asarray(np.add.reduceat(values, risk.starts[:-1]))

        one, two = v / left, v / left**2
        self.log_left = float(v @ np.log(left))
        self.hazard = total(one)  # of those who stay at risk, (G,)
        self.own = total((1 - f) * one)  # of the tied exits themselves
        self.a0, self.a1, self.a2 = total(two), total(f * two), total(f * f * two)

    @property
    def log_likelihood(self) -> float:
        """The log partial likelihood."""
        data = self.data
        if not self.possible:
            return -np.inf
        gone = data.risk.exits
        return float(data.w[gone] @ (self.eta[gone] - self.top)) - self.log_left

    def expected(self, q: Array | None = None) -> Array:
        """Return the hazard each row was exposed to, blocks weighed by q, (n,)."""
        risk = self.data.risk
        h, less = self.hazard, self.hazard - self.own
        if q is not None:
            h, less = q * h, q * less
        out = risk.gathered(h)
        out[risk.exits] -= less[risk.block]
        return np.asarray(self.score * out)

    @cached_property
    def martingale(self) -> Array:
        """Exits less expected exits, shape (n,)."""
        return np.asarray(self.data.died - self.expected())

    @property
    def gradient(self) -> Array:
        """Score of the partial likelihood, shape (k,)."""
        return np.asarray(self.data.X.T @ (self.data.w * self.martingale))

    def information(self, q: Array | None = None) -> Array:
        """Return the information, each block weighed by q, shape (k, k).

        The sum of x x' over those at risk, over all blocks, is a sum over rows.
        """
        X = self.data.X
        mass = self.data.w * self.expected(q)
        a0, a1, a2 = self.a0, self.a1, self.a2
        if q is not None:
            a0, a1, a2 = q * a0, q * a1, q * a2
        out = X.T @ (X * mass[:, None])
        out -= self.S1.T @ (self.S1 * a0[:, None])
        if self.data.efron and self.data.risk.tied:
            cross = self.S1.T @ (self.D1 * a1[:, None])
            out += cross + cross.T - self.D1.T @ (self.D1 * a2[:, None])
        return np.asarray((out + out.T) / 2)

    @cached_property
    def curvature(self) -> Array:
        """The information, shape (k, k)."""
        return self.information()

    @cached_property
    def mean(self) -> Array:
        """Mean covariates of those at risk at each exit time, shape (G, k)."""
        less = (self.hazard - self.own)[:, None]
        total = self.hazard[:, None] * self.S1 - less * self.D1
        return np.asarray(total / self.data.mass[:, None])

    @cached_property
    def drift(self) -> Array:
        """Hazard times the mean covariates of those at risk, shape (G, k)."""
        return np.asarray(self.a0[:, None] * self.S1 - self.a1[:, None] * self.D1)

    @cached_property
    def own_drift(self) -> Array:
        """`drift` for the tied exits themselves, shape (G, k)."""
        kept, less = (self.a0 - self.a1)[:, None], (self.a1 - self.a2)[:, None]
        return np.asarray(kept * self.S1 - less * self.D1)
