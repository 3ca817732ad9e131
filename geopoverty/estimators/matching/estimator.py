"""`match`: the effect on the treated, by propensity-score matching."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.errors import GeoPovertyError
from geopoverty.estimators.matching.balance import balance
from geopoverty.estimators.matching.engine import Matched, match_rows
from geopoverty.estimators.matching.errors import Found, find_errors
from geopoverty.estimators.matching.options import (
    Bootstrap,
    Errors,
    Method,
    Score,
    errors_of,
    method_of,
    score_of,
)
from geopoverty.estimators.matching.register import RegisterMatch, open_match
from geopoverty.estimators.matching.report import (
    balance_facts,
    effects_table,
    facts_of,
    terms_of,
    units_table,
)
from geopoverty.estimators.matching.rows import Rows, read_rows
from geopoverty.estimators.matching.score import (
    Scored,
    off_support_note,
    score_rows,
    score_table,
)
from geopoverty.estimators.matching.sensitivity import sensitivity_table
from geopoverty.estimators.matching.support import (
    control_notes,
    overlap_table,
    raise_warnings,
    support_notes,
    support_table,
    tie_notes,
)
from geopoverty.provenance import provenance, sources_of
from geopoverty.registers import Data, is_register, read_register
from geopoverty.results import Result, inference_table


def match(
    formula: str,
    data: Data,
    *,
    outcome: str | Sequence[str],
    method: str | Method = "nearest",
    score: str | Score = "probit",
    by: str | None = None,
    vcov: str | Errors | None = None,
    sampling_weight: str | None = None,
) -> Result:
    """Compare treated rows with controls that were as likely to be treated.

    Parameters
    ----------
    formula : str
        ``"treated ~ age + land"``: the treatment, 1 or 0, and what explains it.
    data : DataFrame, n rows, or a register
        Rows with a missing value are dropped and counted. Never modified. A path of
        Parquet files, or what else `read_register` takes, is matched on a given
        score: treatment, score and outcomes are held (about 200 bytes a row while it
        matches: 2.3 GB for 10 million rows), covariates are read in passes, and there
        is no table of rows in ``units``.
    outcome : str or sequence of str
        Numeric columns; several share one score and one match.
    method : {"nearest", "radius", "kernel"}, Nearest, Radius or Kernel
        The objects carry settings: ``Nearest(neighbors=4, caliper=0.05,
        ties="first")``, ``Radius(0.01)``, ``Kernel("epanechnikov", bandwidth=0.06)``.
    score : {"probit", "logit"}, a column or Score
        A column holds a score from elsewhere. ``Score(support="all")`` keeps treated
        rows outside the range of the controls' scores.
    by : str, optional
        Column of regions: the effect in each, with a score, support and match of
        its own, in ``tables["by"]``.
    vcov : str, AbadieImbens, GivenWeights or Bootstrap, optional
        ``"abadie-imbens"`` (nearest neighbours; then the default), ``"psmatch2"``
        (else the default), ``"psmatch2-matched"`` or ``"bootstrap"``.
    sampling_weight : str, optional
        Column of weights above 0: of the score, of means of controls, and of treated
        in the effect.

    Returns
    -------
    Result
        ``estimates``: ``"att"``, or ``"att(y)"`` for each of several outcomes: the
        mean effect on the treated on support. ``tables``: ``effects`` (means and
        differences, unmatched and matched), ``standard_errors`` (of all kinds),
        ``balance``, ``balance_tests``, ``love``, ``support``, ``overlap``, ``score``,
        ``sensitivity`` (Rosenbaum's bounds), ``by``. ``units``: a row per row
        used, indexed as `data`: treated, score, on_support, matched, weight (of
        treated their sampling weight, of controls what they count; both sum to the
        same), effect (of treated: outcome less mean of controls).

    Raises
    ------
    InputError
        For unknown columns or options, a treatment that is not 0/1, fewer rows than
        columns, or covariates that determine one another.
    EstimationError
        If covariates separate the arms, nobody is on common support, or nobody has a
        control within reach.

    Warns
    -----
    GeoPovertyWarning
        If ties may move the effect by a tenth of its standard error, few treated rows
        are comparable, or few controls carry the answer.

    Notes
    -----
    Distances are taken on the probability scale [1]_. With ``ties="all"`` the answer
    does not depend on the order of rows. Standard errors: Abadie & Imbens 2006 [2]_,
    with the correction for the estimated score [3]_; psmatch2's formula takes weights
    as given. Kernels are exact to rounding at any number of rows.

    Matching removes differences in what the formula holds, and nothing else: read
    ``tables["sensitivity"]`` for how strong something unseen would have to be.

    References
    ----------
    .. [1] Rosenbaum, P. R. & Rubin, D. B. (1983). The central role of the propensity
       score in observational studies for causal effects. Biometrika 70, 41-55.
    .. [2] Abadie, A. & Imbens, G. W. (2006). Large sample properties of matching
       estimators for average treatment effects. Econometrica 74, 235-267.
    .. [3] Abadie, A. & Imbens, G. W. (2016). Matching on the estimated propensity
       score. Econometrica 84, 781-807.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> land = rng.normal(size=200)
    >>> joined = (land + rng.normal(size=200) > 0).astype(int)
    >>> income = 2 * land + joined + rng.normal(size=200)
    >>> homes = pd.DataFrame({"joined": joined, "land": land, "income": income})
    >>> fit = match("joined ~ land", homes, outcome="income", method="kernel")
    >>> fit.estimates.round(2).to_dict()
    {'att': 0.92}
    """
    how = method_of(method)
    errors = errors_of(vcov, how)
    if is_register(data):
        data = read_register(data)
    columns = [str(c) for c in getattr(data, "columns", ())]
    chosen = score_of(score, columns)
    cluster = errors.cluster if isinstance(errors, Bootstrap) else None
    others = (chosen.column, by, cluster)
    register: RegisterMatch | None = None
    if is_register(data):
        register = open_match(formula, data, outcome, others, sampling_weight)
        register.refuse(chosen, how)
        rows: Rows = register.read()
    else:
        rows = read_rows(formula, data, outcome, others, sampling_weight)
    done = _Done(score_rows(rows, chosen), how, errors)
    options: dict[str, Any] = {"outcome": outcome, "method": how, "score": chosen}
    options |= {"by": by, "vcov": errors, "sampling_weight": sampling_weight}
    return _result(
        done,
        by,
        register,
        provenance(
            formula,
            options,
            [rows.treated, rows.X, rows.Y, done.scored.value],
            sources_of(data),
        ),
    )


class _Done:
    """A match with its errors and what must be said of it."""

    def __init__(self, scored: Scored, method: Method, errors: Errors) -> None:
        self.scored = scored
        self.errors = errors
        self.matched: Matched = match_rows(scored, method)
        found, table = find_errors(scored, self.matched, errors)
        self.found: Found = found
        self.error_table = table
        self.std_errors = np.sqrt(np.diag(found.vcov))
        support, dire = support_notes(scored, self.matched)
        controls, more = control_notes(scored, self.matched)
        ties, loud = tie_notes(scored, self.matched, self.std_errors)
        self.notes = [*off_support_note(scored), *support, *controls, *ties]
        self.warnings = [*dire, *more, *loud]


def _result(
    done: _Done,
    by: str | None,
    register: RegisterMatch | None,
    origin: dict[str, Any],
) -> Result:
    scored, matched, found = done.scored, done.matched, done.found
    rows, link = scored.rows, scored.score.link
    if register is None:
        compared = balance(rows, matched.row_weights(len(rows.treated)), link)
        units = units_table(scored, matched, by)
    else:
        compared, units = register.balance(scored, matched), pd.DataFrame()
    tables = {
        "effects": effects_table(rows, matched, found),
        "standard_errors": done.error_table,
        "balance": compared.covariates,
        "balance_tests": compared.joint,
        "love": compared.love,
        "support": support_table(scored, matched),
        "overlap": overlap_table(scored, matched),
        "score": score_table(scored),
        "sensitivity": sensitivity_table(matched, rows.outcomes),
    }
    notes = [*rows.notes, *done.notes, *found.notes]
    if rows.weighted:
        notes.append(
            "tables['sensitivity'] counts every matched row once: Rosenbaum's bounds "
            "are those of a signed-rank test, which has no sampling weights."
        )
    if by is not None:
        tables["by"], more = _by(done, by)
        notes += more
    raise_warnings(done.warnings)
    terms = terms_of(rows.outcomes)
    return Result(
        estimator="match",
        estimates=pd.Series(matched.att, index=terms),
        vcov=pd.DataFrame(found.vcov, index=terms, columns=terms),
        units=units,
        facts={**facts_of(scored, matched, found), **balance_facts(compared)},
        tables=tables,
        notes=tuple(notes),
        provenance=origin,
    )


def _by(done: _Done, by: str) -> tuple[pd.DataFrame, list[str]]:
    """Match each region by itself."""
    rows: Rows = done.scored.rows
    labels = rows.table[by]
    parts, lost = [], []
    for label in pd.unique(labels.sort_values()):
        here = (labels == label).to_numpy()
        n_treated = int((here & rows.treated).sum())
        counts: dict[str, float] = {
            "n_treated": n_treated,
            "n_controls": int(here.sum()) - n_treated,
        }
        try:
            part = _Done(
                score_rows(rows.part(here), done.scored.score),
                done.matched.method,
                done.errors,
            )
            att, se = part.matched.att, part.std_errors
            note = " ".join([*part.scored.rows.notes, *part.warnings])
            counts["n_treated_matched"] = int(part.matched.matched.sum())
            counts["effective_controls"] = part.matched.effective_controls
        except GeoPovertyError as error:
            att = se = np.full(len(rows.outcomes), np.nan)
            note = f"Not matched: {error}"
            lost.append(label)
        table = inference_table(
            pd.Series(att, index=rows.outcomes), pd.Series(se, index=rows.outcomes)
        ).rename(columns={"term": "outcome"})
        table.insert(0, by, label)
        parts.append(table.assign(**counts, note=note))
    notes = [
        f"Each {by} in tables['by'] has a score, support and match of its own, so "
        "their effects need not average to that of the whole."
    ]
    if lost:
        notes.append(
            f"{len(lost)} of {len(parts)} regions could not be matched "
            f"({first(lost)}): the column note says why."
        )
    return pd.concat(parts, ignore_index=True), notes
