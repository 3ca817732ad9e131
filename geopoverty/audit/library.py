"""The published tables of the five studies, as facts to audit."""

import tomllib
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).resolve().parent / "published"


def published_tables() -> dict[str, pd.DataFrame]:
    """Return the tables of five studies of poverty, as they reached us in print.

    Returns
    -------
    dict of str to DataFrame
        Wide tables of text, ready for `audit`, by study and table, such as
        "exit_table1". In ``attrs``: title, study, origin, licence and a note on what
        was left out or is hard to read.

    Examples
    --------
    >>> tables = published_tables()
    >>> tables["exit_table1"].loc[1, ["model", "term", "estimate"]].tolist()
    ['OLS', 'industrial upgrading', '-2.72']
    """
    sources = tomllib.loads((FOLDER / "SOURCES.toml").read_text(encoding="utf-8"))
    return {name.removesuffix(".csv"): _read(name, s) for name, s in sources.items()}


def _read(name: str, source: dict[str, object]) -> pd.DataFrame:
    path = FOLDER / name
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    table.attrs = dict(source)
    return table
