"""Peers: which counties are alike, and on what one can do better than another."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._checks import (
    first,
    nearest_name,
    require_columns,
    require_option,
    warn,
)
from geopoverty.atlas.layers import Columns, Wording, read_indicator
from geopoverty.atlas.rows import Floats, rows_of_numbers
from geopoverty.classes import MapStyle
from geopoverty.errors import InputError
from geopoverty.results import Result

WAYS = ("lower", "higher")
DECIMALS = 4  # the most that a covariate is sent and shown with
TINY = 1e-12  # a spread below this share of the mean is rounding


@dataclass(frozen=True, eq=False)
class Likeness:
    """What makes counties alike, and what is better.

    Attributes
    ----------
    labels : tuple of str, shape (p,)
        What the covariates are called.
    traits : array, shape (n, p)
        A row a county; NaN where a covariate is not known.
    spread : array, shape (p,)
        Standard deviation of each covariate over the counties, above 0.
    better : tuple of (str, str)
        Label of an indicator, and ``"lower"`` or ``"higher"``.
    k : int
        How many peers are looked at first.
    left_out : tuple of str
        Covariates that are the same everywhere, and so tell nothing.
    """

    labels: tuple[str, ...]
    traits: Floats
    spread: Floats
    better: tuple[tuple[str, str], ...]
    k: int
    left_out: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """How likeness is measured, as the footer says it."""
        return (
            "Similar counties: root mean squared difference, in standard deviations, "
            f"of {', '.join(self.labels)}"
        )

    def distances(self, county: int) -> Floats:
        """Return how far every county is from one.

        Parameters
        ----------
        county : int
            Its position, from 0.

        Returns
        -------
        array, shape (n,)
            0 and above; NaN where a covariate of either is missing. 1 where they
            differ by one standard deviation on each covariate.

        Examples
        --------
        >>> alike = Likeness(("x", "y"), np.array([[0.0, 0.0], [2.0, 3.0]]),
        ...                  np.array([2.0, 3.0]), (), 1)
        >>> alike.distances(0).tolist()
        [0.0, 1.0]
        """
        apart = (self.traits - self.traits[county]) / self.spread
        distance: Floats = np.sqrt(np.mean(apart**2, axis=1))
        return distance

    def data(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return what the page needs; `labels` are those of its indicators."""
        ways = dict(self.better)
        digits = [_digits(s) for s in self.spread]
        columns = [
            rows_of_numbers(self.traits[None, :, k], digits[k] + 2)
            for k in range(len(self.labels))
        ]
        return {
            "labels": list(self.labels),
            "digits": digits,
            "spread": self.spread.tolist(),
            "values": [column[0] for column in columns if column],
            "better": [ways.get(label, "") for label in labels],
            "k": self.k,
        }


def read_likeness(
    table: pd.DataFrame | Result,
    columns: Sequence[str] | Mapping[str, str],
    *,
    better: Mapping[str, str],
    k: int,
    units: pd.Index,
    indicators: Sequence[str],
) -> Likeness:
    """Check covariates and align them with the units of the map.

    Parameters
    ----------
    table : DataFrame or Result
        One row a county, keyed by a column or index ``unit_id``; of a Result its
        ``units``.
    columns : sequence of str, or mapping of str to str
        The covariates; a mapping says what each is called.
    better : mapping of str to str
        Label of an indicator to ``"lower"`` or ``"higher"``.
    k : int
        How many peers to look at first; 1 to n - 1.
    units : Index, shape (n,)
        The ids of the boundaries, in order.
    indicators : sequence of str
        The labels that the atlas has.

    Returns
    -------
    Likeness

    Raises
    ------
    InputError
        As `read_indicator` for each covariate; if none is named or none differs
        between counties, `better` names no indicator or another way, or `k` is out
        of its range.

    Warns
    -----
    GeoPovertyWarning
        If a covariate is the same everywhere; it is left out.
    """
    named = _named(columns)
    rows = table.units if isinstance(table, Result) else table
    if not isinstance(rows, pd.DataFrame):
        raise InputError(
            f"peers needs a DataFrame or a Result; got {type(rows).__name__}. For a "
            "Series: series.to_frame()."
        )
    require_columns(rows, list(named), "peers")
    _require_better(better, indicators)
    _require_count(k, len(units))
    found = [
        read_indicator(
            rows, Columns(c), wording=Wording(label), style=MapStyle(), units=units
        ).value[0]
        for c, label in named.items()
    ]
    values = np.column_stack(found)
    spread = np.nanstd(values, axis=0, ddof=0)
    telling = spread > TINY * np.nanmax(np.abs(values), axis=0)
    labels = list(named.values())
    left_out = _left_out(labels, telling)
    return Likeness(
        tuple(label for label, told in zip(labels, telling, strict=True) if told),
        values[:, telling],
        spread[telling],
        tuple((str(label), way) for label, way in better.items()),
        int(k),
        left_out,
    )


def _named(columns: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    if isinstance(columns, str):
        columns = [columns]
    if isinstance(columns, Mapping):
        named = {str(c): str(label) for c, label in columns.items()}
    else:
        named = {str(c): str(c) for c in columns}
    if not named:
        raise InputError(
            "peers needs at least one covariate to find similar counties by. Name "
            "columns of the table: peers(table, ['density', 'median_age'], ...)."
        )
    return named


def _require_better(better: Mapping[str, str], indicators: Sequence[str]) -> None:
    if not isinstance(better, Mapping) or not better:
        raise InputError(
            "better must say which indicators a peer can do better on, such as "
            "better={'Families in poverty': 'lower'}."
        )
    for label, way in better.items():
        require_option(way, WAYS, f"better['{label}']")
        if label not in indicators:
            raise InputError(
                f"better names '{label}', which is no indicator of this atlas."
                f"{nearest_name(str(label), indicators)} Add it before peers: "
                f"atlas.add(table, column, label='{label}')."
            )


def _require_count(k: int, n: int) -> None:
    whole = isinstance(k, int | np.integer) and not isinstance(k, bool)
    if not whole or not 1 <= k < n:
        raise InputError(
            f"k must be a whole number from 1 to {n - 1}, the number of other "
            f"counties; got {k!r}."
        )


def _left_out(labels: Sequence[str], telling: NDArray[np.bool_]) -> tuple[str, ...]:
    same = tuple(label for label, told in zip(labels, telling, strict=True) if not told)
    if len(same) == len(labels):
        raise InputError(
            "A covariate must differ between counties to tell which are alike; all "
            f"{len(labels)} are the same everywhere ({first(same)}). Name others."
        )
    if same:
        warn(
            f"{len(same)} of {len(labels)} covariates of peers are the same in every "
            f"county ({first(same)}) and are left out."
        )
    return same


def _digits(spread: float) -> int:
    """Return decimals that tell counties apart: two figures of the spread."""
    return min(max(1 - math.floor(math.log10(spread)), 0), DECIMALS)
