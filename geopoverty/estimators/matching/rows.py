"""From formula and table to treatment, covariates and outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geopoverty._checks import first, outcomes_of, require, require_columns
from geopoverty.design.build import Roles, build_design
from geopoverty.design.columns import refuse_collinear
from geopoverty.design.sample import sampling_weights
from geopoverty.errors import InputError
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.types import Array, Mask

UNIT = "unit_id"  # carried along for maps, where the table has it


@dataclass(frozen=True, eq=False, repr=False)
class Rows:
    """The rows a match works on.

    Attributes
    ----------
    table : DataFrame, n rows
        The columns used, indexed as the user's table.
    treatment : str
    treated : array of bool, shape (n,)
    X : array, shape (n, k)
        The first column is the constant.
    names : list of str
    Y : array, shape (n, q)
    outcomes : tuple of str
    weight : array, shape (n,)
        Sampling weights that sum to n; ones without.
    weighted : bool
    dropped : int
    notes : tuple of str
    """

    table: pd.DataFrame
    treatment: str
    treated: Mask
    X: Array
    names: list[str]
    Y: Array
    outcomes: tuple[str, ...]
    weight: Array
    weighted: bool
    dropped: int
    notes: tuple[str, ...]

    def part(self, which: Mask) -> "Rows":
        """Return some of the rows, as a table of their own.

        Covariates that others determine there, such as the region itself, are left
        out and named in a note.

        Raises
        ------
        InputError
            If they lack an arm, or there are too few.
        """
        X, weight = self.X[which], self.weight[which]
        determined = {j for j, _ in dependent_columns(X)}
        kept = [j for j in range(len(self.names)) if j not in determined]
        without = first(self.names[j] for j in sorted(determined))
        found = replace(
            self,
            table=self.table[which],
            treated=self.treated[which],
            X=np.ascontiguousarray(X[:, kept]),
            names=[self.names[j] for j in kept],
            Y=self.Y[which],
            weight=weight * (len(weight) / weight.sum()),
            notes=(f"Left out of the score here: {without}.",) if determined else (),
        )
        _require_enough(found)
        if len(kept) < 2:
            raise InputError("No covariate varies here, so there is nothing to match.")
        return found


def read_rows(
    formula: str,
    data: pd.DataFrame,
    outcome: str | Sequence[str],
    others: Sequence[str | None],
    sampling_weight: str | None,
) -> Rows:
    """Read what the formula, the outcomes and the options need.

    Parameters
    ----------
    formula, data, outcome, sampling_weight
        As given to `match`.
    others : sequence of str or None
        Further columns that must be there, such as a score.

    Raises
    ------
    InputError
    """
    outcomes = outcomes_of(outcome)
    needed = [*outcomes, *(o for o in (*others, sampling_weight) if o)]
    if isinstance(data, pd.DataFrame):
        require_columns(data, needed, "match")
        if UNIT in data.columns and data[UNIT].notna().all():
            needed.append(UNIT)
    design = build_design(
        formula,
        data,
        roles=Roles(others=tuple(dict.fromkeys(needed))),
        collinear=True,
    )
    treatment = design.formula.outcome
    require_sense(formula, treatment, outcomes, design.names)
    weight = np.ones(len(design.y))
    if sampling_weight is not None:
        weight = sampling_weights(design.rows[sampling_weight])
    found = Rows(
        design.rows,
        treatment,
        treated_rows(design.y, treatment, design.rows.index),
        design.X,
        design.names,
        outcome_columns(design.rows, outcomes),
        outcomes,
        weight,
        sampling_weight is not None,
        design.dropped,
        design.notes,
    )
    _require_enough(found)
    return found


def require_sense(
    formula: str, treatment: str, outcomes: tuple[str, ...], names: list[str]
) -> None:
    """Raise `InputError` unless treatment, outcomes and covariates make a match."""
    if treatment in outcomes:
        raise InputError(
            f"'{treatment}' cannot be both treatment and outcome. The formula names "
            "the treatment on its left side, outcome= what it acts on."
        )
    if names[0] != "Intercept" or len(names) < 2:
        raise InputError(
            f"'{formula}' must have a constant and at least one covariate: they "
            "explain who is treated, and are what must balance."
        )


def treated_rows(values: Array, name: str, ids: pd.Index) -> Mask:
    """Return who is treated; refuse what is not 0 or 1."""
    require(
        (values == 0) | (values == 1),
        f"The treatment '{name}' must be 0 or 1",
        ids=ids,
        way_out="Code it 1 for treated rows and 0 for controls.",
    )
    return np.asarray(values == 1)


def outcome_columns(table: pd.DataFrame, names: tuple[str, ...]) -> Array:
    """Return the outcomes, shape (n, q); refuse what is no number."""
    columns = []
    for name in names:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise InputError(
                f"The outcome '{name}' must be numeric; it holds "
                f"{table[name].dtype}. Convert it, or code it 0/1."
            )
        columns.append(table[name].to_numpy(np.float64))
    return np.column_stack(columns)


def _require_enough(rows: Rows) -> None:
    n, k = rows.X.shape
    require_arms(rows.treatment, int(rows.treated.sum()), n)
    if n <= k:
        raise InputError(
            f"A score needs more rows than columns; there are {n} complete rows for "
            f"{k} columns ({first(rows.names)}). Leave covariates out, or add rows."
        )
    refuse_collinear(rows.X, rows.names)


def require_arms(treatment: str, treated: int, n: int) -> None:
    """Raise `InputError` unless both arms have two rows."""
    if not 2 <= treated <= n - 2:
        raise InputError(
            f"A match needs at least two treated rows and two controls; "
            f"'{treatment}' is 1 in {treated} of {n} rows. Check how it is "
            "coded and which rows have missing values."
        )
