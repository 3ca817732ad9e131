"""Who is comparable, and whom the answer rests on."""

import numpy as np
import pandas as pd

from geopoverty._checks import first, warn
from geopoverty.estimators.matching.engine import Matched
from geopoverty.estimators.matching.options import Nearest
from geopoverty.estimators.matching.score import Scored
from geopoverty.numerics.pairing import tie_range
from geopoverty.numerics.types import Array, Mask

BINS = 20
FEW_ON_SUPPORT = 0.8  # share of treated below which a reader must be warned
HEAVY = 0.1  # share of all weight on one control that is worth saying
FEW_CONTROLS = 10.0  # effective number below which a reader must be warned
MOVED = 0.1  # standard errors that ties may move the answer without a warning


def support_table(scored: Scored, matched: Matched) -> pd.DataFrame:
    """Return how many rows of each arm are on support and matched."""
    rows, value = scored.rows, scored.value
    weight = matched.row_weights(len(value))
    out = []
    for name, arm in (("treated", rows.treated), ("control", ~rows.treated)):
        on = arm & scored.supported
        out.append(
            {
                "group": name,
                "n": int(arm.sum()),
                "on_support": int(on.sum()),
                "off_support": int((arm & ~scored.supported).sum()),
                "matched": int((arm & (weight > 0)).sum()),
                "score_min": float(value[arm].min()),
                "score_mean": float(value[arm].mean()),
                "score_max": float(value[arm].max()),
            }
        )
    return pd.DataFrame(out)


def overlap_table(scored: Scored, matched: Matched) -> pd.DataFrame:
    """Return the distribution of scores by arm, for a plot: counts in 20 bins."""
    value, treated = scored.value, scored.rows.treated
    edges = np.linspace(value.min(), value.max(), BINS + 1)
    weight = matched.row_weights(len(value))

    def counts(which: Mask, w: Array | None = None) -> Array:
        chosen = None if w is None else w[which]
        return np.asarray(np.histogram(value[which], edges, weights=chosen)[0])

    return pd.DataFrame(
        {
            "score_low": edges[:-1],
            "score_high": edges[1:],
            "treated_on_support": counts(treated & scored.supported),
            "treated_off_support": counts(treated & ~scored.supported),
            "controls": counts(~treated),
            "controls_weighted": counts(~treated, weight),
        }
    )


def support_notes(scored: Scored, matched: Matched) -> tuple[list[str], list[str]]:
    """Return notes, and those that are also warnings."""
    notes, warnings = [], []
    treated = int(scored.rows.treated.sum())
    on, found = len(matched.treated), int(matched.matched.sum())
    if found < on:
        ids = scored.rows.table.index[matched.treated.rows[~matched.matched]]
        notes.append(
            f"{on - found:,} of {on:,} treated rows on support have no control within "
            f"reach and are left out ({first(ids)})."
        )
    if found < FEW_ON_SUPPORT * treated:
        warnings.append(
            f"Only {found:,} of {treated:,} treated rows have comparable controls: the "
            "effect is theirs, not that of all treated."
        )
    return [*notes, *warnings], warnings


def control_notes(scored: Scored, matched: Matched) -> tuple[list[str], list[str]]:
    """Say when few controls carry the answer: notes, and those also warned of."""
    weight = matched.pairs.weight
    ids = scored.rows.table.index[matched.controls.rows]
    effective = matched.effective_controls
    top = int(weight.argmax())
    share = float(weight[top] / weight.sum())
    if (weight > 0).sum() == 1:
        note = (
            f"Everyone is matched to one control ({ids[top]}): the effective number of "
            "controls is 1, and no standard error means anything."
        )
        return [note], [note]
    notes = [
        f"The {int((weight > 0).sum()):,} matched controls weigh as much as "
        f"{effective:,.1f} equal ones (Kish's effective sample size)."
    ]
    if share >= HEAVY:
        notes.append(f"One control ({ids[top]}) carries {share:.0%} of all weight.")
    if effective < FEW_CONTROLS:
        return notes, [notes[0]]
    return notes, []


def tie_notes(
    scored: Scored, matched: Matched, std_errors: Array
) -> tuple[list[str], list[str]]:
    """Say what the choice among tied controls does: notes, and those warned of."""
    if matched.found is None or not isinstance(matched.method, Nearest):
        return [], []
    tied = int(matched.found.tied.sum())
    if not tied:
        return [], []
    notes, warnings = [], []
    for j, outcome in enumerate(scored.rows.outcomes):
        low, high = tie_range(
            matched.found,
            np.ascontiguousarray(matched.outcome[1][:, j]),
            matched.outcome[0][:, j],
            matched.weight[0],
        )
        rule = (
            "they are averaged"
            if matched.method.ties == "all"
            else "the first in the table are taken, so the order of rows decides"
        )
        note = (
            f"{tied:,} of {len(matched.treated):,} treated rows have more controls "
            f"equally near than they need; {rule}. Depending on which are taken the "
            f"effect on '{outcome}' lies between {low:.6g} and {high:.6g}."
        )
        notes.append(note)
        if not high - low <= MOVED * std_errors[j]:
            warnings.append(note)
    return notes, warnings


def raise_warnings(messages: list[str]) -> None:
    """Warn of each."""
    for message in messages:
        warn(message)
