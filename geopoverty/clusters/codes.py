"""Industry codes: text, one system, cut to as many digits as asked for."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from geopoverty._checks import FIRST, first, require
from geopoverty.errors import InputError

LEVELS = (2, 3, 4)
FORM = re.compile(r"[A-Z]?\d+", re.ASCII)

Level = int | Sequence[int]


def levels_of(level: Level) -> tuple[int, ...]:
    """Return the levels asked for, each once, in ascending order.

    Raises
    ------
    InputError
        If one is not 2, 3 or 4, or none is given.

    Examples
    --------
    >>> levels_of((4, 3)), levels_of(2)
    ((3, 4), (2,))
    """
    one = isinstance(level, int | np.integer)
    asked = (level,) if one else tuple(level)  # type: ignore[arg-type]
    wrong = [a for a in asked if isinstance(a, bool) or a not in LEVELS]
    if wrong or not asked:
        raise InputError(
            "level must be 2, 3 or 4, or several of them: how many digits of the "
            f"industry code count; got {level!r}."
        )
    return tuple(sorted({int(a) for a in asked}))  # type: ignore[arg-type]


def check_codes(codes: pd.Index, column: str, levels: tuple[int, ...]) -> None:
    """Check codes, each given once: text, one form, one level, long enough.

    Parameters
    ----------
    codes : Index, shape (c,)
        The different codes; none is missing.
    column : str
        Where they came from.
    levels : tuple of int
        The levels asked for.

    Raises
    ------
    InputError
        If codes are numbers, are not digits after at most one capital letter, only
        some have a letter, one stands for a part of another, or one is too short.

    Examples
    --------
    >>> check_codes(pd.Index(["C1310", "C1713"]), "industry", (3,))
    """
    _require_text(codes, column)
    _require_form(codes, column)
    _refuse_overlap(codes, column)
    digits = np.array([len(_digits(c)) for c in codes])
    require(
        digits >= max(levels),
        f"At level {max(levels)} every industry code needs at least {max(levels)} "
        "digits",
        ids=codes,
        noun="codes",
        way_out="Ask for a lower level, or look these firms' codes up.",
    )


def cut(codes: pd.Index, level: int) -> pd.Index:
    """Return the first digits of each code, after its letter where it has one.

    Examples
    --------
    >>> cut(pd.Index(["C1310", "C1713"]), 2).tolist(), cut(pd.Index(["0810"]), 3)[0]
    (['C13', 'C17'], '081')
    """
    return pd.Index(
        [c[: len(c) - len(_digits(c)) + level] for c in codes], dtype=object
    )


def _digits(code: str) -> str:
    return code[1:] if code[0].isalpha() else code


def _require_text(codes: pd.Index, column: str) -> None:
    wrong = [c for c in codes if not isinstance(c, str)]
    if not wrong:
        return
    width = max(len(str(c).removesuffix(".0")) for c in wrong)
    raise InputError(
        f"Industry codes must be text; '{column}' holds "
        f"{pd.api.types.infer_dtype(pd.Index(wrong, dtype=object))} "
        f"({first(wrong[: FIRST + 1])}), so leading zeros are lost (0810 and 810 are "
        f"different industries). Read the column as text, pd.read_csv(path, "
        f"dtype={{'{column}': str}}), or repair it: "
        f"firms['{column}'].astype(int).astype(str).str.zfill({width})."
    )


def _require_form(codes: pd.Index, column: str) -> None:
    require(
        np.array([FORM.fullmatch(c) is not None for c in codes]),
        f"Industry codes must be digits, after one capital letter at most; in "
        f"'{column}'",
        ids=[repr(c) for c in codes],
        noun="codes",
        way_out="Take out dots and blanks: "
        f"firms['{column}'].str.replace(r'[. ]', '', regex=True); codes that end in "
        "'.0' were numbers: read them as text.",
    )
    letters = np.array([c[0].isalpha() for c in codes])
    if letters.any() and not letters.all():
        raise InputError(
            f"Industry codes must all have a letter or none; {int(letters.sum())} of "
            f"{len(codes)} codes have one ({first(codes[letters])}), the others not "
            f"({first(codes[~letters])}). Take the letters off: "
            f"firms['{column}'].str.lstrip('ABCDEFGHIJKLMNOPQRSTUVWXYZ')."
        )
    if letters.all():
        _require_one_letter(codes, column)


def _require_one_letter(codes: pd.Index, column: str) -> None:
    """Digits alone name an industry: its letter is the section it belongs to."""
    letters = pd.Series([c[0] for c in codes]).groupby([c[1:3] for c in codes])
    several = letters.nunique()
    named = [
        "/".join(f"{letter}{d}" for letter in sorted(letters.get_group(d).unique()))
        for d in several.index[several > 1]
    ]
    if named:
        raise InputError(
            f"The first two digits of an industry code belong to one letter; in "
            f"'{column}' {len(named)} have several ({first(named)}). Correct the "
            "codes."
        )


def _refuse_overlap(codes: pd.Index, column: str) -> None:
    known = set(codes)
    pairs = [
        f"{code[:k]} and {code}"
        for code in sorted(known)
        for k in range(1, len(code))
        if code[:k] in known
    ]
    if pairs:
        coarsest = min(len(code) for code in known)
        raise InputError(
            f"Industry codes must be of one level; in '{column}' {len(pairs)} codes "
            f"are part of another that is also used ({first(pairs)}). Give each firm "
            "its code at one level, or cut all to the coarsest: "
            f"firms['{column}'].str[:{coarsest}]."
        )
