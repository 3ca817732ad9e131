"""Tables for the results page: every cell set as a reader would write it."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geopoverty._tables import number

LONGEST = 300  # rows of a table on the page; longer ones belong in a file
YEARS = ("period", "year")
WORDS = {
    "std_error": "Standard error",
    "p_value": "p",
    "conf_low": "95 % from",
    "conf_high": "to",
    "n_obs": "Observations",
    "n_dropped": "Rows dropped",
    "n_units": "Units",
    "r_squared": "R\N{SUPERSCRIPT TWO}",
    "r_squared_within": "Within R\N{SUPERSCRIPT TWO}",
    "pseudo_r_squared": "Pseudo R\N{SUPERSCRIPT TWO}",
    "pseudo_r_squared_adjusted": "Pseudo R\N{SUPERSCRIPT TWO}, adjusted",
    "tjur_r_squared": "Tjur's R\N{SUPERSCRIPT TWO}",
    "auc": "AUC",
    "auc_std_error": "Standard error of the AUC",
    "likelihood_ratio_p": "p of the likelihood ratio",
    "lr_dependence": "Likelihood ratio of dependence",
    "lr_dependence_p": "p of dependence",
    "feasible_low": "Feasible from",
    "feasible_high": "Feasible to",
    "hansen_j": "Hansen's J",
    "hansen_p": "p of Hansen's J",
    "morans_i": "Moran's I",
    "morans_i_p": "p of Moran's I",
    "n_without_neighbours": "Without neighbours",
    "aic": "AIC",
    "bic": "BIC",
    "vcov": "Covariance",
    "df_t": "Degrees of freedom",
}
_LEADING_HYPHEN = re.compile(r"^(\(?)-(?=\d)")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*$")
_NUMBER = re.compile(r"(< )?\(?-?(\d[\d,]*(\.\d+)?(e-?\d+)?|inf)\)?\**$")


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes
    ----------
    title : str
        Stands above it.
    head : tuple of str, shape (k,)
        Column heads.
    numeric : tuple of bool, shape (k,)
        Which columns are set flush right.
    rows : tuple of tuple of str, shape (n, k)
        The cells.
    cut : int
        How many further rows are not shown.
    """

    title: str
    head: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    cut: int = 0

    def data(self) -> dict[str, Any]:
        """Return the table as the page reads it."""
        return dict(self.__dict__)


def table_of(frame: pd.DataFrame, title: str) -> Table:
    """Turn a frame into texts for the page; an unnamed range index is left out.

    Examples
    --------
    >>> table_of(pd.DataFrame({"n": [1200]}, index=["poor"]), "Counts").rows
    (('poor', '1,200'),)
    """
    shown = _with_index(frame.head(LONGEST))
    columns = [_texts(shown.iloc[:, i]) for i in range(shown.shape[1])]
    # Numbers that came as texts, as from compare(), are set like numbers too.
    numeric = tuple(
        _mostly_numbers(texts)
        and (i > 0 or pd.api.types.is_numeric_dtype(shown.dtypes.iloc[i]))
        for i, texts in enumerate(columns)
    )
    typeset = [
        [minus(text) for text in texts] if kind else texts
        for texts, kind in zip(columns, numeric, strict=True)
    ]
    head = tuple(plain_name(_joined(c)) for c in shown.columns)
    rows = tuple(zip(*typeset, strict=True))
    return Table(str(title), head, numeric, rows, len(frame) - len(shown))


def plain_name(name: str) -> str:
    """Write the name of a column or fact as a reader would; others stay as they are.

    Examples
    --------
    >>> plain_name("n_obs"), plain_name("log_likelihood"), plain_name("W(density)")
    ('Observations', 'Log likelihood', 'W(density)')
    """
    if name in WORDS:
        return WORDS[name]
    if _IDENTIFIER.match(name):
        return name.replace("_", " ").capitalize()
    return name


def minus(text: str) -> str:
    """Set a true minus before a number."""
    if not _NUMBER.match(text):
        return text
    return _LEADING_HYPHEN.sub("\\1\N{MINUS SIGN}", text)


def _joined(column: object) -> str:
    if isinstance(column, tuple):
        return " ".join(str(part) for part in column if str(part))
    return str(column)


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Set the index in front as columns, unless it only counts the rows."""
    if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None:
        return frame
    index = frame.index.to_frame(index=False).astype(object)
    index.columns = pd.Index([n if n is not None else "" for n in frame.index.names])
    for level in range(index.shape[1] - 1):  # say a group once, as journals do
        names = index.iloc[:, level]
        names = names.where(names.ne(names.shift()), "")
        index.isetitem(level, names.to_numpy())
    index.index = frame.index
    return pd.concat([index, frame], axis=1)


def _texts(column: pd.Series) -> list[str]:
    """Write a column's cells: years bare, p-values short, decimals aligned."""
    name = str(column.name)
    if name in YEARS:
        return ["" if pd.isna(v) else str(v) for v in column]
    if name == "row":  # of compare()
        return [plain_name(str(v)) for v in column]
    if not pd.api.types.is_float_dtype(column):
        return [number(v) for v in column]
    if name == "p_value":
        return [_p_value(v) for v in column]
    decimals = _common_decimals(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if decimals is None:
        return [number(v) for v in column]
    return ["" if pd.isna(v) else f"{v + 0.0:,.{decimals}f}" for v in column]


def _p_value(value: float) -> str:
    if pd.isna(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _common_decimals(values: NDArray[np.float64]) -> int | None:
    """Return decimals that suit every number of a column; None if none do."""
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    if not size.size or np.isinf(values).any():
        return None
    decimals = min(max(2 - math.floor(math.log10(float(np.median(size)))), 0), 6)
    # Two figures of the smallest number must stay.
    return decimals if size.min() * 10**decimals >= 9.5 else None


def _mostly_numbers(cells: Sequence[str]) -> bool:
    filled = [c for c in cells if c]
    return 2 * sum(bool(_NUMBER.match(c)) for c in filled) > len(filled)
