"""The page that shows whom a county reaches, and by whom it is reached."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from geopoverty.atlas.effect_model import EffectModel
from geopoverty.atlas.scenario_page import Step
from geopoverty.classes import MapStyle
from geopoverty.errors import InputError
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.types import Array

AT_ONCE = 256  # counties that step at a time
CLASSES = 6
Book = TypeVar("Book", bound=Any)  # an Atlas, which knows this module


@dataclass(frozen=True, eq=False)
class Spillovers:
    """One model on a page, and the two indicators it gave the map.

    Attributes
    ----------
    model : EffectModel
    step : Step
    layers : tuple of int
        Which indicators are spill-in and spill-out.
    """

    model: EffectModel
    step: Step
    layers: tuple[int, int]

    def data(self, model: int) -> dict[str, Any]:
        """Return it as the page reads it; `model` says which of its models."""
        probability = self.model.outcome.probability
        return {
            "model": model,
            "column": self.step.column,
            "label": self.step.label,
            "step": float(self.step.size),
            "unit": self.step.unit,
            "outcome": self.step.outcome or self.model.outcome.said,
            "outcome_unit": "" if probability else self.step.outcome_unit,
            "period": self.model.period,
            "layers": list(self.layers),
        }


def spill_table(model: EffectModel, step: Step, units: pd.Index) -> pd.DataFrame:
    """Return what each county receives from others, and gives them.

    Parameters
    ----------
    model : EffectModel
    step : Step
    units : Index
        The counties of the map.

    Returns
    -------
    DataFrame
        ``unit_id``; ``spill_in``, what a step in every other county would change
        here, and ``spill_out``, the sum of what a step here would change elsewhere.
        Probabilities in percentage points.

    Raises
    ------
    InputError
        If the model holds no spillovers.
    """
    if not model.spills:
        raise InputError(
            f"The model holds no spillovers of '{step.column}': it has neither "
            f"W({step.column}) nor dependence between outcomes. Fit with one of them."
        )
    n = len(model.counts)
    steps = np.full(n, float(step.size))
    alone = model.means(model.alone * steps)
    received = model.means(model.spread(steps)) - alone
    hundred = 100.0 if model.outcome.probability else 1.0
    table = pd.DataFrame(
        {
            "unit_id": units[model.counties],
            "spill_in": hundred * received,
            "spill_out": hundred * _given(model, float(step.size)),
        }
    )
    return table[model.counts > 0].reset_index(drop=True)


def add_layers(atlas: Book, model: EffectModel, step: Step) -> Book:
    """Add spill-in and spill-out to an atlas, as indicators."""
    table = spill_table(model, step, atlas.units)
    outcome = step.outcome or model.outcome.said
    amount = f"{abs(step.size):g} {step.unit}".strip()
    moves = f"{step.label} {'up' if step.size > 0 else 'down'} by {amount}"
    told = {
        "spill_in": (
            f"Received from others: {step.label}",
            f"What {moves} in every other county would change in a county's "
            f"{outcome}, by the model.",
        ),
        "spill_out": (
            f"Given to others: {step.label}",
            f"What {moves} in a county would change in the {outcome} of all others, "
            "added up, by the model.",
        ),
    }
    probability = model.outcome.probability
    for column, (label, description) in told.items():
        atlas = atlas.add(
            table,
            column,
            label=label,
            unit="percentage points" if probability else step.outcome_unit,
            style=_style(table[column]),
            description=description,
        )
    return atlas


def _style(values: pd.Series) -> MapStyle:
    """Return colours that are the darker, the stronger the effect."""
    if values.min() < 0 < values.max():
        return MapStyle(scheme="quantiles", classes=CLASSES, diverging=True)
    palette = "YlGnBu" if values.min() >= 0 else "YlGnBu_r"
    return MapStyle(scheme="quantiles", classes=CLASSES, palette=palette)


def _given(model: EffectModel, size: float) -> Array:
    n = len(model.counts)
    before = model.means(np.zeros(n))
    out = np.zeros(n)
    for part in blocks(n, rows=AT_ONCE):
        here = np.arange(n)[part]
        d = np.zeros((n, len(here)))
        d[here, np.arange(len(here))] = size
        change = model.means(model.spread(d)) - before[:, None]
        change[here, np.arange(len(here))] = 0.0
        out[here] = change.sum(axis=0)
    return out
