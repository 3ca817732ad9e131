"""From knowing of a measure to wanting it to taking part: `participation_cascade`."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.errors import InputError
from geopoverty.estimators.targeting.report import (
    Formula,
    Found,
    Term,
    estimate,
    ratio,
    wrap_up,
)
from geopoverty.estimators.targeting.rows import Rows, SurveyColumns, gather
from geopoverty.numerics.grouped import Groups
from geopoverty.numerics.proportions import kappa, mcnemar
from geopoverty.numerics.types import Array, Mask
from geopoverty.results import Result


def participation_cascade(
    data: pd.DataFrame,
    *,
    steps: Mapping[str, str],
    measures: Sequence[str] = (),
    by: str | Sequence[str] | None = None,
    survey: SurveyColumns | None = None,
) -> Result:
    """Follow households from knowing of a measure to wanting it to taking part.

    Parameters
    ----------
    data : DataFrame, n rows
        One household a row. Never modified.
    steps : mapping from str to str
        At least two steps in their order and the columns of 0 and 1 that say whether
        a household takes them: ``{"knows": "knows_loan", "wants": "wants_loan", "takes
        part": "has_loan"}``. With several measures, ``{}`` stands for the measure:
        ``"knows_{}"``.
    measures : sequence of str, optional
        What ``{}`` stands for.
    by : str or sequence of str, optional
        Columns of groups, such as poor or not: `units` gets a row each.
    survey : SurveyColumns, optional
        Sampling weight, primary sampling units and strata.

    Returns
    -------
    Result
        ``estimates``, a share each, with ``" [measure]"`` behind when there are
        several: every step by its name; ``"wants, of knows"``: of those who take the
        step before; ``"all steps"``; and of the last two steps ``consistent`` (both or
        neither), ``unwilling`` (takes part without wanting: persuaded or enrolled) and
        ``unmet`` (wants and does not take part). ``units``: a row per group and term.
        ``tables``: ``overall``; ``cascade`` (``measure, step, rows, share,
        all_so_far``: of all, who take this step and all before it, ``kept``: of those
        so far); ``consistency`` (a row a measure and pair of neighbouring steps: the
        four counts, agreement, Cohen's kappa, exact McNemar p).

    Raises
    ------
    InputError
        If there are fewer than two steps, columns are missing or not 0/1, a step holds
        ``{}`` without measures, or weights are not above 0.

    Notes
    -----
    A household without an answer to any of the steps is left out of that measure.
    McNemar's test asks whether the later step is as common as the earlier one. It
    and the counts know no weights; agreement and kappa do.

    References
    ----------
    McNemar, Q. (1947). Note on the sampling error of the difference between
    correlated proportions or percentages. Psychometrika 12, 153-157. Cohen, J.
    (1960). A coefficient of agreement for nominal scales. Educational and
    Psychological Measurement 20, 37-46.

    Examples
    --------
    >>> homes = pd.DataFrame({"knows": [1, 1, 1, 0], "wants": [1, 1, 0, 0],
    ...                       "loan": [1, 0, 1, 0]})
    >>> steps = {"knows": "knows", "wants": "wants", "takes part": "loan"}
    >>> found = participation_cascade(homes, steps=steps)
    >>> found.tables["cascade"][["step", "share", "all_so_far"]].values.tolist()
    [['knows', 0.75, 0.75], ['wants', 0.5, 0.5], ['takes part', 0.5, 0.25]]
    """
    named = _columns(steps, measures)
    needed = list(dict.fromkeys(c for own in named.values() for c in own.values()))
    rows = gather(data, needed, by, survey)
    paths = {
        measure: _Path(rows, {step: rows.yes_no(c) for step, c in own.items()})
        for measure, own in named.items()
    }
    terms = [t for measure, path in paths.items() for t in path.terms(measure)]
    options = {"steps": dict(steps), "by": by, "survey": survey}
    return wrap_up(
        "participation_cascade",
        terms,
        rows,
        {
            "formula": " > ".join(steps),
            "options": options,
            "facts": {"n_measures": len(paths), "n_steps": len(steps)},
            "tables": {
                "cascade": pd.concat(
                    [p.cascade(m) for m, p in paths.items()], ignore_index=True
                ),
                "consistency": pd.DataFrame(
                    [r for m, p in paths.items() for r in p.consistency(m)]
                ),
            },
            "notes": _notes(paths),
            "arrays": [v for p in paths.values() for v in p.answers.values()],
        },
    )


def _columns(
    steps: Mapping[str, str], measures: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return the column of each step by measure; one measure is called ''."""
    if len(steps) < 2:
        raise InputError(
            "A cascade needs at least two steps, such as {'wants': column, 'takes "
            f"part': column}}; got {len(steps)}."
        )
    if isinstance(measures, str) or len(set(measures)) < len(measures):
        raise InputError(f"measures must be different names; got {measures!r}.")
    plain = [s for s, column in steps.items() if ("{}" in column) != bool(measures)]
    if plain:
        raise InputError(
            "Columns of steps hold {} exactly when measures are given; "
            f"{first(plain)} breaks this. Name measures, or write the columns out."
        )
    if not measures:
        return {"": dict(steps)}
    return {
        m: {s: column.replace("{}", m) for s, column in steps.items()} for m in measures
    }


class _Path:
    """The steps of one measure."""

    def __init__(self, rows: Rows, answers: dict[str, Array]) -> None:
        self.rows, self.answers = rows, answers
        table = np.column_stack(list(answers.values()))
        self.known: Mask = np.asarray(~np.isnan(table).any(axis=1))
        # Who has no answer to one of the steps is in no base.
        self.base = self.known.astype(np.float64)
        self.steps = {k: np.nan_to_num(v) * self.base for k, v in answers.items()}
        self.so_far = np.cumprod(np.column_stack(list(self.steps.values())), axis=1).T

    def share(self, top: Array, below: Array) -> Formula:
        """Return the share of `top` in `below`."""

        def formula(groups: Groups) -> Found:
            return ratio(top * below, below, self.rows.weight, groups)

        return formula

    def terms(self, measure: str) -> list[Term]:
        """Return the shares of one measure."""
        base, names = self.base, list(self.steps)
        shares = {name: self.share(v, base) for name, v in self.steps.items()}
        for before, after in pairwise(names):
            label = f"{after}, of {before}"
            shares[label] = self.share(self.steps[after], self.steps[before])
        want, join = (self.steps[name] for name in names[-2:])
        shares["all steps"] = self.share(self.so_far[-1], base)
        shares["consistent"] = self.share((want == join).astype(np.float64), base)
        shares["unwilling"] = self.share((1 - want) * join, base)
        shares["unmet"] = self.share(want * (1 - join), base)
        end = f" [{measure}]" if measure else ""
        return [Term(f"{name}{end}", formula) for name, formula in shares.items()]

    def cascade(self, measure: str) -> pd.DataFrame:
        """Return a row a step: how many take it, and all before it."""
        names = list(self.steps)
        now = [Term(n, self.share(self.steps[n], self.base)) for n in names]
        both = [
            Term(n, self.share(v, self.base))
            for n, v in zip(names, self.so_far, strict=True)
        ]
        share = estimate(now, self.rows, Groups())
        so_far = estimate(both, self.rows, Groups())
        reach = so_far["estimate"].to_numpy()
        before = np.concatenate([[1.0], reach[:-1]])
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.where(before > 0, reach / before, np.nan)
        return pd.DataFrame(
            {
                "measure": measure,
                "step": names,
                "rows": int(self.known.sum()),
                "share": share["estimate"],
                "conf_low": share["conf_low"],
                "conf_high": share["conf_high"],
                "all_so_far": reach,
                "kept": kept,
            }
        )

    def consistency(self, measure: str) -> list[dict[str, Any]]:
        """Return a record for each two neighbouring steps."""
        out = []
        for before, after in pairwise(self.steps):
            a, b = self.steps[before][self.known], self.steps[after][self.known]
            w = self.rows.weight[self.known]
            cells = [(1, 1), (1, 0), (0, 1), (0, 0)]
            counts = [int(((a == i) & (b == j)).sum()) for i, j in cells]
            mass = np.array([w[(a == i) & (b == j)].sum() for i, j in cells])
            names = ("both", "only_first", "only_second", "neither")
            out.append(
                {
                    "measure": measure,
                    "first": before,
                    "second": after,
                    **dict(zip(names, counts, strict=True)),
                    "agreement": (mass[0] + mass[3]) / mass.sum()
                    if mass.sum()
                    else np.nan,
                    "kappa": kappa(mass.reshape(2, 2)),
                    "p_mcnemar": mcnemar(counts[1], counts[2]),
                }
            )
        return out


def _notes(paths: Mapping[str, _Path]) -> list[str]:
    notes = []
    left = {m: int((~p.known).sum()) for m, p in paths.items() if not p.known.all()}
    if left:
        each = [f"{m or 'the measure'}: {n}" for m, n in left.items()]
        notes.append(
            f"Rows without an answer to every step are left out ({first(each)})."
        )
    same = [
        m or "the measure"
        for m, p in paths.items()
        if any(np.ptp(v[p.known]) == 0 for v in p.steps.values() if p.known.any())
    ]
    if same:
        notes.append(
            f"In {first(same)} all answer a step alike: kappa is 0 or undefined, "
            "though they agree."
        )
    return notes
