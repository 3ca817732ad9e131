"""A match on a given score in a register: a few columns are held, the rest is read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import add
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, outcomes_of
from geopoverty.design.build import Roles
from geopoverty.errors import InputError
from geopoverty.estimators.matching.balance import Balance
from geopoverty.estimators.matching.engine import Matched
from geopoverty.estimators.matching.gathered_balance import (
    MatchedWeights,
    balance_on_register,
)
from geopoverty.estimators.matching.options import Method, Nearest, Score
from geopoverty.estimators.matching.rows import (
    Rows,
    outcome_columns,
    require_arms,
    require_sense,
    treated_rows,
)
from geopoverty.estimators.matching.score import Scored
from geopoverty.numerics.types import Array, Mask
from geopoverty.registers.opening import open_rows
from geopoverty.registers.register import Register
from geopoverty.registers.rows import Batch, RegisterRows

NOTES = (
    "Rows are numbered from 0 as they are read, those with a missing value left out.",
    "There is no row for each row in units: it would be as long as the register.",
)


@dataclass(frozen=True, eq=False, repr=False)
class HeldRows(Rows):
    """Rows whose covariates stay in the register: `X` has no column."""

    def part(self, which: Mask) -> Rows:
        """Return some of the rows, as a table of their own."""
        weight = self.weight[which]
        found = replace(
            self,
            table=self.table[which],
            treated=self.treated[which],
            X=self.X[which],
            Y=self.Y[which],
            weight=weight * (len(weight) / weight.sum()),
            notes=(),
        )
        treated = int(found.treated.sum())
        require_arms(self.treatment, treated, len(found.treated))
        return found


@dataclass(frozen=True, eq=False)
class RegisterMatch:
    """A register opened for a match.

    Attributes
    ----------
    rows : RegisterRows
    outcomes : tuple of str
    score : str or None
    others : tuple of str
        Columns that group rows: regions, clusters.
    """

    rows: RegisterRows
    outcomes: tuple[str, ...]
    score: str | None
    others: tuple[str, ...]

    def refuse(self, score: Score, method: Method) -> None:
        """Raise `InputError` for what needs all rows at hand."""
        if score.column is None:
            raise InputError(
                f"A register is matched on a given score; score='{score.link}' would "
                f"have to be fitted. Fit {score.link}() on the register, write its "
                "probabilities with predict(..., path=...), and name their column: "
                "Score(column=...)."
            )
        if isinstance(method, Nearest) and method.ties == "first":
            raise InputError(
                "ties='first' takes controls by the order of rows, which a register "
                "read in parts has not. Use ties='all'."
            )

    def read(self) -> HeldRows:
        """Read what is held of every row.

        Raises
        ------
        InputError
            If treatment or outcomes are no numbers, or an arm lacks rows.
        """
        held, plan = self.rows, self.rows.plan
        treatment, outcomes, score = plan.parsed.outcome, self.outcomes, self.score
        others, weighted = self.others, held.weighing is not None

        def kernel(batch: Batch) -> tuple[Any, ...]:
            design = batch.design
            table = design.rows
            treated = treated_rows(design.y, treatment, table.index)
            given = table[score].to_numpy() if score else np.zeros(0)
            codes = [batch.codes((c,)).astype(np.int32) for c in others]
            w = [] if batch.w is None else [batch.w]
            parts = (treated, given, outcome_columns(table, outcomes), *w, *codes)
            return (design.X.T @ design.X, *([p] for p in parts))

        count = 3 + weighted + len(others)
        gram, *lists = held.total(
            kernel, (np.add, *(add for _ in range(count))), "Reading scores, part"
        )
        held.refuse_collinear(gram)
        arrays: list[Any] = []
        while lists:  # each list goes as its array comes: never both of all
            arrays.append(np.concatenate(lists.pop(0)))
        treated, given, Y, *more = arrays
        require_arms(treatment, int(treated.sum()), len(treated))
        return HeldRows(
            self._table(given, more[weighted:]),
            treatment,
            treated,
            np.empty((len(treated), 0)),
            held.names,
            Y,
            outcomes,
            more[0] if weighted else np.ones(len(treated)),
            weighted,
            held.scan.dropped,
            (*held.notes, *NOTES),
        )

    def balance(self, scored: Scored, matched: Matched) -> Balance:
        """Compare covariates of treated and controls, unmatched and matched."""
        assert self.score is not None
        weigh = MatchedWeights.of_match(self.score, matched)
        return balance_on_register(self.rows, weigh, scored.score.link)

    def _table(self, score: Array, codes: Sequence[Any]) -> pd.DataFrame:
        columns: dict[str, Any] = {} if self.score is None else {self.score: score}
        for name, of_rows in zip(self.others, codes, strict=True):
            values = self.rows.groups_of((name,))
            columns[name] = pd.Categorical.from_codes(of_rows, categories=values)
        return pd.DataFrame(columns)


def open_match(
    formula: str,
    register: Register,
    outcome: str | Sequence[str],
    others: Sequence[str | None],
    sampling_weight: str | None,
) -> RegisterMatch:
    """Open a register for a match.

    Parameters
    ----------
    formula, outcome, sampling_weight
        As given to `match`.
    register : Register
    others : sequence of str or None
        Columns of the score, of regions and of clusters.

    Raises
    ------
    InputError
    """
    outcomes = outcomes_of(outcome)
    score, *groups = others
    grouping = tuple(dict.fromkeys(g for g in groups if g))
    needed = [*outcomes, *(o for o in (score, *grouping, sampling_weight) if o)]
    register.must_have(needed, "match")
    wrong = [c for c in needed[: len(outcomes)] if register.columns[c] == "text"]
    if wrong:
        raise InputError(
            f"The outcome '{first(wrong)}' must be numeric; it holds text. Convert it, "
            "or code it 0/1."
        )
    if score and register.columns[score] != "number":
        raise InputError(f"The score '{score}' must be numeric.")
    rows = open_rows(
        formula,
        register,
        Roles(others=tuple(dict.fromkeys(needed))),
        groups=grouping,
        weighing=sampling_weight,
    )
    require_sense(formula, rows.plan.parsed.outcome, outcomes, rows.names)
    return RegisterMatch(rows, outcomes, score, grouping)
