"""Poverty indices on a register: means from sums, with their sampling errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._tables import number
from geopoverty.errors import InputError
from geopoverty.measures.lines import Lines, Relative
from geopoverty.measures.register_asked import Asked, Looked, asked_for, look
from geopoverty.measures.register_rows import OWN, Summed, sum_up
from geopoverty.measures.report import (
    low_incomes,
    said_of_line,
    settled,
    unit_notes,
)
from geopoverty.measures.rows import Survey
from geopoverty.numerics.types import Array
from geopoverty.numerics.welfare import MeanIndex
from geopoverty.provenance import provenance, sources_of
from geopoverty.registers.columns import Column
from geopoverty.registers.register import Register
from geopoverty.results import Result

ROUNDING = 1e-13  # of the sums a variance is the difference of: below it there is none


@dataclass(frozen=True)
class _Line:
    """A poverty line.

    Attributes
    ----------
    label : str
        Empty when it is the only one.
    given : object
    level : float or str
        A number, or a column.
    low, high : float
    """

    label: str
    given: Any
    level: float | str
    low: float
    high: float

    @property
    def estimated(self) -> bool:
        return isinstance(self.given, Relative)

    @property
    def in_words(self) -> str:
        if isinstance(self.level, float):
            return number(self.level)
        return f"{number(self.low)} to {number(self.high)}"


@dataclass(frozen=True, eq=False)
class Options:
    """What every index takes, as given: see `headcount`."""

    poverty_line: Lines
    weight: Any
    by: Any
    survey: Survey | None


def poverty_on_register(
    estimator: str, indices: Mapping[str, MeanIndex], income: Column, options: Options
) -> Result:
    """Estimate indices that are means, on a register.

    Parameters
    ----------
    estimator : str
    indices : mapping of str to index
        By the names of their terms.
    income : Column
    options : Options
        Its weight, groups and design are columns of the same register.

    Returns
    -------
    Result
        As on a table.

    Raises
    ------
    InputError
        See `headcount`; also where a line would need all rows at hand.
    """
    given = _labelled(options.poverty_line)
    _require_known(given, indices)
    asked = asked_for(
        income,
        {k: v if isinstance(v, Column) else None for k, v in given.items()},
        options.weight,
        options.by,
        options.survey,
        positive=estimator == "watts",
    )
    register: Register = income.register
    looked = look(register, asked)
    lines = _lines(given, asked, looked)
    summed = sum_up(
        register,
        asked,
        looked,
        [line.level for line in lines],
        list(indices.values()),
        needed=options.survey not in (None, Survey()),
        estimated=any(line.estimated for line in lines),
    )
    report = _Report((estimator, *indices), lines, asked, looked, summed, register)
    return report.result


def _labelled(given: Lines) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return {"": given}
    if not given:
        raise InputError("poverty_line must hold a line; the mapping is empty.")
    return {str(label): line for label, line in given.items()}


def _require_known(given: Mapping[str, Any], indices: Mapping[str, MeanIndex]) -> None:
    for label, line in given.items():
        named = f"poverty_line '{label}'" if label else "poverty_line"
        if isinstance(line, Relative):
            jumps = [n for n, i in indices.items() if i.rise(np.ones(1)) is None]
            if line.of == "median" or jumps:
                raise InputError(
                    f"{named}: the error of {line} in {jumps[0] if jumps else 'this'} "
                    "needs a density, for which all rows must be at hand. Take the "
                    "line as known: poverty_line(homes['income'], ...) gives its value."
                )
        elif isinstance(line, Column):
            continue
        elif isinstance(line, bool) or not isinstance(line, int | float | np.number):
            raise InputError(
                f"{named} must be a number above 0, a column of the register, "
                "Relative(share, of), or a mapping from names to these; got "
                f"{type(line).__name__}."
            )
        elif not 0 < line < np.inf:
            raise InputError(f"{named} must be above 0 and finite; got {line}.")


def _lines(given: Mapping[str, Any], asked: Asked, looked: Looked) -> list[_Line]:
    lines = []
    ranges = dict(zip(asked.lines, looked.ranges.tolist(), strict=True))
    for label, line in given.items():
        if isinstance(line, Column):
            lines.append(_Line(label, line.name, line.name, *ranges[line.name]))
            continue
        level = float(line) if not isinstance(line, Relative) else _share(line, looked)
        lines.append(_Line(label, line, level, level, level))
    return lines


def _share(line: Relative, looked: Looked) -> float:
    mean = looked.income / looked.weight
    if not mean > 0:
        raise InputError(
            f"The mean must be above 0 to set a line by it; it is {mean:g}. Check "
            "negative incomes, or give the line as a number."
        )
    return line.share * mean


@dataclass(frozen=True, eq=False)
class _Report:
    """Sums on the way to a `Result`."""

    called: tuple[str, ...]  # the estimator, then its indices
    lines: list[_Line]
    asked: Asked
    looked: Looked
    summed: Summed
    register: Register

    @property
    def names(self) -> list[str]:
        return list(self.called[1:])

    @property
    def result(self) -> Result:
        terms = [
            (line, name, OWN + 2 * (i * len(self.names) + j))
            for i, line in enumerate(self.lines)
            for j, name in enumerate(self.names)
        ]
        names = [f"{n} [{z.label}]" if z.label else n for z, n, _ in terms]
        whole = self._sums.sum(axis=0)
        values = np.array([whole[at] / whole[0] for _, _, at in terms])
        moved = np.array([self._moves(whole, line, at) for line, _, at in terms])
        vcov = settled(moved @ self.summed.cells.whole @ moved.T, values)
        units = pd.concat(
            [
                self._by_group(name, line, at)
                for name, (line, _, at) in zip(names, terms, strict=True)
            ],
            ignore_index=True,
        )
        return Result(
            estimator=self.called[0],
            estimates=pd.Series(values, index=names),
            vcov=pd.DataFrame(vcov, index=names, columns=names),
            units=units,
            facts={**self.summed.facts, "vcov": self._design},
            tables={"lines": self._lines_table()},
            notes=(*self.register.notes, *self.summed.notes, *self._notes(units)),
            provenance=self._provenance(),
        )

    @property
    def _sums(self) -> Array:
        return self.summed.cells.sums

    def _moves(self, sums: Array, line: _Line, at: int) -> Array:
        """Return how the sums move an index: its derivative by them, shape (d,)."""
        out = np.zeros(len(sums))
        out[at] = 1 / sums[0]
        out[0] = -sums[at] / sums[0] ** 2
        if line.estimated:
            out += sums[at + 1] / sums[0] * self._line_moves()
        return out

    def _line_moves(self) -> Array:
        """Return how the sums move the logarithm of the mean."""
        sums = self._sums.sum(axis=0)
        out = np.zeros(len(sums))
        out[0], out[1] = -1 / sums[0], 1 / sums[1]
        return out

    def _by_group(self, name: str, line: _Line, at: int) -> pd.DataFrame:
        """Return a row a group: its keys, estimate, interval, rows and population."""
        cells, totals = self.summed.cells, self.summed.cells.totals
        value = totals[:, at] / totals[:, 0]
        if not self.asked.by:
            whole = self._moves(totals[0], line, at)
            own = np.array([[whole @ cells.whole @ whole]])
            variance = np.diag(settled(own, value))
            df = np.array([self.summed.facts["df_t"]])
        else:
            own = np.zeros_like(totals)
            own[:, at] = 1 / totals[:, 0]
            own[:, 0] = -value / totals[:, 0]
            variance, size = _quadratic(cells.by_group, own)
            if line.estimated:
                variance = variance + self._through_line(own, at)
            varies = (variance > ROUNDING * size) & (cells.units > 1)
            variance = np.where(varies, variance, np.nan)
            df = cells.df
        std_error = np.sqrt(variance)
        wide = stats.t.ppf(0.975, np.maximum(df, 1)) * std_error
        columns = {
            "term": name,
            "estimate": value,
            "std_error": std_error,
            "conf_low": value - wide,
            "conf_high": value + wide,
            "rows": self.summed.rows.astype(np.int64),
            "population": self.summed.population,
        }
        return self.summed.keys.assign(**columns)

    def _through_line(self, own: Array, at: int) -> Array:
        """Return what the line's own error adds to the variance of each group."""
        cells, moves = self.summed.cells, self._line_moves()
        slope = cells.totals[:, at + 1] / cells.totals[:, 0]
        shared = np.einsum("gi,gij,j->g", own, cells.with_whole, moves)
        own_error = float(moves @ cells.whole @ moves)
        return np.asarray(2 * slope * shared + slope**2 * own_error)

    def _lines_table(self) -> pd.DataFrame:
        relative = np.nan
        if any(z.estimated for z in self.lines):
            moves = self._line_moves()
            variance = float(moves @ self.summed.cells.whole @ moves)
            relative = float(np.sqrt(max(variance, 0.0)))
        return pd.DataFrame(
            {
                "line": [z.label or "poverty_line" for z in self.lines],
                "lowest": [z.low for z in self.lines],
                "highest": [z.high for z in self.lines],
                "std_error": [
                    z.low * relative if z.estimated else np.nan for z in self.lines
                ],
            }
        )

    def _notes(self, units: pd.DataFrame) -> list[str]:
        notes = []
        for line, on in zip(self.lines, self.summed.on, strict=True):
            estimated = str(line.given) if line.estimated else ""
            notes += said_of_line(line.label, line.in_words, estimated, int(on))
        notes += low_incomes(self.looked.zero, self.looked.below)
        return [*notes, *(unit_notes(units, self.summed.keys) if self.asked.by else [])]

    @property
    def _design(self) -> str:
        parts = ["strata"] if self.summed.facts["n_strata"] > 1 else []
        parts += ["clusters"] if self.asked.cluster is not None else []
        return f"linearised, {' and '.join(parts) or 'independent rows'}"

    def _provenance(self) -> dict[str, Any]:
        formula = self.asked.income
        if len(self.lines) == 1:
            line = self.lines[0]
            formula += f" below {line.given if line.estimated else line.in_words}"
        else:
            formula += f" below {', '.join(line.label for line in self.lines)}"
        if self.asked.by:
            formula += f" by {', '.join(self.asked.by)}"
        options = {"weight": self.asked.weight, "index": ", ".join(self.names)}
        given = {f"line {z.label}".strip(): z.given for z in self.lines}
        arrays = [self._sums, self.summed.rows]
        sources = sources_of(self.register)
        return provenance(formula, {**options, **given}, arrays, sources) | {
            "estimator": self.called[0]
        }


def _quadratic(matrices: Array, rows: Array) -> tuple[Array, Array]:
    """Return r'M r for each row and matrix, and the size of what was added."""
    # Element by element: what cancels exactly must do so.
    products = np.einsum("gi,gij->gj", rows, matrices)
    value = np.einsum("gj,gj->g", products, rows)
    size = np.einsum("gi,gij,gj->g", np.abs(rows), np.abs(matrices), np.abs(rows))
    return value, size
