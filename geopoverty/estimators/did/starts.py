"""When each unit is first treated, and what cannot be a start."""

import numpy as np
import pandas as pd

from geopoverty._checks import first, require
from geopoverty.design.build import Design
from geopoverty.errors import InputError
from geopoverty.estimators.did.rows import (
    after_of,
    periods_in,
    refuse_switching,
    require_both,
    zero_one,
)
from geopoverty.numerics.types import Array, Codes, Mask


def ranked(table: pd.DataFrame, period: str, start: str) -> pd.DataFrame:
    """Replace first treated periods by their number among periods, inf for never."""
    labels = periods_in(table[period])
    if not len(labels):
        raise InputError(f"'{period}' has no value. Check the column.")
    given = table[start]
    known = given.notna().to_numpy() & (given != np.inf).to_numpy()
    ranks = np.full(len(table), np.inf)
    try:
        ranks[known] = labels.searchsorted(given[known].to_numpy())
    except TypeError as error:
        raise InputError(
            f"'{start}' must hold periods as '{period}' has them ({first(labels)}); it "
            f"holds {given.dtype}. Convert one of them."
        ) from error
    # Whoever starts after the last period is not treated in these data.
    ranks[ranks >= len(labels)] = np.inf
    # An infinite number would count as missing or not finite in a design.
    return table.assign(**{start: np.where(np.isinf(ranks), -1.0, ranks)})


def starts_of(
    design: Design,
    left: Codes,
    roles: tuple[str | None, str | None, str | None],
    keys: tuple[str | None, str],
) -> Array:
    """Return the number of the first treated period of each row's unit.

    Parameters
    ----------
    design : Design
    left : array of int
        Which of all periods complete rows still have.
    roles, keys : tuple of str or None
        Columns: treated, post, start; unit, period.

    Raises
    ------
    InputError
        If the columns contradict themselves, or nothing can be compared.
    """
    treated, post, start = roles
    unit, period = keys
    rows = design.rows
    if start is not None:
        ranks = rows[start].to_numpy(np.float64)
        if unit is not None:
            _refuse_moving(rows, start, unit)
        _refuse_always(rows, ranks, start, unit)
        moved = np.searchsorted(left, ranks).astype(np.float64)
        return np.where((ranks < 0) | (moved == len(left)), np.inf, moved)
    assert treated is not None
    group = zero_one(rows[treated], "treatment")
    require_both(group, treated)
    if unit is not None:
        refuse_switching(rows, treated, unit)
    after = after_of(rows, period, post)
    _require_cells(group, after, unit, rows)
    labels = periods_in(rows[period])
    begun = int(labels.get_indexer(pd.Index([rows[period][after].min()]))[0])
    return np.where(group, float(begun), np.inf)


def _refuse_moving(rows: pd.DataFrame, start: str, unit: str) -> None:
    several = rows.groupby(unit)[start].nunique().gt(1)
    require(
        ~several.to_numpy(),
        f"'{start}' must be the same in every period of a {unit}",
        ids=several.index,
        noun="units",
        way_out="A unit starts once; units that start and stop need another method.",
    )


def _refuse_always(
    rows: pd.DataFrame, ranks: Array, start: str, unit: str | None
) -> None:
    ids = rows.index if unit is None else rows[unit]
    require(
        ranks != 0,
        f"There is no period before the start where '{start}' is the first period or "
        "earlier",
        ids=pd.Index(ids),
        way_out="Leave these units out, or add earlier waves. Units never treated "
        "have a missing value, not 0.",
    )
    never = ranks < 0
    if never.all():
        raise InputError(
            f"Nobody starts within these periods: '{start}' is missing or later "
            "everywhere. Check the column."
        )
    if len(np.unique(ranks)) == 1:
        raise InputError(
            "Everyone is treated from the same period on, so nothing tells the "
            "programme from the times. Add units that are never or later treated."
        )


def _require_cells(
    group: Mask, after: Mask, unit: str | None, rows: pd.DataFrame
) -> None:
    """Refuse tables in which a group is not seen both before and after."""
    for who, name in ((group, "treated"), (~group, "control")):
        if unit is None:
            both = after[who].any() and not after[who].all()
        else:
            seen = pd.Series(after[who]).groupby(rows[unit][who].to_numpy())
            both = bool(seen.nunique().gt(1).any())
        if not both:
            raise InputError(
                f"No {name} unit is seen both before and after the start: a wave is "
                "missing. Check that ids are the same in all waves, or use unit=None "
                "for repeated cross-sections."
            )
