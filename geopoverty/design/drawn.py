"""How the rows of a survey were drawn: strata, primary units, and what to note."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, warn
from geopoverty.errors import InputError
from geopoverty.numerics.survey import FirstStage
from geopoverty.numerics.types import Array, Codes, Mask

FEW_DF = 30  # degrees of freedom


@dataclass(frozen=True, eq=False)
class Drawn:
    """The first stage of a survey.

    Attributes
    ----------
    stage : FirstStage
        Of the rows that are used.
    facts : dict
        ``n_psu``, ``n_strata``, ``df_t``.
    notes : list of str
    """

    stage: FirstStage
    facts: dict[str, Any]
    notes: list[str]


Named = tuple[pd.Series, str]  # values of all rows, and what a message calls them


def labelled(values: pd.Series, ids: pd.Index, what: str) -> tuple[Codes, pd.Index]:
    """Return labels as numbers and what they stand for.

    Raises
    ------
    InputError
        If one is missing.

    Examples
    --------
    >>> labelled(pd.Series(["b", "a"]), pd.RangeIndex(2), "by")[0].tolist()
    [1, 0]
    """
    codes, levels = pd.factorize(values, sort=True)
    require(
        codes >= 0,
        f"{what} must be known for every row",
        ids=ids,
        way_out="Drop these rows, or give them a label of their own.",
    )
    return np.asarray(codes, dtype=np.intp), pd.Index(np.asarray(levels))


def drawn(
    ids: pd.Index,
    kept: Mask,
    strata: Named | None = None,
    cluster: Named | None = None,
    *,
    needed: bool = True,
) -> Drawn:
    """Return how rows were drawn: primary units with replacement, within strata.

    Parameters
    ----------
    ids : Index, shape (n,)
    kept : array of bool, shape (n,)
        Rows that are used; the others still count as drawn.
    strata, cluster : (Series, str), optional
        Without clusters each row is a primary unit. The same label in two strata means
        two units.
    needed : bool
        Whether standard errors must be possible.

    Raises
    ------
    InputError
        If a label is missing, or there are no more primary units than strata.

    Examples
    --------
    >>> village = pd.Series(["a", "a", "b"]), "cluster"
    >>> drawn(village[0].index, np.ones(3, dtype=bool), cluster=village).facts
    {'n_psu': 2, 'n_strata': 1, 'df_t': 1}
    """
    stratum_of, names = np.zeros(len(ids), dtype=np.intp), pd.Index(["all"])
    if strata is not None:
        stratum_of, names = labelled(strata[0], ids, strata[1])
    unit, stratum = None, stratum_of
    if cluster is not None:
        own, levels = labelled(cluster[0], ids, cluster[1])
        codes, pairs = pd.factorize(stratum_of * len(levels) + own)
        unit = np.asarray(codes, np.intp)[kept]
        stratum = np.asarray(pairs // len(levels), np.intp)
    sizes = np.bincount(stratum, minlength=len(names)).astype(np.float64)
    facts, notes = noted(
        sizes,
        names,
        stratified=strata is not None,
        clustered=cluster is not None,
        needed=needed,
    )
    within = None
    if strata is not None:
        within = stratum_of[kept] if unit is None else stratum
    return Drawn(FirstStage(unit, within, sizes), facts, notes)


def noted(
    sizes: Array,
    names: pd.Index,
    *,
    stratified: bool = False,
    clustered: bool = False,
    needed: bool = True,
) -> tuple[dict[str, Any], list[str]]:
    """Return facts and notes of a first stage.

    Parameters
    ----------
    sizes : array, shape (strata,)
        Primary units of each stratum.
    names : Index
        Of the strata.
    stratified, clustered : bool
        What the design was given with.
    needed : bool
        Whether standard errors must be possible.

    Raises
    ------
    InputError
        If there are no more primary units than strata.

    Examples
    --------
    >>> noted(np.array([40.0]), pd.Index(["all"]))
    ({'n_psu': 40, 'n_strata': 1, 'df_t': 39}, [])
    """
    if needed and sizes.sum() <= len(names):
        raise InputError(
            "Standard errors need more primary sampling units than strata; there are "
            f"{sizes.sum():.0f} in {len(names)}. Merge strata, or leave the design out."
        )
    df = int(sizes.sum()) - len(names)
    facts = {"n_psu": int(sizes.sum()), "n_strata": len(names), "df_t": df}
    alone = names[sizes == 1] if stratified else names[:0]
    return facts, [*_lonely(alone, len(names)), *(_few(df) if clustered else [])]


def _lonely(alone: pd.Index, strata: int) -> list[str]:
    if not len(alone):
        return []
    note = (
        f"{len(alone)} of {strata} strata have a single primary sampling unit "
        f"({first(alone)}): its deviation is taken from the mean of all strata."
    )
    warn(f"{note} Merge these strata with others for better standard errors.")
    return [note]


def _few(df: int) -> list[str]:
    if df >= FEW_DF:
        return []
    return [
        f"Standard errors rest on {df} degrees of freedom (primary sampling "
        "units less strata)."
    ]
