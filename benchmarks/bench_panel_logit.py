"""Logits with effects of households, and tests with few clusters.

1,000 households seen 6 times, 8 covariates: conditional likelihood and a normal
intercept by quadrature with 12 points, each with its peers. Then the wild cluster
bootstrap: 9,999 draws, 1,000 rows x 8 terms in 10 clusters. Tables lie in memory; R is
timed inside R.
"""

from pathlib import Path

from harness import Bench, InR, Run

HOUSEHOLDS, WAVES, COVARIATES = 1000, 6, 8
NAMES = [f"x{j}" for j in range(COVARIATES)]
FORMULA = "y ~ " + " + ".join(NAMES)
PACKAGES = ("geopoverty", "numpy", "scipy", "pandas", "statsmodels", "wildboottest")


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(23)
    n = HOUSEHOLDS * WAVES
    who = np.repeat(np.arange(HOUSEHOLDS), WAVES)
    X = rng.normal(size=(n, COVARIATES)) + rng.normal(size=HOUSEHOLDS)[who, None] / 2
    intercept = rng.normal(size=HOUSEHOLDS)[who]
    chance = 1 / (1 + np.exp(-(X @ np.linspace(-0.6, 0.6, COVARIATES) + intercept)))
    rows = pd.DataFrame(X, columns=NAMES)
    rows.insert(0, "y", (rng.random(n) < chance).astype(int))
    rows.insert(0, "who", who)
    rows.to_csv(folder / "panel.csv", index=False)

    village = rng.integers(0, 10, 1000)
    Z = rng.normal(size=(1000, COVARIATES))
    Z[:, 0] = 1.0
    Z[:, 1] = rng.normal(size=10)[village]
    noise = rng.logistic(size=1000) + rng.normal(size=10)[village]
    np.savez(folder / "villages.npz", Z=Z, village=village, noise=noise)


def _table(folder: Path):
    import pandas as pd

    rows = pd.read_csv(folder / "panel.csv")
    waves = rows.groupby("who").cumcount()
    return rows.assign(period=waves, unit_id=rows["who"].astype(str))


bench = Bench(
    f"Panel logits, {HOUSEHOLDS:,} households x {WAVES} waves, {COVARIATES} covariates",
    make_inputs,
    PACKAGES,
)
conditional = "conditional logit: coefficients and standard errors"
random = "random intercept, 12 points: coefficients and sigma"
wild = "wild cluster bootstrap: p-values of 8 terms, 9,999 draws, 10 clusters"


@bench.case(conditional, "geopoverty.numerics (arrays)")
def own_conditional(folder: Path) -> Run:
    import numpy as np

    from geopoverty.numerics.conditional import fit_conditional
    from geopoverty.numerics.covariance import inverse
    from geopoverty.numerics.strata import strata, varying

    rows = _table(folder)
    X, y = rows[NAMES].to_numpy(), rows["y"].to_numpy(float)
    who = rows["who"].to_numpy()

    def run():
        groups = strata(who)
        fit = fit_conditional(X, y, groups.kept(varying(groups, y)))
        error = np.sqrt(np.diag(inverse(fit.at.information)))
        return [*fit.beta, *error]

    return run


@bench.case(conditional, "geopoverty.panel_logit (formula, table)")
def own_panel_logit(folder: Path) -> Run:
    import numpy as np

    from geopoverty.estimators.panel_logit import panel_logit

    rows = _table(folder)

    def run():
        fit = panel_logit(FORMULA, rows, effects="unit", vcov="iid")
        return [*fit.estimates, *np.sqrt(np.diag(fit.vcov))]

    return run


@bench.case(conditional, "statsmodels ConditionalLogit (arrays)")
def statsmodels_conditional(folder: Path) -> Run:
    from statsmodels.discrete.conditional_models import ConditionalLogit

    rows = _table(folder)

    def run():
        model = ConditionalLogit(rows["y"], rows[NAMES], groups=rows["who"])
        fit = model.fit(disp=0)
        return [*fit.params, *fit.bse]

    return run


@bench.case(conditional, "R survival::clogit exact (timed inside R)")
def r_clogit(folder: Path) -> Run:
    return InR("panel_logit_peers.R", folder / "panel.csv", "survival")


@bench.case(random, "geopoverty.numerics (arrays)")
def own_random(folder: Path) -> Run:
    import numpy as np

    from geopoverty.numerics.random_logit import fit_random_logit, random_information
    from geopoverty.numerics.strata import strata

    rows = _table(folder)
    X = np.column_stack([np.ones(len(rows)), rows[NAMES]])
    y, who = rows["y"].to_numpy(float), rows["who"].to_numpy()

    def run():
        groups = strata(who)
        fit = fit_random_logit(X, y, groups)
        random_information(X, y, groups, fit)  # peers give standard errors, too
        return fit.theta

    return run


@bench.case(random, "geopoverty.panel_logit (formula, table, effects, check)")
def own_random_table(folder: Path) -> Run:
    from geopoverty.estimators.panel_logit import RandomIntercept, panel_logit

    rows = _table(folder)
    how = RandomIntercept(points=12)
    return lambda: panel_logit(FORMULA, rows, effects=how, vcov="iid").estimates


@bench.case(random, "R lme4::glmer nAGQ = 12 (timed inside R)")
def r_glmer(folder: Path) -> Run:
    return InR("panel_logit_peers.R", folder / "panel.csv", "lme4")


def _villages(folder: Path):
    import numpy as np

    held = np.load(folder / "villages.npz")
    return held["Z"], held["village"], held["noise"]


@bench.case(wild, "geopoverty, least squares, p-values only")
def own_wild(folder: Path) -> Run:
    from geopoverty.numerics.wild import wild_linear
    from geopoverty.numerics.wild_draws import cluster_draws

    Z, village, noise = _villages(folder)

    def run():
        draws = cluster_draws(10)
        return wild_linear(noise, Z, village, draws, conf_level=None).p_value

    return run


@bench.case(wild, "geopoverty, least squares, with intervals")
def own_wild_intervals(folder: Path) -> Run:
    from geopoverty.numerics.wild import wild_linear
    from geopoverty.numerics.wild_draws import cluster_draws

    Z, village, noise = _villages(folder)
    return lambda: wild_linear(noise, Z, village, cluster_draws(10)).p_value


@bench.case(wild, "geopoverty, logit, p-values only", check=False)
def own_wild_logit(folder: Path) -> Run:
    return _wild_logit(folder, None)


@bench.case(wild, "geopoverty, logit, with intervals", check=False)
def own_wild_logit_intervals(folder: Path) -> Run:
    return _wild_logit(folder, 0.95)


@bench.case(wild, "wildboottest, least squares, p-values only", check=False)
def peer_wild(folder: Path) -> Run:
    import pandas as pd
    import statsmodels.api as sm
    from wildboottest.wildboottest import wildboottest

    Z, village, noise = _villages(folder)
    model = sm.OLS(noise, pd.DataFrame(Z, columns=NAMES))

    def run():
        options = {"B": 9999, "cluster": village, "weights_type": "webb"}
        found = [
            wildboottest(model, param=n, show=False, parallel=False, seed=1, **options)
            for n in NAMES
        ]
        return [float(f["p-value"].iloc[0]) for f in found]

    return run


def _wild_logit(folder: Path, conf_level: float | None) -> Run:
    from geopoverty.numerics.binary import fit_binary
    from geopoverty.numerics.links import Logit
    from geopoverty.numerics.wild import wild_tests
    from geopoverty.numerics.wild_draws import cluster_draws
    from geopoverty.numerics.wild_scores import WildProblem

    Z, village, noise = _villages(folder)
    y = (noise > 0).astype(float)
    beta = fit_binary(Z, y, Logit).beta
    problem = WildProblem(Z, y, Logit, village, 10, beta)

    def run():
        draws = cluster_draws(10)
        return wild_tests(problem, draws, conf_level=conf_level).p_value

    return run


if __name__ == "__main__":
    bench.main()
