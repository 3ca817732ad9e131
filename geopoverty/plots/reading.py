"""What a plot takes from a `Result`, or why it cannot."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from geopoverty._checks import first, nearest_name
from geopoverty.errors import InputError
from geopoverty.results import Result

MOST = 1000  # bars


def table_of(result: object, name: str, plot: str, makers: str) -> pd.DataFrame:
    """Return a table of the result.

    Parameters
    ----------
    result : Result
    name : str
        Of the table.
    plot, makers : str
        The plot's function, and those whose results it shows.

    Raises
    ------
    InputError
        If it is no result, or one without such a table or without rows in it.

    Examples
    --------
    >>> table_of(3, "love", "love_plot", "match")
    Traceback (most recent call last):
    geopoverty.errors.InputError: love_plot draws a Result of match; got int. Give it \
what match returned.
    """
    found = require_result(result, plot, makers)
    if name not in found.tables or not len(found.tables[name]):
        raise InputError(
            f"{plot} draws the table '{name}' of a Result of {makers}; this one, of "
            f"{found.estimator}, has "
            f"{first(found.tables, 12) if found.tables else 'no tables'}. Give it what "
            f"{makers} returned."
        )
    return found.tables[name]


def require_result(result: object, plot: str, makers: str) -> Result:
    """Return `result` if it is one."""
    if not isinstance(result, Result):
        raise InputError(
            f"{plot} draws a Result of {makers}; got {type(result).__name__}. Give it "
            f"what {makers} returned."
        )
    return result


def chosen(given: str | None, known: Iterable[object], name: str) -> str:
    """Return the given label if it is known, the first when none is given.

    Examples
    --------
    >>> chosen(None, ["a", "b"], "term")
    'a'
    """
    labels = [str(k) for k in known]
    if given is None:
        return labels[0]
    if str(given) not in labels:
        raise InputError(
            f"{name} must be one of {first(labels, 12)}; got {given!r}."
            f"{nearest_name(str(given), labels)}"
        )
    return str(given)


def require_bins(bins: object) -> None:
    """Raise unless `bins` is a number of bars.

    Examples
    --------
    >>> require_bins(1)
    Traceback (most recent call last):
    geopoverty.errors.InputError: bins must be a whole number from 2 to 1000; got 1.
    """
    whole = isinstance(bins, int | np.integer) and not isinstance(bins, bool)
    if not whole or not 2 <= int(bins) <= MOST:  # type: ignore[call-overload]
        raise InputError(f"bins must be a whole number from 2 to {MOST}; got {bins!r}.")
