"""`psm_did`: differences in differences, controls weighted by their score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import outcomes_of
from geopoverty._tables import number, stars
from geopoverty.covariances import SmallSample, Vcov, columns_of, covariance, resolved
from geopoverty.estimators.did.options import KernelWeights, weights_of
from geopoverty.estimators.did.psm_rows import Panel, read_panel
from geopoverty.estimators.did.psm_score import Scored, score_panel
from geopoverty.numerics.did import Differences, weighted_differences
from geopoverty.numerics.types import Array
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result, inference_table

CONTRASTS = ("before", "after", "did")


COLUMNS = 4  # constant, post, treated, product


def psm_did(
    formula: str,
    data: pd.DataFrame,
    *,
    outcome: str | Sequence[str],
    post: str | None = None,
    unit: str = "unit_id",
    period: str = "period",
    matching: str | KernelWeights | None = None,
    vcov: Vcov = "cluster",
) -> Result:
    """Compare treated with like controls before and after a programme.

    A score in the last period before the start weights controls by a kernel [1]_;
    with these weights the outcome is regressed on post, treated and their product.

    Parameters
    ----------
    formula : str
        ``"treated ~ x1 + x2"``: who belongs to the programme, the same in every
        period, and what explains it. Covariates are taken from the last period
        before the start only, so that the programme cannot have moved them.
    data : DataFrame
        One row a unit and period. Units without a complete row before or after are
        left out and named. Never modified.
    outcome : str or sequence of str
        One or more columns, all weighted alike.
    post : str, optional
        Column that is 1 from the start on; with two periods, the later one.
    unit, period : str
        Columns.
    matching : str or KernelWeights, optional
        Name of a kernel, or kernel, bandwidth, link and support; a normal kernel of
        0.06 on a probit when not given.
    vcov : str, Cluster or Conley
        Of ``vcov``; ``tables["differences"]`` has plain and unit-clustered errors
        side by side whatever is asked for. "iid" is the plain one.

    Returns
    -------
    Result
        ``estimates``: ``att`` (``att(name)`` with several outcomes), in units of the
        outcome. ``tables["differences"]``: for each outcome, with and without
        matching, treated less controls ``before`` and ``after`` and their difference
        ``did``; ``tables["wide"]`` the matched ones, an outcome a row;
        ``tables["layout"]`` the same as text in the layout of a journal, with stars
        by the clustered errors, and both errors in brackets;
        ``tables["score"]`` the model of treatment. ``units`` has a row a unit: score,
        support, weight.

    Raises
    ------
    InputError
        If the treatment is not 0/1 or changes, everyone or nobody is treated, a wave
        is missing, or a unit stands twice in a period.
    EstimationError
        If covariates separate the groups, or treated and controls do not overlap.

    Notes
    -----
    Standard errors take the weights as given: they leave out that the score was
    estimated. Clusters of two rows a unit allow for what a unit keeps; the plain error
    does not, and is what most published tables print. An outcome that is itself
    estimated, such as a fitted vulnerability, has errors that all rows share: no error
    here knows of them, and the clustered one is then far too small. Resample units
    through both steps instead.

    References
    ----------
    .. [1] Heckman, J. J., Ichimura, H. & Todd, P. E. (1997). Matching as an
       econometric evaluation estimator: evidence from evaluating a job training
       programme. Review of Economic Studies 64, 605-654.

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> land = rng.normal(size=300)
    >>> joined = (land + rng.normal(size=300) > 0).astype(int)
    >>> waves = [pd.DataFrame({"unit_id": [f"h{i}" for i in range(300)], "period": t,
    ...     "joined": joined, "land": land,
    ...     "income": land + t * (0.5 + joined) + rng.normal(size=300)})
    ...     for t in (0, 1)]
    >>> fit = psm_did("joined ~ land", pd.concat(waves, ignore_index=True),
    ...     outcome="income")
    >>> fit.estimates.round(2).to_dict()
    {'att': 1.07}
    """
    how = weights_of(matching)
    chosen = resolved(vcov, unit)
    names = outcomes_of(outcome)
    panel = read_panel(
        formula, data, names, (unit, period, post), columns_of(chosen, unit)
    )
    scored = score_panel(panel, how)
    weight = scored.weight[panel.at]
    matched = _contrast(panel, weight, chosen, unit)
    plain = _contrast(panel, np.ones(len(panel.rows)), "iid", unit)
    terms = ["att"] if len(names) == 1 else [f"att({n})" for n in names]
    picked = [3 * j + 2 for j in range(len(names))]
    differences = pd.concat(
        [_table(plain, names, "unmatched"), _table(matched, names, "matched")],
        ignore_index=True,
    )
    options: dict[str, Any] = {
        "outcome": names,
        "post": post,
        "unit": unit,
        "period": period,
    }
    options |= {"matching": how, "vcov": chosen}
    arrays = [panel.Y, panel.treated, panel.design.X, scored.value]
    return Result(
        estimator="psm_did",
        estimates=pd.Series(matched.found.estimates[2], index=terms),
        vcov=pd.DataFrame(
            matched.vcov[np.ix_(picked, picked)], index=terms, columns=terms
        ),
        units=_units(panel, scored, unit),
        facts=_facts(panel, scored, how, matched),
        tables={
            "differences": differences,
            "layout": _layout(differences),
            "wide": _wide(differences),
            "score": scored.model,
        },
        notes=(*panel.notes, *scored.notes, *matched.notes, GIVEN),
        provenance=provenance(formula, options, arrays, sources_of(data)),
    )


GIVEN = (
    "Standard errors take the score and its weights as given. Matching removes "
    "differences in what the formula holds, and differencing what stays the same "
    "between periods; without more periods before the start, that both groups would "
    "have moved alike cannot be checked."
)


@dataclass(frozen=True, eq=False)
class _Contrast:
    found: Differences
    vcov: Array
    plain: Array
    clustered: Array
    facts: dict[str, object]
    notes: tuple[str, ...]


def _contrast(panel: Panel, weight: Array, vcov: Vcov, unit: str) -> _Contrast:
    """Fit the weighted regressions, with plain and unit-clustered errors."""
    on = weight > 0
    found = weighted_differences(
        panel.Y[on], panel.treated[on], panel.post[on], weight[on]
    )
    rows, k = panel.rows[on], len(found.plain)

    def asked(option: Vcov) -> tuple[Array, dict[str, object], tuple[str, ...]]:
        if option == "iid":
            return found.plain, {"vcov": "plain (weights as given)"}, ()
        small = SmallSample(COLUMNS, COLUMNS)
        scores = [(slice(0, len(rows)), found.influence)]
        cov = covariance(option, np.eye(k), lambda: scores, rows, unit, small)
        return cov.matrix, dict(cov.facts), cov.notes

    by_unit = resolved("cluster", unit)
    clustered, facts, notes = asked(by_unit)
    chosen = clustered
    if vcov != by_unit:
        chosen, facts, notes = asked(vcov)
    return _Contrast(found, chosen, found.plain, clustered, facts, notes)


def _table(contrast: _Contrast, names: tuple[str, ...], sample: str) -> pd.DataFrame:
    values = contrast.found.estimates.T.ravel()
    plain, clustered = (
        np.sqrt(np.diag(v)) for v in (contrast.plain, contrast.clustered)
    )
    tests = [
        inference_table(pd.Series(values), pd.Series(e)) for e in (plain, clustered)
    ]
    return pd.DataFrame(
        {
            "outcome": np.repeat(names, len(CONTRASTS)),
            "sample": sample,
            "contrast": list(CONTRASTS) * len(names),
            "estimate": values,
            "std_error": plain,
            "p_value": tests[0]["p_value"].to_numpy(),
            "std_error_clustered": clustered,
            "p_value_clustered": tests[1]["p_value"].to_numpy(),
        }
    )


def _wide(differences: pd.DataFrame) -> pd.DataFrame:
    """Return an outcome a row: before, after and DID, each with both errors."""
    on = differences[differences["sample"] == "matched"]
    names = {"": "estimate", "_se": "std_error", "_se_clustered": "std_error_clustered"}
    by = on.set_index(["outcome", "contrast"])
    outcomes = list(dict.fromkeys(on["outcome"]))
    columns = {
        f"{c}{short}": [by.loc[(o, c), name] for o in outcomes]
        for c in CONTRASTS
        for short, name in names.items()
    }
    return pd.DataFrame({"outcome": outcomes, **columns})


def _layout(differences: pd.DataFrame) -> pd.DataFrame:
    """Return estimates with stars, and below them both errors in brackets."""
    on = differences[differences["sample"] == "matched"]
    lines = []
    for outcome in dict.fromkeys(on["outcome"]):
        part = on[on["outcome"] == outcome].set_index("contrast")
        cells = {
            c: number(part.loc[c, "estimate"]) + stars(part.loc[c, "p_value_clustered"])
            for c in CONTRASTS
        }
        lines.append({"outcome": outcome, "row": "estimate", **cells})
        for error in ("std_error", "std_error_clustered"):
            cells = {c: f"({number(part.loc[c, error])})" for c in CONTRASTS}
            lines.append({"outcome": outcome, "row": error, **cells})
    return pd.DataFrame(lines)


def _units(panel: Panel, scored: Scored, unit: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit_id": panel.design.rows[unit].to_numpy(),
            "treated": panel.base,
            "score": scored.value,
            "on_support": scored.supported,
            "weight": scored.weight,
        }
    )


def _facts(
    panel: Panel, scored: Scored, how: KernelWeights, matched: _Contrast
) -> dict[str, object]:
    return {
        "n_obs": len(panel.rows),
        "n_dropped": panel.dropped,
        "n_units": len(panel.base),
        "n_treated": int(panel.base.sum()),
        "n_treated_matched": int((panel.base & (scored.weight > 0)).sum()),
        "n_controls": int((~panel.base).sum()),
        "method": how.label,
        "score": how.link,
        **scored.facts,
        **matched.facts,
        **_freedom(matched),
    }


def _freedom(matched: _Contrast) -> dict[str, float]:
    """Return one less than the clusters: what t values are compared with."""
    groups = matched.facts.get("n_clusters")
    return {} if groups is None else {"df_t": float(str(groups)) - 1}
