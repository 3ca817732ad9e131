"""The chance of treatment before the start, and the weights it gives."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from geopoverty._checks import first, refuse_separation, warn
from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.did.options import KernelWeights
from geopoverty.estimators.did.psm_rows import Panel
from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.pairing import (
    CompactKernel,
    NormalKernel,
    Operator,
    Side,
    pair,
    same,
    side,
    within,
)
from geopoverty.numerics.types import Array, Mask
from geopoverty.results import inference_table

FEW_ON_SUPPORT = 0.8  # share of treated below which a reader must be warned
FEW_CONTROLS = 10.0  # effective number below which a reader must be warned


@dataclass(frozen=True, eq=False)
class Scored:
    """Units with their score and weight.

    Attributes
    ----------
    value : array, shape (units,)
        The chance of treatment.
    supported : array of bool, shape (units,)
        False for treated outside the range of the controls' scores.
    weight : array, shape (units,)
        1 for matched treated; of controls, their share in the treated's means.
    model : DataFrame
    facts : dict
    notes : tuple of str
    """

    value: Array
    supported: Mask
    weight: Array
    model: pd.DataFrame
    facts: dict[str, float]
    notes: tuple[str, ...]


def score_panel(panel: Panel, how: KernelWeights) -> Scored:
    """Fit who is treated, and weigh controls by their nearness to the treated.

    Raises
    ------
    InputError
        If there are more columns than units.
    EstimationError
        If covariates separate the groups, or nobody finds a control.
    """
    design, treated = panel.design, panel.base
    X, y = design.X, treated.astype(np.float64)
    if len(y) <= X.shape[1]:
        raise InputError(
            f"A score needs more units than columns; there are {len(y)} complete "
            f"units for {X.shape[1]} columns. Leave covariates out."
        )
    # Money beside years of age: equal lengths keep the information well conditioned.
    scale = np.sqrt((X**2).mean(axis=0))
    fit = fit_binary(np.ascontiguousarray(X / scale), y, LINKS[how.link])
    refuse_separation(fit.separating, design.names, design.formula.outcome)
    beta = fit.beta / scale
    # Summed column by column, so that equal rows have equal scores to the last bit.
    eta = np.zeros(len(y))
    for column, b in zip(X.T, beta, strict=True):
        eta += column * b
    value = np.asarray(LINKS[how.link].probability(eta))
    supported, notes = _supported(panel, value, how)
    weight = _weights(value, treated, supported, how)
    effective, more = _carried(panel, weight)
    notes = (*notes, *more)
    error = np.sqrt(np.diag(np.linalg.inv(fit.information))) / scale
    model = inference_table(
        pd.Series(beta, index=design.names), pd.Series(error, index=design.names)
    )
    share = float(y.mean())
    null = len(y) * (share * np.log(share) + (1 - share) * np.log1p(-share))
    facts = {
        "score_log_likelihood": fit.loglik,
        "score_pseudo_r_squared": float(1 - fit.loglik / null),
        "effective_controls": effective,
    }
    return Scored(value, supported, weight, model, facts, notes)


def _weights(value: Array, treated: Mask, supported: Mask, how: KernelWeights) -> Array:
    """Return 1 for matched treated, and each control's share in their means."""
    targets = side(value, np.flatnonzero(treated & supported))
    sources = side(value, np.flatnonzero(~treated))
    ones = np.ones(len(sources))
    operator = _operator(how, targets, sources)
    pairs = pair(operator, ones[:, None], np.ones(len(targets)), ones)
    if not pairs.matched.any():
        raise EstimationError(
            f"No treated unit has a control within reach ({how.label}). Use a longer "
            "bandwidth."
        )
    weight = np.zeros(len(value))
    weight[targets.rows] = pairs.matched
    weight[sources.rows] = pairs.weight
    return weight


def _carried(panel: Panel, weight: Array) -> tuple[float, tuple[str, ...]]:
    """Return Kish's effective number of controls, and what must be said of it."""
    treated = panel.base
    held = weight[~treated]
    effective = float(held.sum() ** 2 / (held @ held))
    found, wanted = int((weight[treated] > 0).sum()), int(treated.sum())
    used = int((held > 0).sum())
    note = (
        f"The {used:,} weighted controls weigh as much as {effective:,.1f} equal ones "
        "(Kish's effective sample size)."
    )
    if used == 1:
        only = panel.design.rows[panel.unit].iloc[
            np.flatnonzero(~treated)[held.argmax()]
        ]
        note = (
            f"Everyone is compared with one control ({only}): the effective number of "
            "controls is 1, and no standard error means anything."
        )
    dire = [note] if effective < FEW_CONTROLS else []
    notes = [note]
    if found < FEW_ON_SUPPORT * wanted:
        few = (
            f"Only {found:,} of {wanted:,} treated units have comparable controls: the "
            "effect is theirs, not that of all treated."
        )
        notes.append(few)
        dire.append(few)
    for message in dire:
        warn(message)
    return effective, tuple(notes)


def _supported(
    panel: Panel, value: Array, how: KernelWeights
) -> tuple[Mask, tuple[str, ...]]:
    treated = panel.base
    if how.support == "all":
        return np.ones(len(value), dtype=bool), ()
    controls = value[~treated]
    slack = same(side(value, np.arange(len(value))))
    inside = (value >= controls.min() - slack) & (value <= controls.max() + slack)
    supported = np.asarray(inside | ~treated)
    if not (supported & treated).any():
        raise EstimationError(
            "Treated and controls have no overlap: no treated unit's score, from "
            f"{value[treated].min():.4g} to {value[treated].max():.4g}, lies within "
            f"the controls', from {controls.min():.4g} to {controls.max():.4g}. Leave "
            "out what predicts treatment (almost) perfectly."
        )
    off = ~supported
    if not off.any():
        return supported, ()
    ids = panel.design.rows[panel.unit].iloc[np.flatnonzero(off)]
    return supported, (
        f"{int(off.sum()):,} of {int(treated.sum()):,} treated units lie outside the "
        f"range of the controls' scores and are left out ({first(ids)}).",
    )


def _operator(how: KernelWeights, targets: Side, sources: Side) -> Operator:
    if how.kernel == "normal":
        return NormalKernel(targets, sources, how.bandwidth)
    if how.kernel == "uniform":
        return within(targets, sources, how.bandwidth)
    return CompactKernel(targets, sources, how.kernel, how.bandwidth)
