"""From a batch of rows to the arrays of a model: the same columns for every batch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.design.build import Design, Roles, assembled
from geopoverty.design.complete import complete_rows
from geopoverty.design.formula import ParsedFormula, names_in, parse_formula, terms_of
from geopoverty.design.recipe import STATEFUL
from geopoverty.errors import InputError
from geopoverty.registers.joined import Joined, codes_in


@dataclass(frozen=True, eq=False)
class Plan:
    """How to turn rows of a register into outcome and design matrix.

    Attributes
    ----------
    formula : str
    known : frozenset of str
        The columns that a formula may name.
    roles : Roles
    outcome : bool
        Whether the formula has a left side.
    levels : mapping of str to Index
        The categories of columns of the formula.
    groups : mapping of str to Index
        The values of columns that group rows: units, clusters.
    truths : tuple of str
        Columns of true and false.
    joined : Joined or None
        What comes from a table of units.
    extras : tuple of str
        Further columns to read, which may be missing in a row.
    """

    formula: str
    known: frozenset[str]
    roles: Roles
    outcome: bool = True
    levels: Mapping[str, pd.Index] = field(default_factory=dict)
    groups: Mapping[str, pd.Index] = field(default_factory=dict)
    truths: tuple[str, ...] = ()
    joined: Joined | None = None
    extras: tuple[str, ...] = ()

    @property
    def parsed(self) -> ParsedFormula:
        """The formula, checked."""
        return _parsed(self.formula, self.known, self.outcome)

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns of the register that must not be missing in a row."""
        elsewhere = () if self.joined is None else self.joined.columns
        wanted = dict.fromkeys(
            (*sorted(self.parsed.columns), *self.roles.others, *self.roles.keys)
        )
        return tuple(c for c in wanted if c not in elsewhere)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns to read."""
        return tuple(dict.fromkeys((*self.needed, *self.extras)))

    def design(self, table: pd.DataFrame) -> Design | None:
        """Turn rows into a design; None if none of them is complete.

        Raises
        ------
        InputError
            If a value is infinite, a category is new, or a unit is unknown.
        """
        kept = complete_rows(table, self.needed)
        # Shallow: columns are replaced in it, their values never.
        rows = (table if kept.all() else table[kept]).copy(deep=False)
        if not len(rows):
            return None
        for name in self.levels:
            rows[name] = self._category(rows[name], name)
        for name in self.truths:
            if name in rows and name not in self.levels:
                rows[name] = rows[name].astype(np.float64)
        sums = None
        if self.joined is not None:
            rows, sums = self.joined.add(rows)
        return assembled(self.parsed, rows, sums, outcome=self.outcome)

    def _category(self, column: pd.Series, name: str) -> pd.Categorical:
        levels = self.levels[name]
        codes = codes_in(column, levels)
        if (codes < 0).any():  # the register changed since its first pass
            new = first(column[codes < 0].unique())
            raise InputError(
                f"'{name}' holds {new}, which was not there in the first pass. Do not "
                "write to a register while it is read."
            )
        return pd.Categorical.from_codes(codes, categories=levels)


def categories_of(parsed: ParsedFormula, kinds: Mapping[str, str]) -> list[str]:
    """Return the columns of a formula that are categories.

    Parameters
    ----------
    parsed : ParsedFormula
    kinds : mapping of str to str
        What each column of the register holds.

    Raises
    ------
    InputError
        If a column is a category in one term and a number in another, or a function
        of the formula depends on all rows.
    """
    factors = {f for term in terms_of(parsed.right) for f in term.factors}
    stateful = sorted(STATEFUL & {n for f in factors for n in names_in(f)})
    if stateful:
        raise InputError(
            f"{first(stateful)} depends on all rows, and a register is read in parts. "
            "Compute that column in the register first."
        )
    found = []
    for column in sorted(parsed.columns):
        uses = [f for f in factors if column in names_in(f)]
        coded = [f for f in uses if f.startswith("C(")]
        if kinds.get(column) == "text" and uses:
            found.append(column)
        elif coded and len(coded) < len(uses):
            raise InputError(
                f"'{column}' stands both as a number and as {coded[0]}; a register "
                "takes one of them. Add a second column."
            )
        elif coded:
            found.append(column)
    return found


@lru_cache(maxsize=32)
def _parsed(formula: str, known: frozenset[str], outcome: bool) -> ParsedFormula:
    return parse_formula(formula, known, outcome=outcome)
