"""Spatial panels with fixed effects of units: geopoverty and spreg.

Both start from a table (or arrays) and weights in memory, in the form each takes, and
end with estimates, standard errors and effects (spreg: without those by unit).
spreg runs once: it takes gigabytes and half a minute.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import Bench, Run, peak_bytes, restart_peak

PERIODS, COVARIATES, TRUE = 10, 4, 0.4
GRID, LARGE, DENSE, CUTOFF = 55, 100, 3000, 240.0
PACKAGES = ("geopoverty", "spreg", "libpysal", "numpy", "scipy", "pandas")


class Once:
    """A peer's run that is measured a single time."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def seconds(self, _: int) -> dict[str, object]:
        before, start = restart_peak(), time.perf_counter()
        numbers = [float(v) for v in self.run()]
        taken = time.perf_counter() - start
        peak = (peak_bytes() - before) / 2**20
        return {"seconds": [taken], "peak_mb": peak, "numbers": numbers}


def make_inputs(folder: Path) -> None:
    import numpy as np
    from scipy import sparse

    import geopoverty as gp

    times = gp.datasets.us_travel_times()
    matrices = {
        "grid": _neighbours(GRID),
        "large": _neighbours(LARGE),
        "travel": gp.travel_weights(times, cutoff=CUTOFF).matrix,
    }
    for name, W in matrices.items():
        sparse.save_npz(folder / f"{name}.npz", sparse.csr_array(W))
    places = np.random.default_rng(2).uniform(size=(DENSE, 2))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    np.save(folder / "dense.npy", (1 / apart) / (1 / apart).sum(axis=1, keepdims=True))


def _neighbours(side: int):
    """Return weights of the up to eight neighbours on a square grid."""
    import numpy as np
    from scipy import sparse

    band = sparse.diags_array(
        [np.ones(side - 1), np.ones(side), np.ones(side - 1)], offsets=[-1, 0, 1]
    )
    links = sparse.csr_array(sparse.kron(band, band))
    links.setdiag(0)
    links.eliminate_zeros()
    return sparse.csr_array(sparse.diags_array(1 / links.sum(axis=1)) @ links)


def _matrix(folder: Path, name: str):
    import numpy as np
    from scipy import sparse

    if name == "dense":
        return np.load(folder / "dense.npy")
    return sparse.csr_array(sparse.load_npz(folder / f"{name}.npz"))


def _simulated(W):
    """Return outcome (n, T) and covariates (n, T, k), rho 0.4, effects of units."""
    import numpy as np
    from scipy import sparse
    from scipy.sparse.linalg import splu

    rng = np.random.default_rng(5)
    n = W.shape[0]
    X = rng.normal(size=(n, PERIODS, COVARIATES))
    mean = X.sum(axis=2) + rng.normal(size=(n, 1)) + rng.normal(size=(n, PERIODS))
    if sparse.issparse(W):
        A = sparse.csc_array(sparse.eye_array(n) - TRUE * W)
        return splu(A).solve(mean), X
    return np.linalg.solve(np.eye(n) - TRUE * W, mean), X


def _own(folder: Path, name: str, **options) -> Run:
    import numpy as np
    import pandas as pd

    import geopoverty as gp
    from geopoverty.estimators.panel import panel

    W = _matrix(folder, name)
    n = W.shape[0]
    y, X = _simulated(W)
    ids = np.array([f"{i:05d}" for i in range(n)], dtype=object)
    columns = {f"x{j}": X[:, :, j].ravel() for j in range(COVARIATES)}
    keys = {
        "unit_id": np.repeat(ids, PERIODS),
        "period": np.tile(np.arange(PERIODS), n),
    }
    table = pd.DataFrame({**keys, "y": y.ravel(), **columns})
    weights = gp.SpatialWeights(ids, W, standardize="row")
    right = " + ".join(columns)

    def run() -> Sequence[float]:
        result = panel(f"y ~ {right}", table, weights=weights, **options)
        return [*result.estimates, *result.tidy()["std_error"]]

    return run


def _spreg(folder: Path, name: str, find: Callable) -> Once:
    import numpy as np
    from libpysal.weights import WSP
    from scipy import sparse

    W = _matrix(folder, name)
    y, X = _simulated(W)
    wide = np.hstack([X[:, :, j] for j in range(COVARIATES)])
    w = WSP(sparse.csr_matrix(W)).to_W(silence_warnings=True)

    def run() -> Sequence[float]:
        fit = find(y, wide, w)
        return [*fit.betas.ravel(), *np.sqrt(np.diag(fit.vm))]

    return Once(run)


def _uncorrected(model: str):
    from geopoverty.estimators.panel import SpatialPanel

    return SpatialPanel(model, bias_correction=False)


bench = Bench("Spatial panels with fixed effects", make_inputs, PACKAGES)
SMALL = f"{GRID**2:,} units x {PERIODS} periods, eight neighbours"


@bench.case(f"lag, {SMALL}", "geopoverty")
def small(folder: Path) -> Run:
    return _own(folder, "grid", effects="unit", model=_uncorrected("lag"))


@bench.case(f"lag, {SMALL}", "spreg ML_LagFE")
def small_spreg(folder: Path) -> Once:
    from spreg import ML_LagFE

    return _spreg(folder, "grid", ML_LagFE)


@bench.case(f"error, {SMALL}", "geopoverty")
def small_error(folder: Path) -> Run:
    return _own(folder, "grid", effects="unit", model=_uncorrected("error"))


@bench.case(f"error, {SMALL}", "spreg ML_ErrorFE")
def small_error_spreg(folder: Path) -> Once:
    from spreg import ML_ErrorFE

    return _spreg(folder, "grid", ML_ErrorFE)


@bench.case("lag, 3,085 counties x 10 periods, within 240 minutes", "geopoverty")
def travel(folder: Path) -> Run:
    return _own(folder, "travel", effects="unit", model=_uncorrected("lag"))


@bench.case("lag, 3,085 counties x 10 periods, within 240 minutes", "spreg ML_LagFE")
def travel_spreg(folder: Path) -> Once:
    from spreg import ML_LagFE

    return _spreg(folder, "travel", ML_LagFE)


OTHERS = "geopoverty alone, two-way effects with Lee-Yu correction"


@bench.case(OTHERS, f"lag, {SMALL}")
def two_way(folder: Path) -> Run:
    return _own(folder, "grid", model="lag")


@bench.case(OTHERS, f"Durbin, {SMALL}", check=False)
def durbin(folder: Path) -> Run:
    return _own(folder, "grid", model="durbin")


@bench.case(OTHERS, f"lag, {LARGE**2:,} x {PERIODS}, eight neighbours", check=False)
def large(folder: Path) -> Run:
    return _own(folder, "large", model="lag")


@bench.case(OTHERS, f"lag, {DENSE:,} x {PERIODS}, dense 1 / distance", check=False)
def dense(folder: Path) -> Run:
    return _own(folder, "dense", model="lag")


if __name__ == "__main__":
    bench.main()
