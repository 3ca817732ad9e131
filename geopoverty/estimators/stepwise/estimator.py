"""The public function that searches for covariates."""

from dataclasses import replace
from typing import Any

import pandas as pd

from geopoverty._checks import require_option
from geopoverty._progress import stages
from geopoverty.covariances import Cluster, Conley, Vcov, columns_of, resolved
from geopoverty.design import Design, build_design
from geopoverty.design.sample import Sample, shares_lags
from geopoverty.estimators.stepwise.model import Kind
from geopoverty.estimators.stepwise.options import MODELS, Search, search_of
from geopoverty.estimators.stepwise.report import (
    candidates_table,
    chosen_formula,
    path_table,
    search_facts,
    search_notes,
    units_table,
)
from geopoverty.estimators.stepwise.search import terms_to_choose, walk
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result
from geopoverty.weights import as_weights


def stepwise(
    formula: str,
    data: pd.DataFrame,
    *,
    model: str = "ols",
    search: str | Search = "both",
    vcov: Vcov = "hc1",
    weights: Any = None,
    unit: str = "unit_id",
    period: str | None = None,
) -> Result:
    """Choose covariates step by step: exploratory, and marked so.

    Parameters
    ----------
    formula : str
        ``"income ~ age + C(region) + jobs + W(jobs)"``: the widest model, with a
        constant. A category moves as one term; a part of an interaction stays as long
        as the interaction does.
    data : DataFrame, n rows
        Rows with a missing value in any term are dropped and counted, so that all
        models are compared on the same rows. Never modified.
    model : {"ols", "logit", "probit"}
        For the binary ones the outcome is 0 or 1.
    search : {"both", "backward", "forward"} or Search
        Steps by AIC in this direction; "both" starts from all terms. Use `Search` for
        BIC, p-values, another start, or terms that always stay.
    vcov : {"iid", "hc0", "hc1", "cluster"}, Cluster or Conley
        Of the model chosen. The search itself takes rows for independent with one
        variance (F tests; likelihood ratios for binary outcomes), as R's ``step``.
    weights : SpatialWeights, libpysal Graph or W, optional
        Between units; needed by ``W(x)``.
    unit, period : str
        Columns (or the index) that name a row's unit and period. With `period`,
        lags are taken within periods.

    Returns
    -------
    Result
        ``estimates`` of the chosen model. ``facts``: ``chosen`` (its formula, to give
        to `ols` or `logit` with other rows), ``exploratory`` (always True), numbers
        of terms and of models compared, AIC and BIC (on the scale of `ols` and
        `logit`). ``tables``: ``path`` (the start and each step: change, columns,
        log-likelihood, AIC, BIC, and the test of the term that came or went),
        ``candidates`` (every step that was open at each model, and whether it was
        taken). ``units``: a row for each row used, with outcome and fitted value.

    Raises
    ------
    InputError
        For unknown or collinear columns, no more rows than columns, an outcome that
        does not vary (or is not 0/1), a formula without a constant, an interaction
        without its parts, or an unknown option.
    EstimationError
        If all terms together fit the outcome perfectly.

    Warns
    -----
    GeoPovertyWarning
        If there are fewer than 40 clusters.

    Notes
    -----
    Choosing by the outcome makes coefficients too large and p-values too small, even
    if each model is right by itself [1]_. Sampling weights have no part in it: give
    the formula chosen to `ols`. Terms that depend on all rows (``poly``, ``scale``)
    are computed once, from the widest model's rows.

    References
    ----------
    .. [1] Freedman, D. A. (1983). A note on screening regression equations. The
       American Statistician 37, 152-155.

    Examples
    --------
    >>> homes = pd.DataFrame({"age": range(20), "debt": [1.0, 3, 2, 5] * 5})
    >>> homes["income"] = 2 * homes["debt"] + [0.1, -0.1, 0.2, -0.3, 0.1] * 4
    >>> found = stepwise("income ~ age + debt", homes)
    >>> found.facts["chosen"], found.tables["path"]["change"].tolist()
    ('income ~ debt', ['start', '- age'])
    """
    require_option(model, MODELS, "model")
    how, kind, chosen_vcov = search_of(search), Kind(model), resolved(vcov, unit)
    held = None if weights is None else as_weights(weights)
    sample = Sample(unit, period)
    needed = columns_of(chosen_vcov, unit)
    design = build_design(
        formula,
        data,
        roles=replace(sample.roles, others=needed),
        weights=held,
        collinear=True,
    )
    smaller = kind.check(design)
    terms = terms_to_choose(design, how.keep)
    with stages("Stepwise search, model") as stepped:
        subsets = kind.subsets(design)
        found = walk(subsets, terms, how, len(design.y), kind.extra, stepped)
    columns = terms.of(found.chosen)
    last = kind.fit(design, columns, chosen_vcov, unit)
    names = [design.names[j] for j in columns]
    options = {
        "model": model,
        "search": str(how),
        "vcov": vcov,
        "weights": weights,
        "unit": unit,
        "period": period,
    }
    return Result(
        estimator="stepwise",
        estimates=pd.Series(last.beta, index=names),
        vcov=pd.DataFrame(last.cov.matrix, index=names, columns=names),
        units=units_table(design, sample, last.fitted),
        facts={
            "n_obs": len(design.y),
            "n_dropped": design.dropped,
            "outcome": design.formula.outcome,
            "model": model,
            "chosen": chosen_formula(design, terms, found),
            **search_facts(how, found, terms),
            **last.cov.facts,
            **({} if last.df is None else {"df_t": last.df}),
        },
        tables={
            "path": path_table(found, terms),
            "candidates": candidates_table(found, terms),
        },
        notes=(
            *search_notes(design, terms, found, smaller),
            *design.notes,
            *_shared_lags(design, chosen_vcov, unit),
            *last.cov.notes,
            *(() if held is None else held.notes),
        ),
        provenance=provenance(
            formula, options, [design.y, design.X], sources_of(data, held)
        ),
    )


def _shared_lags(design: Design, vcov: Vcov, unit: str) -> list[str]:
    if not shares_lags(design, unit) or isinstance(vcov, Cluster | Conley):
        return []
    return [
        f"Rows of one {unit} share its lags, but the search and these standard errors "
        "take rows for independent; vcov='cluster' does not."
    ]
