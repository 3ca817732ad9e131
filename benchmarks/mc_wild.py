"""How often tests with few clusters reject a true hypothesis, at 5 %.

Clusters of 10 to 90 households share an unobserved part; the covariate is that of the
cluster (jobs) or of the household (land) or both. Set side by side: clustered standard
errors with the normal, with Student's t of G - 1 degrees, and the wild cluster
bootstrap. Then its power and the coverage of its intervals in a smaller number of
draws.
"""

import argparse
import time

import numpy as np
from scipy import stats

from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.covariance import cluster_factor
from geopoverty.numerics.links import Logit
from geopoverty.numerics.wild import wild_linear, wild_tests
from geopoverty.numerics.wild_draws import cluster_draws
from geopoverty.numerics.wild_scores import WildProblem

SHARED = 0.5  # sd of what a cluster shares, in log-odds
DRAWS = 999


def village(rng: np.random.Generator, groups: int, slope: float):
    codes = np.repeat(np.arange(groups), rng.integers(10, 91, size=groups))
    n = len(codes)
    jobs, land = rng.normal(size=groups)[codes], rng.normal(size=n)
    X = np.column_stack([np.ones(n), jobs, land])
    # The slope of land differs between clusters: its scores depend within them, too.
    own = SHARED * rng.normal(size=(2, groups))
    eta = slope * jobs + slope * land + own[0][codes] + own[1][codes] * land
    return X, eta, codes


def tested(
    rng: np.random.Generator, groups: int, form: str, slope: float, level: float | None
):
    X, eta, codes = village(rng, groups, slope)
    n, k = X.shape
    factor = cluster_factor(groups, n, k, "hc1")
    draws = cluster_draws(groups, DRAWS, seed=int(rng.integers(2**31)))
    if form == "logit":
        y = (eta + rng.logistic(size=n) > 0).astype(float)
        beta = fit_binary(X, y, Logit).beta
        problem = WildProblem(X, y, Logit, codes, groups, beta, factor)
        return wild_tests(problem, draws, [1, 2], level)
    y = eta + rng.normal(size=n)
    return wild_linear(y, X, codes, draws, [1, 2], level, factor)


def sizes(groups: int, form: str, slope: float, repeats: int, seed: int) -> np.ndarray:
    """Return shares rejected: normal, t and wild (rows) for jobs and land."""
    rng = np.random.default_rng(seed)
    count = np.zeros((3, 2))
    for _ in range(repeats):
        found = tested(rng, groups, form, slope, None)
        size = np.abs(found.statistic)
        count[0] += size > stats.norm.ppf(0.975)
        count[1] += size > stats.t(groups - 1).ppf(0.975)
        count[2] += found.p_value <= 0.05
    return count / repeats


def coverage(groups: int, form: str, slope: float, repeats: int, seed: int):
    rng = np.random.default_rng(seed)
    hit = np.zeros(2)
    for _ in range(repeats):
        found = tested(rng, groups, form, slope, 0.95)
        hit += (found.conf_low <= slope) & (slope <= found.conf_high)
    return hit / repeats


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=2000)
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args()
    start = time.perf_counter()
    print("| model | clusters | slope | covariate | normal | t(G-1) | wild |")
    print("|---|---|---|---|---|---|---|")
    for form in ("least squares", "logit"):
        for groups in (6, 10, 20, 40):
            for slope in (0.0, 0.5) if groups == 10 else (0.0,):
                share = sizes(groups, form, slope, given.repeats, given.seed)
                for j, name in enumerate(("jobs", "land")):
                    numbers = " | ".join(f"{s:.3f}" for s in share[:, j])
                    print(f"| {form} | {groups} | {slope:g} | {name} | {numbers} |")
    few = given.repeats // 5
    for form in ("least squares", "logit"):
        jobs, land = coverage(
            10, form, 0.5 if form != "logit" else 0.0, few, given.seed
        )
        print(f"\n{form}, 10 clusters: 95 % intervals cover {jobs:.3f} and {land:.3f}.")
    print(f"\n{given.repeats} draws a line, {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
