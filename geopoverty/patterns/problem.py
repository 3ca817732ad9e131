"""One column, its units and their neighbours: what local statistics start from."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import finite_numbers, first, require, require_columns, unit_ids
from geopoverty.design.sample import Sample, sample_of
from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Mask
from geopoverty.provenance import sources_of
from geopoverty.weights import SpatialWeights, as_weights

FEWEST = 4  # units with a value: with fewer there is no spread to speak of
TINY = 1e-12  # a spread below this share of the size is rounding


@dataclass(frozen=True)
class Draws:
    """How chance is drawn, and what counts as significant.

    Attributes
    ----------
    permutations : int
        1 or more.
    seed : int
        0 or above.
    level : float
        The strictest p-value that must be possible, between 0 and 1.
    loosest : float
        P-values up to it count as significant.
    fdr : bool
        Whether p-values are adjusted for the false discovery rate.
    """

    permutations: int
    seed: int
    level: float
    loosest: float
    fdr: bool

    def __post_init__(self) -> None:
        _require_whole(self.permutations, "permutations", 1)
        _require_whole(self.seed, "seed", 0)
        if not 0 < self.level < 1:
            raise InputError(f"alpha must be between 0 and 1; got {self.level!r}.")
        if self.least > self.level:
            needed = int(np.ceil(2 / self.level)) - 1
            raise InputError(
                f"With {self.permutations} permutations no two-sided p-value can be "
                f"{self.level:g} or less, so that no unit could be significant. Take "
                f"at least permutations={needed}; 999 or more are usual."
            )

    @property
    def least(self) -> float:
        """The smallest p-value that so many permutations can give."""
        return 2 / (self.permutations + 1)


@dataclass(frozen=True, eq=False)
class Part:
    """One period: the units with a value, in the order of their ids.

    Attributes
    ----------
    period : object
        None when there are no periods.
    x : array, shape (n,)
        Finite, and not all the same.
    weights : SpatialWeights
        Between these units.
    """

    period: Any
    x: Array
    weights: SpatialWeights

    @property
    def linked(self) -> Mask:
        """Whether a unit has a neighbour, shape (n,)."""
        return np.asarray(self.weights.row_sums > 0)


@dataclass(frozen=True, eq=False)
class Problem:
    """All periods of one column.

    Attributes
    ----------
    column : str
    parts : tuple of Part
        In the order of the periods.
    dropped : int
        Rows without a value.
    absent : Index
        Units of the weights that have a value in no period.
    weights : SpatialWeights
        As given.
    timed : bool
        Whether there are periods.
    sources : list
        Where data and weights are from.
    """

    column: str
    parts: tuple[Part, ...]
    dropped: int
    absent: pd.Index
    weights: SpatialWeights
    timed: bool
    sources: list[dict[str, Any]]

    @property
    def binary(self) -> bool:
        """Whether the column holds only 0 and 1."""
        return all(np.isin(p.x, (0.0, 1.0)).all() for p in self.parts)

    @property
    def rows(self) -> int:
        """Rows with a value, all periods together."""
        return sum(len(p.x) for p in self.parts)


def read_problem(
    column: str, data: pd.DataFrame, weights: Any, unit: str | Sample | None
) -> Problem:
    """Check a column and match it with the weights, each period alone.

    Parameters
    ----------
    column : str
        Numbers or booleans; missing values are left out.
    data : DataFrame
        One row a unit (and period).
    weights : SpatialWeights, libpysal Graph or W
    unit : str, Sample or None
        The column or index with the ids; with periods a `Sample`.

    Raises
    ------
    InputError
        If a column is unknown, not numeric, infinite, all missing or constant (in a
        period), ids are repeated, unknown to the weights or not text, a period is
        missing, too few units have a value, or none has a neighbour.
    """
    sample, held = sample_of(unit), as_weights(weights)
    if sample.sampling_weight is not None:
        raise InputError(
            "Patterns are of units, each of which counts once; got "
            f"sampling_weight='{sample.sampling_weight}'. Leave it out."
        )
    table = _table(column, data, sample)
    _require_known(table, held)
    _require_once(table, sample)
    known = table[table["value"].notna()]
    if known.empty:
        raise InputError(
            f"The column '{column}' must hold at least one value; all {len(table)} are "
            "missing. Check how it was made."
        )
    timed = sample.period is not None
    found = list(known.groupby("period", sort=True)) if timed else [(None, known)]
    return Problem(
        column,
        tuple(_part(column, period, rows, held) for period, rows in found),
        len(table) - len(known),
        held.units.difference(known["unit_id"]),
        held,
        timed,
        sources_of(data, held),
    )


def _table(column: str, data: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    """Return unit_id, period and value, a row a row of the data."""
    if not isinstance(data, pd.DataFrame):
        raise InputError(
            f"data must be a DataFrame; got {type(data).__name__}. For a Series: "
            f"series.to_frame('{column}')."
        )
    held = data.reset_index() if set(data.index.names) - {None} else data
    if sample.unit not in held.columns and not isinstance(data.index, pd.RangeIndex):
        held = data.reset_index(names=sample.unit)
    periods = [] if sample.period is None else [sample.period]
    require_columns(held, [column, sample.unit, *periods], "Patterns")
    ids = unit_ids(held[sample.unit], "The rows", unique=False)
    if sample.period is not None:
        require(
            held[sample.period].notna().to_numpy(),
            f"Every row needs a period in '{sample.period}'",
            ids=ids,
            way_out="Fill or drop these rows.",
        )
    when = held[sample.period].to_numpy() if periods else np.zeros(len(held))
    convert = "Convert it: pd.to_numeric(data[column])."
    values = finite_numbers(held[column], ids, convert)
    return pd.DataFrame({"unit_id": ids, "period": when, "value": values})


def _require_known(table: pd.DataFrame, weights: SpatialWeights) -> None:
    require(
        table["unit_id"].isin(weights.units).to_numpy(),
        "Every unit must be in the weights",
        ids=table["unit_id"].tolist(),
        way_out="Drop these rows, or build weights that hold them.",
    )


def _require_once(table: pd.DataFrame, sample: Sample) -> None:
    twice = table.duplicated(["unit_id", "period"])
    if not twice.any():
        return
    names = first(table.loc[twice, "unit_id"].unique())
    way_out = (
        f"Name the periods: unit=Sample('{sample.unit}', period=...), or take means."
        if sample.period is None
        else "Drop or merge the repeated rows."
    )
    raise InputError(
        f"Patterns need one row a unit{'' if sample.period is None else ' and period'}"
        f"; {int(twice.sum())} of {len(table)} rows repeat one ({names}). {way_out}"
    )


def _part(
    column: str, period: Any, rows: pd.DataFrame, weights: SpatialWeights
) -> Part:
    rows = rows.sort_values("unit_id")
    values = rows["value"].to_numpy(np.float64)
    when = "" if period is None else f" in {period}"
    if len(values) < FEWEST:
        raise InputError(
            f"Patterns need at least {FEWEST} units with a value; '{column}' has "
            f"{len(values)}{when}. Leave this out, or fill the column."
        )
    if np.ptp(values) <= TINY * np.abs(values).max():
        raise InputError(
            f"The column '{column}' must differ between units; all {len(values)} "
            f"values{when} are {values[0]:g}. Choose another column"
            f"{'' if not when else ', or leave this period out'}."
        )
    # In the order of the ids, so that draws do not depend on the order of rows.
    return Part(period, values, _among(weights, pd.Index(rows["unit_id"])))


def _among(weights: SpatialWeights, units: pd.Index) -> SpatialWeights:
    """Return the weights between some units, in the order asked for."""
    if not weights.row_sums.any():
        raise InputError(
            "Patterns need units with neighbours; these weights have no link. Use a "
            "longer cutoff, or more neighbours."
        )
    if len(units) == weights.n:  # none is lost: nothing is standardised anew
        at = weights.units.get_indexer(units)
        return replace(weights, units=units, matrix=weights.matrix[at][:, at])
    return weights.subset(units)


def _require_whole(value: object, name: str, least: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or int(value) < least:  # type: ignore[call-overload]
        raise InputError(
            f"{name} must be a whole number, {least} or more; got {value!r}."
        )
