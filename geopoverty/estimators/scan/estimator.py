"""The public function that scans industries."""

from collections.abc import Callable, Sequence

import pandas as pd

from geopoverty.errors import InputError
from geopoverty.estimators.scan.counts import COUNT, read_counts, rows_of
from geopoverty.estimators.scan.report import (
    chosen_terms,
    estimates_of,
    facts_of,
    families,
    notes_of,
    scan_table,
    units_table,
)
from geopoverty.estimators.scan.run import Job, fit_all, takes_two
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result


def industry_scan(
    fit: Callable[..., Result],
    data: pd.DataFrame,
    clusters: pd.DataFrame,
    *,
    unit: str = "unit_id",
    period: str | None = None,
    terms: Sequence[str] | None = None,
    min_units: int = 5,
    workers: int | None = None,
) -> Result:
    """Fit one model for each industry, and adjust p-values for their number.

    Parameters
    ----------
    fit : callable
        From a table to a Result. The table is `data` with the column ``clusters``:
        how many clusters of the industry the row's unit has. A function of two
        arguments gets a table of all units with ``unit_id``, ``period`` (if asked
        for) and ``clusters`` besides, for lags: ``lambda homes, counties:
        gp.logit("poor ~ clusters + W(clusters)", homes, weights=W,
        unit_data=counties)``.
    data : DataFrame, n rows
        What `fit` takes, without a column ``clusters``. Never modified.
    clusters : DataFrame
        From ``count_clusters(..., by="code")``: ``unit_id``, ``period`` (if asked
        for), ``level``, ``code``, ``clusters``; each unit of `data` with each code.
    unit, period : str
        Columns of `data` with the unit and, if clusters have periods, the period.
    terms : sequence of str, optional
        Which terms to report; when not given, those that have ``clusters`` in them.
    min_units : int
        Least number of units in `data` that have a cluster (in some period), and that
        have another count than the commonest: codes with fewer are reported without
        a fit. 1 or more.
    workers : int, optional
        Threads; as many as there are cores when not given. Results do not depend on
        it.

    Returns
    -------
    Result
        ``tables["scan"]``: ``level, code, term, estimate, std_error, statistic,
        p_value, p_holm, p_bh, n_units_with, note``, sorted by level and code, with
        every code: those without a fit say why in ``note``. P-values are adjusted
        over the fitted codes of one level, term by term: that is the family.
        ``tables["families"]``: level, term, number of tests, and how many are below
        0.05 raw, by Holm (chance of any false discovery) and by Benjamini-Hochberg
        (expected share of false ones). ``estimates``: ``"171: clusters"``; covariances
        between industries are not estimated and missing in ``vcov``.

    Raises
    ------
    InputError
        If columns are missing, `data` has ``clusters``, a unit has no count, counts
        repeat, or `terms` are in no fit.
    EstimationError
        If no industry can be fitted.

    Notes
    -----
    Industries that lie in the same counties are correlated; Holm holds under any
    dependence, Benjamini-Hochberg under positive dependence (Benjamini & Yekutieli
    2001). Each model leaves the other industries out, so what one seems to do may be
    what its neighbours in the county do. Warnings of single fits are not shown: what
    they say is in the notes.

    References
    ----------
    Holm (1979); Benjamini & Hochberg (1995); Benjamini, Y. & Yekutieli, D. (2001).
    The control of the false discovery rate in multiple testing under dependency.
    Annals of Statistics 29, 1165-1188.

    Examples
    --------
    >>> import geopoverty as gp
    >>> counties = [f"{i:02d}" for i in range(20)]
    >>> counts = pd.DataFrame({"unit_id": counties * 2, "level": 3,
    ...     "code": ["171"] * 20 + ["341"] * 20,
    ...     "clusters": [0, 1] * 10 + [0] * 19 + [1]})
    >>> poor = [1, 1, 0, 0, 1, 1, 0, 0, 0, 1] * 2
    >>> homes = pd.DataFrame({"unit_id": counties, "poor": poor})
    >>> scan = industry_scan(lambda t: gp.logit("poor ~ clusters", t), homes, counts)
    >>> table = scan.tables["scan"].round(3)
    >>> table[["code", "estimate", "n_units_with"]].to_numpy().tolist()
    [['171', 0.811, 10], ['341', nan, 1]]
    """
    if COUNT in data.columns:
        raise InputError(
            f"The column '{COUNT}' is what the scan fills in; the table has one. "
            f"Rename it: data.rename(columns={{'{COUNT}': 'all_clusters'}})."
        )
    counts = read_counts(clusters, period)
    rows = rows_of(data, counts, unit, period)
    job = Job(fit, data, counts, rows, min_units, takes_two(fit))
    found = fit_all(job, workers)
    chosen = chosen_terms(found, terms)
    table = scan_table(found, counts, chosen)
    parts = {f.code: f.result for f in found if f.result is not None}
    estimates, vcov = estimates_of(parts, chosen)
    sources = [s for r in parts.values() for s in r.provenance.get("data", ())]
    return Result(
        estimator="industry_scan",
        estimates=estimates,
        vcov=vcov,
        units=units_table(counts),
        facts=facts_of(parts, found, data),
        tables={"scan": table, "families": families(table)},
        notes=tuple(dict.fromkeys(notes_of(parts, found))),
        provenance=provenance(
            "; ".join(
                dict.fromkeys(r.provenance.get("formula", "") for r in parts.values())
            ),
            {"unit": unit, "period": period, "min_units": min_units},
            [counts.table, rows, estimates.to_numpy()],
            [*sources_of(data, clusters), *sources],
        ),
    )
