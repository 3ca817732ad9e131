"""What every way of estimating a panel starts from and ends with.

The agreement between the ways of estimating and the rest of the folder:

- `estimator.panel` checks, builds one `Problem` and calls one of
  ``within.fit_within(problem)`` (fixed effects or none, no dependence),
  ``likelihood.fit_likelihood(problem)`` (the same, with dependence),
  ``random.fit_random(problem)`` (random effects, with or without dependence) and
  ``components.fit_components(problem)`` (random effects of an error model by GMM).
- Each returns a `Fitted` in the order of the problem's rows and names: `theta` holds
  the covariates, then (with dependence) the spatial coefficient.
- `report.result_of(problem, fitted, parts)` makes the `Result`: effects (direct,
  indirect, total, and by unit) follow from `theta`, `vcov` and W, whoever found them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.covariances import Vcov
from geopoverty.design.build import Design
from geopoverty.design.durbin import LaggedDesign
from geopoverty.design.panel import require_each_once, require_varying_outcome
from geopoverty.errors import InputError
from geopoverty.estimators.panel.options import EFFECTS, SpatialPanel
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.returns import Returns
from geopoverty.numerics.types import Array, Codes
from geopoverty.weights import SpatialWeights


@dataclass(frozen=True)
class Keys:
    """What names a row, and which effects it has.

    Attributes
    ----------
    unit, period : str
        Columns of the design's rows.
    effects : {"two-way", "unit", "period", "none", "random"}
    """

    unit: str
    period: str
    effects: str

    @property
    def absorbed(self) -> list[str]:
        """The columns that have fixed effects."""
        named = {"unit": self.unit, "period": self.period}
        return [named[part] for part in EFFECTS[self.effects]]


@dataclass(frozen=True, eq=False)
class Problem:
    """Data, weights and model of one fit.

    Attributes
    ----------
    lagged : LaggedDesign
        The design; with ``model="durbin"`` it holds the lags of all covariates. It
        has an intercept only if `keys.effects` is "none" or "random".
    keys : Keys
    spatial : SpatialPanel or None
        None without dependence.
    vcov : str, Cluster or Conley
        Resolved; always "iid" with dependence.
    weights : SpatialWeights or None
    cells : Cells or None
        With dependence, where the rows stand: ``cells.codes[i]`` is ``period *
        units + unit`` in the order of `weights.units` and ascending periods, each
        cell with one row. `wide` lays rows out as units by periods, `long` back.
    """

    lagged: LaggedDesign
    keys: Keys
    spatial: SpatialPanel | None
    vcov: Vcov
    weights: SpatialWeights | None = None
    cells: Cells | None = None

    @property
    def design(self) -> Design:
        """Formula, rows and columns."""
        return self.lagged.design

    @property
    def rows(self) -> pd.DataFrame:
        """The rows used, with the columns of the keys."""
        return self.design.rows

    @property
    def X(self) -> Array:  # noqa: N802 - what the equations call it
        """Covariates, shape (n, k)."""
        return self.design.X

    @property
    def y(self) -> Array:
        """Outcome, shape (n,)."""
        return self.design.y

    @property
    def names(self) -> list[str]:
        """Covariates, then the spatial coefficient if there is one."""
        last = [] if self.spatial is None else [self.spatial.coefficient]
        return [*self.design.names, *last]

    @property
    def model(self) -> str:
        """What depends on neighbours: none, lag, error or durbin."""
        return "none" if self.spatial is None else self.spatial.model

    @cached_property
    def units(self) -> Codes:
        """Unit of each row by number, shape (n,)."""
        return np.asarray(pd.factorize(self.rows[self.keys.unit])[0])

    @cached_property
    def periods(self) -> Codes:
        """Period of each row by number, in ascending order, shape (n,)."""
        return np.asarray(pd.factorize(self.rows[self.keys.period], sort=True)[0])

    @cached_property
    def returns(self) -> Returns:
        """Parts of the inverse of I - rho W, found once for all that needs them."""
        assert self.weights is not None
        return Returns(self.weights.matrix)

    def wide(self, values: Array) -> Array:
        """Lay (n,) or (n, k) out as (units, periods) or (units, periods, k)."""
        assert self.cells is not None
        cells = self.cells
        shape = (cells.units, cells.periods, *values.shape[1:])
        return cells.by_unit(cells.add(values)).reshape(shape)

    def long(self, values: Array) -> Array:
        """Lay (units, periods) back as rows, (n,)."""
        assert self.cells is not None
        return np.asarray(values.T.ravel()[self.cells.codes])

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.units.max()) + 1

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return int(self.periods.max()) + 1


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a way of estimating found.

    Attributes
    ----------
    theta : array, shape (m,)
        Coefficients in the order of ``problem.names``.
    vcov : array, shape (m, m)
    residual : array, shape (n,)
        Of each row, in the order of the rows; fitted values are outcome minus this.
    df_t : float or None
        Degrees of freedom of t tests; None for the normal distribution.
    facts : mapping
        Beside those every panel has: ``vcov`` in words, R-squared, sigma2,
        log-likelihood, tests ...
    notes : tuple of str
    tables : mapping of str to DataFrame
    packages : tuple of str
        Packages that did part of the work, for the provenance.
    """

    theta: Array
    vcov: Array
    residual: Array
    df_t: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    packages: tuple[str, ...] = ()


def check_panel(design: Design, keys: Keys) -> None:
    """Refuse tables that are no panel, and covariates that fixed effects absorb.

    Raises
    ------
    InputError
    """
    rows, unit, period = design.rows, keys.unit, keys.period
    require_each_once(rows, unit, period)
    require_varying_outcome(design)
    needed = keys.effects == "random" or keys.absorbed
    if needed and rows[period].nunique() < 2:
        raise InputError(
            f"A panel needs at least two periods; '{period}' has "
            f"{rows[period].nunique()}. Use effects='none' for one cross-section."
        )
    for kind, column in zip(EFFECTS[keys.effects], keys.absorbed, strict=True):
        _refuse_constant_within(design, column, kind)


def _refuse_constant_within(design: Design, key: str, kind: str) -> None:
    codes = design.rows.groupby(key).ngroup().to_numpy()
    frame = pd.DataFrame(design.X).groupby(codes)
    spread = (frame.max() - frame.min()).max().to_numpy()
    fixed = [n for n, s in zip(design.names, spread, strict=True) if s == 0]
    if fixed:
        other = "period" if kind == "unit" else "unit"
        raise InputError(
            f"{first(fixed)} does not vary within any {kind}, so {kind} effects "
            f"absorb it. Leave it out, or use effects='{other}' or 'none'."
        )


def refuse_absorbed(lost: set[str], effects: str) -> None:
    """Raise `InputError` naming covariates that the effects determine."""
    if lost:
        raise InputError(
            f"{first(sorted(lost))} is determined by the {effects} effects and the "
            "other covariates. Leave it out, or use fewer effects."
        )
