"""How a benefit is spread over the poorer and the richer: `concentration`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require_option
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.targeting.report import Found, Term, wrap_up
from geopoverty.estimators.targeting.rows import (
    Rows,
    SurveyColumns,
    columns_of,
    gather,
)
from geopoverty.numerics.concentration import (
    bounded,
    concentration_curve,
    concentration_index,
    ranked_rows,
)
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.types import Array, Codes
from geopoverty.results import Result

KINDS = ("standard", "wagstaff", "erreygers")
SAME = 1e-9  # of all: a curve nearer to the diagonal lies on it


@dataclass(frozen=True)
class IndexBounds:
    """A concentration index corrected for the bounds of what is spread.

    Attributes
    ----------
    kind : {"wagstaff", "erreygers"}
        Wagstaff: over the greatest value it could have with this mean. Erreygers: 4
        times the mean over the range, times the index; the same, with the sign
        turned, for those who have it and those who lack it.
    low, high : float
        Of the variable: 0 and 1 for yes or no.

    Examples
    --------
    >>> IndexBounds().kind
    'erreygers'
    """

    kind: str = "erreygers"
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        require_option(self.kind, KINDS[1:], "kind")
        if not -np.inf < self.low < self.high < np.inf:
            raise InputError(f"low must be below high; got {self.low}, {self.high}.")


def concentration(
    data: pd.DataFrame,
    *,
    benefit: str | Sequence[str],
    income: str,
    bounds: IndexBounds | None = None,
    by: str | Sequence[str] | None = None,
    survey: SurveyColumns | None = None,
) -> Result:
    """Estimate the concentration of a benefit over people ranked by income.

    Parameters
    ----------
    data : DataFrame, n rows
        One household a row. Never modified.
    benefit : str or sequence of str
        Columns of numbers: taking part (0 or 1), or money. Terms are named after them.
    income : str
        Column that ranks from poorest to richest. Rows without it or without a
        benefit are dropped and counted.
    bounds : IndexBounds, optional
        Correct the index for the bounds of the benefit, as one should to compare
        shares of yes with different means.
    by : str or sequence of str, optional
        Groups: people are ranked within theirs.
    survey : SurveyColumns, optional
        Sampling weight, primary sampling units and strata.

    Returns
    -------
    Result
        ``estimates``: an index a benefit, from -1 (the poorest has all) over 0 to 1
        (the richest has all); standard errors are linearised. ``units``: a row per
        group and benefit. ``tables``: ``curves`` (benefit, ``people``, ``share``: the
        concentration curve from the poorest up, and ``income``: the Lorenz curve),
        ``curve_shape`` (how each lies to the diagonal and to the Lorenz curve, in
        words, greatest distances).

    Raises
    ------
    InputError
        If columns are missing or not numbers, a benefit is out of its bounds, or
        weights are not above 0.
    EstimationError
        If the mean of a benefit is not above 0 (nobody has it).

    Notes
    -----
    C = 2 cov(h, R) / mean(h), with R the share of people poorer than one plus half
    of one's equals; it is the slope of the convenient regression of 2 var(R) h /
    mean(h) on R. Of one untied, unweighted sample its standard error is that of
    Kakwani, Wagstaff & van Doorslaer times sqrt(n / (n - 1)); ranks as estimated ones
    are allowed for. A curve above the diagonal everywhere favours the poor; above the
    Lorenz curve it makes incomes more equal. Whether it does beyond chance is not
    tested.

    References
    ----------
    Kakwani, N., Wagstaff, A. & van Doorslaer, E. (1997). Socioeconomic inequalities
    in health: measurement, computation, and statistical inference. Journal of
    Econometrics 77, 87-103. Wagstaff, A. (2005), Health Economics 14, 429-432.
    Erreygers, G. (2009), Journal of Health Economics 28, 504-515.

    Examples
    --------
    >>> homes = pd.DataFrame({"income": [1.0, 2.0, 3.0, 4.0], "loan": [1, 1, 0, 0]})
    >>> found = concentration(homes, benefit="loan", income="income")
    >>> found.estimates.round(4).to_dict()
    {'loan': -0.5}
    """
    names = columns_of(benefit, "benefit")
    if not names or income in names:
        raise InputError(
            "benefit must name at least one column, and not the income that ranks."
        )
    if bounds is not None and not isinstance(bounds, IndexBounds):
        raise InputError(
            f"bounds must be IndexBounds(...); got {type(bounds).__name__}."
        )
    rows = gather(data, [income, *names], by, survey, complete=[income, *names])
    rank_by = rows.numbers(income)
    values = {name: rows.numbers(name) for name in names}
    for name, h in values.items():
        _check(name, h, rows, bounds)
    terms = [_term(n, h, rank_by, rows, bounds) for n, h in values.items()]
    curves, shapes = _curves(values, rank_by, rows)
    kind = "standard" if bounds is None else bounds.kind
    parts: dict[str, Any] = {
        "formula": f"{' + '.join(names)} over {income}",
        "options": {"bounds": bounds, "by": by, "survey": survey},
        "facts": {"kind": kind, "n_distinct_incomes": len(np.unique(rank_by))},
        "tables": {"curves": curves, "curve_shape": shapes},
        "notes": _notes(values, rank_by, bounds),
        "arrays": [rank_by, *values.values()],
    }
    return wrap_up("concentration", terms, rows, parts)


def _check(name: str, h: Array, rows: Rows, bounds: IndexBounds | None) -> None:
    if bounds is not None and not ((h >= bounds.low) & (h <= bounds.high)).all():
        out = rows.ids[(h < bounds.low) | (h > bounds.high)]
        raise InputError(
            f"'{name}' must lie from {bounds.low:g} to {bounds.high:g}; {len(out)} of "
            f"{len(h)} rows break this ({first(out)}). Set IndexBounds(low=, high=)."
        )
    if not float(rows.weight @ h) > 0:
        raise EstimationError(
            f"The concentration of '{name}' needs a mean above 0: nobody has any. "
            "Leave it out."
        )


def _term(
    name: str, h: Array, rank_by: Array, rows: Rows, bounds: IndexBounds | None
) -> Term:
    w, n = rows.weight, len(h)

    def one(at: Codes) -> tuple[float, Array]:
        if not float(w[at] @ h[at]) > 0:
            return np.nan, np.zeros(len(at))
        ranked = ranked_rows(rank_by[at], w[at])
        found = concentration_index(h[at], w[at], ranked)
        if bounds is None:
            return found
        ends = (bounds.low, bounds.high)
        if bounds.kind == "wagstaff" and np.ptp(h[at]) == 0:
            return np.nan, np.zeros(len(at))
        return bounded(found, h[at], w[at], ends, bounds.kind)

    def formula(groups: Groups) -> Found:
        codes = np.zeros(n, dtype=np.intp) if groups.codes is None else groups.codes
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(groups.count + 1))
        value, influence = np.empty(groups.count), np.zeros(n)
        for g in range(groups.count):
            at = order[starts[g] : starts[g + 1]]
            value[g], influence[at] = one(at)
        return Found(value, influence, np.ones(n, dtype=bool))

    return Term(name, formula, "index")


def _curves(
    values: dict[str, Array], rank_by: Array, rows: Rows
) -> tuple[pd.DataFrame, pd.DataFrame]:
    ranked = ranked_rows(rank_by, rows.weight)
    lorenz = None
    if (rank_by >= 0).all() and rank_by.any():
        lorenz = concentration_curve(rank_by, rows.weight, ranked)[1]
    parts, shapes = [], []
    for name, h in values.items():
        people, share = concentration_curve(h, rows.weight, ranked)
        table = {"benefit": name, "people": people, "share": share}
        shape: dict[str, Any] = {"benefit": name, "to_diagonal": _shape(share - people)}
        shape.update(_ends(share - people))
        if lorenz is not None:
            table["income"] = lorenz
            shape["to_lorenz"] = _shape(share - lorenz)
        parts.append(pd.DataFrame(table))
        shapes.append(shape)
    return pd.concat(parts, ignore_index=True), pd.DataFrame(shapes)


def _shape(gap: Array) -> str:
    """Say how a curve lies to another.

    Examples
    --------
    >>> _shape(np.array([0.0, 0.1, 0.0])), _shape(np.array([0.0, 0.1, -0.1]))
    ('above', 'crosses')
    """
    over, under = bool((gap > SAME).any()), bool((gap < -SAME).any())
    if over and under:
        return "crosses"
    return "above" if over else "below" if under else "equal"


def _ends(gap: Array) -> dict[str, float]:
    return {"most_above": float(gap.max()), "most_below": float(gap.min())}


def _notes(
    values: dict[str, Array], rank_by: Array, bounds: IndexBounds | None
) -> list[str]:
    notes = ["Curves are compared as they are; no test says whether they differ."]
    tied = len(rank_by) - len(np.unique(rank_by))
    if tied:
        notes.append(f"{tied} rows share another's income: equals get the same rank.")
    binary = [n for n, h in values.items() if np.isin(h, (0.0, 1.0)).all()]
    if binary and bounds is None:
        notes.append(
            f"Of yes/no the index cannot reach -1 or 1, the less the more say yes "
            f"({first(binary)}): compare measures by bounds=IndexBounds()."
        )
    below = [n for n, h in values.items() if (h < 0).any()]
    if below:
        notes.append(f"Values below 0: the index may leave -1 to 1 ({first(below)}).")
    if np.ptp(rank_by) == 0:
        notes.append("All incomes are equal: nobody ranks above another.")
    return notes
