"""The rows of a register as a model sees them: batches of a design, and their sums."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import require, unit_ids
from geopoverty.design.build import Design, Roles
from geopoverty.design.columns import refuse_dependent
from geopoverty.design.lags import Weights
from geopoverty.errors import InputError
from geopoverty.numerics.rank import dependent_among
from geopoverty.numerics.rows import Block, Combine, InMemory, Kernel, Parts
from geopoverty.numerics.scatter import Scattered, gathered
from geopoverty.numerics.types import Array, Codes
from geopoverty.registers.joined import codes_in
from geopoverty.registers.lags import joined_units
from geopoverty.registers.plan import Plan, categories_of
from geopoverty.registers.register import Register
from geopoverty.registers.runners import Sums
from geopoverty.registers.scan import MOST_GROUPS, Scan, require_few_levels, scan

PAIRED = "\x1f"  # between the names of two columns whose values make groups together


@dataclass(frozen=True, eq=False)
class Batch:
    """Some complete rows.

    Attributes
    ----------
    design : Design
    w : array, shape (m,), or None
        Sampling weights, 1 on average over the register.
    groups : mapping of str to Index
        The values of columns that group rows.
    """

    design: Design
    w: Array | None
    groups: Mapping[str, pd.Index]

    def codes(self, columns: Sequence[str]) -> Codes:
        """Return the group of each row: of one column, or of the pairs of two."""
        rows = self.design.rows
        codes = [codes_in(rows[c], self.groups[c]) for c in columns]
        if len(codes) == 1:
            return codes[0]
        pair = codes[0] * len(self.groups[columns[1]]) + codes[1]
        known = self.groups[PAIRED.join(columns)]
        return np.asarray(np.searchsorted(known.to_numpy(), pair), dtype=np.intp)

    @property
    def block(self) -> Block:
        """Design, outcome and weights."""
        return Block(self.design.X, self.design.y, self.w)


BatchKernel = Callable[[Batch], Sums]


@dataclass(frozen=True, eq=False)
class RegisterRows:
    """Complete rows of a register, through a formula; made by `open_rows`.

    Attributes
    ----------
    register : Register
    plan : Plan
    scan : Scan
    first : Design
        Of the sample: its names and terms are those of all rows.
    weighing : str or None
        Column of sampling weights.
    scale : float
        What they are multiplied with.
    notes : tuple of str
    """

    register: Register
    plan: Plan
    scan: Scan
    first: Design
    weighing: str | None
    scale: float
    notes: tuple[str, ...]

    @property
    def n(self) -> int:
        """Complete rows."""
        return self.scan.complete

    @property
    def names(self) -> list[str]:
        """Columns of the design."""
        return self.first.names

    @property
    def k(self) -> int:
        """Number of columns of the design."""
        return len(self.first.names)

    def total(
        self,
        kernel: BatchKernel,
        combine: Callable[[Any, Any], Any] = np.add,
        label: str = "Summing over the register, part",
    ) -> Sums:
        """Return what a kernel gives for batches, combined over all of them."""
        plan, weighing, scale, names = self.plan, self.weighing, self.scale, self.names

        def of_table(table: pd.DataFrame) -> Sums:
            design = plan.design(table)
            if design is None:
                return ()
            if design.names != names:
                raise InputError(
                    f"Its columns are {design.names} where others have {names}. Write "
                    "all parts alike."
                )
            w = None
            if weighing is not None:
                w = _weights(design.rows[weighing]) * scale
            return kernel(Batch(design, w, plan.groups))

        return self.register.total(of_table, plan.columns, combine, label)

    def feed(self, of: Callable[[Batch], Block] = lambda b: b.block) -> "Rows":
        """Return the rows for estimators that only ask for sums.

        Parameters
        ----------
        of : callable
            From a batch to covariates, outcome and weights, where these are not the
            design's own.
        """
        return Rows(self, of)

    @cached_property
    def gram(self) -> Array:
        """X'X, sampling weights left out."""
        found: Array = self.total(lambda b: (b.design.X.T @ b.design.X,))[0]
        return found

    def refuse_collinear(self) -> None:
        """Raise `InputError` naming columns that are combinations of others."""
        alone = self.feed(lambda b: Block(b.design.X, b.design.X[:, 0]))
        refuse_dependent(dependent_among(alone, self.gram), self.names)

    def grouped(
        self, columns: Sequence[str], values: Callable[[Batch], Array]
    ) -> Array:
        """Return sums of values by group of rows, shape (groups, m).

        Parameters
        ----------
        columns : sequence of str
            One of `Plan.groups`, or two whose pairs are groups.
        values : callable
            From a batch to an array, shape (rows, m).
        """
        count = len(self.groups_of(columns))

        def kernel(batch: Batch) -> tuple[Scattered]:
            return (Scattered(batch.codes(columns), values(batch), count),)

        found = self.total(kernel, gathered)[0]
        sums: Array = found.sums() if isinstance(found, Scattered) else found
        return sums

    def groups_of(self, columns: Sequence[str]) -> pd.Index:
        """Return the values of a column that group rows, or the pairs of two.

        Raises
        ------
        InputError
            If a column has more than two million different values.
        """
        for column in columns:
            if column not in self.plan.groups:
                raise InputError(
                    f"'{column}' has over {MOST_GROUPS:,} different values, too many "
                    "to group rows by. Group by a coarser column."
                )
        return self.plan.groups[PAIRED.join(columns)]

    def table_of_groups(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return the values of each group, a column each, in the order of sums."""
        known = self.groups_of(columns)
        if len(columns) == 1:
            return pd.DataFrame({columns[0]: known})
        values = [self.plan.groups[c] for c in columns]
        one, other = np.divmod(known.to_numpy(), len(values[1]))
        return pd.DataFrame({columns[0]: values[0][one], columns[1]: values[1][other]})

    def paired(self, columns: Sequence[str]) -> "RegisterRows":
        """Return the same rows, with the pairs of two columns' values as groups."""
        name = PAIRED.join(columns)
        if name in self.plan.groups:
            return self
        count = len(self.plan.groups[columns[1]])

        def kernel(batch: Batch) -> Sums:
            one, other = (
                codes_in(batch.design.rows[c], batch.groups[c]) for c in columns
            )
            return (np.unique(one * count + other),)

        pairs = pd.Index(self.total(kernel, np.union1d)[0])
        groups = {**self.plan.groups, name: pairs}
        return replace(self, plan=replace(self.plan, groups=groups))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a register, to be summed over in blocks.

    Attributes
    ----------
    held : RegisterRows
    of : callable
        See `RegisterRows.feed`.
    """

    held: RegisterRows
    of: Callable[[Batch], Block]

    def total(self, kernel: Kernel, combine: Combine = np.add) -> Parts:
        """Return what a kernel gives for each block, combined over all of them."""
        of = self.of
        return self.held.total(
            lambda b: InMemory(*of(b)).total(kernel, combine), combine
        )


@dataclass(frozen=True, eq=False)
class RegisterSpread:
    """Scores of the rows of a register, for their covariance.

    Attributes
    ----------
    rows : RegisterRows
    scores : callable
        From a batch to its scores, shape (m, k).
    """

    rows: RegisterRows
    scores: Callable[[Batch], Array]

    @property
    def n(self) -> int:
        """Rows."""
        return self.rows.n

    def outer(self) -> Array:
        """Return the sum of s s' over rows, shape (k, k)."""
        scores = self.scores

        def kernel(batch: Batch) -> Sums:
            s = scores(batch)
            return (s.T @ s,)

        found: Array = self.rows.total(kernel)[0]
        return found

    def grouped(self, columns: tuple[str, ...]) -> tuple[Array, pd.Index]:
        """Return sums of scores by the values of columns, (groups, k), and these."""
        rows = self.rows if len(columns) == 1 else self.rows.paired(columns)
        return rows.grouped(columns, self.scores), rows.groups_of(columns)


def open_rows(
    formula: str,
    register: Register,
    roles: Roles,
    *,
    outcome: bool = True,
    weights: Weights | None = None,
    unit_data: pd.DataFrame | None = None,
    groups: Iterable[str] = (),
    weighing: str | None = None,
) -> RegisterRows:
    """Read through a register once and fix what every batch must share.

    Parameters
    ----------
    formula : str
    register : Register
    roles : Roles
        Its columns must not be missing in a row.
    outcome : bool
        Whether the formula has a left side.
    weights : SpatialWeights, optional
        For ``W(x)``.
    unit_data : DataFrame, optional
        Values of units, joined by key.
    groups : iterable of str
        Columns whose values group rows: the unit, clusters.
    weighing : str, optional
        Column of sampling weights; among ``roles.others``.

    Raises
    ------
    InputError
        If a column is unknown, a number infinite, no row complete, a text has too many
        categories to be one, or ids of units are not text.
    """
    known = frozenset({*register.columns, *_columns_of(unit_data)})
    plan = Plan(formula, known, roles, outcome)
    joined, notes = joined_units(plan.parsed, register, roles, weights, unit_data)
    truths = tuple(c for c, kind in register.columns.items() if kind == "truth")
    plan = replace(plan, joined=joined, truths=truths)
    register.require(plan.needed)
    levels = [
        c for c in categories_of(plan.parsed, register.columns) if c in plan.needed
    ]
    grouping = list(dict.fromkeys(groups))
    found = scan(register, plan.needed, list(dict.fromkeys([*levels, *grouping])))
    require_few_levels(found.distinct, levels)
    if roles.unit in grouping and roles.unit in found.distinct:
        unit_ids(found.distinct[str(roles.unit)], "The register", unique=False)
    plan = replace(
        plan,
        levels={c: found.distinct[c] for c in levels},
        groups={c: found.distinct[c] for c in grouping if c in found.distinct},
    )
    sample = plan.design(found.sample)
    assert sample is not None  # it holds complete rows only
    if found.dropped:
        notes = [
            *notes,
            f"{found.dropped:,} rows with a missing value were left out.",
        ]
    rows = RegisterRows(
        register, plan, found, sample, None, 1.0, (*register.notes, *notes)
    )
    if weighing is None:
        return rows
    mass = rows.total(lambda b: (_weights(b.design.rows[weighing]).sum(),))[0]
    return replace(rows, weighing=weighing, scale=found.complete / float(mass))


def _weights(column: pd.Series) -> Array:
    values: Array = column.to_numpy(np.float64)
    require(
        np.isfinite(values) & (values > 0),
        f"Sampling weights '{column.name}' must be above 0",
        ids=column.index,
        way_out="Drop rows that stand for nobody.",
    )
    return values


def _columns_of(unit_data: pd.DataFrame | None) -> list[str]:
    return [] if unit_data is None else [str(c) for c in unit_data.columns]
