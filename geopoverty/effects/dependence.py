"""What tests of spatial dependence found, as a table and notes for readers."""

from collections.abc import Mapping

import pandas as pd

from geopoverty.numerics.spatial.dependence import Verdict

_ALIKE = "what is unobserved is alike among neighbours"
# Key of the statistic: its name for readers, and what it is a test against.
TESTS = {
    "lag": ("LM-lag", "neighbours' outcomes act (spatial lag)"),
    "error": ("LM-error", f"{_ALIKE} (spatial error)"),
    "slx": ("LM-SLX", "neighbours' covariates act"),
    "lag_error": ("LM-lag-error", f"neighbours' outcomes act, or {_ALIKE}"),
    "durbin": (
        "LM-Durbin",
        "neighbours' outcomes or covariates act (spatial Durbin)",
    ),
    "robust_lag": (
        "robust LM-lag",
        f"neighbours' outcomes act, whether or not {_ALIKE}",
    ),
    "robust_error": (
        "robust LM-error",
        f"{_ALIKE}, whether or not neighbours' outcomes act",
    ),
    "robust_slx": (
        "robust LM-SLX",
        "neighbours' covariates act, whether or not their outcomes do",
    ),
    "kelejian_prucha": ("Kelejian-Prucha", _ALIKE),
    "pinkse": ("Pinkse", _ALIKE),
    "pinkse_slade": ("Pinkse-Slade", _ALIKE),
}


def verdict_table(verdicts: Mapping[str, Verdict]) -> pd.DataFrame:
    """Return one row a test: ``test, statistic, df, p_value, law, against``.

    Parameters
    ----------
    verdicts : mapping of str to Verdict
        By the keys of `TESTS`, all or some.

    Examples
    --------
    >>> verdict_table({"slx": Verdict(3.2, 1, 0.074)})[["test", "p_value"]].values
    array([['LM-SLX', 0.074]], dtype=object)
    """
    made = [key for key in TESTS if key in verdicts]
    return pd.DataFrame(
        {
            "test": [TESTS[key][0] for key in made],
            "statistic": [verdicts[key].statistic for key in made],
            "df": [verdicts[key].df for key in made],
            "p_value": [verdicts[key].p_value for key in made],
            "law": [verdicts[key].law for key in made],
            "against": [TESTS[key][1] for key in made],
        }
    )


def verdict_notes(verdicts: Mapping[str, Verdict], lags: int, others: str) -> list[str]:
    """Say what some tests leave out.

    Parameters
    ----------
    verdicts : mapping of str to Verdict
    lags : int
        Covariates whose lags LM-SLX would add.
    others : str
        What, beside other lags, may determine a lag.

    Examples
    --------
    >>> verdict_notes({"slx": Verdict(3.2, 1, 0.074)}, 1, "the covariates")
    []
    """
    notes = []
    idle = lags - verdicts["slx"].df
    if idle:
        notes.append(
            f"LM-SLX leaves out {idle} of {lags} lags of covariates: {others} and the "
            "other lags determine them."
        )
    empty = [TESTS[key][0] for key, found in verdicts.items() if found.df == 0]
    if empty:
        notes.append(
            f"There is nothing to test for {', '.join(empty)}: what the alternative "
            "adds is in the model already."
        )
    return notes
