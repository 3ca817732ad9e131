"""Cells of a register: its groups, strata and primary units, and what is in which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from geopoverty._checks import unit_ids
from geopoverty.numerics.types import Codes
from geopoverty.registers.joined import codes_in


@dataclass(frozen=True, eq=False)
class Places:
    """Which cell each row of a register is in.

    Attributes
    ----------
    levels : mapping of str to Index
        The labels of each column, in order.
    codes : array of int, shape (cells,)
        Labels of each cell in one number, rising.
    group, stratum : array of int, shape (cells,)
    unit : array of int, shape (cells,), or None
    keys : DataFrame
        What names each group.
    strata : Index
    """

    levels: Mapping[str, pd.Index]
    codes: Codes
    group: Codes
    stratum: Codes
    unit: Codes | None
    keys: pd.DataFrame
    strata: pd.Index

    def of(self, table: pd.DataFrame) -> Codes:
        """Return the cell of each row."""
        code = np.zeros(len(table), dtype=np.intp)
        for name, known in self.levels.items():
            code = code * len(known) + codes_in(table[name], known)
        return np.asarray(np.searchsorted(self.codes, code), dtype=np.intp)


class Labels(Protocol):
    """Which columns group rows, and as what."""

    @property
    def by(self) -> tuple[str, ...]:
        """Of the groups."""

    @property
    def strata(self) -> str | None:
        """Of the strata."""

    @property
    def cluster(self) -> str | None:
        """Of the primary units."""

    @property
    def labels(self) -> tuple[str, ...]:
        """All of them."""


def places_of(asked: Labels, cells: pd.DataFrame) -> Places:
    """Return the cells of a register, numbered.

    Parameters
    ----------
    asked : Labels
    cells : DataFrame
        The combinations of labels there are, a row each.
    """
    coded, levels = {}, {}
    for name in asked.labels:
        own, found = pd.factorize(cells[name], sort=True)
        coded[name], levels[name] = own, pd.Index(found).infer_objects()
        if name == "unit_id" and name in asked.by:
            unit_ids(levels[name], "by", unique=False)
    order = np.argsort(_mixed(coded, levels, asked.labels, len(cells)))
    coded = {name: own[order] for name, own in coded.items()}
    count = len(order)
    group, held = _numbered(_mixed(coded, levels, asked.by, count))
    keys = pd.DataFrame({c: levels[c][coded[c][held]] for c in asked.by})
    if not asked.by:
        keys = pd.DataFrame(index=[0])
    strata, stratum = pd.Index(["all"]), np.zeros(count, dtype=np.intp)
    if asked.strata is not None:
        strata, stratum = levels[asked.strata], coded[asked.strata]
    unit = None
    if asked.cluster is not None:
        drawn = [c for c in (asked.strata, asked.cluster) if c is not None]
        unit = _numbered(_mixed(coded, levels, drawn, count))[0]
    codes = _mixed(coded, levels, asked.labels, count)
    return Places(levels, codes, group, stratum, unit, keys, strata)


def _mixed(
    coded: Mapping[str, Codes],
    levels: Mapping[str, pd.Index],
    names: Sequence[str],
    count: int,
) -> Codes:
    code = np.zeros(count, dtype=np.intp)
    for name in names:
        code = code * len(levels[name]) + coded[name]
    return code


def _numbered(codes: Codes) -> tuple[Codes, Codes]:
    """Return codes from 0 on in their order, and where each first stands."""
    _, held, place = np.unique(codes, return_index=True, return_inverse=True)
    return np.asarray(place, dtype=np.intp), np.asarray(held, dtype=np.intp)
