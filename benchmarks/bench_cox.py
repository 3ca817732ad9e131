"""Cox models of 100,000 households and of 832 counties: geopoverty and its peers.

Tied times are months, continuous ones have no ties. Peers whose clustered standard
errors take time quadratic in rows are run once. R is timed inside R.
"""

import time
from pathlib import Path

from harness import Bench, InR, Run

ROWS, COUNTIES, GROUPS = 100_000, 832, 3_000
RIGHT = "x0 + x1 + x2 + x3 + x4"
PACKAGES = ("geopoverty", "numpy", "scipy", "pandas", "lifelines")


class Once:
    """A case that is too slow to be run again and again."""

    def __init__(self, work: Run) -> None:
        self.work = work

    def seconds(self, _: int) -> dict[str, object]:
        start = time.perf_counter()
        numbers = [float(v) for v in self.work()]
        return {"seconds": [time.perf_counter() - start], "numbers": numbers}


class OnceInR(InR):
    def seconds(self, _: int) -> dict[str, object]:
        return super().seconds(1)


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    for name, n in (("tied", ROWS), ("continuous", ROWS), ("counties", COUNTIES)):
        rng = np.random.default_rng(31)
        X = rng.normal(size=(n, 5))
        wait = rng.exponential(np.exp(-X @ np.array([0.3, -0.2, 0.1, 0.0, 0.5])))
        end = rng.uniform(0.2, 3, size=n)
        years = np.minimum(wait, end)
        table = pd.DataFrame({f"x{j}": X[:, j] for j in range(5)}).assign(
            years=np.ceil(years * 30) if name == "tied" else years,
            left=(wait <= end).astype(int),
            group=rng.integers(0, GROUPS, size=n),
            unit_id=[f"{i:06d}" for i in range(n)],
        )
        table.to_parquet(folder / f"{name}.parquet")
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.17g")


def _table(folder: Path, name: str):
    import pandas as pd

    return pd.read_parquet(folder / f"{name}.parquet")


def _arrays(folder: Path, name: str, what: str) -> Run:
    """Sort, fit, and with `what`: test proportional hazards or cluster."""
    import numpy as np

    from geopoverty.numerics.covariance import group_sums
    from geopoverty.numerics.hazards.cox import fit_cox
    from geopoverty.numerics.hazards.partial import CoxData
    from geopoverty.numerics.hazards.proportional import (
        TRANSFORMS,
        proportional,
        transformed,
    )
    from geopoverty.numerics.hazards.residuals import score_residuals
    from geopoverty.numerics.hazards.risk import risk_sets

    table = _table(folder, name)
    X = np.ascontiguousarray(table[[f"x{j}" for j in range(5)]].to_numpy())
    years, left = table["years"].to_numpy(), table["left"].to_numpy() == 1
    group = table["group"].to_numpy()

    def run():
        risk = risk_sets(years, left)
        fit = fit_cox(CoxData(X, risk, np.ones(len(X))))
        if what == "plain":
            return fit.beta
        if what == "cluster":
            blocks = [(slice(0, len(X)), score_residuals(fit.moments))]
            moved = group_sums(blocks, group, GROUPS, 5) @ fit.vcov
            return [*fit.beta, *np.sqrt((moved**2).sum(axis=0))]
        found = []
        for how in TRANSFORMS:
            g = transformed(how, years, left, None, risk.times, risk)
            test = proportional(fit.moments, g)
            columns = [*([j] for j in range(5)), range(5)]
            found.append([test.test(c).statistic for c in columns])
        return found[0]

    return run


def _whole(folder: Path, name: str, **options) -> Run:
    from geopoverty.estimators.exits import exit_hazard

    table = _table(folder, name)
    return lambda: (
        exit_hazard(RIGHT, table, duration="years", exited="left", **options).estimates
    )


def _lifelines(folder: Path, name: str, cluster: str | None = None) -> Run:
    from lifelines import CoxPHFitter

    columns = [*RIGHT.split(" + "), "years", "left"]
    table = _table(folder, name)[columns if cluster is None else [*columns, cluster]]

    def run():
        fit = CoxPHFitter().fit(table, "years", "left", cluster_col=cluster)
        if cluster is None:
            return fit.params_
        return [*fit.params_, *fit.standard_errors_]

    return run


bench = Bench(
    f"Cox models, {ROWS:,} households and {COUNTIES} counties", make_inputs, PACKAGES
)
OWN = "geopoverty.numerics.hazards (arrays)"


def _fits(name: str) -> None:
    plain, tested = f"fit, {ROWS:,} rows, {name}", f"PH tests, {ROWS:,} rows, {name}"
    csv = f"{name}.csv"
    bench.case(plain, OWN)(lambda folder: _arrays(folder, name, "plain"))
    bench.case(plain, "lifelines")(lambda folder: _lifelines(folder, name))
    bench.case(plain, "R coxph")(
        lambda folder: InR("cox_peers.R", folder / csv, "plain")
    )
    bench.case(tested, f"{OWN}, fit and 3 tests")(
        lambda folder: _arrays(folder, name, "tested")
    )
    bench.case(tested, "R coxph and 3 cox.zph")(
        lambda folder: InR("cox_peers.R", folder / csv, "tested")
    )
    bench.case(tested, "exit_hazard (formula, table, all its tables)", check=False)(
        lambda folder: _whole(folder, name)
    )
    bench.case(tested, "lifelines, fit alone", check=False)(
        lambda folder: _lifelines(folder, name)
    )


_fits("tied")
_fits("continuous")
clustered = f"clustered SE, {ROWS:,} tied rows, {GROUPS:,} groups"
counties = f"{COUNTIES} counties, with curves for all"


@bench.case(clustered, OWN)
def own_clustered(folder: Path) -> Run:
    return _arrays(folder, "tied", "cluster")


@bench.case(clustered, "exit_hazard (formula, table, all its tables)", check=False)
def whole_clustered(folder: Path) -> Run:
    from geopoverty.covariances import Cluster
    from geopoverty.estimators.exits import Hazard

    return _whole(folder, "tied", model=Hazard(vcov=Cluster("group", "groups")))


@bench.case(clustered, "lifelines, one run")
def lifelines_clustered(folder: Path) -> Once:
    return Once(_lifelines(folder, "tied", "group"))


@bench.case(clustered, "R coxph(cluster=), one run")
def r_clustered(folder: Path) -> OnceInR:
    return OnceInR("cox_peers.R", folder / "tied.csv", "cluster")


@bench.case(counties, "exit_hazard", check=False)
def whole_counties(folder: Path) -> Run:
    return _whole(folder, "counties")


@bench.case(counties, "lifelines, fit and predict_survival_function", check=False)
def lifelines_counties(folder: Path) -> Run:
    from lifelines import CoxPHFitter

    table = _table(folder, "counties")[[*RIGHT.split(" + "), "years", "left"]]

    def run():
        fit = CoxPHFitter().fit(table, "years", "left")
        return [float(fit.predict_survival_function(table).iloc[-1].mean())]

    return run


if __name__ == "__main__":
    bench.main()
