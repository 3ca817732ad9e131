"""How poverty changed between waves: growth of the mean or redistribution."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from geopoverty._checks import require, require_option
from geopoverty.errors import InputError
from geopoverty.measures.lines import Line, Lines, lines_of
from geopoverty.measures.report import (
    design_in_words,
    group_rows,
    line_notes,
    poverty_terms,
    provenance_of,
    settled,
)
from geopoverty.measures.rows import Rows, Survey, gather, waves_of
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.types import Array, Codes
from geopoverty.numerics.welfare import (
    FGT,
    log_mean_influence,
)
from geopoverty.results import Result, inference_table

REFERENCES = ("shapley", "first", "last")


def decompose_change(
    income: pd.Series,
    *,
    poverty_line: Lines,
    period: pd.Series,
    alpha: float = 0,
    reference: str = "shapley",
    weight: pd.Series | None = None,
    survey: Survey | None = None,
) -> Result:
    """Split the change of poverty between waves into growth and redistribution.

    Parameters
    ----------
    income, weight, survey
        See `headcount`. A panel's household is one row a wave, with an index of its
        own; give the household (or what it was drawn in) as ``Survey(cluster=)``, so
        that both waves' rows are taken together.
    poverty_line : float or Series
        One line, in the prices of each row's wave: `poverty_line` holds a line in
        real terms. A line that follows the mean leaves nothing for growth to do.
    period : Series, shape (n,)
        The wave of each row, at least two. Each is compared with the one before.
    alpha : float
        Of the Foster-Greer-Thorbecke index; 0 or above.
    reference : {"shapley", "first", "last"}
        What is held fixed while one thing changes: the first or the last wave
        (Datt & Ravallion 1992; a residual is left), or the mean of both, which
        leaves none.

    Returns
    -------
    Result
        ``estimates``: change, growth, redistribution (and residual) with standard
        errors, between each two successive waves. ``units``: a row per wave with its
        index. ``tables["steps"]``: from, to, term, estimate, its interval, and its
        share of the change.

    Raises
    ------
    InputError
        As `headcount`, or if there is one wave only, a line is relative, or a wave's
        mean income is not above 0.

    Notes
    -----
    Incomes are divided by their line. Growth changes their mean and keeps their
    spread, redistribution the other way round. Standard errors linearise both, the
    means included.

    References
    ----------
    Datt, G. & Ravallion, M. (1992). Growth and redistribution components of changes
    in poverty measures. Journal of Development Economics 38, 275-295, equation 3.
    Shorrocks, A. F. (2013). Decomposition procedures for distributional analysis.
    Journal of Economic Inequality 11, 99-126.

    Examples
    --------
    >>> homes = pd.DataFrame({"income": [1.0, 2.0, 6.0, 3.0, 4.0, 5.0],
    ...                       "year": [2004, 2004, 2004, 2008, 2008, 2008]})
    >>> found = decompose_change(
    ...     homes["income"], poverty_line=3.5, period=homes["year"]
    ... )
    >>> found.estimates.round(3).to_dict()
    {'change': -0.333, 'growth': -0.167, 'redistribution': -0.167}
    """
    require_option(reference, REFERENCES, "reference")
    if not 0 <= alpha < np.inf:
        raise InputError(f"alpha must be 0 or above; got {alpha}.")
    rows = gather(income, weight, waves_of(period), survey)
    line = _known_line(poverty_line, rows)
    index = FGT(float(alpha))
    waves = _waves(rows, line)
    found = _components(waves, index, reference)
    values = np.array([value for _, value, _ in found])
    vcov = rows.stage.covariance([rows.stage.totals(u) for _, _, u in found])
    names = [name for name, _, _ in found]
    vcov = settled(vcov, values)
    level = f"fgt({alpha:g})"
    (levels,) = poverty_terms({level: index}, [line], rows)
    return Result(
        estimator="decompose_change",
        estimates=pd.Series(values, index=names),
        vcov=pd.DataFrame(vcov, index=names, columns=names),
        units=group_rows(levels, rows),
        facts={**rows.facts, "n_periods": len(waves), "vcov": design_in_words(rows)},
        tables={"steps": _steps(waves, names, values, vcov, rows)},
        notes=(*rows.notes, *line_notes([line], rows), *_panel_note(survey)),
        provenance=provenance_of(
            "decompose_change", rows, [line], {"alpha": alpha, "reference": reference}
        ),
    )


@dataclass(frozen=True, eq=False)
class _Wave:
    """The rows of one wave: incomes over the line, and what moves their mean."""

    label: str
    at: Codes
    x: Array
    w: Array
    centre: float
    log_influence: Array

    def at_mean_of(self, other: "_Wave", index: FGT) -> tuple[float, Array]:
        """Return the index with this wave's spread at another's mean."""
        x = self.x * (other.centre / self.centre)
        value, own = index.measure(x, self.w, Groups())
        influence = np.zeros(len(self.log_influence))
        influence[self.at] = own
        if other is not self:
            slope = index.slope(x, self.w, Groups())
            influence -= slope * (other.log_influence - self.log_influence)
        return float(value[0]), influence


def _known_line(given: Lines, rows: Rows) -> Line:
    lines = lines_of(given, rows)
    if len(lines) > 1:
        raise InputError("decompose_change takes one line: call it for each.")
    if lines[0].log_influence is not None:
        raise InputError(
            "A relative line follows the mean, so growth could not reduce poverty. "
            "Hold one wave's line in real terms: poverty_line(..., deflator=, base=)."
        )
    return lines[0]


def _waves(rows: Rows, line: Line) -> list[_Wave]:
    codes = rows.groups.codes
    if codes is None or rows.groups.count < 2:
        raise InputError("A change needs at least two waves; period has one.")
    x = rows.income / line.level
    sums = rows.groups.sum(rows.weight * x)
    require(
        sums > 0,
        "Mean income must be above 0",
        ids=rows.labels,
        noun="waves",
        way_out="Check negative incomes.",
    )
    centres = sums / rows.groups.sum(rows.weight)
    waves = []
    for g, label in enumerate(rows.labels):
        at = np.flatnonzero(codes == g)
        moved = np.zeros(len(x))
        moved[at] = log_mean_influence(x[at], rows.weight[at])
        centre = float(centres[g])
        waves.append(_Wave(label, at, x[at], rows.weight[at], centre, moved))
    return waves


def _components(
    waves: list[_Wave], index: FGT, reference: str
) -> list[tuple[str, float, Array]]:
    """Return name, value and influence of each component of each step."""
    found = []
    for a, b in pairwise(waves):
        suffix = f" {a.label} to {b.label}" if len(waves) > 2 else ""
        # The first letter is whose spread, the second whose mean.
        aa, ab = a.at_mean_of(a, index), a.at_mean_of(b, index)
        ba, bb = b.at_mean_of(a, index), b.at_mean_of(b, index)
        first = {"first": 1.0, "last": 0.0, "shapley": 0.5}[reference]
        last = 1 - first
        weights = {
            "change": (-1.0, 0.0, 0.0, 1.0),
            "growth": (-first, first, -last, last),
            "redistribution": (-first, -last, first, last),
        }
        if reference != "shapley":
            sign = first - last
            weights["residual"] = (sign, -sign, -sign, sign)
        for name, (w_aa, w_ab, w_ba, w_bb) in weights.items():
            parts = ((w_aa, aa), (w_ab, ab), (w_ba, ba), (w_bb, bb))
            used = [(w, part) for w, part in parts if w]
            value = sum(w * part[0] for w, part in used)
            influence = sum((w * part[1] for w, part in used), np.zeros(len(aa[1])))
            found.append((f"{name}{suffix}", value, influence))
    return found


def _steps(
    waves: list[_Wave], names: list[str], values: Array, vcov: Array, rows: Rows
) -> pd.DataFrame:
    table = inference_table(
        pd.Series(values, index=names),
        pd.Series(np.sqrt(np.diag(vcov)), index=names),
        df=rows.facts["df_t"],
    )
    each = len(names) // (len(waves) - 1)
    change = np.repeat(values[::each], each)
    steps = [(a.label, b.label) for a, b in pairwise(waves) for _ in range(each)]
    table.insert(0, "from", [a for a, _ in steps])
    table.insert(1, "to", [b for _, b in steps])
    table["term"] = [name.split(" ")[0] for name in names]
    with np.errstate(divide="ignore", invalid="ignore"):
        table["share"] = np.where(change != 0, values / change, np.nan)
    return table


def _panel_note(survey: Survey | None) -> list[str]:
    if survey is not None and survey.cluster is not None:
        return []
    return [
        "Rows of different waves are taken for independent draws; if the same "
        "households were asked again, give them as Survey(cluster=)."
    ]
