"""The public function: a printed table in, one row a check out."""

import os
from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from geopoverty._tables import text_table
from geopoverty.audit.checks import every_finding
from geopoverty.audit.conventions import STARS, Conventions
from geopoverty.audit.findings import BLIND, CONSISTENT, INCONSISTENT
from geopoverty.audit.lines import sheet_of
from geopoverty.audit.reading import read_printed
from geopoverty.errors import InputError

COLUMNS = (
    "table", "model", "term", "check", "verdict", "printed", "expected", "reason",
)  # fmt: skip
VERDICTS = (CONSISTENT, INCONSISTENT, BLIND)


def audit(
    table: pd.DataFrame | str | os.PathLike[str],
    *,
    rounding: str = "nearest",
    stars: Mapping[str, float] | None = None,
    reference: str = "either",
) -> pd.DataFrame:
    """Check whether the numbers of a printed table can stand together.

    A printed number stands for all numbers that round to it: 0.23 for 0.225 to 0.235.
    Each check computes, from the ranges of some printed numbers, the range of another,
    and asks whether what is printed of that one meets it. A table made of true numbers
    is therefore never found inconsistent, however coarsely it is printed.

    Parameters
    ----------
    table : DataFrame or path of a CSV or TOML file
        Numbers as text keep their last zeros ("0.230"); a number without a fraction
        in a column of floats is read as printed without decimals. Two forms:

        *Wide*: one row a printed term, one column a statistic (see Notes).
        *Long*: columns ``statistic`` (its name) and ``value``.

        Beside them, all optional: ``table``, ``model`` (a column of the printed table),
        ``term``, ``of`` (the term this one is a part of), ``stars`` (else those written
        after the number), ``decimals`` (those that count, if fewer than printed). A row
        without a term holds facts of its model, one without a model those of its table.

        TOML: one table for each printed table, with facts and ``rows``.
    rounding : str
        "nearest" (a half may go either way), "half-up", "half-even", "truncation",
        or "any" (nearest or truncation).
    stars : dict of str to float, optional
        Mark to level, from one star to the most; 10, 5 and 1 per cent when not given.
    reference : str
        What a t value is held against: "normal", "t" (df, n and parameters, or
        clusters), or "either".

    Returns
    -------
    DataFrame, one row a check
        ``table, model, term, check, verdict, printed, expected, reason``; the verdict
        is "consistent", "inconsistent" or "not checkable". In ``attrs``: the options.

    Raises
    ------
    InputError
        If a column or statistic is unknown, the table is empty, a cell is no number, a
        mark has no level, a statistic stands twice, an option is unknown, or a file
        is missing or cannot be read.

    Notes
    -----
    "Inconsistent" says that the numbers as given cannot all be right. It does not say
    which, nor why: a slip of print, of conversion or of copying, rounding before
    computing, missing answers, another test than assumed.

    Statistics. Of a coefficient: ``estimate, std_error, statistic`` (t or z),
    ``p_value, conf_low, conf_high, conf_level`` (per cent), ``hazard_ratio, odds_ratio,
    ratio_low, ratio_high``. Of a model: ``n, parameters`` (with the constant), ``df,
    clusters, robust, r_squared, adj_r_squared, f_statistic, f_p_value,
    pseudo_r_squared, lr_chi2, lr_df, lr_p_value, n_treated, n_control, periods,
    instruments, hansen, hansen_df, hansen_p_value, ar2, ar2_p_value``. Of a programme:
    ``before, after, did, treated, control, effect, share_treated, mean_estimate, bias,
    bias_reduction``. Of a distribution: ``mean, sd, step, scale_low, scale_high, count,
    percent, share, cases, percent_of_cases, poverty_line, fgt0, fgt1, fgt2,
    vulnerability, r, controls``.

    Models named "unmatched" and "matched" are the two halves of a balance table. The
    parts of a whole (column ``of``) must be all of it, and exclusive. "half-up",
    "half-even" and "truncation" are taken exactly, although software that rounds binary
    numbers may not keep to them: when in doubt, leave "nearest", or use "any".

    `audit_checks` lists every check: question, formula, what makes it not checkable.

    References
    ----------
    Interval arithmetic: Moore, R. E. (1966). Interval analysis. Prentice-Hall. Means of
    whole answers: Brown & Heathers (2017), Social Psychological and Personality
    Science 8, 363-369.

    Examples
    --------
    >>> printed = pd.DataFrame({
    ...     "term": ["upgrading", "integration"], "estimate": ["0.23*", "1.06***"],
    ...     "std_error": ["0.13", "0.32"], "hazard_ratio": ["1.02", "2.89"]})
    >>> found = audit(printed)
    >>> broken = found[found["verdict"] == "inconsistent"]
    >>> broken[["term", "check", "printed", "expected"]].values.tolist()
    [['upgrading', 'hazard ratio = exp(coefficient)', '1.02', '1.2523 to 1.2649']]
    """
    levels = STARS if stars is None else tuple((k, float(v)) for k, v in stars.items())
    conventions = Conventions(rounding, levels, reference)
    if not isinstance(table, pd.DataFrame | str | os.PathLike):
        raise InputError(
            f"The table must be a DataFrame or a path; got {type(table).__name__}. "
            "Give pd.DataFrame(...) or the name of a CSV or TOML file."
        )
    frame = table if isinstance(table, pd.DataFrame) else read_printed(table)
    found = every_finding(sheet_of(frame, conventions), conventions)
    rows = [
        (*f.place, f.check, f.verdict, f.printed, f.expected, f.reason) for f in found
    ]
    report = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    report.attrs = asdict(conventions) | {"stars": dict(levels)}
    return report


def audit_text(report: pd.DataFrame) -> str:
    """Return a report as text: all checks, how they came out, and why where they fail.

    Parameters
    ----------
    report : DataFrame
        From `audit`.

    Examples
    --------
    >>> printed = pd.DataFrame({"estimate": ["1.0"], "hazard_ratio": [3]})
    >>> print(audit_text(audit(printed)))
                                check     verdict printed          expected
    1  hazard ratio = exp(coefficient) consistent       3  2.5857 to 2.8577
    <BLANKLINE>
    1 check: 1 consistent, 0 inconsistent, 0 not checkable.
    """
    counts = report["verdict"].value_counts()
    shown = [c for c in COLUMNS[:-1] if c == "check" or report[c].ne("").any()]
    numbered = report[shown].set_axis(range(1, len(report) + 1))
    said = ", ".join(f"{counts.get(v, 0)} {v}" for v in VERDICTS)
    parts = [f"{len(report)} check{'' if len(report) == 1 else 's'}: {said}."]
    if len(report):
        parts.insert(0, text_table(numbered))
    broken = report[report["verdict"] == INCONSISTENT]
    reasons = [
        f"{i + 1}. {', '.join(p for p in (r.table, r.model, r.term) if p)}: {r.reason}"
        for i, r in zip(broken.index, broken.itertuples(), strict=True)
    ]
    return "\n\n".join([*parts, "\n".join(reasons)] if reasons else parts)
