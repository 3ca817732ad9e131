"""Any estimator, group by group, with tests that the groups differ."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg

from geopoverty._checks import first, require, require_columns, require_option
from geopoverty.errors import EstimationError, GeoPovertyError, InputError
from geopoverty.numerics.equality import Wald, equality
from geopoverty.numerics.types import Array, Codes
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result

Fit = Callable[[pd.DataFrame], Result]
CLUSTERED = "clustered by "
# What the names of estimators with a latent scale have in them.
SCALED = ("logit", "probit", "binary", "control_function")


def by_group(
    fit: Fit,
    data: pd.DataFrame,
    *,
    by: str,
    min_rows: int = 10,
    on_error: str = "raise",
) -> Result:
    """Fit any estimator in each group of rows, and test that the groups differ.

    Parameters
    ----------
    fit : callable
        From a table to a Result, such as ``lambda part: gp.logit("poor ~ jobs +
        W(jobs)", part, weights=W, unit_data=counties)``. Lags need ``unit_data=``
        where a group does not hold every unit.
    data : DataFrame, n rows
        What `fit` takes. Never modified.
    by : str
        Column whose values are the groups: text, numbers, yes/no or categories.
    min_rows : int
        Least number of rows of a group, 1 or more.
    on_error : {"raise", "note"}
        What to do where some groups cannot be fitted: raise one error that names
        them all, or leave them out with a note. At least two must remain.

    Returns
    -------
    Result
        ``estimates``: ``"east: jobs"`` for text, ``"poor=1: jobs"`` for others, with
        a block-diagonal ``vcov``. ``tables["equality"]``: for each term that several
        groups have, and jointly for all but the intercept (``"all slopes"``) and for
        all (``"all terms"``), the Wald test that groups have the same coefficient:
        ``term, n_groups, statistic`` (chi-squared), ``df, p_value``.
        ``tables["equality_effects"]``: the same for the average effects, where the
        estimator has them. ``tables["groups"]``: the facts of each group. All tables
        of the groups and ``units``, with a column ``group``.

    Raises
    ------
    InputError
        If `by` is missing in the table or in rows, there is one group, a group has
        too few rows, or `fit` gives no Result.
    EstimationError
        If groups cannot be fitted; the message says which and why. (InputError where
        all of them break a rule of input.)

    Notes
    -----
    Groups count as independent of each other. Coefficients of logit and probit are
    relative to the spread of what is not observed, which may differ between groups
    (Allison 1999): compare effects. Groups cut from the outcome (the poor and the
    others, for income) select on it, which biases coefficients towards 0.

    References
    ----------
    Allison, P. D. (1999). Comparing logit and probit coefficients across groups.
    Sociological Methods and Research 28, 186-208.

    Examples
    --------
    >>> import geopoverty as gp
    >>> homes = pd.DataFrame({"region": ["east"] * 6 + ["west"] * 6,
    ...     "poor": [1, 1, 0, 1, 0, 0] * 2, "age": [2, 4, 3, 1, 5, 6] * 2})
    >>> fit = by_group(lambda part: gp.logit("poor ~ age", part, vcov="iid"), homes,
    ...                by="region", min_rows=6)
    >>> fit.estimates.round(3).to_dict()["west: age"]
    -1.214
    >>> fit.tables["equality"]["statistic"].to_list()
    [0.0, 0.0, 0.0, 0.0]
    """
    require_option(on_error, ("raise", "note"), "on_error")
    codes, labels = _groups(data, by, min_rows)
    parts, failed = _fitted(fit, data, codes, labels)
    notes = _failures(failed, parts, len(labels), on_error)
    blocks = {g: r.vcov.to_numpy(float) for g, r in parts.items()}
    terms = [f"{g}: {t}" for g, r in parts.items() for t in r.estimates.index]
    values = np.concatenate([r.estimates.to_numpy(float) for r in parts.values()])
    matrix = linalg.block_diag(*blocks.values())
    tables, skipped = _equality_tables(parts)
    notes += [*skipped, *_warnings_of(parts, data, by, codes)]
    formulas = dict.fromkeys(r.provenance.get("formula", "") for r in parts.values())
    sources = [s for r in parts.values() for s in r.provenance.get("data", ())]
    hashes = [str(r.provenance.get("data_hash", "")) for r in parts.values()]
    return Result(
        estimator="by_group",
        estimates=pd.Series(values, index=terms),
        vcov=pd.DataFrame(matrix, index=terms, columns=terms),
        units=_stacked({g: r.units for g, r in parts.items()}),
        facts=_facts(parts, by),
        tables={**_tables_of(parts), **tables},
        notes=tuple(dict.fromkeys([*notes, *_notes_of(parts)])),
        provenance=provenance(
            "; ".join(formulas),
            {"by": by, "min_rows": min_rows, "on_error": on_error},
            [np.array(hashes), values],
            [*sources_of(data), *sources],
        ),
    )


def _groups(data: pd.DataFrame, by: str, min_rows: int) -> tuple[Codes, list[str]]:
    """Return which group each row is in, and what groups are called."""
    require_columns(data, [by], "by_group")
    column = data[by]
    require(
        column.notna().to_numpy(),
        f"Every row needs a group; in '{by}'",
        ids=data.index,
        way_out=f"Drop these rows, or name their group: data['{by}'].fillna('none').",
    )
    if min_rows < 1:
        raise InputError(f"min_rows must be 1 or more; got {min_rows}.")
    codes, levels = pd.factorize(column, sort=True)
    if len({isinstance(v, str) for v in levels}) > 1:
        raise InputError(
            f"The groups must be of one type; '{by}' mixes text and others. Make them "
            f"text: data['{by}'].astype(str)."
        )
    labels = [v if isinstance(v, str) else f"{by}={_short(v)}" for v in levels]
    if len(labels) < 2:
        raise InputError(
            f"by_group needs at least two groups; '{by}' has {len(labels)} "
            f"({first(labels)}). Name another column, or fit without groups."
        )
    counts = np.bincount(codes, minlength=len(labels))
    few = [f"{g}: {c}" for g, c in zip(labels, counts, strict=True) if c < min_rows]
    if few:
        raise InputError(
            f"Every group needs at least {min_rows} rows; {len(few)} of {len(labels)} "
            f"groups of '{by}' have fewer ({first(few)}). Merge or drop them, or lower "
            "min_rows."
        )
    return codes, labels


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fitted(
    fit: Fit, data: pd.DataFrame, codes: Codes, labels: list[str]
) -> tuple[dict[str, Result], dict[str, GeoPovertyError]]:
    parts: dict[str, Result] = {}
    failed: dict[str, GeoPovertyError] = {}
    for code, label in enumerate(labels):
        part = data.loc[codes == code]
        part.attrs = dict(data.attrs)
        try:
            found = fit(part)
        except GeoPovertyError as error:
            failed[label] = error
            continue
        if not isinstance(found, Result):
            raise InputError(
                f"fit must return a Result; it gave a {type(found).__name__}. Pass a "
                "function of a table, such as lambda part: gp.logit('y ~ x', part)."
            )
        parts[label] = found
    return parts, failed


def _failures(
    failed: dict[str, GeoPovertyError],
    parts: dict[str, Result],
    count: int,
    on_error: str,
) -> list[str]:
    """Raise for groups that could not be fitted, or return notes on them."""
    said: dict[str, list[str]] = {}
    for group, error in failed.items():
        said.setdefault(str(error), []).append(group)
    reasons = [f"{first(groups)}: {error}" for error, groups in said.items()]
    if not reasons:
        return []
    if on_error == "note" and len(parts) >= 2:
        return [f"{reason} (Left out.)" for reason in reasons]
    rules = all(isinstance(e, InputError) for e in failed.values())
    kind = InputError if rules else EstimationError
    out = (
        "Merge groups, or leave these out with on_error='note'."
        if len(parts) >= 2
        else "Fewer than two groups are left: merge groups, or fit without them."
    )
    raise kind(
        f"The model must fit in every group; in {len(failed)} of {count} it does not. "
        f"{' | '.join(reasons)} | {out}"
    )


def _equality_tables(
    parts: dict[str, Result],
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    results = list(parts.values())
    terms = dict.fromkeys(t for r in results for t in r.estimates.index)
    common = [t for t in terms if all(t in r.estimates.index for r in results)]
    slopes = [t for t in common if t != "Intercept"]
    sets = {t: [t] for t in terms}
    if len(common) > 1:
        sets |= {"all slopes": slopes, "all terms": common}
    rows, notes = [], []
    for name, chosen in sets.items():
        within = [r for r in results if all(t in r.estimates.index for t in chosen)]
        if len(within) < 2 or not chosen:
            continue
        test = _wald(within, chosen)
        rows.append({"term": name, "n_groups": len(within), **vars(test)})
        if np.isnan(test.statistic):
            notes.append(f"No test that groups share {name}: {_SINGULAR}")
    tables = {"equality": pd.DataFrame(rows, columns=_EQUALITY)}
    effects = _equal_effects(results)
    return (tables | {"equality_effects": effects} if len(effects) else tables), notes


_EQUALITY = ["term", "n_groups", "statistic", "df", "p_value"]
_SINGULAR = (
    "the covariance of the differences is missing or singular (fewer clusters than "
    "coefficients?)."
)


def _wald(results: list[Result], terms: list[str]) -> Wald:
    return equality(
        np.array([r.estimates[terms].to_numpy(float) for r in results]),
        np.array([r.vcov.loc[terms, terms].to_numpy(float) for r in results]),
    )


def _equal_effects(results: list[Result]) -> pd.DataFrame:
    """Test effect by effect that groups agree."""
    needed = ["term", "effect", "estimate", "std_error"]
    tables = [r.tables["effects"] for r in results if "effects" in r.tables]
    tables = [t[needed] for t in tables if set(needed) <= set(t.columns)]
    rows: list[dict[str, Any]] = []
    if len(tables) < 2:
        return pd.DataFrame(rows)
    every = pd.concat(tables, ignore_index=True)
    for (term, effect), found in every.groupby(["term", "effect"], sort=False):
        if len(found) < 2:
            continue
        variances = found["std_error"].to_numpy(float)[:, None, None] ** 2
        test = equality(found[["estimate"]].to_numpy(float), variances)
        keys = {"term": term, "effect": effect, "n_groups": len(found)}
        rows.append({**keys, **vars(test)})
    return pd.DataFrame(rows)


def _warnings_of(
    parts: dict[str, Result], data: pd.DataFrame, by: str, codes: Codes
) -> list[str]:
    """Say what makes the comparison of groups doubtful."""
    notes = ["Tests that groups differ take the groups as independent of each other."]
    kinds = dict.fromkeys(str(r.facts.get("vcov", "")) for r in parts.values())
    for kind in kinds:
        if kind.startswith("Conley"):
            notes.append(
                "Errors of units that are close may be dependent across groups, too: "
                "that covariance is taken as 0."
            )
        if kind.startswith(CLUSTERED):
            columns = kind.removeprefix(CLUSTERED).split(" and ")
            notes += [n for c in columns for n in _straddling(data, c, codes)]
    if any(k in r.estimator for r in parts.values() for k in SCALED):
        notes.append(
            "Coefficients of binary models are relative to the spread of what is not "
            "observed, which may differ between groups (Allison 1999): compare the "
            "effects (equality_effects)."
        )
    outcomes = dict.fromkeys(r.facts.get("outcome") for r in parts.values())
    return notes + [n for y in outcomes for n in _cut_from(data, y, by, codes)]


def _straddling(data: pd.DataFrame, column: str, codes: Codes) -> list[str]:
    keys = data[column] if column in data.columns else None
    if keys is None and data.index.name == column:
        keys = data.index.to_series()
    if keys is None:
        return [f"Whether clusters of '{column}' lie in several groups is not known."]
    held = pd.Series(codes).groupby(keys.to_numpy()).nunique()
    several = held.index[held > 1]
    if not len(several):
        return []
    return [
        f"{len(several)} of {len(held)} clusters of '{column}' have rows in several "
        f"groups ({first(several)}): the covariance between groups that they bring "
        "about is taken as 0, so the tests that groups differ are approximate."
    ]


def _cut_from(data: pd.DataFrame, outcome: Any, by: str, codes: Codes) -> list[str]:
    """Note groups whose ranges of the outcome do not overlap."""
    if outcome not in data.columns:
        return []
    y = data[outcome]
    if not pd.api.types.is_numeric_dtype(y) or y.nunique() <= 2:
        return []
    ranges = y.astype(float).groupby(codes).agg(["min", "max"]).sort_values("min")
    low, high = ranges["min"].to_numpy()[1:], ranges["max"].to_numpy()[:-1]
    if not (high <= low).all():
        return []
    return [
        f"The groups of '{by}' are cut from the outcome '{outcome}' (their ranges do "
        "not overlap): selection on the outcome biases coefficients, as a rule "
        "towards 0. Compare quantile regressions, or cut groups by what "
        "came before."
    ]


@dataclass(frozen=True)
class _Said:
    """A note and the groups that have it."""

    note: str
    groups: list[str]

    def text(self, count: int) -> str:
        if len(self.groups) == count:
            return self.note
        return f"{first(self.groups)}: {self.note}"


def _notes_of(parts: dict[str, Result]) -> list[str]:
    said: dict[str, _Said] = {}
    for group, result in parts.items():
        for note in result.notes:
            said.setdefault(note, _Said(note, [])).groups.append(group)
    return [s.text(len(parts)) for s in said.values()]


def _tables_of(parts: dict[str, Result]) -> dict[str, pd.DataFrame]:
    names = dict.fromkeys(name for r in parts.values() for name in r.tables)
    tables = {
        name: _stacked(
            {g: r.tables[name] for g, r in parts.items() if name in r.tables}
        )
        for name in names
    }
    facts = [{"group": g, **r.facts} for g, r in parts.items()]
    return {"groups": pd.DataFrame(facts), **tables}


def _stacked(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Set tables one below the other, with the group before their columns."""
    out = []
    for group, table in tables.items():
        plain = isinstance(table.index, pd.RangeIndex) and table.index.name is None
        part = table if plain else table.reset_index()
        part = part.rename(columns={"group": "inner_group"})
        out.append(part.assign(group=group)[["group", *part.columns]])
    return pd.concat(out, ignore_index=True)


def _facts(parts: dict[str, Result], by: str) -> dict[str, Any]:
    results = parts.values()
    facts: dict[str, Any] = {
        "n_obs": sum(int(r.facts["n_obs"]) for r in results),
        "n_dropped": sum(int(r.facts["n_dropped"]) for r in results),
        "fitted": ", ".join(dict.fromkeys(r.estimator for r in results)),
        "by": by,
        "n_groups": len(parts),
    }
    facts |= {k: v for k in ("outcome", "vcov") if (v := _shared(results, k))}
    if all("log_likelihood" in r.facts for r in results):
        likelihood: Array = np.array([r.facts["log_likelihood"] for r in results])
        facts["log_likelihood"] = float(likelihood.sum())
    freedom = [r.facts["df_t"] for r in results if r.facts.get("df_t") is not None]
    if freedom:
        # One law for all: the widest intervals of any group.
        facts["df_t"] = float(min(freedom))
    return facts


def _shared(results: Iterable[Result], fact: str) -> Any:
    values = dict.fromkeys(r.facts.get(fact) for r in results)
    return next(iter(values)) if len(values) == 1 else None
