"""Whether a measure reaches the poor, and only them: `targeting`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty._checks import first, require
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.targeting.report import (
    Formula,
    Found,
    Term,
    combined,
    divided,
    ratio,
    wrap_up,
)
from geopoverty.estimators.targeting.rows import (
    FEW,
    Rows,
    SurveyColumns,
    columns_of,
    gather,
)
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.multiplicity import holm
from geopoverty.numerics.types import Array, Mask
from geopoverty.results import Result

RATE = "poverty_rate"


def targeting(
    data: pd.DataFrame,
    *,
    received: str | Sequence[str],
    poor: str,
    amounts: Mapping[str, str] | None = None,
    by: str | Sequence[str] | None = None,
    survey: SurveyColumns | None = None,
) -> Result:
    """Estimate whom a measure reaches: coverage, leakage, errors, differential.

    Parameters
    ----------
    data : DataFrame, n rows
        One household a row. Never modified.
    received : str or sequence of str
        Columns of 0 and 1: who takes part in a measure (or knows of it, or wants it).
        Terms are then named ``"coverage [column]"``; of one column just ``"coverage"``.
        A missing answer leaves the household out of that measure only.
    poor : str
        Column of 0 and 1: whom the measure is meant for. Households without it are
        dropped and counted.
    amounts : mapping from str to str, optional
        From a column of `received` to one with what it brought, at least 0 and 0 for
        who did not take part: shares of money beside shares of households.
    by : str or sequence of str, optional
        Columns of groups (``unit_id``, a village, schooling): `units` gets a row each.
    survey : SurveyColumns, optional
        Sampling weight, primary sampling units and strata. Without it rows are
        independent draws of the same weight.

    Returns
    -------
    Result
        ``estimates``, each a share from 0 to 1 if not said otherwise:

        - ``poverty_rate``: poor, of all;
        - ``participation``: reached, of all;
        - ``coverage``: reached, of the poor; ``exclusion_error`` (F): not reached;
        - ``inclusion_error`` (E): reached, of those not poor;
        - ``leakage``: not poor, of those reached;
        - ``differential``: coverage less inclusion error, -1 to 1: 1 when exactly the
          poor are reached, 0 when it is blind to poverty;
        - ``cgh``: share of the poor among those reached over their share of all; 1 is
          blind, 1.25 gives the poor a quarter more; at least 0;
        - ``leakage_of_amount``, ``cgh_of_amount``: the same of money.

        ``units``: a row per group and term with estimate, std_error, 95 % interval,
        rows (in the base) and population (their weight). ``tables``: ``overall`` (the
        same for all), ``counts`` (households by poor and reached, missing, Fisher's
        exact p; of several measures also ``p_holm``), ``profile`` (a row a measure,
        terms in columns).

    Raises
    ------
    InputError
        If columns are missing or not 0/1, amounts are below 0 or given to who did
        not take part, weights are not above 0.
    EstimationError
        If there is no poor household, so that there is nobody to reach.

    Warns
    -----
    GeoPovertyWarning
        If strata have a single primary sampling unit.

    Notes
    -----
    Authors differ in what they call inclusion error: here it is a share of those not
    poor, and ``leakage`` the share of those reached. Standard errors are linearised,
    as R's ``survey::svyratio``. Of nobody, shares are NaN.

    References
    ----------
    Cornia, G. A. & Stewart, F. (1993). Two errors of targeting. Journal of
    International Development 5, 459-496. Ravallion, M. (2000). Monitoring targeting
    performance when decentralized allocations to the poor are unobserved. World Bank
    Economic Review 14, 331-345. Coady, D., Grosh, M. & Hoddinott, J. (2004).
    Targeting of transfers in developing countries. World Bank, 12-18.

    Examples
    --------
    >>> homes = pd.DataFrame({"poor": [1, 1, 1, 0, 0], "loan": [1, 1, 0, 1, 0]})
    >>> found = targeting(homes, received="loan", poor="poor")
    >>> found.estimates[["coverage", "inclusion_error", "leakage"]].round(4).to_dict()
    {'coverage': 0.6667, 'inclusion_error': 0.5, 'leakage': 0.3333}
    """
    measures = columns_of(received, "received")
    money = dict(amounts or {})
    _check_names(measures, money, poor)
    needed = [poor, *measures, *money.values()]
    rows = gather(data, needed, by, survey, complete=[poor])
    is_poor = rows.yes_no(poor)
    if not is_poor.any():
        raise EstimationError(
            f"Nobody is poor in '{poor}': all {len(is_poor)} rows are 0, so there is "
            "nobody to reach. Check the coding, or the poverty line."
        )
    reached = {m: rows.yes_no(m) for m in measures}
    paid = {m: _amounts(rows, column, reached[m]) for m, column in money.items()}
    terms = _terms(rows, is_poor, reached, paid)
    counts = _counts(is_poor, reached)
    found = wrap_up(
        "targeting",
        terms,
        rows,
        {
            "formula": f"{' + '.join(measures)} for {poor}",
            "options": {"by": by, "survey": survey, "amounts": amounts},
            "facts": {"n_poor": int(is_poor.sum()), "n_measures": len(measures)},
            "tables": {"counts": counts},
            "notes": _notes(rows, is_poor, counts),
            "arrays": [is_poor, *reached.values(), *paid.values()],
        },
    )
    profile = _profile(found.estimates, measures)
    return replace(found, tables={**found.tables, "profile": profile})


def _check_names(measures: list[str], money: dict[str, str], poor: str) -> None:
    if not measures:
        raise InputError("received must name at least one column of 0 and 1.")
    if poor in measures:
        raise InputError(f"'{poor}' cannot be both received and poor.")
    unknown = [m for m in money if m not in measures]
    if unknown:
        raise InputError(
            f"amounts must be keyed by columns of received; {first(unknown)} is none."
        )


def _amounts(rows: Rows, column: str, reached: Array) -> Array:
    """Return what each row got; NaN counts as missing only where it takes part."""
    found = rows.numbers(column)
    require(
        ~(found < 0),
        f"Amounts '{column}' must be 0 or above",
        ids=rows.ids,
        way_out="Drop these rows, or set their amount to missing.",
    )
    require(
        ~((found > 0) & (reached == 0)),
        f"Amounts '{column}' must be 0 for who does not take part",
        ids=rows.ids,
        way_out="Correct the amount, or whether they take part.",
    )
    return np.where(reached == 0, 0.0, found)


class _Measure:
    """The terms of one measure."""

    def __init__(self, rows: Rows, poor: Array, reached: Array) -> None:
        self.known = ~np.isnan(reached)
        self.weight, self.poor = rows.weight, poor
        self.reached = np.where(self.known, reached, 0.0)

    def share(self, top: Array, below: Array, known: Mask | None = None) -> Formula:
        """Return the share of `top` in `below` among the rows with an answer."""
        base = (self.known if known is None else known).astype(np.float64)

        def formula(groups: Groups) -> Found:
            return ratio(top * below * base, below * base, self.weight, groups)

        return formula

    def cgh(self, mass: Array, known: Mask) -> Formula:
        """Return the share of the poor in `mass` over their share of all."""
        everybody = np.ones(len(mass))
        got = self.share(self.poor, mass, known)
        rate = self.share(self.poor, everybody, known)

        def formula(groups: Groups) -> Found:
            return divided(got(groups), rate(groups), groups)

        return formula

    def terms(self, named: Callable[[str], str]) -> list[Term]:
        """Return the terms on households."""
        everybody, poor, on = np.ones(len(self.poor)), self.poor, self.reached
        cover, include = self.share(on, poor), self.share(on, 1 - poor)

        def differential(groups: Groups) -> Found:
            return combined(cover(groups), include(groups), (1.0, -1.0))

        parts = (named("coverage"), named("inclusion_error"))
        return [
            Term(named("participation"), self.share(on, everybody)),
            Term(parts[0], cover),
            Term(named("exclusion_error"), self.share(1 - on, poor)),
            Term(parts[1], include),
            Term(named("leakage"), self.share(1 - poor, on)),
            Term(named("differential"), differential, "difference", parts),
            Term(named("cgh"), self.cgh(on, self.known), "ratio"),
        ]

    def money_terms(self, paid: Array, named: Callable[[str], str]) -> list[Term]:
        """Return the terms on what was paid."""
        known = self.known & ~np.isnan(paid)
        mass = np.where(known, paid, 0.0)
        leak = self.share(1 - self.poor, mass, known)
        return [
            Term(named("leakage_of_amount"), leak, "index"),
            Term(named("cgh_of_amount"), self.cgh(mass, known), "ratio"),
        ]


def _terms(
    rows: Rows, poor: Array, reached: Mapping[str, Array], paid: Mapping[str, Array]
) -> list[Term]:
    everybody = np.ones(len(poor))
    rate = _Measure(rows, poor, poor).share(poor, everybody)
    terms = [Term(RATE, rate)]
    for name, answers in reached.items():
        named = _namer(name, alone=len(reached) == 1)
        measure = _Measure(rows, poor, answers)
        terms += measure.terms(named)
        if name in paid:
            terms += measure.money_terms(paid[name], named)
    return terms


def _namer(measure: str, *, alone: bool) -> Callable[[str], str]:
    return lambda name: name if alone else f"{name} [{measure}]"


def _counts(poor: Array, reached: Mapping[str, Array]) -> pd.DataFrame:
    """Return the four-fold table of each measure, with Fisher's exact test."""
    records = []
    for name, answers in reached.items():
        cells = [
            int(((poor == p) & (answers == a)).sum()) for p in (1, 0) for a in (1, 0)
        ]
        test = stats.fisher_exact([cells[:2], cells[2:]])
        records.append(
            {
                "measure": name,
                "poor_reached": cells[0],
                "poor_missed": cells[1],
                "not_poor_reached": cells[2],
                "not_poor_missed": cells[3],
                "missing": int(np.isnan(answers).sum()),
                "p_fisher": float(test.pvalue),
            }
        )
    table = pd.DataFrame(records)
    if len(table) > 1:
        table["p_holm"] = holm(table["p_fisher"].to_numpy())
    return table


def _profile(values: pd.Series, measures: Sequence[str]) -> pd.DataFrame:
    """Return one row a measure, its terms in columns."""
    records = []
    for measure in measures:
        end = "" if len(measures) == 1 else f" [{measure}]"
        own = {
            name.removesuffix(end): value
            for name, value in values.items()
            if name.endswith(end) and name != RATE
        }
        records.append({"measure": measure, **own})
    return pd.DataFrame(records)


def _notes(rows: Rows, poor: Array, counts: pd.DataFrame) -> list[str]:
    notes = []
    others = int((poor == 0).sum())
    if not others:
        notes.append(
            "Everybody is poor: inclusion error and differential are not defined."
        )
    small = min(len(poor) - others, others)
    if 0 < small < FEW:
        kind = "poor" if others >= len(poor) - others else "not poor"
        notes.append(
            f"Only {small} households are {kind}: what is said of them is rough "
            "(read the intervals)."
        )
    missing = counts[counts["missing"] > 0]
    if len(missing):
        each = (
            f"{m}: {n}"
            for m, n in zip(missing["measure"], missing["missing"], strict=True)
        )
        notes.append(
            f"Missing answers leave households out of a measure ({first(each)})."
        )
    if rows.groups.codes is not None:
        without = rows.groups.sum(poor) == 0
        names = [name for name, no in zip(rows.labels, without, strict=True) if no]
        if names:
            notes.append(
                f"{len(names)} groups have nobody poor: no coverage ({first(names)})."
            )
    return notes
