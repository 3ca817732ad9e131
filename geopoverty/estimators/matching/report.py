"""From a match to tables, facts and the one `Result`."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty.estimators.matching.balance import Balance
from geopoverty.estimators.matching.engine import Matched
from geopoverty.estimators.matching.errors import Found
from geopoverty.estimators.matching.rows import UNIT, Rows
from geopoverty.estimators.matching.score import Scored, model_facts
from geopoverty.numerics.types import Array
from geopoverty.results import inference_table


def terms_of(outcomes: tuple[str, ...], name: str = "att") -> list[str]:
    """Return the terms of the estimates: one outcome needs no name.

    Examples
    --------
    >>> terms_of(("income",)), terms_of(("low", "high"))
    (['att'], ['att(low)', 'att(high)'])
    """
    return [name] if len(outcomes) == 1 else [f"{name}({o})" for o in outcomes]


def unmatched(rows: Rows) -> tuple[Array, Array]:
    """Return the plain difference of means and its standard error, shape (q,).

    One variance in both arms, as in a regression on the treatment.
    """
    parts = []
    for arm in (rows.treated, ~rows.treated):
        w, y = rows.weight[arm], rows.Y[arm]
        mean = w @ y / w.sum()
        # Weights as precise as their effective number of rows.
        effective = w.sum() ** 2 / (w @ w)
        parts.append((mean, w @ (y - mean) ** 2 / w.sum(), arm.sum(), effective))
    (m1, v1, n1, e1), (m0, v0, n0, e0) = parts
    pooled = (n1 * v1 + n0 * v0) / (n1 + n0 - 2)
    return np.asarray(m1 - m0), np.asarray(np.sqrt(pooled * (1 / e1 + 1 / e0)))


def effects_table(rows: Rows, matched: Matched, found: Found) -> pd.DataFrame:
    """Return means and differences, unmatched and matched, as psmatch2 prints them."""
    plain, plain_se = unmatched(rows)
    on = matched.matched
    shares = matched.shares
    means = {
        "unmatched": [
            rows.weight[a] @ rows.Y[a] / rows.weight[a].sum()
            for a in (rows.treated, ~rows.treated)
        ],
        "matched": [
            shares[0][on] @ matched.outcome[0][on],
            shares[1] @ matched.outcome[1],
        ],
    }
    errors = {"unmatched": plain_se, "matched": np.sqrt(np.diag(found.vcov))}
    values = {"unmatched": plain, "matched": matched.att}
    out = []
    for j, outcome in enumerate(rows.outcomes):
        for sample in ("unmatched", "matched"):
            line = {
                "outcome": outcome,
                "sample": sample,
                "mean_treated": means[sample][0][j],
                "mean_control": means[sample][1][j],
            }
            tests = inference_table(
                pd.Series([values[sample][j]]), pd.Series([errors[sample][j]])
            ).drop(columns="term")
            out.append({**line, **tests.iloc[0].to_dict()})
    return pd.DataFrame(out)


def units_table(scored: Scored, matched: Matched, by: str | None) -> pd.DataFrame:
    """Return a row per row used: score, support, weight and own effect."""
    rows = scored.rows
    n = len(rows.treated)
    weight = matched.row_weights(n)
    table = pd.DataFrame(index=rows.table.index)
    for key in dict.fromkeys((UNIT, by)):
        if key in rows.table.columns:
            table[key] = rows.table[key]
    table["treated"] = rows.treated
    table["score"] = scored.value
    table["on_support"] = scored.supported
    table["matched"] = weight > 0
    table["weight"] = weight
    at = matched.treated.rows[matched.matched]
    for j, name in enumerate(terms_of(rows.outcomes, "effect")):
        values = np.full(n, np.nan)
        values[at] = matched.gains[:, j]
        table[name] = values
    return table


def facts_of(scored: Scored, matched: Matched, found: Found) -> dict[str, Any]:
    """Return what a reader asks first."""
    rows = scored.rows
    weight = matched.pairs.weight
    return {
        "n_obs": len(rows.treated),
        "n_dropped": rows.dropped,
        "outcome": ", ".join(rows.outcomes),
        "treatment": rows.treatment,
        "method": matched.method.label,
        "score": scored.score.label,
        "n_treated": int(rows.treated.sum()),
        "n_controls": int((~rows.treated).sum()),
        "n_treated_on_support": len(matched.treated),
        "n_treated_matched": int(matched.matched.sum()),
        "n_controls_matched": int((weight > 0).sum()),
        "effective_controls": matched.effective_controls,
        **model_facts(scored),
        "vcov": found.kind,
        **found.facts,
    }


def balance_facts(balance: Balance) -> dict[str, float]:
    """Return how far bias fell."""
    joint = balance.joint.set_index("sample")
    return {
        "mean_bias_unmatched": float(joint.loc["unmatched", "mean_bias"]),
        "mean_bias_matched": float(joint.loc["matched", "mean_bias"]),
    }
