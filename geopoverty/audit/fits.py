"""What is printed of a model as a whole: R-squared, F, likelihood ratio, GMM tests."""

import math
from collections.abc import Iterator
from fractions import Fraction

from scipy import special

from geopoverty.audit.conventions import Conventions
from geopoverty.audit.findings import (
    CONSISTENT,
    INCONSISTENT,
    Finding,
    Identity,
    compare,
    lacking,
    shown,
)
from geopoverty.audit.intervals import Interval, Number, corners, loose
from geopoverty.audit.sheet import Line
from geopoverty.audit.vocabulary import STATISTICS

MATCHED = "matched"
AR2 = "AR(2) needs four periods"
PARTIAL = "p-value of a correlation"
LR = "likelihood ratio = -2 R2 ll0"


def _slopes(line: Line) -> tuple[int, int] | None:
    """Return the degrees of freedom of F; None if they are not known."""
    n, parameters = line.count("n"), line.count("parameters")
    if n is None or parameters is None or not 1 < parameters < n:
        return None
    return parameters - 1, n - parameters


def _adjusted(
    line: Line, _: Conventions, r2: Interval, *__: Interval
) -> Interval | None:
    degrees = _slopes(line)
    if degrees is None:
        return None
    scale = Fraction(sum(degrees), degrees[1])
    return corners(lambda a: 1 - (1 - a) * scale, r2)


def _f_value(
    line: Line, _: Conventions, r2: Interval, *__: Interval
) -> Interval | None:
    degrees = _slopes(line)
    if degrees is None or r2.high >= 1 or _robust(line):
        return None
    ratio = Fraction(degrees[1], degrees[0])
    return corners(lambda a: a / (1 - a) * ratio, r2)


def _f_tail(line: Line, conventions: Conventions, *_: Interval) -> Interval | None:
    degrees, f = _slopes(line), line.range("f_statistic")
    if f is None:
        r2 = line.range("r_squared")
        f = None if r2 is None else _f_value(line, conventions, r2)
    if degrees is None or f is None:
        return None
    return loose(corners(lambda a: float(special.fdtrc(*degrees, float(a))), f))


def _robust(line: Line) -> bool:
    return line.count("robust") == 1


def _chi2_tail(_: Line, __: Conventions, chi2: Interval, df: Interval) -> Interval:
    return loose(
        corners(lambda a, d: float(special.chdtrc(float(d), float(a))), chi2, df)
    )


def _z_tail(_: Line, __: Conventions, z: Interval) -> Interval:
    return loose(corners(lambda a: 2 * float(special.ndtr(-float(a))), z.size))


def _overidentified(
    _: Line, __: Conventions, instruments: Interval, parameters: Interval
) -> Interval:
    return corners(lambda a, b: a - b, instruments, parameters)


_COUNTS = "n and parameters must be whole numbers, with n the greater."
IDENTITIES = (
    Identity(
        "adjusted R-squared",
        "Is it 1 - (1 - R2)(n - 1) / (n - parameters)?",
        "adj_r_squared",
        ("r_squared", "n", "parameters"),
        "1 - (1 - R2)(n - 1) / (n - parameters)",
        _adjusted,
        _COUNTS,
    ),
    Identity(
        "F from R-squared",
        "Is F the one that R2, n and the parameters fix (errors of equal variance)?",
        "f_statistic",
        ("r_squared", "n", "parameters"),
        "F of R2, n and parameters",
        _f_value,
        f"{_COUNTS} A robust F is not fixed by R2.",
        quiet=True,
    ),
    Identity(
        "p-value of F",
        "Is it that of F, or of R2, with these degrees of freedom?",
        "f_p_value",
        ("n", "parameters"),
        "The p-value of F (printed, or that of R2)",
        _f_tail,
        f"This needs F or R2. {_COUNTS} A robust F is not fixed by R2.",
    ),
    Identity(
        "p-value of the likelihood ratio",
        "Is it that of chi-square?",
        "lr_p_value",
        ("lr_chi2", "lr_df"),
        "The p-value of chi-square",
        _chi2_tail,
        "",
    ),
    Identity(
        "degrees of freedom of Hansen's test",
        "Are they instruments less parameters?",
        "hansen_df",
        ("instruments", "parameters"),
        "Instruments less parameters",
        _overidentified,
        "",
    ),
    Identity(
        "p-value of Hansen's test",
        "Is it that of chi-square?",
        "hansen_p_value",
        ("hansen", "hansen_df"),
        "The p-value of chi-square",
        _chi2_tail,
        "",
    ),
    Identity(
        "p-value of AR(2)",
        "Is it that of z?",
        "ar2_p_value",
        ("ar2",),
        "The two-sided p-value of z",
        _z_tail,
        "",
        quiet=True,
    ),
)


def check_likelihood_ratio(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check LR = -2 R2 ll0, with ll0 fixed by the numbers of ones and zeros.

    In the model "matched" (weights that sum to the same in both groups) ll0 is
    -2 N1 ln 2, so LR = 4 N1 ln 2 R2 with N1 at most the number of treated: some may be
    off support. Not checkable without pseudo R2 and these numbers.
    """
    target = line.cells.get("lr_chi2")
    if target is None:
        return
    names = ["pseudo_r_squared", "n_treated"]
    names += [] if line.model == MATCHED else ["n_control"]
    given = {name: line.range(name) for name in names}
    missing = [name for name, found in given.items() if found is None]
    if missing:
        yield lacking(line.place, LR, target.text, missing)
        return
    r2, *counts = (found for found in given.values() if found is not None)
    null = loose(corners(_null, *counts))
    expected = loose(corners(lambda a, b: 2 * float(a) * b, r2, null))
    what = "-2 R2 ll0"
    if line.model == MATCHED:
        expected = Interval(0, expected.high)
        what = "4 ln 2 R2 N1, with N1 all treated or fewer,"
    yield compare(line.place, LR, target, expected, what)


def _null(ones: Number, zeros: Number | None = None) -> float:
    """Minus the log-likelihood of a constant; of equal groups without zeros."""
    counts = (float(ones), float(ones if zeros is None else zeros))
    n = sum(counts)
    return -sum(c * math.log(c / n) for c in counts if c > 0)


def check_ar2(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check that a test of AR(2) has the four periods it needs.

    Differences of errors two periods apart need levels of periods t, t-1, t-2 and t-3.
    Not checkable without the number of periods.
    """
    target = line.cells.get("ar2", line.cells.get("ar2_p_value"))
    if target is None:
        return
    periods = line.count("periods")
    if periods is None:
        yield lacking(line.place, AR2, target.text, ["periods"])
        return
    agrees = periods >= 4
    reason = (
        f"There are {periods} periods."
        if agrees
        else f"With {periods} periods there are no differences two periods apart."
    )
    yield Finding(
        line.place,
        AR2,
        CONSISTENT if agrees else INCONSISTENT,
        target.text,
        "periods of 4 or more",
        reason,
    )


def check_partial_correlation(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check p of r, or of r with variables held fixed, by t with n - 2 - k df.

    t = r sqrt(df / (1 - r^2)). Not checkable without n (and `controls`, if any) or df.
    """
    r, target = line.range("r"), line.cells.get("p_value")
    if r is None:
        return
    n, df = line.count("n"), line.count("df")
    free = n - 2 - (line.count("controls") or 0) if n is not None else df
    if df is not None and n is not None:
        agrees = df == free
        yield Finding(
            line.place,
            "degrees of freedom of a correlation",
            CONSISTENT if agrees else INCONSISTENT,
            str(df),
            str(free),
            f"n less 2 less the controls is {free}; printed is {df}.",
        )
    if target is None:
        return
    if free is None or free < 1:
        yield lacking(line.place, PARTIAL, target.text, ["n"])
        return
    expected = loose(corners(lambda a: _r_tail(float(a), free), r.size))
    what = f"The p-value of r = {line.cells['r'].text} with {free} degrees of freedom"
    yield compare(line.place, PARTIAL, target, expected, what)


def _r_tail(r: float, df: int) -> float:
    if r >= 1:
        return 0.0
    return float(2 * special.stdtr(df, -r * math.sqrt(df / (1 - r * r))))


_ALWAYS = ("r_squared", "adj_r_squared", "pseudo_r_squared")


def check_domain(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check that a statistic lies where it can: R2 in 0 to 1, p in 0 to 1, SE above 0.

    A row is given for each R2, and for any other number outside.
    """
    for name, printed in line.cells.items():
        domain = STATISTICS[name].domain
        agrees = domain.meets(printed.range)
        if agrees and name not in _ALWAYS:
            continue
        yield Finding(
            line.place,
            f"range of {name}",
            CONSISTENT if agrees else INCONSISTENT,
            printed.text,
            shown(domain),
            f"{name} ({STATISTICS[name].meaning}) lies in {shown(domain)}.",
        )
