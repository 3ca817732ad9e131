"""A logit with a million households: geopoverty and its peers.

Covariances by county where the peer has them; scikit-learn and glum give
coefficients only. Arrays and tables lie in memory; R is timed inside R.
"""

from pathlib import Path

from harness import Bench, InR, Run

ROWS, COUNTIES = 1_000_000, 3000
COVARIATES = ("size", "age", "school", "migrant", "land", "income", "density", "near")
BETA = (-1.5, 0.12, 0.08, -0.2, 0.4, -0.1, -0.25, -0.3, -0.35)
FORMULA = "poor ~ " + " + ".join(COVARIATES)
PACKAGES = (
    *("geopoverty", "numpy", "scipy", "pandas", "statsmodels", "scikit-learn"),
    *("glum", "pyfixest"),
)


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv

    rng = np.random.default_rng(17)
    home = rng.integers(COUNTIES, size=ROWS)
    density = rng.normal(size=COUNTIES)
    # Each county's neighbours are the three on either side of a ring.
    near = sum(np.roll(density, s) for s in (-3, -2, -1, 1, 2, 3)) / 6
    X = np.column_stack(
        [
            np.ones(ROWS),
            rng.integers(1, 9, size=ROWS),
            rng.integers(18, 80, size=ROWS) / 10,
            rng.integers(0, 16, size=ROWS) / 4,
            rng.random(ROWS) < 0.3,
            rng.normal(size=ROWS),
            rng.exponential(size=ROWS),
            density[home],
            near[home],
        ]
    )
    chance = 1 / (1 + np.exp(-(X @ np.array(BETA))))
    y = (rng.random(ROWS) < chance).astype(float)
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    np.save(folder / "home.npy", home.astype(np.int32))
    columns = dict(zip(COVARIATES, X[:, 1:].T, strict=True))
    table = pa.table({"poor": y, "home": home.astype(np.int32), **columns})
    pa.csv.write_csv(table, folder / "households.csv")


def _arrays(folder: Path):
    import numpy as np

    return tuple(np.load(folder / f"{name}.npy") for name in ("X", "y", "home"))


def _table(folder: Path):
    import pandas as pd

    X, y, home = _arrays(folder)
    table = pd.DataFrame(X[:, 1:], columns=list(COVARIATES))
    codes = pd.Categorical.from_codes(home, [f"{i:05d}" for i in range(COUNTIES)])
    return table.assign(poor=y, unit_id=codes.astype(str))


bench = Bench(
    f"Logit, {ROWS:,} households x {len(COVARIATES) + 1}, {COUNTIES:,} counties",
    make_inputs,
    PACKAGES,
)
clustered = "coefficients and covariance clustered by county"
plain = "coefficients only"


@bench.case(clustered, "geopoverty.numerics (arrays)")
def own_numerics(folder: Path) -> Run:
    from geopoverty.numerics import binary, covariance
    from geopoverty.numerics.links import Logit

    X, y, home = _arrays(folder)
    k = X.shape[1]

    def run():
        fit = binary.fit_binary(X, y, Logit)
        scores = binary.score_blocks(X, y, fit.beta, Logit)
        sums = covariance.group_sums(scores, home, COUNTIES, k)
        meat = sums.T @ sums
        vcov, _ = covariance.sandwich(covariance.inverse(fit.information), meat)
        factor = covariance.cluster_factor(COUNTIES, ROWS, k, "hc1")
        return _flat(fit.beta, factor * vcov)

    return run


@bench.case(clustered, "geopoverty.logit (formula, table, effects)")
def own_logit(folder: Path) -> Run:
    import geopoverty as gp

    table = _table(folder)

    def run():
        fit = gp.logit(FORMULA, table, vcov="cluster")
        return _flat(fit.estimates.to_numpy(), fit.vcov.to_numpy())

    return run


@bench.case(clustered, "geopoverty.logit with W(density)", check=False)
def own_spillover(folder: Path) -> Run:
    import numpy as np
    from scipy import sparse

    import geopoverty as gp

    table = _table(folder)
    ring = np.arange(COUNTIES)
    link = sparse.coo_array(
        (
            np.full(6 * COUNTIES, 1 / 6),
            (
                np.tile(ring, 6),
                np.concatenate([(ring + s) % COUNTIES for s in (-3, -2, -1, 1, 2, 3)]),
            ),
        )
    )
    weights = gp.SpatialWeights([f"{i:05d}" for i in ring], link.tocsr())
    formula = FORMULA.replace("near", "W(density)")

    def run():
        fit = gp.logit(formula, table, weights=weights, vcov="cluster")
        return _flat(fit.estimates.to_numpy(), fit.vcov.to_numpy())

    return run


@bench.case(clustered, "statsmodels Logit (arrays)")
def statsmodels_logit(folder: Path) -> Run:
    import statsmodels.api as sm

    X, y, home = _arrays(folder)

    def run():
        fit = sm.Logit(y, X).fit(
            disp=0, tol=1e-10, cov_type="cluster", cov_kwds={"groups": home}
        )
        return _flat(fit.params, fit.cov_params())

    return run


@bench.case(clustered, "statsmodels GLM (arrays)")
def statsmodels_glm(folder: Path) -> Run:
    import statsmodels.api as sm

    X, y, home = _arrays(folder)

    def run():
        fit = sm.GLM(y, X, family=sm.families.Binomial()).fit(
            tol=1e-10, cov_type="cluster", cov_kwds={"groups": home}
        )
        return _flat(fit.params, fit.cov_params())

    return run


@bench.case(clustered, "pyfixest feglm (formula, table)")
def pyfixest_feglm(folder: Path) -> Run:
    import pyfixest as pf

    table = _table(folder)

    def run():
        fit = pf.feglm(FORMULA, table, family="logit", vcov={"CRV1": "unit_id"})
        return _flat(fit.coef().to_numpy(), fit._vcov)

    return run


@bench.case(clustered, "R glm + sandwich::vcovCL (timed inside R)")
def r_clustered(folder: Path) -> Run:
    return InR("logit_glm.R", folder / "households.csv", "clustered")


@bench.case(plain, "geopoverty.numerics fit_binary (arrays)")
def own_plain(folder: Path) -> Run:
    from geopoverty.numerics.binary import fit_binary
    from geopoverty.numerics.links import Logit

    X, y, _ = _arrays(folder)
    return lambda: fit_binary(X, y, Logit).beta


@bench.case(plain, "scikit-learn newton-cholesky (arrays)")
def sklearn_newton(folder: Path) -> Run:
    return _sklearn(folder, "newton-cholesky")


@bench.case(plain, "scikit-learn lbfgs (arrays)")
def sklearn_lbfgs(folder: Path) -> Run:
    return _sklearn(folder, "lbfgs")


@bench.case(plain, "glum (arrays)")
def glum_irls(folder: Path) -> Run:
    from glum import GeneralizedLinearRegressor

    X, y, _ = _arrays(folder)

    def run():
        model = GeneralizedLinearRegressor(
            family="binomial", alpha=0, fit_intercept=False, gradient_tol=1e-8
        )
        return model.fit(X, y).coef_

    return run


@bench.case(plain, "R glm (timed inside R)")
def r_plain(folder: Path) -> Run:
    return InR("logit_glm.R", folder / "households.csv", "plain")


def _sklearn(folder: Path, solver: str) -> Run:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    X, y, _ = _arrays(folder)

    def run():
        model = LogisticRegression(
            C=np.inf, fit_intercept=False, solver=solver, tol=1e-8, max_iter=500
        )
        return model.fit(X, y).coef_[0]

    return run


def _flat(beta, vcov) -> list[float]:
    """Return coefficients, then standard errors."""
    import numpy as np

    return [*map(float, beta), *map(float, np.sqrt(np.diag(vcov)))]


if __name__ == "__main__":
    bench.main()
