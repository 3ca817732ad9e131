"""What the fits of all industries say together."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.scan.counts import COUNT, Counts
from geopoverty.estimators.scan.run import Found
from geopoverty.numerics.multiplicity import benjamini_hochberg, holm
from geopoverty.results import Result

NAMED = re.compile(rf"\b{COUNT}\b")


def chosen_terms(found: list[Found], terms: Sequence[str] | None) -> list[str]:
    """Return the terms to report, in the order of the fits."""
    fitted = [f.result for f in found if f.result is not None]
    if not fitted:
        reasons = [f"{f.code}: {f.note}" for f in found]
        raise EstimationError(
            f"No industry could be fitted, of {len(found)}. {first(reasons, 3)} Lower "
            "min_units, or count clusters of a coarser level."
        )
    every = dict.fromkeys(t for r in fitted for t in r.estimates.index)
    if terms is None:
        named = [t for t in every if NAMED.search(t)]
        if not named:
            raise InputError(
                f"The model must hold '{COUNT}'; its terms are {first(every, 12)}. "
                f"Write it into the formula, such as 'poor ~ {COUNT}', or name terms=."
            )
        return named
    asked = [terms] if isinstance(terms, str) else list(terms)
    unknown = [t for t in asked if t not in every]
    if unknown or not asked:
        raise InputError(
            f"terms must be terms of the model; {first(unknown) or 'none'} "
            f"are not. It has: {first(every, 12)}."
        )
    return asked


def scan_table(found: list[Found], counts: Counts, terms: list[str]) -> pd.DataFrame:
    """Return a row for each code and term, with adjusted p-values."""
    rows = []
    for j, one in enumerate(found):
        tidy = _tidy(one.result)
        keys = {c: counts.industries[c].iloc[j] for c in ("level", "code")}
        for term in terms:
            there = term in tidy.index
            numbers = tidy.loc[term] if there else pd.Series(np.nan, index=_NUMBERS)
            note = one.note or ("" if there else "The fit of this code lacks the term.")
            end = {"n_units_with": one.n_units_with, "note": note}
            rows.append({**keys, "term": term, **numbers[_NUMBERS], **end})
    table = pd.DataFrame(rows)
    family = table.groupby(["level", "term"], sort=False)["p_value"]
    for name, adjusted in (("p_holm", holm), ("p_bh", benjamini_hochberg)):
        values = family.transform(lambda p, f=adjusted: f(p.to_numpy(float)))
        table.insert(table.columns.get_loc("n_units_with"), name, values)
    return table


def _tidy(result: Result | None) -> pd.DataFrame:
    if result is None:
        return pd.DataFrame(columns=_NUMBERS)
    return result.tidy().set_index("term")


_NUMBERS = ["estimate", "std_error", "statistic", "p_value"]


def families(table: pd.DataFrame) -> pd.DataFrame:
    """Count tests and discoveries of each family."""
    rows = [
        {
            "level": level,
            "term": term,
            "n_codes": len(part),
            "n_tests": int(part["p_value"].notna().sum()),
            "raw_below_05": int((part["p_value"] < 0.05).sum()),
            "holm_below_05": int((part["p_holm"] < 0.05).sum()),
            "bh_below_05": int((part["p_bh"] < 0.05).sum()),
        }
        for (level, term), part in table.groupby(["level", "term"], sort=False)
    ]
    return pd.DataFrame(rows)


def estimates_of(
    parts: dict[str, Result], terms: list[str]
) -> tuple[pd.Series, pd.DataFrame]:
    """Return estimates of all codes, and their covariance within each code."""
    kept = {c: [t for t in terms if t in r.estimates.index] for c, r in parts.items()}
    names = [f"{c}: {t}" for c, held in kept.items() for t in held]
    values = [parts[c].estimates[t] for c, held in kept.items() for t in held]
    matrix, start = np.full((len(names), len(names)), np.nan), 0
    for code, held in kept.items():
        here = slice(start, start + len(held))
        matrix[here, here] = parts[code].vcov.loc[held, held].to_numpy(float)
        start += len(held)
    return (
        pd.Series(values, index=names, dtype=np.float64),
        pd.DataFrame(matrix, index=names, columns=names),
    )


def units_table(counts: Counts) -> pd.DataFrame:
    """Return the clusters of each place in all industries of a level."""
    table = counts.places.copy()
    levels = counts.industries["level"].to_numpy()
    for level in pd.unique(levels):
        table[f"clusters_{level}"] = counts.table[:, levels == level].sum(axis=1)
    return table


def facts_of(
    parts: dict[str, Result], found: list[Found], data: pd.DataFrame
) -> dict[str, Any]:
    """Return how much was fitted, and the degrees of freedom of t tests, if any."""
    results = list(parts.values())
    used = max(int(r.facts["n_obs"]) for r in results)
    facts: dict[str, Any] = {
        "n_obs": used,
        "n_dropped": len(data) - used,
        "fitted": ", ".join(dict.fromkeys(r.estimator for r in results)),
        "n_codes": len(found),
        "n_fitted": len(parts),
    }
    freedom = {r.facts.get("df_t") for r in results}
    if freedom != {None}:
        # One law for all: the widest intervals of any code.
        facts["df_t"] = float(min(f for f in freedom if f is not None))
    return facts


def notes_of(parts: dict[str, Result], found: list[Found]) -> Iterable[str]:
    """Say what must be read with the table, and what the fits' notes say."""
    yield (
        "P-values are adjusted over the fitted codes of one level, term by term "
        "(p_holm, p_bh); p_value is as if one code had been tested."
    )
    yield "Covariances between industries are not estimated."
    lost = [f.code for f in found if f.result is None]
    if lost:
        yield (
            f"{len(lost)} of {len(found)} codes have no fit ({first(lost)}); the "
            "column note says why."
        )
    freedom = {r.facts.get("df_t") for r in parts.values()}
    if len(freedom) > 1:
        yield (
            "Degrees of freedom differ between codes: the table has each code's own, "
            "intervals of the estimates the fewest."
        )
    held: dict[str, list[str]] = {}
    for code, result in parts.items():
        for note in result.notes:
            held.setdefault(note, []).append(code)
    for note, codes in held.items():
        yield note if len(codes) == len(parts) else f"{first(codes)}: {note}"
