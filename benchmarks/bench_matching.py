"""Matching on a score: geopoverty and its peers, 10,000 and a million households.

The score is given, so that the match alone is timed: sorting is part of it. What
peers cannot do (kernels) is set against looking at every pair. R is timed inside R.
"""

from pathlib import Path

from harness import Bench, InR, Run

SMALL, BIG = 10_000, 1_000_000
DRAWS = 500
PACKAGES = ("geopoverty", "numpy", "numba", "scikit-learn", "psmpy")


def make_inputs(folder: Path) -> None:
    import numpy as np
    import pandas as pd
    from scipy import special

    for name, n in (("small", SMALL), ("big", BIG)):
        rng = np.random.default_rng(23)
        X = rng.normal(size=(n, 4))
        index = X @ np.array([0.5, -0.3, 0.2, 0.1]) - 0.5
        treated = index + rng.normal(size=n) > 0
        y = X.sum(axis=1) + treated + rng.normal(size=n)
        columns = {f"x{j}": X[:, j] for j in range(4)}
        table = pd.DataFrame(columns).assign(
            y=y, treated=treated.astype(int), score=special.ndtr(index), home=range(n)
        )
        table.to_parquet(folder / f"{name}.parquet")
        if name == "small":
            table.to_csv(folder / "small.csv", index=False, float_format="%.17g")


def _arrays(folder: Path, name: str):
    import numpy as np
    import pandas as pd

    table = pd.read_parquet(folder / f"{name}.parquet")
    treated = table["treated"].to_numpy() == 1
    rows = np.flatnonzero(treated), np.flatnonzero(~treated)
    return table["score"].to_numpy(), table["y"].to_numpy(), rows


def _own(folder: Path, name: str, operator) -> Run:
    """Sort both arms, match, and return effect and a sum of weights."""
    import numpy as np

    from geopoverty.numerics.att import effects
    from geopoverty.numerics.pairing import pair, side

    score, y, (t, c) = _arrays(folder, name)

    def run():
        treated, controls = side(score, t), side(score, c)
        w = np.ones(len(c))
        found = pair(
            operator(treated, controls), y[controls.rows][:, None], np.ones(len(t)), w
        )
        on = found.matched
        att = effects(y[treated.rows[on]][:, None], found.means[on], np.ones(on.sum()))
        return [float(att[0])]

    return run


def _nearest(treated, controls):
    from geopoverty.numerics.pairing import nearest

    return nearest(treated, controls, 1).all


def _radius(treated, controls):
    from geopoverty.numerics.pairing import within

    return within(treated, controls, 0.01)


def _normal(treated, controls):
    from geopoverty.numerics.pairing import NormalKernel

    return NormalKernel(treated, controls, 0.06)


def _compact(kernel: str):
    def operator(treated, controls):
        from geopoverty.numerics.pairing import CompactKernel

        return CompactKernel(treated, controls, kernel, 0.06)

    return operator


bench = Bench(
    f"Matching on a score, {SMALL:,} and {BIG:,} households", make_inputs, PACKAGES
)
near_small = f"nearest neighbour, {SMALL:,} households"
near_big = f"nearest neighbour, {BIG:,} households"
radius_small = f"radius 0.01, {SMALL:,} households"
kernel_small = f"normal kernel 0.06, {SMALL:,} households"
big = f"{BIG:,} households, geopoverty alone (ratios to the radius)"
boot = f"bootstrap, {DRAWS} draws of {SMALL:,} households"


@bench.case(near_small, "geopoverty.numerics.pairing (arrays)")
def own_small(folder: Path) -> Run:
    return _own(folder, "small", _nearest)


@bench.case(near_small, "R Matching::Match (with its standard error)")
def r_matching(folder: Path) -> Run:
    return InR("matching_peers.R", folder / "small.csv", "Matching")


@bench.case(near_small, "R MatchIt::matchit", check=False)
def r_matchit(folder: Path) -> Run:
    return InR("matching_peers.R", folder / "small.csv", "MatchIt")


@bench.case(near_small, "psmpy kdtree_matched", check=False)
def psmpy_small(folder: Path) -> Run:
    import contextlib
    import io

    import pandas as pd
    from psmpy import PsmPy

    table = pd.read_parquet(folder / "small.parquet").drop(columns="score")
    with contextlib.redirect_stdout(io.StringIO()):
        study = PsmPy(
            table, treatment="treated", indx="home", target="y", exclude=["y"]
        )
        study.logistic_ps(balance=False)

    def run():
        with contextlib.redirect_stdout(io.StringIO()):
            study.kdtree_matched(
                matcher="propensity_score", replacement=True, caliper=None
            )
        return [float(len(study.matched_ids))]

    return run


@bench.case(near_small, "scikit-learn NearestNeighbors")
def sklearn_small(folder: Path) -> Run:
    return _sklearn_nearest(folder, "small")


@bench.case(
    near_small, "geopoverty.match (formula, table, all its checks)", check=False
)
def own_match_small(folder: Path) -> Run:
    return _match(folder, "small", "nearest")


@bench.case(near_big, "geopoverty.numerics.pairing (arrays)")
def own_big(folder: Path) -> Run:
    return _own(folder, "big", _nearest)


@bench.case(near_big, "scikit-learn NearestNeighbors")
def sklearn_big(folder: Path) -> Run:
    return _sklearn_nearest(folder, "big")


@bench.case(near_big, "geopoverty.match (formula, table, all its checks)", check=False)
def own_match_big(folder: Path) -> Run:
    return _match(folder, "big", "nearest")


@bench.case(radius_small, "geopoverty.numerics.pairing (arrays)")
def own_radius_small(folder: Path) -> Run:
    return _own(folder, "small", _radius)


@bench.case(radius_small, "scikit-learn radius_neighbors")
def sklearn_radius(folder: Path) -> Run:
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    score, y, (t, c) = _arrays(folder, "small")

    def run():
        tree = NearestNeighbors(radius=0.01).fit(score[c][:, None])
        found = tree.radius_neighbors(score[t][:, None], return_distance=False)
        gains = [a - y[c][j].mean() for a, j in zip(y[t], found, strict=True) if len(j)]
        return [float(np.mean(gains))]

    return run


@bench.case(kernel_small, "geopoverty.numerics.pairing (arrays)")
def own_kernel_small(folder: Path) -> Run:
    return _own(folder, "small", _normal)


@bench.case(kernel_small, "every pair (numpy, in blocks)")
def brute_kernel(folder: Path) -> Run:
    import numpy as np

    score, y, (t, c) = _arrays(folder, "small")

    def run():
        total = 0.0
        for rows in np.array_split(t, 20):
            u = (score[rows][:, None] - score[c][None]) / 0.06
            k = np.exp(-0.5 * u * u)
            total += float((y[rows] - (k @ y[c]) / k.sum(axis=1)).sum())
        return [total / len(t)]

    return run


@bench.case(big, "radius 0.01", check=False)
def own_radius_big(folder: Path) -> Run:
    return _own(folder, "big", _radius)


@bench.case(big, "normal kernel 0.06", check=False)
def own_kernel_big(folder: Path) -> Run:
    return _own(folder, "big", _normal)


@bench.case(big, "epanechnikov 0.06", check=False)
def own_epanechnikov(folder: Path) -> Run:
    return _own(folder, "big", _compact("epanechnikov"))


@bench.case(big, "tricube 0.06", check=False)
def own_tricube(folder: Path) -> Run:
    return _own(folder, "big", _compact("tricube"))


@bench.case(big, "match_all, four ways (formula, table)", check=False)
def own_match_all(folder: Path) -> Run:
    import pandas as pd

    from geopoverty.estimators.matching import match_all

    table = pd.read_parquet(folder / "big.parquet")
    return lambda: (
        match_all("treated ~ x0 + x1 + x2 + x3", table, outcome="y").estimates
    )


@bench.case(boot, "nearest, one worker", check=False)
def boot_nearest(folder: Path) -> Run:
    return _bootstrap(folder, "nearest", 1)


@bench.case(boot, "radius, one worker", check=False)
def boot_radius(folder: Path) -> Run:
    return _bootstrap(folder, "radius", 1)


@bench.case(boot, "normal kernel, one worker", check=False)
def boot_one(folder: Path) -> Run:
    return _bootstrap(folder, "kernel", 1)


@bench.case(boot, "normal kernel, two workers", check=False)
def boot_two(folder: Path) -> Run:
    return _bootstrap(folder, "kernel", 2)


@bench.case(boot, "normal kernel, two workers, score fitted anew", check=False)
def boot_refit(folder: Path) -> Run:
    return _bootstrap(folder, "kernel", 2, refit=True)


def _bootstrap(folder: Path, method: str, workers: int, *, refit: bool = False) -> Run:
    from geopoverty.estimators.matching import Bootstrap

    how = Bootstrap(draws=DRAWS, workers=workers, refit=refit)
    return _match(folder, "small", method, vcov=how)


def _match(folder: Path, name: str, method: str, **options) -> Run:
    import pandas as pd

    from geopoverty.estimators.matching import match

    table = pd.read_parquet(folder / f"{name}.parquet")

    def run():
        fit = match(
            "treated ~ x0 + x1 + x2 + x3", table, outcome="y", method=method, **options
        )
        return [fit.estimates["att"], fit.tidy()["std_error"][0]]

    return run


def _sklearn_nearest(folder: Path, name: str) -> Run:
    from sklearn.neighbors import NearestNeighbors

    score, y, (t, c) = _arrays(folder, name)

    def run():
        tree = NearestNeighbors(n_neighbors=1).fit(score[c][:, None])
        found = tree.kneighbors(score[t][:, None], return_distance=False)[:, 0]
        return [float((y[t] - y[c][found]).mean())]

    return run


if __name__ == "__main__":
    bench.main()
