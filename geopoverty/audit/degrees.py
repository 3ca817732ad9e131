"""How many degrees of freedom a printed t can have."""

import math

from geopoverty.audit.intervals import Interval
from geopoverty.audit.sheet import Line


def degrees(line: Line) -> Interval | None:
    """Return the range of the degrees of freedom; None if nothing is known of them.

    They are those printed; or between clusters less one and what n leaves; or n less
    the parameters. From n alone: at most n - 1, and at least what is left of half the
    observations (the other half may be effects of units seen twice) after the printed
    coefficients.

    Parameters
    ----------
    line : Line

    Returns
    -------
    Interval or None
        Ends are 1 or more.
    """
    df, n = line.count("df"), line.count("n")
    parameters, clusters = line.count("parameters"), line.count("clusters")
    if df is not None:
        return _from(df, df)
    most = math.inf if n is None else n - (parameters or 1)
    if clusters is not None:
        return _from(min(clusters - 1, most), most)
    if n is None:
        return None
    return _from(most if parameters else n // 2 - line.terms, most)


def _from(low: float, high: float) -> Interval:
    return Interval(max(low, 1), max(high, 1))
