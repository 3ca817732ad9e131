"""What each check asks, and what makes it not checkable: for readers of a report."""

import inspect

import pandas as pd

from geopoverty.audit.checks import IDENTITIES, OF_LINES, OF_SHEETS


def audit_checks() -> pd.DataFrame:
    """Return the list of all checks of `audit`.

    Returns
    -------
    DataFrame
        ``check, question, formula, not_checkable``, all text. Checks that look at
        more than one number of a line have their whole explanation as ``question``.

    Examples
    --------
    >>> checks = audit_checks().set_index("check")
    >>> checks.loc["hazard ratio = exp(coefficient)", "formula"]
    'exp(coefficient)'
    """
    rows = [
        (i.check, i.question, i.formula, _unless(i.needs, i.blind)) for i in IDENTITIES
    ]
    for name, check in {**OF_LINES, **OF_SHEETS}.items():
        about, _, rest = inspect.cleandoc(check.__doc__ or "").partition("\n\n")
        rest = " ".join(rest.partition("References")[0].split())
        asked, _, unless = rest.partition("Not checkable ")
        rows.append((name, about, asked.strip(), unless[:1].upper() + unless[1:]))
    columns = ["check", "question", "formula", "not_checkable"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _unless(needs: tuple[str, ...], blind: str) -> str:
    return f"Without {' and '.join(needs)}. {blind}".strip()
