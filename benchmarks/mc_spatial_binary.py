"""How well each way of estimating finds rho: planted truth, many draws.

Latent outcomes follow the spatial lag probit (or the log-odds lag logit) on n
random places with k nearest neighbours, as in the table it prints.
"""

import argparse
import importlib.metadata
import platform
import time
import warnings

import numpy as np
from scipy import sparse, stats

from geopoverty.errors import EstimationError
from geopoverty.numerics.links import Logit, Probit
from geopoverty.numerics.spatial.bounds import feasible_rho
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.ep import EpProblem
from geopoverty.numerics.spatial.ep_fit import fit_ep
from geopoverty.numerics.spatial.gmm import GmmOptions, fit_gmm
from geopoverty.numerics.spatial.lag_logit import LagProblem, fit_lag_logit
from geopoverty.numerics.spatial.linear_gmm import fit_linear_gmm
from geopoverty.numerics.spatial.moments import BinaryData

SETTINGS = ((1.0, 0.4), (1.0, 0.8), (0.35, 0.4), (0.35, 0.8))
Z95 = stats.norm.ppf(0.975)


def neighbours(n, k, rng):
    places = rng.random((n, 2))
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
    column = np.argsort(gaps, axis=1)[:, 1 : k + 1].ravel()
    row = np.repeat(np.arange(n), k)
    return sparse.csr_array((np.full(n * k, 1 / k), (row, column)), shape=(n, n))


def draw(n, k, slope, rho, rng, link):
    W = neighbours(n, k, rng)
    X = np.column_stack(
        [np.ones(n), rng.normal(size=n), rng.uniform(-(3**0.5), 3**0.5, n)]
    )
    mean = X @ [0.1, slope, -0.7 * slope]
    A = (sparse.eye_array(n) - rho * W).tocsc()
    if link == "probit":
        y = sparse.linalg.spsolve(A, mean + rng.normal(size=n)) > 0
    else:
        y = rng.logistic(size=n) < sparse.linalg.spsolve(A, mean)
    return X, y.astype(float), W, Cells(np.arange(n), n, 1)


def by_ep(X, y, W, cells, bounds):
    fit = fit_ep(EpProblem(X, y, W, cells), bounds)
    if fit.at_boundary:
        raise EstimationError("at the boundary")
    return fit.theta, np.linalg.inv(fit.information)


def by_gmm(steps):
    def estimate(X, y, W, cells, bounds):
        fit = fit_gmm(BinaryData(X, y, W, cells, Probit), GmmOptions(steps, 2, bounds))
        return fit.theta, fit.covariance

    return estimate


def by_linear(X, y, W, cells, _bounds):
    fit = fit_linear_gmm(X, y, W, cells, Probit)
    return fit.theta, fit.covariance


def by_lag_logit(X, y, W, cells, bounds):
    fit = fit_lag_logit(LagProblem(X, y, W, cells, link=Logit), bounds)
    if fit.at_boundary or fit.separating.size:
        raise EstimationError("no maximum inside")
    return fit.theta, np.linalg.inv(fit.information)


METHODS = {
    "probit": {
        "EP maximum likelihood": by_ep,
        "GMM, one step": by_gmm(1),
        "GMM, two steps": by_gmm(2),
        "linearised GMM": by_linear,
    },
    "logit": {"log-odds lag, maximum likelihood": by_lag_logit},
}


def study(link, slope, rho, options):
    rng = np.random.default_rng([options.seed, int(100 * rho), int(100 * slope)])
    found = {name: [] for name in METHODS[link]}
    seconds = dict.fromkeys(found, 0.0)
    for _ in range(options.draws):
        data = draw(options.n, options.k, slope, rho, rng, link)
        bounds = feasible_rho(data[2])
        for name, estimate in METHODS[link].items():
            start = time.perf_counter()
            try:
                theta, vcov = estimate(*data, bounds)
                row = (*theta[1:], *np.sqrt(np.diag(vcov)[1:]))
            except (EstimationError, np.linalg.LinAlgError):
                row = (np.nan,) * (2 * len(data[0][0]))
            seconds[name] += time.perf_counter() - start
            found[name].append(row)
    truth = np.array([slope, -0.7 * slope, rho])
    for name, rows in found.items():
        report(name, np.array(rows), truth, seconds[name] / options.draws)


def report(name, rows, truth, seconds):
    kept = rows[np.isfinite(rows).all(axis=1)]
    k = len(truth)
    gap = kept[:, :k] - truth
    covered = np.abs(gap) < Z95 * kept[:, k:]
    rmse, bias = np.sqrt((gap**2).mean(axis=0)), gap.mean(axis=0)
    share = 100 * covered.mean(axis=0)
    cells = (rmse[-1], bias[-1], share[-1], rmse[0], share[0])
    numbers = " ".join(
        f"{v:8.3f}" if i in (0, 1, 3) else f"{v:8.0f}" for i, v in enumerate(cells)
    )
    lost = len(rows) - len(kept)
    print(f"  {name:<34} {numbers} {lost:8d} {seconds:8.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--k", type=int, default=6)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    packages = ("geopoverty", "numpy", "scipy", "numba")
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)
    print(f"{options.draws} draws, {options.n} places, {options.k} neighbours")
    print(f"Python {platform.python_version()}, {versions}")
    head = ("RMSE rho", "bias", "covered%", "RMSE b", "covered%", "no fit", "s")
    for link in METHODS:
        for slope, rho in SETTINGS:
            print(f"\n{link}, slope {slope}, rho {rho}")
            print(" " * 36 + " ".join(f"{h:>8}" for h in head))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                study(link, slope, rho, options)


if __name__ == "__main__":
    main()
