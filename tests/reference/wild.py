"""Known answers for the wild cluster bootstrap of least squares: writes wild.json.

Run from this folder with wildboottest installed, which nothing else here needs.
Reads grunfeld.csv and binary.csv.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from wildboottest.wildboottest import wildboottest

# All 2^G draws of Rademacher weights, so that there is no chance in the answers.
ENUMERATE = 99_999


def case(table: pd.DataFrame, y: str, x: list[str], cluster: str) -> dict:
    X = sm.add_constant(table[x])
    model = sm.OLS(table[y], X)
    codes = pd.factorize(table[cluster])[0]
    terms = {}
    for term in X.columns:
        found = wildboottest(
            model,
            B=ENUMERATE,
            cluster=codes,
            param=term,
            impose_null=True,
            adj=False,
            cluster_adj=False,
            show=False,
            parallel=False,
        )
        terms[term] = {
            "statistic": float(np.ravel(found["statistic"])[0]),
            "p_value": float(np.ravel(found["p-value"])[0]),
        }
    return {"y": y, "x": x, "cluster": cluster, "terms": terms}


def main() -> None:
    homes = pd.read_csv("binary.csv", dtype={"unit_id": str})
    homes["village"] = homes["unit_id"].astype(int) // 37 % 9
    grunfeld = pd.read_csv("grunfeld.csv")
    packages = ("wildboottest", "statsmodels", "numpy")
    content = {
        "made_with": {p: version(p) for p in packages},
        "notes": "restricted wild cluster bootstrap of least squares (WCR), all "
        "Rademacher draws; statistics without small-sample factor",
        "cases": {
            "grunfeld": case(grunfeld, "inv", ["value", "capital"], "firm"),
            "households": case(homes, "poor", ["x1", "x2", "clusters"], "village"),
        },
    }
    Path("wild.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
