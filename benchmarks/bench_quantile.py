"""Regression quantiles and least squares of a million households, and their peers.

1,000,000 rows x 8 columns, errors that grow with a covariate: the median with
coefficients alone, with standard errors (nid) of four quantiles, and least squares with
HC1. Arrays and tables lie in memory; R is timed inside R.
"""

from pathlib import Path

from harness import Bench, InR, Run

ROWS, COLUMNS = 1_000_000, 8
NAMES = [f"x{j}" for j in range(1, COLUMNS)]
FORMULA = "y ~ " + " + ".join(NAMES)


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(23)
    X = rng.normal(size=(ROWS, COLUMNS - 1))
    noise = (1 + 0.5 * np.abs(X[:, 0])) * rng.standard_t(4, size=ROWS)
    table = pd.DataFrame(X, columns=NAMES)
    table.insert(0, "y", 1 + X @ np.linspace(-0.5, 0.5, COLUMNS - 1) + noise)
    table.to_parquet(folder / "homes.parquet")
    table.to_csv(folder / "homes.csv", index=False, float_format="%.17g")


def _table(folder: Path):
    import pandas as pd

    return pd.read_parquet(folder / "homes.parquet")


def _arrays(folder: Path):
    import numpy as np

    table = _table(folder)
    X = np.column_stack([np.ones(ROWS), table[NAMES]])
    return X, table["y"].to_numpy()


bench = Bench(
    f"Quantiles and least squares, {ROWS:,} households x {COLUMNS}",
    make_inputs,
    ("geopoverty", "numpy", "scipy", "numba", "pandas", "statsmodels"),
)
median = "median, coefficients"
joint = "quantiles .3, .5, .7, .9: coefficients and standard errors (nid)"
plane = "least squares, coefficients and HC1 standard errors"


@bench.case(median, "geopoverty.numerics (arrays)")
def own_median(folder: Path) -> Run:
    from geopoverty.numerics.quantile.fit import frame_of, solve

    X, y = _arrays(folder)

    def run():
        frame = frame_of(X, y)
        return frame.given(solve(frame, 0.5).b)

    return run


@bench.case(median, "statsmodels QuantReg (with standard errors)")
def statsmodels_median(folder: Path) -> Run:
    import statsmodels.api as sm

    X, y = _arrays(folder)
    return lambda: sm.QuantReg(y, X).fit(q=0.5).params


@bench.case(median, "R quantreg pfn (timed inside R)")
def r_median(folder: Path) -> Run:
    return InR("quantile_peers.R", folder / "homes.csv", "coefficients")


@bench.case(joint, "geopoverty.quantile_regression (formula, table, all its tables)")
def own_joint(folder: Path) -> Run:
    import numpy as np

    from geopoverty.estimators.quantiles import quantile_regression

    table = _table(folder)

    def run():
        fit = quantile_regression(FORMULA, table)
        return [*fit.estimates, *np.sqrt(np.diag(fit.vcov))]

    return run


@bench.case(joint, "R quantreg pfn, summary nid (timed inside R)")
def r_joint(folder: Path) -> Run:
    return InR("quantile_peers.R", folder / "homes.csv", "nid")


@bench.case(plane, "geopoverty.numerics (arrays)")
def own_plane(folder: Path) -> Run:
    import numpy as np

    from geopoverty.numerics.least_squares import least_squares, robust_covariance

    X, y = _arrays(folder)

    def run():
        fit = least_squares(y, X)
        return [*fit.beta, *np.sqrt(np.diag(robust_covariance(fit, X, "hc1")))]

    return run


@bench.case(plane, "geopoverty.ols (formula, table, all its tables)")
def own_ols(folder: Path) -> Run:
    import numpy as np

    from geopoverty.estimators.linear import ols

    table = _table(folder)

    def run():
        fit = ols(FORMULA, table)
        return [*fit.estimates, *np.sqrt(np.diag(fit.vcov))]

    return run


@bench.case(plane, "statsmodels OLS (arrays)")
def statsmodels_plane(folder: Path) -> Run:
    import statsmodels.api as sm

    X, y = _arrays(folder)

    def run():
        fit = sm.OLS(y, X).fit(cov_type="HC1")
        return [*fit.params, *fit.bse]

    return run


@bench.case(plane, "statsmodels ols (formula, table)")
def statsmodels_formula(folder: Path) -> Run:
    import statsmodels.formula.api as smf

    table = _table(folder)

    def run():
        fit = smf.ols(FORMULA, table).fit(cov_type="HC1")
        return [*fit.params, *fit.bse]

    return run


if __name__ == "__main__":
    bench.main()
