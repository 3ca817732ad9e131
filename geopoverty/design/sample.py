"""How the rows of a table stand in the units of spatial weights."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geopoverty._checks import (
    binary_outcome,
    first,
    require,
    require_same_units,
    unit_ids,
)
from geopoverty.design.build import Design, Roles, build_design
from geopoverty.design.lags import Weights
from geopoverty.errors import InputError
from geopoverty.numerics.spatial.cells import Cells, Layout
from geopoverty.numerics.types import Array


@dataclass(frozen=True)
class Sample:
    """Which columns say where, when and for how many a row stands.

    Attributes
    ----------
    unit : str
        Column (or the index) of unit ids. A unit may have many rows.
    period : str, optional
        Column of periods: neighbours act within a period. Every unit needs a row in
        every period.
    sampling_weight : str, optional
        Column of weights above 0; only their ratios matter.

    Examples
    --------
    >>> Sample("county", period="year").roles.keys
    ('county', 'year')
    """

    unit: str = "unit_id"
    period: str | None = None
    sampling_weight: str | None = None

    @property
    def roles(self) -> Roles:
        """What the design must know of these columns."""
        weighing = () if self.sampling_weight is None else (self.sampling_weight,)
        return Roles(self.unit, self.period, weighing)


def sample_of(unit: "str | Sample | None") -> Sample:
    """Return a `Sample` from its short forms.

    Examples
    --------
    >>> sample_of("county").unit, sample_of(None).unit
    ('county', 'unit_id')
    """
    if isinstance(unit, Sample):
        return unit
    if unit is None or isinstance(unit, str):
        return Sample() if unit is None else Sample(unit)
    raise InputError(
        f"unit must be a column name, a Sample or None; got {type(unit).__name__}."
    )


def cells_of(
    rows: pd.DataFrame, weights: Weights, sample: Sample, *, alone: bool = False
) -> Cells:
    """Place rows in cells: the units of the weights, in each period.

    Parameters
    ----------
    rows : DataFrame, n rows
        With the columns of `sample`.
    weights : SpatialWeights
    sample : Sample
    alone : bool
        Whether a unit may have only one row (in a period).

    Returns
    -------
    Cells
        In the order of the weights' units, periods in ascending order.

    Raises
    ------
    InputError
        If rows and weights hold different units, a unit lacks a period, ids are not
        text, or a unit has several rows where it may have one.
    """
    units = unit_ids(rows[sample.unit], "The rows", unique=False)
    require_units(units.unique(), weights)
    when, periods = np.zeros(len(rows), dtype=np.intp), pd.Index([None])
    if sample.period is not None:
        codes, periods = pd.factorize(rows[sample.period], sort=True)
        when = np.asarray(codes, dtype=np.intp)
    code = when * weights.n + weights.units.get_indexer(units)
    w = None
    if sample.sampling_weight is not None:
        w = sampling_weights(rows[sample.sampling_weight])
    cells = Cells(code, weights.n, len(periods), w)
    require_every_period(cells, weights, periods)
    if alone:
        require(
            (cells.counts == 1)[code],
            "Without unit=, each unit must have one row",
            ids=units,
            way_out=f"Pass unit='{sample.unit}' for many rows a unit (households), or "
            f"unit=Sample('{sample.unit}', period=...) for periods.",
        )
    return cells


def sampled_design(
    formula: str,
    data: pd.DataFrame,
    weights: Weights,
    sample: Sample,
    others: Iterable[str] = (),
) -> Design:
    """Build the design of a binary outcome whose rows stand in units.

    Parameters
    ----------
    formula, data
        As the user gave them.
    weights : SpatialWeights
        For ``W(x)``, where the formula has any.
    sample : Sample
    others : iterable of str
        Further columns that must be there, such as clusters.

    Raises
    ------
    InputError
        As `build_design`, or if the outcome is not 0/1 or does not vary.
    """
    roles = sample.roles
    # The unit is needed whether or not the formula has a lag.
    needed = dict.fromkeys((*roles.others, *others, sample.unit))
    # Weights without W(x) are no oversight here, so the design must not say so.
    lags = weights if "W(" in formula else None
    design = build_design(
        formula, data, roles=replace(roles, others=tuple(needed)), weights=lags
    )
    binary_outcome(pd.Series(design.y, design.rows.index), design.formula.outcome)
    return design


def cell_table(design: Design, cells: Cells, sample: Sample) -> pd.DataFrame:
    """Return one row a cell: unit_id, period, number of rows, mean outcome."""
    # The first row of each cell, to read its keys from.
    keys = design.rows.iloc[np.unique(cells.codes, return_index=True)[1]]
    table = pd.DataFrame({"unit_id": keys[sample.unit].to_numpy()})
    if sample.period is not None:
        table["period"] = keys[sample.period].to_numpy()
    table["rows"] = cells.counts.astype(int)
    table["outcome"] = cells.mean(design.y)
    return table


def sampling_weights(column: pd.Series) -> Array:
    """Return weights scaled to sum to the number of rows.

    Raises
    ------
    InputError
        If a weight is not above 0 and finite.

    Examples
    --------
    >>> sampling_weights(pd.Series([1.0, 3.0]))
    array([0.5, 1.5])
    """
    values = column.to_numpy(np.float64)
    require(
        np.isfinite(values) & (values > 0),
        f"Sampling weights '{column.name}' must be above 0",
        ids=column.index,
        way_out="Drop rows that stand for nobody.",
    )
    # Scaled to sum to n, so that the log-likelihood is on the scale of the sample.
    return np.asarray(values * (len(values) / values.sum()))


def require_units(units: pd.Index, weights: Weights) -> None:
    """Raise `InputError` unless rows and weights share units that have a neighbour."""
    require_same_units(
        units,
        weights.units,
        names=("the rows", "the weights"),
        way_out="Use weights.subset(units), or give every unit a complete row.",
    )
    if weights.n < 2 or not weights.row_sums.any():
        raise InputError(
            f"A spatial model needs units with neighbours; these weights have "
            f"{weights.n} unit{'s' if weights.n > 1 else ''} and no link. Use a longer "
            "cutoff, or more neighbours."
        )


def require_every_period(cells: Layout, weights: Weights, periods: pd.Index) -> None:
    """Raise `InputError` if a unit has no row in some period."""
    empty = np.flatnonzero(cells.counts == 0)
    if not empty.size:
        return
    named = [
        f"{weights.units[c % cells.units]} in {periods[c // cells.units]}"
        for c in empty[:6]
    ]
    raise InputError(
        "Every unit needs a row in every period, for its neighbours depend on it; "
        f"{empty.size} of {cells.n} are missing ({first(named)}). Leave these units "
        "or periods out, with weights.subset(units)."
    )


def shares_lags(design: Design, unit: str) -> bool:
    """Say whether rows of one unit share a lag, and so are not independent."""
    return bool(design.formula.lags) and bool(design.rows[unit].duplicated().any())
