"""What a search says: its path, its candidates, and how to read the last model."""

from typing import Any

import numpy as np
import pandas as pd

from geopoverty.design import Design
from geopoverty.design.sample import Sample
from geopoverty.estimators.stepwise.options import Search
from geopoverty.estimators.stepwise.search import Move, Terms, Walk
from geopoverty.numerics.types import Array

EXPLORATORY = (
    "Exploratory: terms were chosen with the outcome in view, so that standard errors, "
    "p-values and intervals, which take the model as given, promise too much. Test "
    "the model on rows the search has not seen."
)
FEW = 10  # rows for each column of the widest model: with fewer, searches find noise


def path_table(walk: Walk, terms: Terms) -> pd.DataFrame:
    """Return the start and each step taken, one row each."""
    rows = []
    for step, move in enumerate(walk.path):
        found = {
            "step": step,
            "change": _change(move, terms),
            "n_terms": len(move.state),
            "n_columns": move.model.k,
            "log_likelihood": move.model.loglik,
            "aic": move.model.aic,
            "bic": move.model.bic,
        }
        rows.append({**found, **_test(move)})
    return pd.DataFrame(rows)


def candidates_table(walk: Walk, terms: Terms) -> pd.DataFrame:
    """Return every step that was open at each model, and which was taken."""
    columns = ["step", "change", "aic", "bic", "df", "statistic", "p_value", "taken"]
    rows = []
    taken = [m.state for m in walk.path[1:]]
    for step, moves in enumerate(walk.looked, start=1):
        after = taken[step - 1] if step <= len(taken) else None
        for move in moves:
            found = {
                "step": step,
                "change": _change(move, terms),
                "aic": move.model.aic,
                "bic": move.model.bic,
            }
            rows.append({**found, **_test(move), "taken": move.state == after})
    return pd.DataFrame(rows, columns=columns)


def _change(move: Move, terms: Terms) -> str:
    return f"{move.sign} {terms.names[move.term]}" if move.sign else "start"


def _test(move: Move) -> dict[str, float]:
    return {"df": move.df, "statistic": move.statistic, "p_value": move.p_value}


def chosen_formula(design: Design, terms: Terms, walk: Walk) -> str:
    """Write the last model as a formula, its terms in the order of the first one."""
    written = {
        ":".join(term.factors): ":".join(_quoted(f, design) for f in term.factors)
        for term, _ in design.terms
    }
    named = [written[terms.names[t]] for t in sorted(walk.chosen)]
    return f"{design.formula.outcome} ~ {' + '.join(named) or '1'}"


def _quoted(factor: str, design: Design) -> str:
    """Write a column whose name is no plain word as a formula must hold it."""
    bare = factor in design.rows.columns and factor not in design.formula.order
    return f"`{factor}`" if bare and not factor.isidentifier() else factor


def search_facts(search: Search, walk: Walk, terms: Terms) -> dict[str, Any]:
    """Return how the search went, as facts."""
    last = walk.path[-1].model
    return {
        "exploratory": True,
        "direction": search.direction,
        "by": search.by,
        "n_candidates": len(terms.names),
        "n_chosen": len(walk.chosen),
        "n_models": walk.tried,
        "log_likelihood": last.loglik,
        "aic": last.aic,
        "bic": last.bic,
    }


def search_notes(
    design: Design, terms: Terms, walk: Walk, smaller: float
) -> tuple[str, ...]:
    """Say what must be read with the model."""
    notes = [EXPLORATORY]
    notes.append(
        f"{walk.tried} models of {len(terms.names)} terms were compared; others that "
        "fit about as well may hold other terms (tables['candidates'])."
    )
    wide = design.X.shape[1]
    if smaller < FEW * wide:
        notes.append(
            f"There are {smaller:g} rows (of the rarer outcome, if it is 0/1) for "
            f"{wide} columns, fewer than {FEW} each: a search finds noise there."
        )
    if walk.circled:
        notes.append("The search came back to a model it had left, and stopped there.")
    if not walk.chosen:
        notes.append("No term was chosen: the model is a constant.")
    return tuple(notes)


def units_table(design: Design, sample: Sample, fitted: Array) -> pd.DataFrame:
    """Return outcome and fitted value, one row a row."""
    rows = design.rows
    table: dict[str, Any] = {"row": rows.index.to_numpy()}
    for name, column in (("unit_id", sample.unit), ("period", sample.period)):
        if column is not None and column in rows.columns:
            table[name] = rows[column].to_numpy()
    return pd.DataFrame({**table, "outcome": design.y, "fitted": np.asarray(fitted)})
