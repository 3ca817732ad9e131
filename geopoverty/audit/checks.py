"""Every check there is, and the order in which they are asked."""

from collections.abc import Callable, Iterator

from geopoverty.audit import (
    coefficients,
    fits,
    granularity,
    groups,
    moments,
    programme,
    stars,
)
from geopoverty.audit.conventions import Conventions
from geopoverty.audit.findings import Finding, Identity
from geopoverty.audit.sheet import Line, Sheet

IDENTITIES: tuple[Identity, ...] = (
    *coefficients.IDENTITIES,
    *fits.IDENTITIES,
    *programme.IDENTITIES,
)
OfLine = Callable[[Line, Conventions], Iterator[Finding]]
OfSheet = Callable[[Sheet, Conventions], Iterator[Finding]]
OF_LINES: dict[str, OfLine] = {
    coefficients.SIGN: coefficients.check_sign,
    coefficients.P_VALUE: coefficients.check_p_value,
    stars.STARS_T: stars.check_stars,
    stars.STARS_P: stars.check_stars_of_p,
    fits.LR: fits.check_likelihood_ratio,
    fits.AR2: fits.check_ar2,
    fits.PARTIAL: fits.check_partial_correlation,
    "range": fits.check_domain,
    programme.BIAS_SHARES: programme.check_bias_of_shares,
    moments.ORDER: moments.check_order,
    granularity.GRIM: granularity.check_mean,
    granularity.GRIMMER: granularity.check_sd,
    granularity.SPREAD: granularity.check_spread,
}
OF_SHEETS: dict[str, OfSheet] = {
    programme.MEAN: programme.check_means,
    f"{programme.REDUCTION}, sign, ratio": programme.check_balance,
    "rises with the poverty line": moments.check_lines,
    "adds up": groups.check_sums,
    "is that of the count": groups.check_shares,
    groups.GROUPS: groups.check_groups,
}


def every_finding(sheet: Sheet, conventions: Conventions) -> list[Finding]:
    """Return what all checks find, in the order of the lines of the table.

    Parameters
    ----------
    sheet : Sheet
    conventions : Conventions
    """
    found: list[Finding] = []
    for line in sheet.lines:
        examined = (identity.examine(line, conventions) for identity in IDENTITIES)
        found += [finding for finding in examined if finding is not None]
        for check in OF_LINES.values():
            found += check(line, conventions)
    for whole in OF_SHEETS.values():
        found += whole(sheet, conventions)
    places = list(dict.fromkeys(place for x in sheet.lines for place in _places(x)))
    order = {place: i for i, place in enumerate(places)}
    return sorted(found, key=lambda finding: order[finding.place])


def _places(line: Line) -> Iterator[tuple[str, str, str]]:
    """Yield the places of a line; its whole and its model may have no line."""
    yield line.place
    if line.of:
        yield (line.table, line.model, line.of)
    yield (line.table, line.model, "")
