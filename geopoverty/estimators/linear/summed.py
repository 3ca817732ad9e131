"""Tests, effects and units of least squares from sums over a register."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geopoverty.design import Design
from geopoverty.effects.terms import EffectTerms, effect_terms
from geopoverty.effects.units import effect_columns
from geopoverty.estimators.linear.report import (
    WHITE_MOST,
    Core,
    no_tests,
    tests_table,
)
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.diagnostics import explained_by, white_columns
from geopoverty.numerics.rows import Parts, combined
from geopoverty.numerics.types import Array, Mask
from geopoverty.registers.rows import Ask, Batch

WHITE_WORK = 1e12  # products of White's regression: a few minutes
FIRST = 5  # columns of `unit_sums` before the multipliers


@dataclass(frozen=True, eq=False)
class AuxiliaryColumns:
    """Columns on which squared residuals are regressed to test for equal variances.

    Attributes
    ----------
    centre, spread : array, shape (k,)
        Mean and standard deviation of the design's columns.
    moving : array of bool, shape (k,)
        Those that vary.
    wide : bool
        With squares and products, for White's test.
    """

    centre: Array
    spread: Array
    moving: Mask
    wide: bool

    @classmethod
    def of(cls, sums: Array, gram: Array, n: int) -> "AuxiliaryColumns":
        """Choose them by sums of the design's columns and of their products."""
        centre = sums / n
        spread = np.sqrt(np.maximum(np.diag(gram) / n - centre**2, 0.0))
        width = white_columns(len(sums))
        wide = width < min(n, WHITE_MOST) and n * float(width) ** 2 <= WHITE_WORK
        return cls(centre, np.where(spread > 0, spread, 1.0), spread > 0, wide)

    def varying(self, moving: Mask) -> "AuxiliaryColumns":
        """Return the same for columns that are known to vary."""
        return replace(self, moving=moving)

    def ask(self, residual: Callable[[Batch], Array]) -> Ask:
        """Ask for z'z, z'e^2, column sums, and sums of e^2 and e^4."""

        def kernel(batch: Batch) -> Parts:
            square = residual(batch) ** 2
            sums: Parts = ()
            for rows in blocks(len(square)):
                z, s = self._columns(batch.design.X[rows]), square[rows]
                powers = np.array([s.sum(), s @ s])
                found = (z.T @ z, z.T @ s, z.sum(axis=0), powers)
                sums = combined(sums, found)
            return sums

        return Ask(kernel)

    def _columns(self, X: Array) -> Array:
        moving = self.moving
        z = (X[:, moving] - self.centre[moving]) / self.spread[moving]
        parts = [np.ones((len(z), 1)), z]
        if self.wide:
            left, right = np.triu_indices(z.shape[1])
            parts.append(z[:, left] * z[:, right])
        return np.hstack(parts)


def variance_tests(
    core: Core, sums: Parts, columns: AuxiliaryColumns, flawed: tuple[str, ...]
) -> tuple[pd.DataFrame, list[str]]:
    """Test for equal variances; with what to say where that cannot be done.

    Parameters
    ----------
    core : Core
    sums : tuple of array
        Answers to `AuxiliaryColumns.ask`.
    columns : AuxiliaryColumns
    flawed : tuple of str
        Notes on a perfect fit.
    """
    if not core.constant or flawed or len(core.beta) == 1:
        return no_tests()
    gram, cross, total, (squares, fourth) = sums
    mean = squares / core.n
    # Of squared residuals over their mean, less 1.
    moment = cross / mean - total
    outcome = (core.n, float(fourth / mean**2 - core.n))
    narrow = 1 + int(columns.moving.sum())
    first = (gram[:narrow, :narrow], moment[:narrow], outcome)
    tests = {
        "Breusch-Pagan (studentised)": explained_by(*first, studentised=True),
        "Breusch-Pagan (normal errors)": explained_by(*first, studentised=False),
    }
    notes = []
    if columns.wide:
        tests["White"] = explained_by(gram, moment, outcome, studentised=True)
    else:
        notes.append(
            "White's test was left out: its regression has up to "
            f"{white_columns(len(core.beta)):,} columns for {core.n:,} rows."
        )
    return tests_table(tests), notes


def multipliers(design: Design) -> tuple[Array, ...]:
    """Return the sums of what each part of each slope is multiplied with."""
    n = len(design.y)
    return tuple(
        np.array([n if m is None else m.sum() for _, m in s.slope.parts], dtype=float)
        for s in effect_terms(design).slopes
    )


def unit_sums(batch: Batch, residual: Array) -> Array:
    """Return what is summed by unit, shape (m, 5 + parts of lagged slopes).

    1, weight, weighted outcome, fitted value and residual, then weighted multipliers.
    """
    block = batch.block
    once = np.ones(len(residual))
    own = [once, block.w if block.w is not None else once, block.weighed(block.y)]
    own += [block.weighed(block.y - residual), block.weighed(residual)]
    for shown in effect_terms(batch.design).lagged:
        own += [block.weighed(once if m is None else m) for _, m in shown.slope.parts]
    return np.column_stack(own)


def units_from(
    table: pd.DataFrame, sums: Array, effects: EffectTerms, beta: Array, vcov: Array
) -> pd.DataFrame:
    """Return means and effects of each unit, from `unit_sums`."""
    table = table.copy()
    table["rows"] = sums[:, 0].astype(np.intp)
    means = sums / sums[:, 1:2]
    for j, name in enumerate(("outcome", "fitted", "residual"), start=2):
        table[name] = means[:, j]
    at = FIRST
    for shown in effects.lagged:
        gradient = np.zeros((len(table), len(beta)))
        for j, _ in shown.slope.parts:
            gradient[:, j] += means[:, at]
            at += 1
        error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, vcov, gradient).clip(0))
        name = f"{shown.kind}({shown.term})"
        for label, values in effect_columns(name, gradient @ beta, error).items():
            table[label] = values
    return table
