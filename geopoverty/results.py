"""The one result that every estimator returns."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from geopoverty import _result_files
from geopoverty._checks import require_option
from geopoverty._tables import (
    html_list,
    html_table,
    html_text,
    latex_table,
    number,
    stars,
)
from geopoverty._tables import text_table as _text
from geopoverty.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What an estimator found, and what a careful reader must know about it.

    Attributes
    ----------
    estimator : str
        The name of the function that made it.
    estimates : Series, shape (k,)
        Indexed by term.
    vcov : DataFrame, shape (k, k)
        Covariance of the estimates, terms on both sides.
    units : DataFrame
        One row per used input row or per unit: what a map can show.
    facts : mapping of str to number or text
        Always with ``n_obs`` and ``n_dropped``. When ``df_t`` is there, tests
        and intervals use Student's t with that many degrees of freedom, else
        the normal.
    tables : mapping of str to DataFrame
        Effects, tests, curves and so on, by name.
    notes : tuple of str
        What must be read with the numbers.
    provenance : mapping
        Formula, options, seed, data hash, versions, data status.
    """

    estimator: str
    estimates: pd.Series
    vcov: pd.DataFrame
    units: pd.DataFrame
    facts: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = {"n_obs", "n_dropped"} - set(self.facts)
        if missing:
            raise InputError(f"Result.facts must hold {sorted(missing)}.")
        terms = list(self.estimates.index)
        if list(self.vcov.index) != terms or list(self.vcov.columns) != terms:
            raise InputError("Result.vcov must have the terms of Result.estimates.")
        for name in ("facts", "tables", "provenance"):
            frozen = MappingProxyType(dict(getattr(self, name)))
            object.__setattr__(self, name, frozen)
        notes = dict.fromkeys((*self.notes, *self._simulated()))
        object.__setattr__(self, "notes", tuple(notes))
        object.__setattr__(self, "estimates", self.estimates.rename("estimate"))

    def _simulated(self) -> tuple[str, ...]:
        """Return what every table of made-up data must say."""
        data = self.provenance.get("data", ())
        made_up = [s for s in data if s.get("status") == "simulated"]
        titles = list(dict.fromkeys(s["title"] for s in made_up if "title" in s))
        if not made_up:
            return ()
        named = f" ({'; '.join(titles)})" if titles else ""
        return (f"Simulated data: they describe no real place or person{named}.",)

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row a term, with test and interval.

        Parameters
        ----------
        conf_level : float
            Between 0 and 1.

        Returns
        -------
        DataFrame
            ``term, estimate, std_error, statistic, p_value, conf_low, conf_high``.

        Raises
        ------
        InputError
            If `conf_level` is not between 0 and 1.
        """
        if not 0 < conf_level < 1:
            raise InputError(f"conf_level must be between 0 and 1; got {conf_level}.")
        return inference_table(
            self.estimates,
            pd.Series(_std_errors(self.vcov), index=self.estimates.index),
            df=self.facts.get("df_t"),
            conf_level=conf_level,
        )

    def glance(self) -> pd.DataFrame:
        """Return the facts as one row."""
        return pd.DataFrame([{"estimator": self.estimator, **self.facts}])

    def summary(self) -> str:
        """Return the estimates, tables' names, facts and notes as plain text."""
        parts = [
            f"{self.estimator}: {self.provenance.get('formula', '')}".rstrip(": "),
            _text(self.tidy().set_index("term")) if len(self.estimates) else "",
            self._facts_in_words("  "),
            f"Tables: {', '.join(self.tables)}" if self.tables else "",
            "\n".join(f"Note: {note}" for note in self.notes),
        ]
        return "\n\n".join(p for p in parts if p)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        title = html_text(
            f"{self.estimator}: {self.provenance.get('formula', '')}".rstrip(": ")
        )
        body = html_table(self.tidy().set_index("term")) if len(self.estimates) else ""
        facts = html_text(self._facts_in_words(" · "))
        return f"<h4>{title}</h4>{body}<p>{facts}</p>{html_list(self.notes)}"

    def _facts_in_words(self, between: str) -> str:
        return between.join(f"{k}: {number(v)}" for k, v in self.facts.items())

    def to_latex(self) -> str:
        """Return the estimates as a LaTeX tabular (booktabs)."""
        foot = " ".join(self._simulated())
        return latex_table(self.tidy().set_index("term"), foot=foot)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result whole to one file: JSON and Parquet in a zip, no pickle.

        Raises
        ------
        InputError
            If the folder does not exist or cannot be written.
        """
        _result_files.write(path, self.__dict__)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Result":
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the file is not there or is not a saved result.
        """
        return cls(**_result_files.read(path))


def inference_table(
    estimate: pd.Series,
    std_error: pd.Series,
    *,
    df: float | None = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Return estimate, standard error, test and interval, one row a term.

    Examples
    --------
    >>> row = inference_table(pd.Series({"x": 2.0}), pd.Series({"x": 1.0}))
    >>> row.round(4).loc[0, "statistic"].item(), row.round(4).loc[0, "p_value"].item()
    (2.0, 0.0455)
    """
    law = stats.norm if df is None else stats.t(df)
    b, se = estimate.to_numpy(float), std_error.to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = b / se
    wide = law.ppf(0.5 + conf_level / 2) * se
    return pd.DataFrame(
        {
            "term": estimate.index.to_numpy(),
            "estimate": b,
            "std_error": se,
            "statistic": statistic,
            "p_value": 2 * law.sf(np.abs(statistic)),
            "conf_low": b - wide,
            "conf_high": b + wide,
        }
    )


def _std_errors(vcov: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.diag(vcov.to_numpy(float))))


def compare(
    *results: Result,
    names: tuple[str, ...] | list[str] | None = None,
    brackets: str = "std_error",
) -> pd.DataFrame:
    """Set several results side by side as a journal table.

    Parameters
    ----------
    *results : Result
        One a column.
    names : sequence of str, optional
        Column heads; ``(1)``, ``(2)``, ... when not given.
    brackets : {"std_error", "statistic"}
        What stands in brackets under each estimate.

    Returns
    -------
    DataFrame of str
        Two rows a term, then the facts that at least one result has. Stars mark
        p below 0.01, 0.05 and 0.1.

    Raises
    ------
    InputError
        If nothing is given, names do not fit, or `brackets` is unknown.
    """
    require_option(brackets, ("std_error", "statistic"), "brackets")
    if not results:
        raise InputError("compare needs at least one Result.")
    heads = list(names or [f"({i + 1})" for i in range(len(results))])
    if len(heads) != len(results) or len(set(heads)) != len(heads):
        raise InputError(
            f"names must be {len(results)} different texts; got {len(heads)}."
        )
    terms = list(dict.fromkeys(t for r in results for t in r.estimates.index))
    rows = pd.MultiIndex.from_product([terms, ("estimate", brackets)])
    table = pd.DataFrame("", index=rows, columns=heads)
    for head, result in zip(heads, results, strict=True):
        for row in result.tidy().itertuples():
            table.loc[(row.term, "estimate"), head] = number(row.estimate) + stars(
                row.p_value
            )
            below = number(getattr(row, brackets))
            table.loc[(row.term, brackets), head] = f"({below})" if below else ""
    facts = _compared_facts(results, heads)
    out = pd.concat([table, facts])
    out.index.names = ["term", "row"]
    return out


_COMPARED = (
    "estimator",
    "data",
    "outcome",
    "model",
    "link",
    "method",
    "n_obs",
    "n_units",
    "log_likelihood",
    "r_squared",
    "r_squared_within",
    "pseudo_r_squared",
    "auc",
    "concordance",
    "aic",
    "vcov",
)


def _compared_facts(results: tuple[Result, ...], heads: list[str]) -> pd.DataFrame:
    columns = {
        head: {
            "estimator": r.estimator,
            **r.facts,
            **({"data": "simulated"} if r._simulated() else {}),
        }
        for head, r in zip(heads, results, strict=True)
    }
    kept = [f for f in _COMPARED if any(f in c for c in columns.values())]
    return pd.DataFrame(
        {h: [number(c.get(f)) for f in kept] for h, c in columns.items()},
        index=pd.MultiIndex.from_tuples([("facts", f) for f in kept]),
    )
