"""Standard errors of matched effects."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._progress import progress
from geopoverty.errors import EstimationError
from geopoverty.estimators.matching.engine import Matched, resampled_att
from geopoverty.estimators.matching.options import (
    AbadieImbens,
    Bootstrap,
    Errors,
    GivenWeights,
    Method,
    Nearest,
)
from geopoverty.estimators.matching.score import Scored, score_rows
from geopoverty.numerics.att import (
    EstimatedScore,
    Linear,
    abadie_imbens_vcov,
    estimated_score_change,
    given_weights_vcov,
    neighbours_of_own,
)
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.pairing import side
from geopoverty.numerics.resampling import Drawn, Resamples, resample
from geopoverty.numerics.types import Array

OFTEN = 0.05  # share of failed resamples from which a note says so
GIVEN = (
    "Standard errors are psmatch2's: they take the weights of controls as given and "
    "the outcome's whole variance as noise, so they are too large where the score "
    "explains the outcome. vcov='bootstrap' gives others."
)
LABELS = {
    "controls": "psmatch2 (variance of all controls)",
    "matched": "psmatch2 (variance of matched controls)",
    "known": "Abadie-Imbens 2006 (score taken as known)",
    "estimated": "Abadie-Imbens 2016 (score estimated)",
    "bootstrap": "bootstrap",
}


@dataclass(frozen=True, eq=False)
class Found:
    """A covariance of effects, and what to say of it.

    Attributes
    ----------
    kind : str
        A label of `LABELS`.
    vcov : array, shape (q, q)
    notes : list of str
    facts : dict
    """

    kind: str
    vcov: Array
    notes: list[str]
    facts: dict[str, Any]


def find_errors(
    scored: Scored, matched: Matched, errors: Errors
) -> tuple[Found, pd.DataFrame]:
    """Return the covariance asked for, and a table with every cheap alternative."""
    kinds = {v: given_weights([matched], v) for v in ("controls", "matched")}
    notes: list[str] = []
    if isinstance(matched.method, Nearest):
        how = errors if isinstance(errors, AbadieImbens) else AbadieImbens()
        kinds |= _abadie_imbens(scored, matched, how, notes)
    facts: dict[str, Any] = {}
    if isinstance(errors, Bootstrap):
        drawn = bootstrap(scored, (matched.method,), errors)
        kinds["bootstrap"] = drawn.covariance()
        facts, more = bootstrap_words(drawn, errors, [matched.method])
        notes += more
    kind = _chosen(errors, kinds)
    if kind in ("controls", "matched"):
        notes.append(GIVEN)
    table = _errors_table(scored.rows.outcomes, kinds, kind)
    return Found(LABELS[kind], kinds[kind], notes, facts), table


def _chosen(errors: Errors, kinds: dict[str, Array]) -> str:
    if isinstance(errors, Bootstrap):
        return "bootstrap"
    if isinstance(errors, GivenWeights):
        return errors.variance
    return "estimated" if "estimated" in kinds else "known"


def _errors_table(
    outcomes: tuple[str, ...], kinds: dict[str, Array], chosen: str
) -> pd.DataFrame:
    rows = [
        {
            "outcome": outcome,
            "kind": LABELS[kind],
            "std_error": float(np.sqrt(vcov[j, j])),
            "reported": kind == chosen,
        }
        for j, outcome in enumerate(outcomes)
        for kind, vcov in kinds.items()
    ]
    return pd.DataFrame(rows)


def given_weights(matches: list[Matched], variance: str) -> Array:
    """Return psmatch2's covariance of effects, of several ways to match at once.

    Returns
    -------
    array, shape (m q, m q)
    """
    one = matches[0]
    shares = [m.shares for m in matches]
    linear = Linear(
        np.column_stack([s[0] for s in shares]), np.column_stack([s[1] for s in shares])
    )
    treated = np.any([m.matched for m in matches], axis=0)
    controls = np.ones(len(one.controls), dtype=bool)
    if variance == "matched":
        controls = np.any([m.pairs.weight > 0 for m in matches], axis=0)
    return given_weights_vcov(linear, one.outcome, one.weight, (treated, controls))


def _abadie_imbens(
    scored: Scored, matched: Matched, how: AbadieImbens, notes: list[str]
) -> dict[str, Array]:
    on = matched.matched
    w = matched.weight[0]
    share = np.where(on, w / np.where(on, matched.pairs.size, 1.0), 0.0)
    # What a control counts in one pair, squared and added up.
    squares = (
        matched.weight[1] ** 2 * matched.operator.adjoint(share[:, None] ** 2)[:, 0]
    )
    known = abadie_imbens_vcov(
        matched.gains,
        w[on],
        matched.outcome[1],
        neighbours_of_own(matched.controls, how.neighbors),
        matched.pairs.weight**2 - squares,
    )
    found = {"known": known}
    if not how.estimated_score or scored.model is None:
        return found
    if scored.rows.weighted:
        notes.append(
            "The correction for the estimated score is not known with sampling "
            "weights; standard errors take the score as known."
        )
        return found
    change = estimated_score_change(
        _estimated(scored), scored.rows.Y, matched.att, max(how.neighbors, 2)
    )
    if (np.diag(known + change) <= 0).any():
        notes.append(
            "The correction for the estimated score would make a variance negative, "
            "so it is left out."
        )
        return found
    return {**found, "estimated": known + change}


def _estimated(scored: Scored) -> EstimatedScore:
    rows, model = scored.rows, scored.model
    assert model is not None
    everyone = np.arange(len(rows.treated))
    arms = [side(scored.value, np.flatnonzero(rows.treated == a)) for a in (0, 1)]
    density = LINKS[scored.score.link].density(scored.index)
    # Scores of 0 or 1 to the last digit have no density, and say nothing.
    tiny = np.finfo(np.float64).eps
    return EstimatedScore(
        rows.X / model.scale,
        rows.treated,
        np.clip(scored.value, tiny, 1 - tiny),
        density,
        side(scored.value, everyone),
        (arms[0], arms[1]),
    )


def bootstrap(scored: Scored, methods: tuple[Method, ...], how: Bootstrap) -> Drawn:
    """Resample rows and match again; all methods share the draws."""
    sides = scored.sides
    clusters = None
    if how.cluster is not None:
        codes = pd.factorize(scored.rows.table[how.cluster])[0]
        clusters = np.asarray(codes, dtype=np.intp)

    def statistic(counts: Any) -> Array:
        if not how.refit or scored.model is None:
            return resampled_att(scored, sides, methods, counts)
        treated = scored.rows.treated
        if not (counts[treated].any() and counts[~treated].any()):
            raise EstimationError("A resample lacks an arm.")
        anew = score_rows(scored.rows, scored.score, counts * scored.rows.weight)
        return resampled_att(anew, anew.sides, methods, counts)

    def watch(steps: Iterator[Array], total: int) -> Iterator[Array]:
        return progress(steps, "Bootstrap, draw", total)

    plan = Resamples(len(scored.rows.treated), how.draws, how.seed, clusters)
    drawn = resample(statistic, plan, workers=how.workers, watch=watch)
    if len(drawn.complete) < 2:
        raise EstimationError(
            f"{drawn.failed} of {how.draws} resamples cannot be matched. Use more "
            "rows, a longer radius, or vcov='psmatch2'."
        )
    return drawn


def bootstrap_words(
    drawn: Drawn, how: Bootstrap, methods: list[Method]
) -> tuple[dict[str, Any], list[str]]:
    """Return facts and notes of a bootstrap."""
    notes = []
    if any(isinstance(m, Nearest) for m in methods):
        notes.append(
            "The bootstrap is not valid for a fixed number of nearest neighbours "
            "(Abadie & Imbens 2008, Econometrica 76, 1537-1557): it may be too large "
            "or too small. vcov='abadie-imbens' is made for them."
        )
    if not how.refit:
        notes.append(
            "The bootstrap takes the score as known: Bootstrap(refit=True) fits it "
            "anew in each draw."
        )
    if drawn.failed > OFTEN * how.draws:
        notes.append(
            f"{drawn.failed} of {how.draws} resamples could not be matched and are "
            "left out of the standard errors."
        )
    facts = {"draws": how.draws, "draws_failed": drawn.failed, "seed": how.seed}
    return facts, notes
