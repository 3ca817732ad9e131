"""Spatial logits on a register: many rows a unit, read in passes and never whole."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, refuse_separation, require
from geopoverty.covariances import columns_of, resolved
from geopoverty.design.columns import refuse_dependent
from geopoverty.design.durbin import lags_lacking
from geopoverty.design.sample import Sample, require_every_period, require_units
from geopoverty.errors import InputError
from geopoverty.estimators.spatial_binary.facts import facts_of, weights_notes
from geopoverty.estimators.spatial_binary.gathered import Placed, RegisterCase
from geopoverty.estimators.spatial_binary.gathered_effects import describe_register
from geopoverty.estimators.spatial_binary.likelihood import fit_logit
from geopoverty.estimators.spatial_binary.moments import fit_linear
from geopoverty.estimators.spatial_binary.options import ML, LinearGMM
from geopoverty.estimators.spatial_binary.report import result_of
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.rank import dependent_among
from geopoverty.numerics.scatter import Scattered, dense, gathered
from geopoverty.numerics.spatial.bounds import feasible_rho
from geopoverty.numerics.spatial.cells import CellSums
from geopoverty.numerics.spatial.resolvent import lag_cells
from geopoverty.numerics.types import Array, Codes
from geopoverty.provenance import arrays_of, provenance, sources_of
from geopoverty.registers.opening import open_rows
from geopoverty.registers.register import Register
from geopoverty.registers.rows import Batch, RegisterRows
from geopoverty.results import Result
from geopoverty.weights import SpatialWeights


def require_sums(unit: str | Sample | None, link: str, name: str, random: Any) -> None:
    """Refuse what a register cannot give, and say what it can.

    Raises
    ------
    InputError
    """
    if unit is None:
        raise InputError(
            "A register has many rows a unit: name the column of unit ids in unit=. "
            "With one row a unit, read the register into a table."
        )
    wanting = None
    if random is not None:
        wanting = "random='unit' needs"
    elif name == "gmm":
        wanting = "method='gmm' needs"
    elif name == "ml" and link == "probit":
        wanting = "link='probit' with method='ml' needs"
    if wanting:
        raise InputError(
            f"{wanting} all rows at hand, over and over, and a register is read in "
            "parts. link='logit' with method='ml' needs sums only, and so does "
            "method='linear-gmm': use one of them, or fit a sample read into a table."
        )


def spatial_on_register(
    formula: str,
    register: Register,
    weights: SpatialWeights,
    sample: Sample,
    model: str,
    link: str,
    how: ML | LinearGMM,
) -> Result:
    """Fit a spatial lag or Durbin model on a register.

    Parameters
    ----------
    formula : str
    register : Register
    weights : SpatialWeights
    sample : Sample
    model : {"lag", "durbin"}
    link : {"logit", "probit"}
        By linearised GMM; a logit by maximum likelihood.
    how : ML or LinearGMM

    Returns
    -------
    Result
        As on a table, but for the row-by-row table ``fitted``; ranking and calibration
        are of probabilities in fine bins.

    Raises
    ------
    InputError, EstimationError
        See `spatial_binary`.
    """
    rows = _opened(formula, register, weights, sample, how)
    case, gram = _case(rows, weights, sample, (model, link))
    refuse_dependent(dependent_among(case.feed(), gram), case.lagged.design.names)
    outcome = rows.plan.parsed.outcome
    plain = case.plain()
    refuse_separation(plain.separating, case.names, outcome)
    options: dict[str, Any] = {"model": model, "link": link, "method": how}
    options |= {"unit": sample, "random": None, "weights": weights}
    parts = {
        "facts": facts_of(case, "ml" if isinstance(how, ML) else "linear-gmm"),
        "notes": (*rows.notes, *weights_notes(case, weights), *weights.notes),
    }
    fitted = fit_logit(case, how) if isinstance(how, ML) else fit_linear(case, how)
    parts["provenance"] = provenance(
        formula,
        options,
        [gram, case.means, case.outcomes, *arrays_of(weights.matrix)],
        sources_of(register, weights),
    )
    described = describe_register(case, weights, fitted)
    return result_of("spatial_binary", case, fitted, parts, described)


def _opened(
    formula: str,
    register: Register,
    weights: SpatialWeights,
    sample: Sample,
    how: ML | LinearGMM,
) -> RegisterRows:
    clusters: tuple[str, ...] = ()
    if isinstance(how, ML) and how.vcov is not None:
        clusters = columns_of(resolved(how.vcov, sample.unit), sample.unit)
    roles = sample.roles
    needed = dict.fromkeys((*roles.others, *clusters, sample.unit))
    rows = open_rows(
        formula,
        register,
        replace(roles, others=tuple(needed)),
        weights=weights if "W(" in formula else None,
        groups=[*roles.keys, *clusters],
        weighing=sample.sampling_weight,
    )
    taken = {"rho", "lambda", "sigma"} & set(rows.names)
    if taken:
        raise InputError(
            "'rho', 'lambda' and 'sigma' name the model's coefficients; a "
            f"covariate may not be called so ({first(sorted(taken))}). Rename it."
        )
    return rows.paired(clusters) if len(clusters) == 2 else rows


def _case(
    rows: RegisterRows, weights: SpatialWeights, sample: Sample, kind: tuple[str, str]
) -> tuple[RegisterCase, Array]:
    """Return the fit's data by model and link, and X'X without weights."""
    model, link = kind
    units = rows.groups_of((sample.unit,))
    require_units(units, weights)
    periods = pd.Index([None])
    if sample.period is not None:
        periods = rows.groups_of((sample.period,))
    place = np.asarray(weights.units.get_indexer(units), dtype=np.intp)
    placed = Placed(sample.unit, sample.period, place, weights.n, [])
    gram, sums = _moments(rows, placed, weights.n * len(periods))
    cells = CellSums(weights.n, len(periods), sums[:, :3])
    require_every_period(cells, weights, periods)
    means = sums[:, 3:] / cells.mass[:, None]
    outcomes, means = means[:, 0], means[:, 1:]
    new = lags_lacking(rows.first) if model == "durbin" else []
    if new:
        lags = lag_cells(weights.matrix, cells, means[:, new])
        placed = replace(placed, new=new, lags=lags)
        means = np.column_stack([means, lags])
    case = RegisterCase(
        rows,
        placed,
        weights.matrix,
        cells,
        means,
        outcomes,
        sample,
        model,
        LINKS[link],
        feasible_rho(weights.matrix),
    )
    return case, _gram(case) if new else gram


def _moments(rows: RegisterRows, placed: Placed, count: int) -> tuple[Array, Array]:
    """Return X'X, and by cell sums of 1, w, w^2, w y and w X.

    Raises
    ------
    InputError
        If the outcome is not 0 or 1, or does not vary.
    """
    outcome = rows.plan.parsed.outcome

    def kernel(batch: Batch) -> tuple[Array, Array, Scattered]:
        X, y = batch.design.X, batch.design.y
        require(
            (y == 0) | (y == 1),
            f"The outcome '{outcome}' must be 0 or 1",
            ids=batch.design.rows.index,
            way_out="Code it 0/1, such as (income < poverty_line).",
        )
        ones = np.ones(len(y))
        w = ones if batch.w is None else batch.w
        values = np.column_stack([ones, w, w * w, w * y, X * w[:, None]])
        codes: Codes = placed.codes(batch)
        return X.T @ X, y.sum(), Scattered(codes, values, count)

    gram, hits, sums = rows.total(kernel, (np.add, np.add, gathered))
    if hits in (0, rows.n):
        raise InputError(
            f"The outcome '{outcome}' must vary; it is {int(hits > 0)} in all "
            f"{rows.n} rows. Nothing can be learnt from a constant outcome: check the "
            "poverty line."
        )
    return gram, dense(sums)


def _gram(case: RegisterCase) -> Array:
    (gram,) = case.feed().total(lambda block: (block.X.T @ block.X,))
    return np.asarray(gram)
