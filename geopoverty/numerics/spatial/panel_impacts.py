"""What a covariate does in a linear lag model: in its unit, from and to the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.impacts import Impact
from geopoverty.numerics.spatial.panel_profile import lag
from geopoverty.numerics.spatial.returns import Returns
from geopoverty.numerics.types import Array

# From own, spill-in and spill-out to direct, indirect and total.
TO_AVERAGE = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])


@dataclass(frozen=True, eq=False)
class LinearImpact:
    """Effects of one covariate with standard errors by the delta method.

    Attributes
    ----------
    effects, errors : array, shape (n, T or 1, 3)
        Own, spill-in and spill-out of each unit; in one column if they are the same
        in every period.
    average, average_errors : array, shape (3,)
        Direct, indirect and total, means over units and periods.
    """

    effects: Array
    errors: Array
    average: Array
    average_errors: Array


class LinearImpacts:
    """Effects in y = rho W y + X b + effects + e, for many covariates at one rho.

    With c and l the coefficients of x and W x, and B the inverse of I - rho W, a unit
    more of x in unit j raises y in i by (B (c I + l W))_ij [1]_. Derivatives in the
    coefficients and in rho, B W B, are exact but for the diagonal of the latter, a
    difference quotient of the diagonal of B for sparse weights.

    Parameters
    ----------
    returns : Returns
        Of the weights.
    rho : float
    cells : Cells
        Where rows stand.

    References
    ----------
    .. [1] LeSage, J. & Pace, R. K. (2009). Introduction to Spatial Econometrics,
       section 2.7.

    Examples
    --------
    >>> returns = Returns(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> here = LinearImpacts(returns, 0.5, Cells(np.arange(4), units=2, periods=2))
    >>> x = here.of(Impact([(0, None)], []), np.array([3.0]), np.diag([0.01, 0.02]))
    >>> x.average.round(6)  # 3 / (1 - .5^2), half of it once more, and their sum
    array([4., 2., 6.])
    """

    def __init__(self, returns: Returns, rho: float, cells: Cells) -> None:
        self._W, self._cells = returns.W, cells
        self._solver = returns.solver(rho)
        # What a shock of 1 does to all together, and its derivative in rho.
        reach = self._solver.solve(np.ones(cells.units), transposed=True)
        slope = self._solver.solve(self._back(reach), transposed=True)
        around, around_slope = returns.around(rho)
        self._here = {  # of x, and of its lag
            False: (returns.own(rho), reach, returns.own_slope(rho), slope),
            True: (around, self._back(reach), around_slope, self._back(slope)),
        }

    def of(self, impact: Impact, beta: Array, vcov: Array) -> LinearImpact:
        """Return the effects of one covariate, or of a level instead of the base.

        Parameters
        ----------
        impact : Impact
        beta : array, shape (k,)
        vcov : array, shape (k + 1, k + 1)
            Of coefficients, then rho.
        """
        parts = [(j, m, False) for j, m in impact.own]
        parts += [(j, m, True) for j, m in impact.lagged]
        used = [j for j, _, _ in parts]
        found = [self._per_coefficient(m, lagged) for _, m, lagged in parts]
        levels = np.stack(np.broadcast_arrays(*(level for level, _ in found)))
        slopes = [beta[j] * slope for j, (_, slope) in zip(used, found, strict=True)]
        values = np.einsum("p,pitv->itv", beta[used], levels)
        gradients = np.concatenate([levels, _sum(slopes)[None]])
        picked = vcov[np.ix_([*used, -1], [*used, -1])]
        variance = np.einsum("pitv,pq,qitv->itv", gradients, picked, gradients)
        mean = gradients.mean(axis=(1, 2)) @ TO_AVERAGE
        spread = np.einsum("pv,pq,qv->v", mean, picked, mean)
        return LinearImpact(
            values,
            np.sqrt(np.maximum(variance, 0.0)),
            values.mean(axis=(0, 1)) @ TO_AVERAGE,
            np.sqrt(np.maximum(spread, 0.0)),
        )

    def _per_coefficient(
        self, multiplier: Array | None, lagged: bool
    ) -> tuple[Array, Array]:
        """Return the effects of a coefficient of 1 and their derivatives in rho."""
        cells = self._cells
        m = np.ones((cells.units, 1))
        if multiplier is not None:
            m = cells.by_unit(cells.mean(multiplier))
        into = self._solver.solve(lag(self._W, m) if lagged else m)
        more = self._solver.solve(lag(self._W, into))  # B W B x
        own, reach, own_slope, reach_slope = (v[:, None] for v in self._here[lagged])
        return _kinds(m * own, into, m * reach), _kinds(
            m * own_slope, more, m * reach_slope
        )

    def _back(self, values: Array) -> Array:
        return np.asarray(self._W.T @ values)


def _kinds(own: Array, into: Array, out: Array) -> Array:
    return np.stack([own, into - own, out - own], axis=2)


def _sum(arrays: Sequence[Array]) -> Array:
    return np.asarray(sum(np.broadcast_arrays(*arrays)))
