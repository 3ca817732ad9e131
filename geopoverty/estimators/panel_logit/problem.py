"""What a panel logit works on: a design, and whose rows are whose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import binary_outcome, first, require
from geopoverty.covariances import (
    Cluster,
    Conley,
    Covariance,
    Vcov,
    columns_of,
    covariance,
    resolved,
)
from geopoverty.design import Design, Roles, build_design
from geopoverty.design.panel import require_each_once
from geopoverty.errors import InputError
from geopoverty.estimators.panel_logit.options import Keys, Kind, Neighbors
from geopoverty.numerics.strata import Strata, strata, varying
from geopoverty.numerics.types import Array, Mask
from geopoverty.weights import SpatialWeights, as_weights


@dataclass(frozen=True, eq=False)
class Problem:
    """A design with its individuals.

    Attributes
    ----------
    design : Design
    keys : Keys
    kind : Kind
    vcov : Vcov
        Resolved.
    groups : Strata
        Rows of each individual, in order of their ids.
    labels : Index
        The individuals.
    changing : array of bool, shape (groups,)
        Individuals that have both outcomes.
    notes : tuple of str
    sources : tuple
        Tables and weights that went in.
    """

    design: Design
    keys: Keys
    kind: Kind
    vcov: Vcov
    groups: Strata
    labels: pd.Index
    changing: Mask
    notes: tuple[str, ...]
    sources: tuple[Any, ...]

    @property
    def facts(self) -> dict[str, Any]:
        """Counts that every panel logit reports."""
        rows, keys = self.design.rows, self.keys
        facts = {
            "n_obs": len(rows),
            "n_dropped": self.design.dropped,
            "outcome": self.design.formula.outcome,
            "effects": self.kind.name,
            "n_individuals": self.groups.groups,
            "n_individuals_unchanging": int((~self.changing).sum()),
            "n_periods": int(rows[keys.period].nunique()),
        }
        if keys.unit in rows:
            facts["n_units"] = int(rows[keys.unit].nunique())
        return facts


def problem_of(
    formula: str, data: pd.DataFrame, keys: Keys, kind: Kind, options: dict[str, Any]
) -> Problem:
    """Check input and build the design.

    Parameters
    ----------
    formula, data
        As the user gave them.
    keys : Keys
    kind : Kind
    options : dict
        ``weights`` and ``vcov``, as given.

    Raises
    ------
    InputError
        If a rule of input is broken.
    """
    spatial, unit_data = _weights(options["weights"])
    chosen = _chosen(options["vcov"], keys, kind)
    needed = () if chosen is None else columns_of(chosen, keys.unit)
    design = build_design(
        formula,
        data,
        roles=Roles(keys.unit, keys.period, (*needed, keys.individual)),
        weights=spatial,
        unit_data=unit_data,
        intercept=kind.name != "unit",
    )
    binary_outcome(pd.Series(design.y, design.rows.index), design.formula.outcome)
    codes, labels = pd.factorize(design.rows[keys.individual], sort=True)
    groups = strata(np.asarray(codes, dtype=np.intp))
    changing = varying(groups, design.y)
    _check_panel(design, keys, kind, changing)
    notes: list[str] = []
    if chosen is None:
        chosen, notes = _default(design, keys)
    if kind.name != "none":
        _require_nested(chosen, design.rows, keys)
    return Problem(
        design,
        keys,
        kind,
        chosen,
        groups,
        pd.Index(labels),
        changing,
        (*design.notes, *notes, *(() if spatial is None else spatial.notes)),
        (data, unit_data, spatial),
    )


def individual_covariance(
    problem: Problem, bread: Array, scores: Array, groups: Strata
) -> Covariance:
    """Compute a covariance from scores of individuals.

    Parameters
    ----------
    problem : Problem
    bread : array, shape (k, k)
        Inverse of the information.
    scores : array, shape (groups, k)
    groups : Strata
        The individuals that count; their rows are what small-sample factors count.
    """
    at = np.sort(groups.order)
    # An individual's score stands in the first of its rows: clusters hold it whole.
    spread = np.zeros((len(at), scores.shape[1]))
    spread[np.searchsorted(at, groups.firsts)] = scores
    rows = problem.design.rows.iloc[at]
    return covariance(
        problem.vcov,
        bread,
        lambda: [(slice(0, len(at)), spread)],
        rows,
        problem.keys.unit,
    )


def refuse_within(names: Sequence[str], found: Sequence[int], why: str) -> None:
    """Raise `InputError` naming covariates that effects of individuals absorb."""
    if found:
        verb = "does" if len(found) == 1 else "do"
        raise InputError(
            f"{first(names[j] for j in found)} {verb} not vary within any individual"
            f"{why}, so effects of individuals absorb it. Leave it out, or use "
            "effects='random' or 'mundlak'."
        )


def _weights(given: Any) -> tuple[SpatialWeights | None, pd.DataFrame | None]:
    if given is None:
        return None, None
    if isinstance(given, Neighbors):
        return as_weights(given.weights), given.unit_data
    return as_weights(given), None


def _chosen(vcov: Vcov | None, keys: Keys, kind: Kind) -> Vcov | None:
    if vcov is None:
        return None
    if kind.name != "none" and vcov in ("hc0", "hc1"):
        raise InputError(
            "Rows of an individual share its effect, so they are not independent; got "
            f"vcov={vcov!r}. Use 'cluster' (on the individual) or a coarser Cluster."
        )
    return resolved(vcov, keys.individual, wild=kind.name == "none")


def _default(design: Design, keys: Keys) -> tuple[Vcov, list[str]]:
    """Cluster on individuals; on units where individuals of one share its lags."""
    rows = design.rows
    if keys.individual == keys.unit or not design.formula.lags:
        return Cluster(keys.individual), []
    if _moves(rows, keys.individual, keys.unit).any():
        return Cluster(keys.individual), []
    note = (
        f"Individuals of one {keys.unit} share its lags, so standard errors are "
        f"clustered on it; vcov=Cluster('{keys.individual}') would take individuals "
        "for independent."
    )
    return Cluster(keys.unit), [note]


def _moves(rows: pd.DataFrame, individual: str, column: str) -> pd.Series:
    """Return which individuals have several values of a column, by individual."""
    pairs = rows[[individual, column]].drop_duplicates()
    return pairs.groupby(individual).size() > 1


def _require_nested(vcov: Vcov, rows: pd.DataFrame, keys: Keys) -> None:
    columns = columns_of(vcov, keys.unit)
    if isinstance(vcov, Conley | Cluster):
        for column in columns:
            if column == keys.individual:
                continue
            moves = _moves(rows, keys.individual, column)
            require(
                ~moves.to_numpy(),
                f"Every individual must stay in one '{column}' for clusters on it",
                ids=moves.index,
                way_out="Cluster on a coarser column, or leave these individuals out.",
                noun="individuals",
            )


def _check_panel(design: Design, keys: Keys, kind: Kind, changing: Mask) -> None:
    rows = design.rows
    require_each_once(
        rows,
        keys.individual,
        keys.period,
        "Drop or merge the repeats"
        + (
            ", or name the column of households in individual=."
            if keys.individual == keys.unit
            else "."
        ),
    )
    if kind.name == "none":
        return
    if rows[keys.period].nunique() < 2:
        raise InputError(
            f"A panel needs at least two periods; '{keys.period}' has one. Use "
            "effects='none' for one cross-section."
        )
    if not changing.any():
        raise InputError(
            f"The outcome '{design.formula.outcome}' must change over time for some "
            f"individual; it does for none of {len(changing)}. Effects of individuals "
            "explain all of it: use effects='none', or more periods."
        )
