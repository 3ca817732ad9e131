"""`match_all`: several ways to match, side by side, whole and by region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty._tables import number, stars
from geopoverty.errors import GeoPovertyError, InputError
from geopoverty.estimators.matching.balance import balance
from geopoverty.estimators.matching.engine import Matched, match_rows
from geopoverty.estimators.matching.errors import (
    GIVEN,
    LABELS,
    bootstrap,
    bootstrap_words,
    given_weights,
)
from geopoverty.estimators.matching.options import (
    FOUR,
    Bootstrap,
    Errors,
    GivenWeights,
    Method,
    Score,
    errors_of,
    method_of,
    score_of,
)
from geopoverty.estimators.matching.report import terms_of
from geopoverty.estimators.matching.rows import Rows, read_rows
from geopoverty.estimators.matching.score import (
    Scored,
    model_facts,
    off_support_note,
    score_rows,
    score_table,
)
from geopoverty.estimators.matching.support import (
    control_notes,
    raise_warnings,
    support_notes,
    tie_notes,
)
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result, inference_table

WHOLE = "whole sample"
MEAN = "mean"

Methods = Sequence[str | Method] | Mapping[str, str | Method]


def match_all(
    formula: str,
    data: pd.DataFrame,
    *,
    outcome: str | Sequence[str],
    by: str | None = None,
    methods: Methods = FOUR,
    score: str | Score = "probit",
    vcov: str | Errors | None = None,
    sampling_weight: str | None = None,
) -> Result:
    """Match in several ways and average them, in the whole sample and by region.

    Parameters
    ----------
    formula, data, outcome, score, sampling_weight
        As in `match`.
    by : str, optional
        Column of regions, each matched by itself, with a score of its own.
    methods : sequence of method, or mapping of label to method
        One neighbour, four neighbours, radius 0.01 and the normal kernel of
        bandwidth 0.06 when not given.
    vcov : {"psmatch2", "psmatch2-matched", "bootstrap"}, GivenWeights or Bootstrap
        Both kinds give covariances between the ways to match, and so a standard
        error of their mean. ``"psmatch2"`` when not given.

    Returns
    -------
    Result
        ``estimates``: in the whole sample, a term a way to match, such as ``"1:4"``,
        and ``"mean"``; with several outcomes ``"1:4(y)"``. ``tables``: ``att`` (a row
        per region, outcome and way), ``layout`` (the same as text in the layout of a
        journal: regions across), ``balance_tests`` (per way, whole sample),
        ``score``. ``units``: score, support and the weight in each way.

    Raises
    ------
    InputError, EstimationError
        As `match`.

    Warns
    -----
    GeoPovertyWarning
        As `match`.

    Notes
    -----
    Every way is a weighted sum of the same outcomes. Taking weights as given, two of
    them have the covariance s1^2 sum a_i a_j + s0^2 sum b_i b_j; a bootstrap with
    common draws needs no such assumption. Rows that one way leaves out (no control
    within the radius) count 0 there, so that ways may speak of different rows: see
    ``n_treated_matched``.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> land = rng.normal(size=300)
    >>> joined = (land + 2 * rng.normal(size=300) > 0).astype(int)
    >>> income = 2 * land + joined + rng.normal(size=300)
    >>> homes = pd.DataFrame({"joined": joined, "land": land, "income": income})
    >>> fit = match_all("joined ~ land", homes, outcome="income")
    >>> fit.estimates.index.tolist()
    ['1:1', '1:4', 'radius 0.01', 'normal kernel 0.06', 'mean']
    """
    ways = _ways(methods)
    errors = errors_of(vcov, None)
    columns = [str(c) for c in getattr(data, "columns", ())]
    chosen = score_of(score, columns)
    cluster = errors.cluster if isinstance(errors, Bootstrap) else None
    rows = read_rows(
        formula, data, outcome, (chosen.column, by, cluster), sampling_weight
    )
    options: dict[str, Any] = {"outcome": outcome, "methods": ways, "score": chosen}
    options |= {"by": by, "vcov": errors, "sampling_weight": sampling_weight}
    whole = _Several(score_rows(rows, chosen), ways, errors)
    parts, notes = _parts(whole, by)
    table = pd.concat([p.table(label) for label, p in parts.items()], ignore_index=True)
    raise_warnings(whole.warnings)
    terms = whole.terms
    return Result(
        estimator="match_all",
        estimates=pd.Series(whole.att, index=terms),
        vcov=pd.DataFrame(whole.vcov, index=terms, columns=terms),
        units=_units(whole, by),
        facts=_facts(whole),
        tables={
            "att": table,
            "layout": _layout(table),
            "balance_tests": _balance(whole),
            "score": score_table(whole.scored),
        },
        notes=(*rows.notes, *whole.notes, *notes),
        provenance=provenance(
            formula,
            options,
            [rows.treated, rows.X, rows.Y, whole.scored.value],
            sources_of(data),
        ),
    )


def _ways(methods: Methods) -> dict[str, Method]:
    if isinstance(methods, str):
        methods = (methods,)
    if isinstance(methods, Mapping):
        return {str(k): method_of(m) for k, m in methods.items()}
    given = [method_of(m) for m in methods]
    labels = [m.label for m in given]
    if not given or len(set(labels)) < len(labels) or MEAN in labels:
        raise InputError(
            f"methods must be at least one, each different; got {first(labels, 9)}. "
            "Name them in a mapping from label to method if they look alike."
        )
    return dict(zip(labels, given, strict=True))


class _Several:
    """Several ways to match the same scored rows."""

    def __init__(self, scored: Scored, ways: dict[str, Method], errors: Errors) -> None:
        self.scored, self.ways, self.errors = scored, ways, errors
        self.matches: list[Matched] = [match_rows(scored, m) for m in ways.values()]
        self.extra: dict[str, Any] = {}
        self.notes = off_support_note(scored)
        self.where: tuple[str, ...] = ()
        att = np.concatenate([m.att for m in self.matches])
        vcov = self._errors()
        q, m = len(scored.rows.outcomes), len(ways)
        mean = np.kron(np.ones((1, m)) / m, np.eye(q))
        both = np.vstack([np.eye(m * q), mean])
        self.att, self.vcov = both @ att, both @ vcov @ both.T
        self.std_errors = np.sqrt(np.diag(self.vcov))
        self.warnings: list[str] = []
        for k, (label, matched) in enumerate(zip(ways, self.matches, strict=True)):
            self._add(label, matched, self.std_errors[k * q : (k + 1) * q])

    def _errors(self) -> Array:
        if isinstance(self.errors, GivenWeights):
            self.kind = LABELS[self.errors.variance]
            self.notes.append(GIVEN)
            return given_weights(self.matches, self.errors.variance)
        assert isinstance(self.errors, Bootstrap)
        self.kind = LABELS["bootstrap"]
        methods = tuple(self.ways.values())
        drawn = bootstrap(self.scored, methods, self.errors)
        self.extra, notes = bootstrap_words(drawn, self.errors, list(methods))
        self.notes += notes
        return drawn.covariance()

    def _add(self, label: str, matched: Matched, std_errors: Array) -> None:
        for found, loud in (
            support_notes(self.scored, matched),
            control_notes(self.scored, matched),
            tie_notes(self.scored, matched, std_errors),
        ):
            self.notes += [f"{label}: {note}" for note in found]
            self.warnings += [f"{label}: {note}" for note in loud]

    @property
    def terms(self) -> list[str]:
        """Ways in the outer, outcomes in the inner order, then means."""
        outcomes = self.scored.rows.outcomes
        return [t for w in (*self.ways, MEAN) for t in terms_of(outcomes, w)]

    def table(self, group: str) -> pd.DataFrame:
        """Return a row per outcome and way."""
        outcomes, q = self.scored.rows.outcomes, len(self.scored.rows.outcomes)
        series = [pd.Series(v) for v in (self.att, self.std_errors)]
        tests = inference_table(*series).drop(columns="term")
        ways = np.repeat([*self.ways, MEAN], q)
        table = pd.DataFrame(
            {"group": group, "outcome": [*outcomes] * (len(self.ways) + 1)}
        ).assign(method=ways)
        table = pd.concat([table, tests], axis=1)
        treated = self.scored.rows.treated
        table["n_treated"] = int(treated.sum())
        table["n_controls"] = int((~treated).sum())
        numbers = [(int(m.matched.sum()), m.effective_controls) for m in self.matches]
        for k, name in enumerate(("n_treated_matched", "effective_controls")):
            table[name] = np.repeat([*(float(v[k]) for v in numbers), np.nan], q)
        return table.assign(note=" ".join([*self.where, *self.warnings]))


@dataclass(frozen=True, eq=False)
class _Lost:
    """A region that could not be matched."""

    rows: Rows
    ways: dict[str, Method]
    note: str

    def table(self, group: str) -> pd.DataFrame:
        """Return a row per outcome and way, without numbers."""
        names = [(o, w) for w in (*self.ways, MEAN) for o in self.rows.outcomes]
        table = pd.DataFrame(names, columns=["outcome", "method"])
        table.insert(0, "group", group)
        for column in ("estimate", "std_error", "statistic", "p_value"):
            table[column] = np.nan
        return table.assign(note=self.note)


def _parts(
    whole: _Several, by: str | None
) -> tuple[dict[str, _Several | _Lost], list[str]]:
    parts: dict[str, _Several | _Lost] = {WHOLE: whole}
    if by is None:
        return parts, []
    rows = whole.scored.rows
    labels = rows.table[by]
    lost = []
    for label in pd.unique(labels.sort_values()):
        name = str(label)
        try:
            part = rows.part((labels == label).to_numpy())
            scored = score_rows(part, whole.scored.score)
            found = _Several(scored, whole.ways, whole.errors)
            found.where = part.notes
            parts[name] = found
        except GeoPovertyError as error:
            parts[name] = _Lost(rows, whole.ways, f"Not matched: {error}")
            lost.append(name)
    notes = [f"Each {by} has a score, support and matches of its own."]
    if lost:
        notes.append(
            f"{len(lost)} of {len(parts) - 1} regions could not be matched "
            f"({first(lost)}): the column note says why."
        )
    return parts, notes


def _layout(table: pd.DataFrame) -> pd.DataFrame:
    """Return estimates with stars, and standard errors in brackets, groups across."""
    groups = list(dict.fromkeys(table["group"]))
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in table.itertuples():
        mark = "" if np.isnan(row.p_value) else stars(row.p_value)
        below = number(row.std_error)
        for kind, text in (
            ("estimate", number(row.estimate) + mark),
            ("std_error", f"({below})" if below else ""),
        ):
            lines.setdefault((row.outcome, row.method, kind), {})[row.group] = text
    order = {o: k for k, o in enumerate(dict.fromkeys(table["outcome"]))}
    keys = sorted(lines, key=lambda key: order[key[0]])
    return pd.DataFrame(
        [
            {
                "outcome": o,
                "method": m,
                "row": r,
                **{g: lines[o, m, r][g] for g in groups},
            }
            for o, m, r in keys
        ]
    )


def _units(whole: _Several, by: str | None) -> pd.DataFrame:
    rows = whole.scored.rows
    table = pd.DataFrame(index=rows.table.index)
    for key in dict.fromkeys(("unit_id", by)):
        if key in rows.table.columns:
            table[key] = rows.table[key]
    table["treated"] = rows.treated
    table["score"] = whole.scored.value
    table["on_support"] = whole.scored.supported
    for label, matched in zip(whole.ways, whole.matches, strict=True):
        table[f"weight({label})"] = matched.row_weights(len(rows.treated))
    return table


def _facts(whole: _Several) -> dict[str, Any]:
    rows = whole.scored.rows
    return {
        "n_obs": len(rows.treated),
        "n_dropped": rows.dropped,
        "outcome": ", ".join(rows.outcomes),
        "treatment": rows.treatment,
        "score": whole.scored.score.label,
        "n_treated": int(rows.treated.sum()),
        "n_controls": int((~rows.treated).sum()),
        "n_treated_on_support": len(whole.matches[0].treated),
        **model_facts(whole.scored),
        "vcov": whole.kind,
        **whole.extra,
    }


def _balance(whole: _Several) -> pd.DataFrame:
    rows, link = whole.scored.rows, whole.scored.score.link
    parts: list[pd.DataFrame] = []
    for label, matched in zip(whole.ways, whole.matches, strict=True):
        joint = balance(rows, matched.row_weights(len(rows.treated)), link).joint
        keep = joint if not parts else joint[joint["sample"] == "matched"]
        names = np.where(keep["sample"] == "unmatched", "none", label)
        parts.append(keep.assign(method=names))
    table = pd.concat(parts, ignore_index=True)
    return table[["method", *(c for c in table.columns if c != "method")]]
