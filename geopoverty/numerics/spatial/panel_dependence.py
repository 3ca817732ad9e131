"""Tests of spatial dependence after a plain linear panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from geopoverty.errors import EstimationError
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.spatial.dependence import Scores, Verdict
from geopoverty.numerics.types import Array, Matrix


@dataclass(frozen=True)
class Removal:
    """Which effects are taken out of a panel, and how.

    Attributes
    ----------
    unit, period : bool
        Whether effects of units, or of periods, are.
    share : float
        Share of unit means taken off where effects of units are random.
    """

    unit: bool = False
    period: bool = False
    share: float = 0.0

    def turned(self, values: Array) -> Array:
        """Return (N, T, ...) in periods without effects of units.

        Fixed effects leave T - 1 periods, in which errors are as independent as they
        were in T (Lee & Yu 2010).
        """
        if self.unit:
            turned = np.tensordot(values, _orthonormal(values.shape[1]), axes=(1, 0))
            return np.asarray(np.moveaxis(turned, -1, 1))
        return np.asarray(values - self.share * values.mean(axis=1, keepdims=True))

    def centred(self, values: Array) -> Array:
        """Return values net of the means of periods, if periods have effects."""
        return values - values.mean(axis=0) if self.period else values


@dataclass(frozen=True, eq=False)
class PanelFit:
    """Least squares on a panel without its effects.

    Attributes
    ----------
    W : array or CSR array, shape (N, N)
    y : array, shape (N, T)
    X : array, shape (N, T, k)
        With a constant where neither units nor periods have fixed effects.
    removal : Removal
    """

    W: Matrix
    y: Array
    X: Array
    removal: Removal

    @cached_property
    def turned(self) -> tuple[Array, Array]:
        """Outcome and X without effects of units, those of periods left."""
        return self.removal.turned(self.y), self.removal.turned(self.X)

    @cached_property
    def design(self) -> Array:
        """X net of all effects, (N, T*, k)."""
        return self.removal.centred(self.turned[1])

    @cached_property
    def beta(self) -> Array:
        """Coefficients, shape (k,)."""
        Q, R = linalg.qr(self._flat(self.design), mode="economic")
        y = self.removal.centred(self.turned[0])
        return np.asarray(linalg.solve_triangular(R, Q.T @ y.ravel()))

    @cached_property
    def residual(self) -> Array:
        """Shape (N, T*)."""
        y = self.removal.centred(self.turned[0])
        return np.asarray(y - self.design @ self.beta)

    @property
    def fitted(self) -> Array:
        """What explains y, effects of periods included, shape (N, T*)."""
        return np.asarray(self.turned[0] - self.residual)

    @property
    def freedom(self) -> int:
        """Rows net of the effects, before coefficients."""
        units, periods = self.residual.shape
        return int((units - self.removal.period) * periods)

    @property
    def sigma2(self) -> float:
        """Variance of the errors by maximum likelihood."""
        return float(np.sum(self.residual**2)) / self.freedom

    @cached_property
    def bread(self) -> Array:
        """(X'X)^-1, shape (k, k)."""
        flat = self._flat(self.design)
        return np.asarray(linalg.inv(flat.T @ flat))

    def lag(self, values: Array) -> Array:
        """Return W within periods, net of effects of periods."""
        flat = values.reshape(len(values), -1)
        lagged = np.asarray(self.W @ flat).reshape(values.shape)
        return self.removal.centred(lagged)

    def _flat(self, values: Array) -> Array:
        return values.reshape(values.shape[0] * values.shape[1], -1)

    @cached_property
    def traces(self) -> tuple[float, float]:
        """Traces of V and of V V + V'V, V being W net of effects of periods."""
        return _traces(self.W, self.removal.period)

    @property
    def spread(self) -> float:
        """Standard deviation of e'We over the variance of e."""
        first, second = self.traces
        units, periods = self.residual.shape
        lost = 2 * first**2 / (units - self.removal.period)
        return float(np.sqrt(periods * max(second - lost, 0.0)))

    @property
    def moran(self) -> float:
        """What e'We is less its mean without dependence, over the variance of e."""
        product = float(np.sum(self.residual * self.lag(self.residual)))
        return float(product / self.sigma2 - self.residual.shape[1] * self.traces[0])

    @property
    def shift(self) -> float:
        """How far fitting moves the mean of e'We, in its standard deviations."""
        X = self._flat(self.design)
        inside = X.T @ self._flat(self.lag(self.design))
        return -float(np.trace(self.bread @ inside)) / self.spread


def panel_dependence_tests(
    fit: PanelFit, lagged: Sequence[int]
) -> Mapping[str, Verdict]:
    """Test a panel for a spatial lag, spatial errors and lags of covariates.

    Parameters
    ----------
    fit : PanelFit
    lagged : sequence of int
        Columns of X whose lags `slx` adds.

    Returns
    -------
    dict of str to Verdict
        ``lag, error, slx, lag_error, durbin, robust_lag, robust_error,
        robust_slx``.

    Raises
    ------
    EstimationError
        If every unit is all others' neighbour with the same weight: residuals then
        have one e'We, whatever they are.

    Notes
    -----
    In coordinates that are independent and standard normal without dependence: what
    lags of covariates explain, what W (X b) adds to them, and e'We.

    Examples
    --------
    >>> W, rng = np.roll(np.eye(5), 1, axis=1), np.random.default_rng(0)
    >>> fit = PanelFit(W, rng.normal(size=(5, 4)), np.ones((5, 4, 1)), Removal())
    >>> panel_dependence_tests(fit, [])["slx"].df
    0
    """
    if fit.spread**2 <= 1e-9 * fit.traces[1]:
        raise EstimationError(
            "The weights tell no unit from another: each is the neighbour of all "
            "with the same weight. Use a cutoff, or fewer neighbours."
        )
    found = _scores(fit, lagged)
    return {
        "lag": found.test("lag"),
        "error": found.test("error"),
        "slx": found.test("slx"),
        "lag_error": found.test("lag error"),
        "durbin": found.test("lag slx"),
        "robust_lag": found.test("lag", given="error"),
        "robust_error": found.test("error", given="lag"),
        "robust_slx": found.test("slx", given="lag"),
    }


def _scores(fit: PanelFit, lagged: Sequence[int]) -> Scores:
    own = fit.design
    lags = fit.lag(fit.turned[1][..., list(lagged)])
    M = np.concatenate([own, lags, fit.lag(fit.fitted)[..., None]], axis=2)
    M = M.reshape(-1, M.shape[2])
    dropped = {j for j, _ in dependent_columns(M)}
    kept = [j for j in range(M.shape[1]) if j not in dropped]
    Q, _ = linalg.qr(M[:, kept], mode="economic")
    sigma = np.sqrt(fit.sigma2)
    z = Q.T @ fit.residual.ravel() / sigma
    direction = Q.T @ M[:, -1] / sigma
    k = sum(j < own.shape[2] for j in kept)
    added = len(kept) - k - (M.shape[1] - 1 not in dropped)
    return Scores(
        np.append(z[k:], fit.moran / fit.spread),
        np.append(direction[k:], fit.spread),
        added,
    )


def _traces(W: Matrix, centred: bool) -> tuple[float, float]:
    first = float(W.diagonal().sum())
    second = float((W * W.T).sum() + (W * W).sum())
    if not centred:
        return first, second
    n = W.shape[0]
    rows, columns = (np.asarray(W.sum(axis=a)).ravel() for a in (1, 0))
    mean = float(rows.sum()) / n
    lost = 2 * float(columns @ rows) + float(rows @ rows) + float(columns @ columns)
    return first - mean, second - lost / n + 2 * mean**2


def _orthonormal(periods: int) -> Array:
    """Return (T, T - 1) columns of length 1, orthogonal to each other and to 1."""
    helmert: Array = linalg.helmert(periods)
    return helmert.T
