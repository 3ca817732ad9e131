"""What every model of exits starts from and ends with.

`estimator.exit_hazard` checks and builds one `Problem`; a way of estimating (`cox`,
`aft`, `discrete`) takes it and returns a `Fitted`; `report` makes the one `Result`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.covariances import (
    Cluster,
    Covariance,
    SmallSample,
    Vcov,
    columns_of,
    covariance,
    resolved,
)
from geopoverty.design import Design, Roles, build_design
from geopoverty.design.sample import Sample, sample_of
from geopoverty.errors import InputError
from geopoverty.estimators.exits.clock import Clock, clocked, moment
from geopoverty.estimators.exits.options import Hazard, Timeline
from geopoverty.estimators.exits.spells import Spells
from geopoverty.estimators.exits.validate import spells_of
from geopoverty.numerics.types import Array
from geopoverty.weights import SpatialWeights

MANY_TIMES = 40
KNOWN, ROW = "_times_known", "_row"  # columns that lead from rows to their times


@dataclass(frozen=True, eq=False)
class Given:
    """The rest of what the user gave.

    Attributes
    ----------
    exited : str or None
    weights : SpatialWeights or None
    unit : str, Sample or None
    unit_data : DataFrame or None
    """

    exited: str | None
    weights: SpatialWeights | None
    unit: str | Sample | None
    unit_data: pd.DataFrame | None


@dataclass(frozen=True, eq=False)
class Problem:
    """Design, durations and options of one fit.

    Attributes
    ----------
    design : Design
        Without a constant; categories are coded as if there were one.
    spells : Spells
        Of the rows of the design, in their order.
    hazard : Hazard
    timeline : Timeline
    exited : str
        What the outcome is called.
    sample : Sample
    vcov : Vcov
        Resolved.
    weights : SpatialWeights or None
    by : float
        When exit probabilities are read, since the origin.
    times : array
        Where survival curves are read, ascending.
    notes : tuple of str
    """

    design: Design
    spells: Spells
    hazard: Hazard
    timeline: Timeline
    exited: str
    sample: Sample
    vcov: Vcov
    weights: SpatialWeights | None
    by: float
    times: Array
    notes: tuple[str, ...]

    @property
    def X(self) -> Array:  # noqa: N802 - what the equations call it
        """Covariates, shape (n, k)."""
        return self.design.X

    @property
    def names(self) -> list[str]:
        """Names of the covariates."""
        return self.design.names

    @property
    def rows(self) -> pd.DataFrame:
        """The rows used, with unit, period, strata and cluster columns if given."""
        return self.design.rows

    @property
    def ids(self) -> tuple[str, Any]:
        """What names an individual in tables, and these names by individual."""
        rows, last = self.rows, self.spells.last
        if self.timeline.individual is not None:
            return "individual", rows[self.timeline.individual].to_numpy()[last]
        if self.sample.unit in rows.columns:
            return "unit_id", rows[self.sample.unit].to_numpy()[last]
        return "row", rows.index.to_numpy()[last]

    def covariance(self, bread: Array, scores: Array) -> Covariance:
        """Compute the covariance asked for.

        Parameters
        ----------
        bread : array, shape (m, m)
            Inverse of the observed information.
        scores : array, shape (n, m)
            Of each row, times its sampling weight; in the order of the rows.

        Notes
        -----
        No factor for the number of coefficients: clusters have G/(G-1), as Stata's
        stcox, the default here, or ``Cluster(correction="none")``, as R's coxph.
        """
        codes, spells = self.spells.individual, self.spells
        if self.vcov == "hc0" and spells.histories:
            sums = np.zeros((spells.individuals, scores.shape[1]))
            np.add.at(sums, codes, scores)
            scores, rows = sums, self.rows.iloc[spells.last]
        else:
            rows = self.rows
        return covariance(
            self.vcov,
            bread,
            lambda: [(slice(0, len(scores)), scores)],
            rows,
            self.sample.unit,
            SmallSample(len(bread), len(bread)),
        )


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a way of estimating found.

    Attributes
    ----------
    names : list of str
        Of the parameters.
    theta : array, shape (m,)
    vcov : array, shape (m, m)
    units : DataFrame, one row an individual
        In the order of ``problem.spells.last``, without ids: ``exit_probability,
        exit_probability_low, exit_probability_high`` by ``problem.by``, ``martingale``
        (over all rows of the individual), ``deviance``, and what else a map can show.
    facts : mapping
        ``log_likelihood``, ``aic``, ``vcov`` and so on, beside those of the report.
    tables : mapping of str to DataFrame
    notes : tuple of str
    packages : tuple of str
        Packages that did part of the work.
    curves : callable or None
        From (rows by position, times) to (survival, low, high), each of shape (rows,
        times): what ``tables["curves"]`` is made of.
    recipe : mapping
        What `scenario` needs to set the model up for other rows; empty where it cannot.
    """

    names: list[str]
    theta: Array
    vcov: Array
    units: pd.DataFrame
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    curves: Any = None
    recipe: Mapping[str, Any] = field(default_factory=dict)


def problem_of(
    formula: str,
    data: pd.DataFrame,
    line: Timeline,
    hazard: Hazard,
    given: Given,
) -> Problem:
    """Check input and build the design and the durations.

    Parameters
    ----------
    formula, data
        As the user gave them.
    line : Timeline
    hazard : Hazard
    given : Given

    Raises
    ------
    InputError
        If a rule of input is broken.
    """
    sample = sample_of(given.unit)
    chosen = None
    if hazard.vcov is not None:
        chosen = _chosen(hazard.vcov, sample.unit)
    clock = clocked(data, line, given.exited)
    known = ~np.isnan(clock.entry + clock.lower + clock.upper + clock.exited)
    table = data.copy(deep=False)  # new columns are added to it, none is changed
    table[KNOWN], table[ROW] = np.where(known, 1.0, np.nan), np.arange(len(data))
    needed = (
        *hazard.columns,
        *(c for c in (line.individual, hazard.frailty) if c is not None),
        *(() if chosen is None else columns_of(chosen, sample.unit)),
        *sample.roles.others,
    )
    design = build_design(
        formula,
        table,
        roles=Roles(sample.unit, sample.period, (*needed, KNOWN, ROW)),
        outcome=False,
        weights=given.weights,
        unit_data=given.unit_data,
        intercept=False,
    )
    kept = design.rows[ROW].to_numpy(np.intp)
    design = replace(design, rows=design.rows.drop(columns=[KNOWN, ROW]))
    exited = given.exited or line.duration
    spells = spells_of(
        clock,
        kept,
        design.rows,
        line,
        (exited, sample.unit),
        strata=hazard.columns,
        sampling_weight=sample.sampling_weight,
    )
    notes = [*design.notes, *clock.notes]
    if chosen is None:
        chosen, said = _default(design, spells, sample)
        notes += said
    by = _by(hazard, clock, spells)
    return Problem(
        design, spells, hazard, line, exited, sample, chosen, given.weights, by,
        _times(hazard, spells), tuple(notes),
    )  # fmt: skip


def _chosen(vcov: Vcov, unit: str) -> Vcov:
    found = resolved(vcov, unit)
    if found == "hc1":
        raise InputError(
            "exit_hazard takes vcov 'iid', 'hc0', 'cluster', Cluster or Conley; got "
            "'hc1'."
        )
    return Cluster(unit, "groups") if vcov == "cluster" else found


def _default(design: Design, spells: Spells, sample: Sample) -> tuple[Vcov, list[str]]:
    unit = sample.unit
    shared = unit in design.rows and spells.individuals > design.rows[unit].nunique()
    if design.formula.lags and shared:
        return Cluster(unit, "groups"), [
            f"Rows of one {unit} share its lags, so standard errors are clustered on "
            "it; vcov='iid' would take them for independent."
        ]
    if spells.weights is not None:
        return "hc0", [
            "Sampling weights: standard errors are of the sandwich, robust to them."
        ]
    return "iid", []


def _by(hazard: Hazard, clock: Clock, spells: Spells) -> float:
    if hazard.by is None:
        return float(spells.time[spells.exited].max())
    return moment(hazard.by, clock)


def _times(hazard: Hazard, spells: Spells) -> Array:
    if hazard.times is not None:
        return np.unique(np.asarray(hazard.times, dtype=np.float64))
    found = np.unique(spells.time[spells.exited])
    if len(found) <= MANY_TIMES:
        return found
    picked = np.linspace(0, len(found) - 1, MANY_TIMES).round().astype(int)
    return np.asarray(found[picked])
