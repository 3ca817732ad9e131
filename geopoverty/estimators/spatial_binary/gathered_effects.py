"""Effects of a spatial logit on a register: of rows only means in cells are asked."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.effects.quality import quality_of
from geopoverty.effects.spatial import UnitEffects, spatial_effects
from geopoverty.estimators.spatial_binary.gathered import RegisterCase
from geopoverty.estimators.spatial_binary.problem import Fitted
from geopoverty.estimators.spatial_binary.report import Described
from geopoverty.numerics.rows import Block
from geopoverty.numerics.scatter import Scattered
from geopoverty.numerics.spatial.impacts import (
    Gradients,
    ImpactsAt,
    RowImpacts,
    RowsAt,
    flat,
)
from geopoverty.numerics.spatial.index import CellIndex
from geopoverty.numerics.types import Array
from geopoverty.registers.ranked import binned_note, ranking_ask
from geopoverty.registers.rows import Ask, Batch
from geopoverty.weights import SpatialWeights

ROOM = 4_000_000  # numbers that a pass may hold of cells, 32 MB


def describe_register(
    case: RegisterCase, weights: SpatialWeights, fitted: Fitted
) -> Described:
    """Return units, facts, tables and notes on a fit of rows in a register."""
    cells = _cell_table(case, weights)
    if fitted.infeasible:
        return cells, {}, {}, ()
    index = CellIndex(case.means, case.W, case.cells, lagged=True)
    here = index.at(fitted.rho, spread=fitted.scaled)
    asked = spatial_effects(case.lagged)
    steps = Gradients(fitted.theta, fitted.vcov)
    points = [ImpactsAt(here, fitted.theta[:-1], asked.impacts)]
    for trial in steps.trials:
        rho = float(trial.theta[-1])
        at = here if rho == fitted.rho else index.at(rho, spread=fitted.scaled)
        points.append(ImpactsAt(at, trial.theta[:-1], asked.impacts))
    means, ranking = _averaged(case, points, scaled=fitted.scaled)
    values = [flat(*p.of_cells(m)) for p, m in zip(points, means, strict=True)]
    gradients = steps.of(values[0], values[1:])
    found = UnitEffects(asked, values[0], gradients, fitted.vcov, lagged=True)
    fit = quality_of(
        ranking,
        loglik=fitted.loglik,
        k=len(fitted.theta) - fitted.flat,
        nested="Intercept" in case.names,
    )
    mass = case.cells.mass
    tables = {"effects": found.average(mass / mass.sum()), **fit.tables}
    notes = (*asked.notes, *fit.notes, binned_note(ranking))
    return found.beside(cells), dict(fit.facts), tables, notes


def _cell_table(case: RegisterCase, weights: SpatialWeights) -> pd.DataFrame:
    """Return one row a cell: unit_id, period, number of rows, mean outcome."""
    cells = case.cells
    units = np.tile(weights.units.to_numpy(), cells.periods)
    table = pd.DataFrame({"unit_id": units})
    if case.sample.period is not None:
        periods = case.rows.groups_of((case.sample.period,))
        table["period"] = periods.to_numpy().repeat(cells.units)
    table["rows"] = cells.counts.astype(int)
    table["outcome"] = case.outcomes
    return table


def _averaged(
    case: RegisterCase, points: list[ImpactsAt], *, scaled: bool
) -> tuple[list[Array], Any]:
    """Return what each point needs of rows, means in cells, and rows ranked."""
    at_once = max(1, ROOM // (case.cells.n * points[0].width))
    rows = case.rows
    spread = [_spread(case, p) if scaled else None for p in points]
    asked = [(p.of_rows, s) for p, s in zip(points, spread, strict=True)]
    means: list[Array] = []
    ranking: Any = None
    for start in range(0, len(points), at_once):
        asks = {"cells": _cell_ask(case, asked[start : start + at_once])}
        if not start:
            asks["ranking"] = _ranking_ask(case, *asked[0])
        found = rows.answers(asks)
        ranking = found.get("ranking", ranking)
        means += [sums / case.cells.mass[:, None] for sums in found["cells"]]
    return means, ranking


def _spread(case: RegisterCase, point: ImpactsAt) -> Array:
    """Return the standard deviation of latent outcomes in each cell, rows alike."""
    assert point.at.squares is not None
    return np.asarray(np.sqrt(point.at.squares + 1 - 1 / case.cells.counts))


def _cell_ask(case: RegisterCase, asked: list[tuple[RowImpacts, Array | None]]) -> Ask:
    placed, link, count = case.placed, case.link, case.cells.n

    def kernel(batch: Batch) -> tuple[Array, ...]:
        block = placed.block(batch)
        impacts = spatial_effects(placed.lagged(batch)).impacts
        sums = []
        for one, spread in asked:
            values = one.values(_rows(block, spread), link, impacts)
            if block.w is not None:
                values *= block.w[:, None]
            sums.append(Scattered(block.codes, values, count).sums())
        return tuple(sums)

    return Ask(kernel)


def _ranking_ask(case: RegisterCase, one: RowImpacts, spread: Array | None) -> Ask:
    placed, link, alone = case.placed, case.link, replace(one, switches=[])

    def probability(batch: Batch) -> Array:
        return alone.values(_rows(placed.block(batch), spread), link, [])[:, 0]

    return ranking_ask(probability, weighted=case.rows.weighing is not None)


def _rows(block: Block, spread: Array | None) -> RowsAt:
    scale = 1.0 if spread is None else spread[block.codes]
    return RowsAt(block.X, block.codes, scale)
