"""Two-stage least squares: estimates, strength of instruments, Anderson-Rubin sets."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, stats

from geopoverty.numerics.covariance import cluster_factor, group_sums
from geopoverty.numerics.types import Array, Codes

ANGLES = 4001  # of the search for the ends of a confidence set


@dataclass(frozen=True, eq=False)
class Groups:
    """Clusters of rows; rows by themselves are clusters of one.

    Attributes
    ----------
    codes : array of int, shape (n,)
    count : int
    """

    codes: Codes
    count: int

    def sums(self, scores: Array) -> Array:
        """Return the sum of scores in each cluster, shape (count, k)."""
        blocks = [(slice(0, len(scores)), scores)]
        return group_sums(blocks, self.codes, self.count, scores.shape[1])

    def factor(self, k: int) -> float:
        """Return the small-sample factor of a regression on k columns."""
        return cluster_factor(self.count, len(self.codes), k, "hc1")


@dataclass(frozen=True, eq=False)
class Instrumented:
    """A linear equation with instruments.

    Attributes
    ----------
    y : array, shape (n,)
    X : array, shape (n, k)
        Regressors.
    endogenous : array of int, shape (e,)
        Columns of `X` that are instrumented.
    outside : array, shape (n, L)
        Instruments that are not regressors; at least e.
    groups : Groups
    """

    y: Array
    X: Array
    endogenous: Codes
    outside: Array
    groups: Groups

    @property
    def included(self) -> Array:
        """Regressors that are their own instruments, shape (n, k - e)."""
        return np.delete(self.X, self.endogenous, axis=1)

    @property
    def Z(self) -> Array:  # noqa: N802
        """All instruments, shape (n, k - e + L)."""
        return np.column_stack([self.included, self.outside])


@dataclass(frozen=True, eq=False)
class TwoStageFit:
    """A fit by two-stage least squares.

    Attributes
    ----------
    beta : array, shape (k,)
    vcov : array, shape (k, k)
        Robust to dependence within clusters; factor G/(G-1) (n-1)/(n-k).
    residual : array, shape (n,)
    """

    beta: Array
    vcov: Array
    residual: Array


@dataclass(frozen=True)
class FirstStage:
    """How strongly the outside instruments move an endogenous regressor.

    Attributes
    ----------
    f : float
        Robust Wald statistic of the outside instruments over their number; NaN, as
        `conditional_f`, where clusters are no more than instruments.
    effective_f : float
        Of Montiel Olea & Pflueger (2013); equals `f` for one instrument.
    conditional_f : float
        Robust form of Sanderson & Windmeijer's (2016): what is left for this
        regressor once the others are accounted for; `f` when it is the only one.
    partial_r_squared : float
    """

    f: float
    effective_f: float
    conditional_f: float
    partial_r_squared: float


def fit_two_stage(model: Instrumented) -> TwoStageFit:
    """Estimate by two-stage least squares.

    Examples
    --------
    >>> z, x = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 1.0, 3.0, 4.0])
    >>> X = np.column_stack([np.ones(4), x])
    >>> groups = Groups(np.arange(4), 4)
    >>> model = Instrumented(2 * x, X, np.array([1]), z[:, None], groups)
    >>> fit_two_stage(model).beta.round(9) + 0.0
    array([0., 2.])
    """
    Z, X = model.Z, model.X
    fitted = Z @ linalg.lstsq(Z, X)[0]
    bread = linalg.inv(fitted.T @ fitted)
    beta = bread @ (fitted.T @ model.y)
    residual = model.y - X @ beta
    sums = model.groups.sums(fitted * residual[:, None])
    meat = model.groups.factor(X.shape[1]) * (sums.T @ sums)
    vcov = bread @ meat @ bread
    return TwoStageFit(beta, (vcov + vcov.T) / 2, residual)


def first_stages(model: Instrumented) -> list[FirstStage]:
    """Return the first stage of each endogenous regressor.

    References
    ----------
    Montiel Olea, J. L. & Pflueger, C. (2013). A robust test for weak instruments.
    Journal of Business & Economic Statistics 31, 358-369. Sanderson, E. &
    Windmeijer, F. (2016). A weak instrument F-test in linear IV models with multiple
    endogenous variables. Journal of Econometrics 190, 212-221.
    """
    swept = _swept(model)
    return [_first_stage(swept, j) for j in range(len(model.endogenous))]


@dataclass(frozen=True, eq=False)
class _Swept:
    """Outcome, endogenous regressors and instruments net of included regressors.

    The instruments are orthonormal: tests and sets do not depend on their basis.
    """

    y: Array
    X: Array
    Q: Array
    groups: Groups
    columns: int

    def wald(self, target: Array) -> tuple[float, Array, Array]:
        """Return the robust Wald statistic of Q in target, coefficients, covariance.

        The statistic is NaN where clusters are no more than instruments.
        """
        slope = self.Q.T @ target
        sums = self.groups.sums(self.Q * (target - self.Q @ slope)[:, None])
        vcov = self.groups.factor(self.columns) * (sums.T @ sums)
        if self.groups.count <= len(slope):
            return np.nan, slope, vcov
        return float(slope @ linalg.solve(vcov, slope)), slope, vcov


def _swept(model: Instrumented) -> _Swept:
    W = model.included
    basis = linalg.qr(W, mode="economic")[0] if W.shape[1] else np.zeros((len(W), 0))

    def net(x: Array) -> Array:
        return np.asarray(x - basis @ (basis.T @ x))

    Q = linalg.qr(net(model.outside), mode="economic")[0]
    X = net(model.X[:, model.endogenous])
    return _Swept(net(model.y), X, Q, model.groups, W.shape[1] + Q.shape[1])


def _first_stage(swept: _Swept, j: int) -> FirstStage:
    x, L = swept.X[:, j], swept.Q.shape[1]
    wald, slope, vcov = swept.wald(x)
    explained = float(slope @ slope)
    conditional = wald / L
    others = np.delete(swept.X, j, axis=1)
    if others.shape[1]:
        # What 2SLS on the other endogenous regressors leaves of this one.
        share = linalg.lstsq(swept.Q.T @ others, slope)[0]
        left = swept.wald(x - others @ share)[0]
        conditional = left / (L - others.shape[1])
    return FirstStage(
        wald / L,
        explained / float(np.trace(vcov)),
        conditional,
        explained / float(x @ x),
    )


def reduced_form(model: Instrumented) -> tuple[float, float]:
    """Test that all endogenous regressors have no effect (Anderson & Rubin 1949).

    Returns
    -------
    tuple of float
        F statistic with L and G - 1 degrees of freedom, and its p-value: right
        however weak the instruments are. NaN where clusters are no more than
        instruments.
    """
    swept = _swept(model)
    L = swept.Q.shape[1]
    f = swept.wald(swept.y)[0] / L
    return f, float(stats.f.sf(f, L, model.groups.count - 1))


Intervals = tuple[tuple[float, float], ...]


def anderson_rubin_set(
    model: Instrumented, fit: TwoStageFit, conf_level: float = 0.95
) -> Intervals:
    """Invert the Anderson-Rubin test for the only endogenous regressor.

    Parameters
    ----------
    model : Instrumented
        With one endogenous regressor, and more clusters than outside instruments.
    fit : TwoStageFit
    conf_level : float

    Returns
    -------
    tuple of (float, float)
        Intervals in ascending order; an end may be infinite. None at all when the
        instruments contradict one another at every value.

    Notes
    -----
    The set holds b where the instruments do not explain ``y - x b``: F(L, G - 1),
    robust to dependence within clusters. It is right however weak the instruments,
    and may be the whole line, two half-lines, or empty. Searched over the angle
    whose tangent is (b - estimate)/SE, so that infinity is a point like others.

    References
    ----------
    Anderson, T. W. & Rubin, H. (1949). Estimation of the parameters of a single
    equation in a complete system of stochastic equations. Annals of Mathematical
    Statistics 20, 46-63. Andrews, I., Stock, J. & Sun, L. (2019). Weak instruments in
    instrumental variables regression. Annual Review of Economics 11, 727-753.
    """
    j = int(model.endogenous[0])
    center, scale = float(fit.beta[j]), float(np.sqrt(fit.vcov[j, j]))
    excess = _excess(_swept(model), center, scale, conf_level)
    angles = np.linspace(-np.pi / 2, np.pi / 2, ANGLES)
    above = excess(angles)
    ends = [-np.inf] if above[0] <= 0 else []
    for i in np.flatnonzero((above[:-1] <= 0) != (above[1:] <= 0)):
        angle = optimize.brentq(
            lambda a: excess(np.array([a]))[0], angles[i], angles[i + 1], xtol=1e-14
        )
        ends.append(center + scale * float(np.tan(angle)))
    if above[-1] <= 0:
        ends.append(np.inf)
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def _excess(
    swept: _Swept, center: float, scale: float, conf_level: float
) -> Callable[[Array], Array]:
    """Return how far the test is above its critical value, by angle."""
    Q, groups, x = swept.Q, swept.groups, swept.X[:, 0]
    L = Q.shape[1]
    critical = L * stats.f.ppf(conf_level, L, groups.count - 1)
    y, x = swept.y - center * x, scale * x
    of_y, of_x = Q.T @ y, Q.T @ x
    sums_y = groups.sums(Q * (y - Q @ of_y)[:, None])
    sums_x = groups.sums(Q * (x - Q @ of_x)[:, None])
    factor = groups.factor(swept.columns)
    yy, xy, xx = (
        factor * (a.T @ b)
        for a, b in ((sums_y, sums_y), (sums_x, sums_y), (sums_x, sums_x))
    )

    def at(angles: Array) -> Array:
        # The null's y - x b times the cosine: finite at both infinities.
        c, d = np.cos(angles)[:, None], np.sin(angles)[:, None]
        slope = c * of_y - d * of_x
        c, d = c[..., None], d[..., None]
        vcov = c * c * yy - c * d * (xy + xy.T) + d * d * xx
        wald = np.einsum(
            "al,al->a", slope, np.linalg.solve(vcov, slope[..., None])[..., 0]
        )
        return np.asarray(wald - critical)

    return at
