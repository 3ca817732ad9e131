"""The page that asks what a step in some counties would change."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.atlas.effect_model import EffectModel
from geopoverty.errors import InputError
from geopoverty.results import Result

KINDS = ("direct", "indirect", "total")


@dataclass(frozen=True)
class Step:
    """What is changed, in words and numbers.

    Attributes
    ----------
    column : str
    label : str
        What a planner calls it.
    size : float
        The step the page begins with.
    unit : str
        Of the step, such as ``"clusters"``.
    outcome : str
        What a planner calls the outcome; empty for the model's own words.
    outcome_unit : str
        Unit of an outcome that is no probability.

    Raises
    ------
    InputError
        If the size is not a finite number other than 0.
    """

    column: str
    label: str
    size: float = 1.0
    unit: str = ""
    outcome: str = ""
    outcome_unit: str = ""

    def __post_init__(self) -> None:
        plain = isinstance(self.size, int | float | np.number)
        if not plain or isinstance(self.size, bool) or not np.isfinite(self.size):
            raise InputError(f"step must be a finite number; got {self.size!r}.")
        if self.size == 0:
            raise InputError("step must not be 0, which changes nothing.")


@dataclass(frozen=True, eq=False)
class Scenario:
    """One model on a page, with how well it knows its effects.

    Attributes
    ----------
    model : EffectModel
    step : Step
    known : tuple of (str, float, float, float)
        Kind, estimate, lower and upper end of the average effect of one more unit.
    """

    model: EffectModel
    step: Step
    known: tuple[tuple[str, float, float, float], ...]

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
            "known": [list(k) for k in self.known],
        }


def scenario_of(result: Result, model: EffectModel, step: Step) -> Scenario:
    """Set a model on the page, with the average effects of its result."""
    table = result.tables.get("effects", pd.DataFrame())
    known = []
    if {"term", "effect", "estimate", "conf_low", "conf_high"} <= set(table.columns):
        rows = table[(table["term"] == step.column) & table["effect"].isin(KINDS)]
        ends = rows[["estimate", "conf_low", "conf_high"]].astype(float)
        there = np.isfinite(ends).all(axis=1)
        for kind, values in zip(rows["effect"][there], ends[there].values, strict=True):
            low, middle, high = values[1], values[0], values[2]
            known.append((str(kind), float(middle), float(low), float(high)))
    return Scenario(model, step, tuple(known))


def pages_data(
    scenarios: tuple[Scenario, ...], spillovers: tuple[Any, ...]
) -> dict[str, Any]:
    """Return both pages' data; what they share stands there once."""
    links: list[dict[str, Any]] = []
    models: list[dict[str, Any]] = []

    def place(shelf: list[dict[str, Any]], one: dict[str, Any]) -> int:
        if one not in shelf:
            shelf.append(one)
        return shelf.index(one)

    def shown(part: Any) -> dict[str, Any]:
        held = part.model.links
        at = None if held is None else place(links, held.data())
        found: dict[str, Any] = part.data(place(models, part.model.data(at)))
        return found

    return {
        "scenarios": [shown(s) for s in scenarios],
        "spillovers": [shown(s) for s in spillovers],
        "models": models,
        "links": links,
    }
