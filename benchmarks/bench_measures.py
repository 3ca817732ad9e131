"""Poverty and inequality of millions of households: geopoverty and its peers.

Villages are drawn in strata; standard errors allow for both where the peer has them.
PySAL's inequality takes no weights. Columns lie in memory; R is timed inside R.
"""

from pathlib import Path

from harness import Bench, InR, Run

SMALL, LARGE, UNITS = 1_000_000, 10_000_000, 3000
LINE = 5000.0
PACKAGES = ("geopoverty", "numpy", "scipy", "pandas", "inequality")


def make_inputs(folder: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(29)
    for rows in (SMALL, LARGE):
        village = rng.integers(rows // 100, size=rows)
        columns = {
            "income": rng.lognormal(9, 0.8, size=rows),
            "weight": rng.uniform(0.5, 2, size=rows),
            "village": village,
            "stratum": village % 50,
            "unit": rng.integers(UNITS, size=rows),
        }
        for name, values in columns.items():
            np.save(folder / f"{name}_{rows}.npy", values)
        if rows == SMALL:
            import pyarrow as pa
            import pyarrow.csv

            pa.csv.write_csv(pa.table(columns), folder / "incomes.csv")


def _table(folder: Path, rows: int):
    import numpy as np
    import pandas as pd

    names = ("income", "weight", "village", "stratum", "unit")
    columns = {n: np.load(folder / f"{n}_{rows}.npy") for n in names}
    return pd.DataFrame(columns, copy=False)


bench = Bench(
    f"Poverty and inequality, {SMALL:,} and {LARGE:,} households", make_inputs, PACKAGES
)
designed = f"FGT 0, 1, 2 with standard errors, strata and villages, {SMALL:,} rows"
weighted = f"weighted Gini, {SMALL:,} rows"
plain = f"Gini without weights or standard error, {SMALL:,} rows"
many = f"{LARGE:,} rows, with weights and standard errors"


@bench.case(designed, "geopoverty.fgt")
def own_designed(folder: Path) -> Run:
    from geopoverty.measures import Survey, fgt

    homes = _table(folder, SMALL)

    def run():
        found = fgt(
            homes["income"],
            poverty_line=LINE,
            weight=homes["weight"],
            survey=Survey(homes["stratum"], homes["village"]),
        ).tidy()
        return [*found["estimate"], *found["std_error"]]

    return run


@bench.case(designed, "R survey::svymean (timed inside R)")
def r_designed(folder: Path) -> Run:
    return InR("measures.R", folder / "incomes.csv", "fgt")


@bench.case(weighted, "geopoverty.gini (standard error included)")
def own_gini(folder: Path) -> Run:
    from geopoverty.measures import gini

    homes = _table(folder, SMALL)
    return lambda: gini(homes["income"], weight=homes["weight"]).estimates


@bench.case(weighted, "R laeken::gini (timed inside R)")
def r_gini(folder: Path) -> Run:
    return InR("measures.R", folder / "incomes.csv", "gini")


@bench.case(plain, "geopoverty.gini (standard error included)")
def own_plain(folder: Path) -> Run:
    from geopoverty.measures import gini

    homes = _table(folder, SMALL)
    return lambda: gini(homes["income"]).estimates


@bench.case(plain, "PySAL inequality Gini")
def pysal_gini(folder: Path) -> Run:
    from inequality.gini import Gini

    incomes = _table(folder, SMALL)["income"].to_numpy()
    return lambda: [Gini(incomes).g]


def _large(name: str):
    """Add a case of ten million rows."""

    def add(work):
        def load(folder: Path) -> Run:
            homes = _table(folder, LARGE)
            return lambda: work(homes)

        return bench.case(many, name, check=False)(load)

    return add


@_large("poverty_line, share of the mean")
def mean_line(homes):
    from geopoverty.measures import poverty_line

    return [poverty_line(homes["income"], weight=homes["weight"])]


@_large("poverty_line, share of the median")
def median_line(homes):
    from geopoverty.measures import poverty_line

    return [poverty_line(homes["income"], of="median", weight=homes["weight"])]


@_large("headcount")
def large_headcount(homes):
    from geopoverty.measures import headcount

    found = headcount(homes["income"], poverty_line=LINE, weight=homes["weight"])
    return found.estimates


@_large("fgt, alpha 0, 1 and 2")
def large_fgt(homes):
    from geopoverty.measures import fgt

    return fgt(homes["income"], poverty_line=LINE, weight=homes["weight"]).estimates


@_large("headcount at 60 % of the median, estimated")
def large_relative(homes):
    from geopoverty.measures import Relative, headcount

    line = Relative(0.6, "median")
    found = headcount(homes["income"], poverty_line=line, weight=homes["weight"])
    return found.estimates


@_large("gap index by county, strata and villages")
def large_units(homes):
    from geopoverty.measures import Survey, fgt

    return fgt(
        homes["income"],
        poverty_line=LINE,
        alpha=1,
        weight=homes["weight"],
        by=homes["unit"],
        survey=Survey(homes["stratum"], homes["village"]),
    ).estimates


@_large("sen")
def large_sen(homes):
    from geopoverty.measures import sen

    return sen(homes["income"], poverty_line=LINE, weight=homes["weight"]).estimates


@_large("gini")
def large_gini(homes):
    from geopoverty.measures import gini

    return gini(homes["income"], weight=homes["weight"]).estimates


@_large("gini by county")
def large_gini_units(homes):
    from geopoverty.measures import gini

    found = gini(homes["income"], weight=homes["weight"], by=homes["unit"])
    return found.estimates


if __name__ == "__main__":
    bench.main()
