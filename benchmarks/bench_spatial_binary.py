"""Spatial logit and probit: places with nearest neighbours, households in counties.

No peer can be installed by name: ProbitSpatial, spatialprobit and spldv are R
packages outside Debian, and Python has none. So the cases show growth with n, and
docs/benchmarks.md sets what peers took on the same kind of machine beside them.
"""

from pathlib import Path

from harness import Bench, Run

COUNTIES = 2000
PACKAGES = ("geopoverty", "numpy", "scipy", "numba", "pandas", "spreg")


def make_inputs(folder: Path) -> None:
    import numpy as np
    from scipy import sparse
    from scipy.spatial import cKDTree

    for n in (1000, 3000, 10_000, 50_000):
        rng = np.random.default_rng(n)
        places = rng.random((n, 2))
        near = cKDTree(places).query(places, 7)[1][:, 1:].ravel()
        links = (np.full(6 * n, 1 / 6), (np.repeat(np.arange(n), 6), near))
        W = sparse.csr_array(links, shape=(n, n))
        X = np.column_stack([np.ones(n), rng.normal(size=n), rng.uniform(-1.7, 1.7, n)])
        A = (sparse.eye_array(n) - 0.6 * W).tocsc()
        latent = sparse.linalg.spsolve(A, X @ [0.1, 1.0, -0.7] + rng.normal(size=n))
        sparse.save_npz(folder / f"W{n}.npz", W)
        np.save(folder / f"X{n}.npy", X)
        np.save(folder / f"y{n}.npy", (latent > 0).astype(float))
    _travel_times(folder, 3000)
    _travel_times(folder, COUNTIES)
    for rows in (100_000, 1_000_000):
        _households(folder, rows)


def _travel_times(folder: Path, n: int) -> None:
    import numpy as np

    rng = np.random.default_rng(7)
    places = 10 * rng.random((n, 2))
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2) + 0.3
    W = 1 / gaps**2
    np.fill_diagonal(W, 0.0)
    W /= W.sum(axis=1, keepdims=True)
    np.save(folder / f"dense{n}.npy", W)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    latent = np.linalg.solve(np.eye(n) - 0.6 * W, X @ [0.0, 1.0] + rng.normal(size=n))
    np.save(folder / f"dense_X{n}.npy", X)
    np.save(folder / f"dense_y{n}.npy", (latent > 0).astype(float))


def _households(folder: Path, rows: int) -> None:
    import numpy as np

    rng = np.random.default_rng(rows)
    W = np.load(folder / f"dense{COUNTIES}.npy")
    home = np.concatenate(
        [np.arange(COUNTIES), rng.integers(0, COUNTIES, rows - COUNTIES)]
    )
    X = np.column_stack(
        [
            np.ones(rows),
            rng.normal(size=(rows, 4)),
            (rng.random(COUNTIES) < 0.2)[home],
            rng.normal(size=(COUNTIES, 3))[home],
        ]
    )
    beta = [-0.2, 0.8, -0.3, 0.2, 0.1, 0.5, 1.0, -0.5, 0.3]
    counts = np.bincount(home)
    mean = np.bincount(home, X @ beta) / counts
    carried = np.linalg.solve(np.eye(COUNTIES) - 0.5 * W, mean) - mean
    y = rng.logistic(size=rows) < X @ beta + carried[home]
    np.savez(folder / f"homes{rows}.npz", X=X, y=y.astype(float), home=home)


def _places(folder: Path, n: int):
    import numpy as np
    from scipy import sparse

    from geopoverty.numerics.spatial.cells import Cells

    W = sparse.load_npz(folder / f"W{n}.npz")
    X, y = np.load(folder / f"X{n}.npy"), np.load(folder / f"y{n}.npy")
    return X, y, sparse.csr_array(W), Cells(np.arange(n), n, 1)


def _table(X, y, units):
    import pandas as pd

    names = [f"x{j}" for j in range(1, X.shape[1])]
    table = pd.DataFrame(X[:, 1:], columns=names).assign(y=y, unit_id=units)
    return table, "y ~ " + " + ".join(names)


def _public(folder: Path, n: int, **options):
    import geopoverty as gp

    X, y, W, _ = _places(folder, n)
    ids = [f"{i:06d}" for i in range(n)]
    weights = gp.SpatialWeights(ids, W, standardize="row")
    table, formula = _table(X, y, ids)

    def run():
        return gp.spatial_binary(formula, table, weights=weights, **options).estimates

    return run


def _dense(folder: Path, **options):
    import numpy as np

    import geopoverty as gp

    X, y = np.load(folder / "dense_X3000.npy"), np.load(folder / "dense_y3000.npy")
    ids = [f"{i:06d}" for i in range(3000)]
    weights = gp.SpatialWeights(
        ids, np.load(folder / "dense3000.npy"), standardize="row"
    )
    table, formula = _table(X, y, ids)

    def run():
        return gp.spatial_binary(formula, table, weights=weights, **options).estimates

    return run


def _homes(folder: Path, rows: int):
    import numpy as np
    import pandas as pd

    import geopoverty as gp

    held = np.load(folder / f"homes{rows}.npz")
    ids = [f"{i:06d}" for i in range(COUNTIES)]
    weights = gp.SpatialWeights(
        ids, np.load(folder / f"dense{COUNTIES}.npy"), standardize="row"
    )
    units = pd.Categorical.from_codes(held["home"], ids).astype(str)
    table, formula = _table(held["X"], held["y"], units)

    def run():
        fit = gp.spatial_binary(formula, table, weights=weights, unit="unit_id")
        return fit.estimates

    return run


bench = Bench("Spatial logit and probit", make_inputs, PACKAGES)


def _ep_case(n: int) -> None:
    @bench.case("lag probit by EP, with standard errors", f"{n:,} places", check=False)
    def fit(folder: Path) -> Run:
        from geopoverty.numerics.spatial.bounds import feasible_rho
        from geopoverty.numerics.spatial.ep import EpProblem
        from geopoverty.numerics.spatial.ep_fit import fit_ep

        X, y, W, cells = _places(folder, n)

        def run():
            return fit_ep(EpProblem(X, y, W, cells), feasible_rho(W)).theta

        return run


for places in (3000, 1000, 10_000, 50_000):
    _ep_case(places)

WHOLE = "spatial_binary: formula, fit, effects with SE, units"


def _whole_case(name: str, load) -> None:
    bench.case(WHOLE, name, check=False)(load)


_whole_case("lag probit, 3,000 places", lambda f: _public(f, 3000, link="probit"))
_whole_case("lag probit, 10,000 places", lambda f: _public(f, 10_000, link="probit"))
_whole_case("lag probit, 50,000 places", lambda f: _public(f, 50_000, link="probit"))
_whole_case(
    "error probit, 10,000 places",
    lambda f: _public(f, 10_000, link="probit", model="error"),
)
_whole_case("lag logit, 10,000 places", lambda f: _public(f, 10_000))
_whole_case(
    "GMM lag probit, 3,000 places",
    lambda f: _public(f, 3000, link="probit", method="gmm"),
)
_whole_case(
    "linearised GMM, 10,000 places",
    lambda f: _public(f, 10_000, link="probit", method="linear-gmm"),
)
_whole_case(
    "lag probit, 3,000 places, dense weights", lambda f: _dense(f, link="probit")
)
_whole_case("lag logit, 3,000 places, dense weights", _dense)

HOMES = f"household lag logit, {COUNTIES:,} densely linked counties, 9 columns"


@bench.case(HOMES, "100,000 households", check=False)
def _hundred_thousand(folder: Path) -> Run:
    return _homes(folder, 100_000)


@bench.case(HOMES, "1,000,000 households", check=False)
def _million(folder: Path) -> Run:
    return _homes(folder, 1_000_000)


TESTS = "tests of spatial dependence, 10,000 places"


@bench.case(TESTS, "spatial_binary_tests (nine tests)", check=False)
def _tests(folder: Path) -> Run:
    import geopoverty as gp

    X, y, W, _ = _places(folder, 10_000)
    ids = [f"{i:06d}" for i in range(10_000)]
    weights = gp.SpatialWeights(ids, W, standardize="row")
    table, formula = _table(X, y, ids)

    def run():
        fit = gp.spatial_binary_tests(formula, table, weights=weights, link="probit")
        return fit.tables["tests"]["statistic"]

    return run


@bench.case(TESTS, "spreg Probit (three of them)", check=False)
def _spreg(folder: Path) -> Run:
    from libpysal.weights import WSP
    from spreg import Probit

    X, y, W, _ = _places(folder, 10_000)
    weights = WSP(W.tocsr()).to_W()
    weights.transform = "r"

    def run():
        fit = Probit(y[:, None], X[:, 1:], w=weights, spat_diag=True)
        return [
            float(fit.Pinkse_error[0]),
            float(fit.KP_error[0]),
            float(fit.PS_error[0]),
        ]

    return run


if __name__ == "__main__":
    bench.main()
