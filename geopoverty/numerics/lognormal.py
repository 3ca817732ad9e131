"""The law of an outcome whose logarithm has a mean and a variance from covariates."""

from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.types import Array, Mask


@dataclass(frozen=True)
class VarianceRule:
    """What to do where the linear variance is not above 0.

    Attributes
    ----------
    name : {"drop", "floor", "log"}
        Leave these rows out of what divides by it; raise it to a floor; or let the
        logarithm of the variance be linear, which is always above 0.
    floor : float
        Of the mean squared residual; only for "floor".
    """

    name: str = "drop"
    floor: float = 0.1


@dataclass(frozen=True, eq=False)
class Lognormal:
    """What tells the law of an outcome from the covariates: all that scoring needs.

    Attributes
    ----------
    rule : VarianceRule
    floor : float
        The least variance; 0 without a floor.
    beta : array, shape (k,)
        Of the mean of the logarithm.
    theta : array, shape (k,)
        Of the variance; of its logarithm for "log".
    scale : float
        Factor of exp(X theta) for "log" (Duan's smearing), else 1.
    """

    rule: VarianceRule
    floor: float
    beta: Array
    theta: Array
    scale: float

    @property
    def parameters(self) -> Array:
        """All of them: beta, theta and, for "log", the logarithm of `scale`."""
        more = [np.log(self.scale)] if self.rule.name == "log" else []
        return np.concatenate([self.beta, self.theta, more])

    def fitted(self, X: Array) -> Array:
        """Return the variance before any floor, which may be below 0, shape (m,)."""
        index: Array = X @ self.theta
        return self.scale * np.exp(index) if self.rule.name == "log" else index

    def variance(self, X: Array) -> Array:
        """Return the variance of each row's shock, NaN where "drop" has none."""
        return usable(self.fitted(X), self.rule, self.floor)


def usable(fitted: Array, rule: VarianceRule, floor: float) -> Array:
    """Return variances above 0: raised to the floor, or NaN where dropped.

    Examples
    --------
    >>> usable(np.array([-1.0, 0.5]), VarianceRule("drop"), 0.0)
    array([nan, 0.5])
    >>> usable(np.array([-1.0, 0.5]), VarianceRule("floor"), 0.1)
    array([0.1, 0.5])
    """
    if rule.name == "floor":
        return np.maximum(fitted, floor)
    return fitted if rule.name == "log" else np.where(fitted > 0, fitted, np.nan)


def inverse_variance(
    fitted: Array, rule: VarianceRule, floor: float
) -> tuple[Mask, Array]:
    """Return which rows count, and one over their variance (0 for the others).

    Examples
    --------
    >>> inverse_variance(np.array([-1.0, 0.5]), VarianceRule("drop"), 0.0)
    (array([False,  True]), array([0., 2.]))
    """
    if rule.name != "drop":
        variance = usable(fitted, rule, floor)
        return np.ones(len(variance), dtype=bool), 1 / variance
    kept = fitted > 0
    return kept, np.divide(1.0, fitted, out=np.zeros(len(fitted)), where=kept)
