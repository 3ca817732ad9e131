"""What least squares asks of rows, in memory or in a register."""

from collections.abc import Sequence

import pandas as pd

from geopoverty._checks import first, warn
from geopoverty.errors import EstimationError, InputError
from geopoverty.numerics.types import Array

LEVERAGED = ("hc2", "hc3")
FULL_LEVERAGE = 1 - 1e-10
PERFECT = 1e-20  # of the outcome's squares left by the fit: rounding


def require_more_rows(n: int, names: Sequence[str]) -> None:
    """Raise `InputError` unless there are more rows than columns.

    Examples
    --------
    >>> require_more_rows(3, ["Intercept", "age"])
    """
    if n <= len(names):
        raise InputError(
            f"Least squares needs more rows than columns; there are {n} complete rows "
            f"and {len(names)} columns ({first(names)}). Name fewer covariates, or add "
            "rows."
        )


def constant_outcome(name: str, value: float, n: int) -> InputError:
    """Return the error for an outcome that does not vary."""
    return InputError(
        f"The outcome '{name}' must vary; it is {value:g} in all {n} rows. Check how "
        "it was computed."
    )


def perfect(rss: float, squares: float) -> tuple[str, ...]:
    """Warn, and return the note, when the fit leaves nothing of the outcome.

    Examples
    --------
    >>> perfect(1.0, 4.0)
    ()
    """
    if rss > PERFECT * squares:
        return ()
    note = (
        "The covariates fit the outcome perfectly, up to rounding: standard errors "
        "and tests say nothing."
    )
    warn(f"{note} Look for a covariate that was computed from the outcome.")
    return (note,)


def require_leverage(leverage: Array, ids: pd.Index, vcov: str) -> None:
    """Raise `EstimationError` if a row determines its own fitted value."""
    full = leverage >= FULL_LEVERAGE
    if not full.any():
        return
    raise EstimationError(
        f"Leverage must be below 1 for {vcov.upper()}; {int(full.sum())} of {len(full)}"
        f" rows break this ({first(ids[full])}): each has a covariate that no other "
        "row shares. Leave them out, or use vcov='hc1'."
    )
