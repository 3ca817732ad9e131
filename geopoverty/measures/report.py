"""Values and influences of indices wrapped up as one `Result`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first
from geopoverty.measures.lines import Line
from geopoverty.measures.rows import SMALL, Rows, group_labels
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.survey import GroupTotals
from geopoverty.numerics.types import Array
from geopoverty.numerics.welfare import Index
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result

ROUNDING = 1e-12  # of a value: a standard error below it is no variation


@dataclass(frozen=True, eq=False)
class Measured:
    """One index on some groups.

    Attributes
    ----------
    value : array, shape (groups,)
    influence : array, shape (n,)
        Of each row on its own group.
    slope : array, shape (groups,), optional
        By the logarithm of the line, when that is estimated.
    """

    value: Array
    influence: Array
    slope: Array | None = None


def measured(index: Index, line: Line, rows: Rows, groups: Groups) -> Measured:
    """Compute a poverty index for each group."""
    return _measured(index, rows.income / line.level, line, rows, groups)


def _measured(
    index: Index, x: Array, line: Line, rows: Rows, groups: Groups
) -> Measured:
    value, influence = index.measure(x, rows.weight, groups)
    slope = None
    if line.log_influence is not None:
        slope = index.slope(x, rows.weight, groups)
    return Measured(value, influence, slope)


@dataclass(frozen=True, eq=False)
class Term:
    """A named index, for all rows and by group.

    Attributes
    ----------
    name : str
    whole, by_group : Measured
    line : Line, optional
    """

    name: str
    whole: Measured
    by_group: Measured
    line: Line | None = None

    @property
    def influence(self) -> Array:
        """Of each row on the value for all, through the line included."""
        if self.line is None or self.line.log_influence is None:
            return self.whole.influence
        assert self.whole.slope is not None
        return self.whole.influence + self.whole.slope * self.line.log_influence


def poverty_terms(
    indices: Mapping[str, Index], lines: list[Line], rows: Rows
) -> Iterator[Term]:
    """Compute each index at each line, for all rows and by group."""
    for line in lines:
        x = rows.income / line.level
        for name, index in indices.items():
            whole = _measured(index, x, line, rows, Groups())
            by_group = whole
            if rows.groups.codes is not None:
                by_group = _measured(index, x, line, rows, rows.groups)
            label = f"{name} [{line.label}]" if line.label else name
            yield Term(label, whole, by_group, line)


def wrap_up(
    estimator: str,
    terms: Iterator[Term],
    rows: Rows,
    lines: list[Line],
    options: Mapping[str, Any],
) -> Result:
    """Turn terms into a Result: values for all, a row a group in `units`."""
    names, values, totals, parts = [], [], [], []
    for term in terms:  # one at a time: each holds several numbers a row
        names.append(term.name)
        values.append(float(term.whole.value[0]))
        totals.append(rows.stage.totals(term.influence))
        parts.append(group_rows(term, rows))
    units = pd.concat(parts, ignore_index=True)
    vcov = settled(rows.stage.covariance(totals), np.array(values))
    return Result(
        estimator=estimator,
        estimates=pd.Series(values, index=names),
        vcov=pd.DataFrame(vcov, index=names, columns=names),
        units=units,
        facts={**rows.facts, **_group_facts(rows), "vcov": design_in_words(rows)},
        tables={"lines": lines_table(lines, rows)} if lines else {},
        notes=(*rows.notes, *line_notes(lines, rows), *_unit_notes(units, rows)),
        provenance=provenance_of(estimator, rows, lines, options),
    )


def settled(vcov: Array, value: Array) -> Array:
    """Return a covariance with NaN for what does not vary: there is nothing to test.

    Examples
    --------
    >>> settled(np.array([[4.0, 0.0], [0.0, 0.0]]), np.array([1.0, 0.0]))
    array([[ 4., nan],
           [nan, nan]])
    """
    still = ~(np.diag(vcov) > (ROUNDING * value) ** 2)
    out = vcov.copy()
    out[still, :] = out[:, still] = np.nan
    return out


def group_variances(found: Measured, line: Line | None, totals: GroupTotals) -> Array:
    """Return the variance of each group's value, NaN where it cannot be told."""
    variance = totals.variances.copy()
    if found.slope is not None and line is not None and line.log_influence is not None:
        stage = totals.stage
        own = stage.covariance([stage.totals(line.log_influence)])[0, 0]
        shared = totals.with_sum(line.log_influence)
        variance += 2 * found.slope * shared + found.slope**2 * own
    varies = variance > (ROUNDING * found.value) ** 2
    return np.where(varies & (totals.units > 1), variance, np.nan)


def group_rows(term: Term, rows: Rows) -> pd.DataFrame:
    """Return a row a group: its keys, estimate, interval, rows and population."""
    found, value = term.by_group, term.by_group.value
    if rows.groups.codes is None:
        total = rows.stage.totals(term.influence)
        variance = np.diag(settled(rows.stage.covariance([total]), value))
        df = np.array([rows.stage.df])
    else:
        totals = GroupTotals(rows.stage, found.influence, rows.groups)
        variance, df = group_variances(found, term.line, totals), totals.df
    std_error = np.sqrt(variance)
    wide = stats.t.ppf(0.975, np.maximum(df, 1)) * std_error
    columns = {
        "term": term.name,
        "estimate": value,
        "std_error": std_error,
        "conf_low": value - wide,
        "conf_high": value + wide,
        "rows": rows.groups.sum(np.ones(len(rows.weight))).astype(np.int64),
        "population": rows.groups.sum(rows.weight),
    }
    return rows.keys.assign(**columns)


def lines_table(lines: list[Line], rows: Rows) -> pd.DataFrame:
    """Return one row a line: its label, lowest and highest value, standard error."""
    found = []
    for line in lines:
        values = np.atleast_1d(line.level)
        std_error = np.nan
        if line.log_influence is not None:
            total = rows.stage.totals(line.log_influence)
            std_error = values[0] * np.sqrt(rows.stage.covariance([total])[0, 0])
        found.append((line.label or "poverty_line", values, std_error))
    return pd.DataFrame(
        {
            "line": [label for label, _, _ in found],
            "lowest": [values.min() for _, values, _ in found],
            "highest": [values.max() for _, values, _ in found],
            "std_error": [std_error for _, _, std_error in found],
        }
    )


def line_notes(lines: list[Line], rows: Rows) -> list[str]:
    """Say what a reader must know of lines and of incomes near or below zero."""
    notes = []
    for line in lines:
        estimated = "" if line.log_influence is None else str(line.given)
        on = int((rows.income == line.level).sum())
        notes += said_of_line(line.label, line.in_words, estimated, on)
    return [*notes, *income_notes(rows)]


def said_of_line(label: str, level: str, estimated: str, on: int) -> list[str]:
    """Say what a line is and how many rows stand on it.

    Parameters
    ----------
    label, level : str
    estimated : str
        By what rule it is computed from these rows; empty for a line that is known.
    on : int
        Rows on the line.

    Examples
    --------
    >>> said_of_line("", "2.5", "", 3)[1]
    '3 rows stand on the line and count as not poor.'
    """
    name = f"The line '{label}'" if label else "The line"
    note = (
        f"{name} ({level}) is taken as known: standard errors leave out any sampling "
        "error of its own."
    )
    if estimated:
        note = (
            f"{name} ({level}: {estimated}) is estimated from these rows, and standard "
            "errors hold its sampling error."
        )
    more = [f"{on} rows stand on the line and count as not poor."] if on else []
    return [note, *more]


def income_notes(rows: Rows) -> list[str]:
    """Say how many incomes are zero or negative."""
    return low_incomes(int((rows.income == 0).sum()), int((rows.income < 0).sum()))


def low_incomes(zero: int, below: int) -> list[str]:
    """Say how many incomes are zero or negative.

    Examples
    --------
    >>> low_incomes(2, 0)
    ['2 rows have an income of 0.']
    """
    notes = [f"{zero} rows have an income of 0."] if zero else []
    if below:
        notes.append(
            f"{below} rows have an income below 0: gaps exceed the line, and indices "
            "may exceed 1."
        )
    return notes


def _unit_notes(units: pd.DataFrame, rows: Rows) -> list[str]:
    if rows.groups.codes is None:
        return []
    return unit_notes(units, rows.keys)


def unit_notes(units: pd.DataFrame, keys: pd.DataFrame) -> list[str]:
    """Say which groups are small or have no standard error.

    Parameters
    ----------
    units : DataFrame
        A row a group and term.
    keys : DataFrame
        What names each group.
    """
    each = units.drop_duplicates(list(keys.columns))
    names = np.array(group_labels(keys))
    small = names[each["rows"].to_numpy() < SMALL]
    notes = []
    if len(small):
        notes.append(
            f"{len(small)} of {len(each)} groups have fewer than {SMALL} rows "
            f"({first(small)}): their values are rough."
        )
    blank = units.loc[units["std_error"].isna(), list(keys.columns)]
    missing = len(blank.drop_duplicates())
    if missing:
        notes.append(
            f"{missing} of {len(each)} groups have no standard error: their rows do "
            "not vary, or lie in one primary sampling unit."
        )
    return notes


def _group_facts(rows: Rows) -> dict[str, int]:
    return {} if rows.groups.codes is None else {"n_groups": rows.groups.count}


def design_in_words(rows: Rows) -> str:
    """Return what standard errors allow for."""
    parts = ["strata"] if rows.facts["n_strata"] > 1 else []
    parts += ["clusters"] if rows.stage.unit is not None else []
    return f"linearised, {' and '.join(parts) or 'independent rows'}"


def provenance_of(
    estimator: str, rows: Rows, lines: list[Line], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Gather what makes the result repeatable."""
    formula = rows.name
    if len(lines) == 1:
        formula += f" below {_short(lines[0])}"
    elif lines:
        formula += f" below {', '.join(line.label for line in lines)}"
    if rows.groups.codes is not None:
        formula += f" by {', '.join(map(str, rows.keys.columns))}"
    by_row = [line.level for line in lines if isinstance(line.level, np.ndarray)]
    codes = [c for c in (rows.groups.codes, rows.stage.unit) if c is not None]
    arrays = [rows.income, rows.weight, *by_row, *codes]
    given = {f"line {line.label}".strip(): line.given for line in lines}
    return provenance(
        formula, {**options, **given}, arrays, sources_of(*rows.sources)
    ) | {"estimator": estimator}


def _short(line: Line) -> str:
    return str(line.given) if line.log_influence is not None else line.in_words
