"""The rows of a register as a model sees them: batches of a design, and their sums."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from geopoverty._checks import require
from geopoverty._progress import progress
from geopoverty.design.build import Design
from geopoverty.design.columns import refuse_dependent
from geopoverty.errors import InputError
from geopoverty.numerics.rank import dependent_among
from geopoverty.numerics.rows import (
    Block,
    Combine,
    Combines,
    InMemory,
    Kernel,
    Parts,
    combined,
)
from geopoverty.numerics.scatter import Scattered, gathered
from geopoverty.numerics.types import Array, Codes
from geopoverty.registers.joined import codes_in
from geopoverty.registers.plan import Plan
from geopoverty.registers.register import Register
from geopoverty.registers.runners import Job, Threads, total
from geopoverty.registers.scan import MOST_GROUPS, Scan

FLOAT = 8  # bytes
READING = "Reading the register, part"
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
    held : dict
        See `once`.
    """

    design: Design
    w: Array | None
    groups: Mapping[str, pd.Index]
    held: dict[str, Any] = field(default_factory=dict, repr=False)

    def once(self, name: str, make: Callable[["Batch"], Any]) -> Any:
        """Return what several asks need of a batch, made by the first of them."""
        if name not in self.held:
            self.held[name] = make(self)
        return self.held[name]

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


BatchKernel = Callable[[Batch], Parts]


@dataclass(frozen=True, eq=False)
class Ask:
    """One thing to sum over all batches, of several in one pass.

    Attributes
    ----------
    kernel : callable
        From a batch to parts of a sum.
    combine : callable
        For every part of the sum.
    finish : callable
        From the sums to what is handed back; the sums themselves, by default.
    """

    kernel: BatchKernel
    combine: Combine = np.add
    finish: Callable[[Parts], Any] = tuple

    def merged(self, one: Parts, other: Parts) -> Parts:
        """Return two sums in one."""
        return combined(one, other, self.combine)


def _dense(sums: Parts) -> Array:
    found: Array | Scattered = sums[0]
    return found.sums() if isinstance(found, Scattered) else found


@dataclass(frozen=True, eq=False)
class HeldPart:
    """Designs of a part's batches, kept for the next pass.

    Attributes
    ----------
    name : str
    designs : list of Design
    """

    name: str
    designs: list[Design]

    def batches(self, _columns: Sequence[str]) -> Iterator[Any]:
        """Yield each design."""
        yield from self.designs


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
    kept : dict
        Designs that memory takes, by the columns that were read.
    """

    register: Register
    plan: Plan
    scan: Scan
    first: Design
    weighing: str | None
    scale: float
    notes: tuple[str, ...]
    kept: "dict[tuple[str, ...], list[HeldPart]]" = field(
        default_factory=dict, repr=False
    )

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
        combine: Combines = np.add,
        label: str = "Summing over the register, part",
    ) -> Parts:
        """Return what a kernel gives for batches, combined over all of them."""
        groups, weighing, scale = self.plan.groups, self.weighing, self.scale

        def of_design(design: Design) -> Parts:
            w = None
            if weighing is not None:
                w = positive_weights(design.rows[weighing]) * scale
            return kernel(Batch(design, w, groups))

        held = self._held()
        if held is not None:
            job = Job((), of_design, combine)
            return total(self.register.runner, held, job, label)
        made = _maker(self.plan, self.names)

        def of_table(table: pd.DataFrame) -> Parts:
            design = made(table)
            return () if design is None else of_design(design)

        return self.register.total(of_table, self.plan.columns, combine, label)

    def _held(self) -> "list[HeldPart] | None":
        """Return the designs of all batches where memory takes them, read once."""
        cells = self.n * (self.k + 1 + len(self.plan.groups))
        here = isinstance(self.register.runner, Threads)
        if not here or FLOAT * cells > self.register.memory:
            return None
        if self.plan.columns not in self.kept:
            self.kept.clear()
            self.kept[self.plan.columns] = self._read()
        return self.kept[self.plan.columns]

    def _read(self) -> "list[HeldPart]":
        plan, made = self.plan, _maker(self.plan, self.names)
        used = {*plan.roles.others, *plan.roles.keys, *plan.extras}

        def of_table(table: pd.DataFrame) -> Parts:
            design = made(table)
            if design is None:
                return ()
            # What only the formula needs is in the matrix now.
            rows = design.rows[[c for c in design.rows.columns if c in used]]
            return ([replace(design, rows=rows)],)

        job = Job(plan.columns, of_table, operator.add)
        parts = self.register.parts
        sums = progress(self.register.runner.sums(parts, job), READING, len(parts))
        held = [
            HeldPart(p.name, s[0] if s else [])
            for p, s in zip(parts, sums, strict=True)
        ]
        pa.default_memory_pool().release_unused()
        return held

    def feed(self, of: Callable[[Batch], Block] = lambda b: b.block) -> "Rows":
        """Return the rows for estimators that only ask for sums.

        Parameters
        ----------
        of : callable
            From a batch to covariates, outcome and weights, where these are not the
            design's own.
        """
        return Rows(self, of)

    def answers(
        self, asks: Mapping[str, Ask], label: str = "Summing over the register, part"
    ) -> dict[str, Any]:
        """Return what several asks find, in one pass, by their names."""
        kernels = [ask.kernel for ask in asks.values()]
        ways = tuple(ask.merged for ask in asks.values())

        def kernel(batch: Batch) -> Parts:
            return tuple(k(batch) for k in kernels)

        found = self.total(kernel, ways, label)
        return {
            name: ask.finish(sums)
            for (name, ask), sums in zip(asks.items(), found, strict=True)
        }

    def refuse_collinear(self, gram: Array) -> None:
        """Raise `InputError` naming columns that are combinations of others.

        Parameters
        ----------
        gram : array, shape (k, k)
            X'X, sampling weights left out.
        """
        alone = self.feed(lambda b: Block(b.design.X, b.design.X[:, 0]))
        refuse_dependent(dependent_among(alone, gram), self.names)

    def by_group(self, columns: Sequence[str], values: Callable[[Batch], Array]) -> Ask:
        """Ask for sums of values by group of rows, shape (groups, m).

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

        return Ask(kernel, gathered, _dense)

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

        def kernel(batch: Batch) -> Parts:
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

    def total(self, kernel: Kernel, combine: Combines = np.add) -> Parts:
        """Return what a kernel gives for each block, combined over all of them."""
        of = self.of
        return self.held.total(
            lambda b: InMemory(*of(b)).total(kernel, combine), combine
        )


def _maker(plan: Plan, names: list[str]) -> Callable[[pd.DataFrame], Design | None]:
    """Return what turns a batch into a design with these columns."""

    def made(table: pd.DataFrame) -> Design | None:
        design = plan.design(table)
        if design is not None and design.names != names:
            raise InputError(
                f"Its columns are {design.names} where others have {names}. Write all "
                "parts alike."
            )
        return design

    return made


def positive_weights(column: pd.Series) -> Array:
    """Return sampling weights as they are; refuse those not above 0."""
    values: Array = column.to_numpy(np.float64)
    require(
        np.isfinite(values) & (values > 0),
        f"Sampling weights '{column.name}' must be above 0",
        ids=column.index,
        way_out="Drop rows that stand for nobody.",
    )
    return values
