"""Covariates and instruments taken apart and checked."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, nearest_name, warn
from geopoverty.covariances import Cluster, Conley, Vcov, resolved
from geopoverty.design import Design
from geopoverty.design.columns import refuse_collinear
from geopoverty.design.sample import Sample, sampling_weights
from geopoverty.errors import InputError
from geopoverty.numerics.links import Logit
from geopoverty.numerics.rank import dependent_columns
from geopoverty.numerics.residual_inclusion import TwoStep
from geopoverty.numerics.types import Array


@dataclass(frozen=True, eq=False)
class Problem:
    """What is estimated.

    Attributes
    ----------
    design : Design
        Covariates only.
    sample : Sample
    model : TwoStep
    exogenous : list of str
        Names of the first columns of ``model.Z``.
    outside : list of str
        Names of its last ones.
    notes : tuple of str
    """

    design: Design
    sample: Sample
    model: TwoStep
    exogenous: list[str]
    outside: list[str]
    notes: tuple[str, ...]

    @property
    def endogenous(self) -> list[str]:
        """Names of the instrumented covariates."""
        return [self.design.names[j] for j in self.model.endogenous]

    @property
    def names(self) -> list[str]:
        """Covariates, then residuals."""
        return [*self.design.names, *(f"residual({n})" for n in self.endogenous)]


def term_names(given: Any, name: str) -> tuple[str, ...]:
    """Return names as a tuple, refusing text and nothing.

    Examples
    --------
    >>> term_names(["jobs"], "endogenous")
    ('jobs',)
    """
    if isinstance(given, str):
        raise InputError(f"{name} must be a tuple of names: ('{given}',).")
    names = tuple(given)
    if not names:
        raise InputError(
            f"{name} must name at least one term. Without an endogenous covariate use "
            "logit."
        )
    return names


def checked_vcov(vcov: Vcov, unit: str) -> Vcov:
    """Refuse covariances that two stages cannot have."""
    chosen = resolved(vcov, unit)
    if isinstance(chosen, Cluster | Conley) or chosen in ("hc0", "hc1"):
        return chosen
    raise InputError(
        "Two stages take vcov 'hc0', 'hc1', 'cluster', Cluster or Conley: there is no "
        f"single information to invert; got {vcov!r}."
    )


def default_vcov(design: Design, unit: str) -> Vcov:
    """Cluster on the unit where units have several rows."""
    if unit in design.rows.columns and design.rows[unit].duplicated().any():
        return Cluster(unit)
    return "hc1"


def problem_of(
    whole: Design,
    formula: str,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    sample: Sample,
) -> Problem:
    """Take covariates and instruments apart.

    Parameters
    ----------
    whole : Design
        Of formula and instruments together.
    formula : str
        As the user wrote it.
    names : pair of tuple of str
        Endogenous terms and instruments.
    sample : Sample

    Raises
    ------
    InputError
    """
    endogenous, instruments = names
    extra = _instrument_columns(whole, formula, instruments)
    design = _part(whole, [j for j in range(len(whole.names)) if j not in set(extra)])
    instrumented = _endogenous_columns(design, endogenous)
    if len(extra) < len(instrumented):
        raise InputError(
            f"Not identified: {len(instrumented)} endogenous covariates "
            f"({first(design.names[j] for j in instrumented)}) need as many "
            f"instruments; there are {len(extra)} "
            f"({first(whole.names[j] for j in extra)}). Name more."
        )
    outside = [whole.names[j] for j in extra]
    exogenous = [j for j in range(len(design.names)) if j not in set(instrumented)]
    Z = np.column_stack([design.X[:, exogenous], whole.X[:, extra]])
    own = [design.names[j] for j in exogenous]
    _refuse_useless(design, Z, own, outside)
    w = None
    if sample.sampling_weight is not None:
        w = sampling_weights(whole.rows[sample.sampling_weight])
    model = TwoStep(
        design.X, design.y, np.array(instrumented, dtype=np.intp), Z, Logit, w
    )
    return Problem(design, sample, model, own, outside, _many(whole, sample, Z))


def _plain(text: str) -> str:
    return text.replace(" ", "").replace("`", "")


def _instrument_columns(
    whole: Design, formula: str, instruments: tuple[str, ...]
) -> list[int]:
    inside = {_plain(t) for t in formula.partition("~")[2].split("+")}
    covariates = [n for n in instruments if _plain(n) in inside]
    if covariates:
        raise InputError(
            f"{first(covariates)} is a covariate of '{formula}' itself, so it cannot "
            "stand in for another. Leave it out of instruments=, or of the formula."
        )
    wanted = {_plain(n) for n in instruments}
    return [
        j
        for term, columns in whole.terms
        if len(term.factors) == 1 and _plain(term.factors[0]) in wanted
        for j in columns
    ]


def _part(whole: Design, kept: list[int]) -> Design:
    moved = {old: new for new, old in enumerate(kept)}
    return replace(
        whole,
        X=np.ascontiguousarray(whole.X[:, kept]),
        names=[whole.names[j] for j in kept],
        terms=[
            (term, [moved[j] for j in columns])
            for term, columns in whole.terms
            if all(j in moved for j in columns)
        ],
    )


def _endogenous_columns(design: Design, endogenous: tuple[str, ...]) -> list[int]:
    where = {_plain(n): j for j, n in enumerate(design.names)}
    unknown = [n for n in endogenous if _plain(n) not in where]
    if unknown:
        hint = "".join(nearest_name(u, design.names) for u in unknown)
        raise InputError(
            f"{first(unknown)} is not a numeric term of the formula, so it cannot be "
            f"endogenous.{hint} It has: {first(design.names, 12)}."
        )
    return sorted({where[_plain(n)] for n in endogenous})


def _refuse_useless(
    design: Design, Z: Array, exogenous: list[str], outside: list[str]
) -> None:
    refuse_collinear(design.X, design.names)
    extra = Z[:, len(exogenous) :]
    fixed = [n for n, z in zip(outside, extra.T, strict=True) if np.ptp(z) == 0]
    if fixed:
        raise InputError(
            f"An instrument must vary; {first(fixed)} is the same in every row. Name "
            "one that does."
        )
    names = [*exogenous, *outside]
    found = dependent_columns(Z)
    if found:
        parts = [
            f"'{names[j]}' is a combination of {first(names[i] for i in basis)}"
            for j, basis in found
        ]
        raise InputError(
            "Instruments must not determine one another, nor be determined by the "
            f"exogenous covariates: {'; '.join(parts[:5])}. Leave one of them out."
        )


def _many(whole: Design, sample: Sample, Z: Array) -> tuple[str, ...]:
    """Warn when instruments are more than units."""
    if sample.unit not in whole.rows.columns:
        return ()
    units = int(pd.Series(whole.rows[sample.unit]).nunique())
    if Z.shape[1] <= units:
        return ()
    note = (
        f"There are more instruments ({Z.shape[1]}, exogenous covariates included) "
        f"than units ({units}): the first stage fits what is not there."
    )
    warn(f"{note} Use fewer.")
    return (note,)
