"""Dynamic panel GMM, 1,000 firms x 10 years: geopoverty and plm.

Two steps with Windmeijer's correction and all tests; R is timed inside R.
"""

from pathlib import Path

from harness import Bench, InR, Run

UNITS, YEARS = 1000, 10
PACKAGES = ("geopoverty", "numpy", "scipy", "pandas")


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(3)
    effect = rng.normal(size=UNITS)
    n, w = np.zeros((2, UNITS, YEARS + 20))
    for t in range(1, YEARS + 20):
        e = rng.normal(size=UNITS)
        w[:, t] = 0.5 * w[:, t - 1] + effect + 0.5 * e + rng.normal(size=UNITS)
        n[:, t] = 0.5 * n[:, t - 1] + w[:, t] + effect + e
    table = pd.DataFrame(
        {
            "unit_id": np.repeat([f"f{i:04d}" for i in range(UNITS)], YEARS),
            "year": np.tile(np.arange(2000, 2000 + YEARS), UNITS),
            "n": n[:, 20:].ravel(),
            "w": w[:, 20:].ravel(),
        }
    )
    table.to_csv(folder / "firms.csv", index=False)


bench = Bench(f"Dynamic panels, {UNITS:,} firms x {YEARS} years", make_inputs, PACKAGES)
difference = "difference GMM, two steps, lags 2 to 4 of n and w"
system = "system GMM, two steps, lags 2 to 4 of n and w, collapsed"


def _own(folder: Path, method: str, collapse: bool) -> Run:
    import numpy as np
    import pandas as pd

    from geopoverty.estimators.dynamic_panel import Instruments, dynamic_panel

    table = pd.read_csv(folder / "firms.csv")
    gmm = Instruments(("w",), lags=(2, 4), collapse=collapse)
    terms = ["L(n)", "w"]

    def run():
        fit = dynamic_panel("n ~ L(n) + w", table, period="year", gmm=gmm,
                            method=method)  # fmt: skip
        errors = np.sqrt(np.diag(fit.vcov.loc[terms, terms]))
        return [*fit.estimates[terms], *errors]

    return run


@bench.case(difference, "geopoverty.dynamic_panel (formula, table, tests)")
def own_difference(folder: Path) -> Run:
    return _own(folder, "difference", collapse=False)


@bench.case(difference, "R plm pgmm and summary (timed inside R)")
def plm_difference(folder: Path) -> Run:
    return InR("dynamic_plm.R", folder / "firms.csv", "difference")


@bench.case(system, "geopoverty.dynamic_panel (formula, table, tests)")
def own_system(folder: Path) -> Run:
    return _own(folder, "system", collapse=True)


@bench.case(system, "R plm pgmm and summary (timed inside R)", check=False)
def plm_system(folder: Path) -> Run:
    return InR("dynamic_plm.R", folder / "firms.csv", "system")


if __name__ == "__main__":
    bench.main()
