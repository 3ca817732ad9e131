"""Size and power of the tests of spatial dependence, at 5 %.

Units: 400 points, 6 neighbours each, one row a unit. Households: 200 such units
with 5 to 25 rows each, neighbours acting through means of units. The last line of
each block has no dependence between units, but rows of a unit share an unobserved
part, which the tests take for absent.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from geopoverty.numerics.binary import fit_binary
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.dependence import PlainFit, dependence_tests

BETA = np.array([0.3, 1.0, -0.7])
NEIGHBOURS, DRAWS_PER_MAP = 6, 50
WORLDS = (("none", 0.0), ("SAR", 0.2), ("SEM", 0.3), ("SLX", 0.3))
SHARED = ("shared", 0.3)  # sd of what the rows of a unit share, unrelated in space


@dataclass(frozen=True, eq=False)
class Map:
    """Weights between units, rows in units, and what dependence does to them."""

    W: np.ndarray
    cells: Cells
    B: np.ndarray

    def lag(self, x: np.ndarray) -> np.ndarray:
        return (self.W @ self.cells.mean(x))[self.cells.codes]

    def spread(self, x: np.ndarray) -> np.ndarray:
        """Return (I - rho W_N)^-1 x."""
        mean = self.cells.mean(x)
        return x + (self.B @ mean - mean)[self.cells.codes]


def drawn_map(rng: np.random.Generator, form: str, rho: float) -> Map:
    n = 400 if form == "units" else 200
    places = rng.uniform(size=(n, 2))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    W = np.zeros((n, n))
    nearest = np.argpartition(apart, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    W[np.arange(n)[:, None], nearest] = 1 / NEIGHBOURS
    rows = np.ones(n, int) if form == "units" else rng.integers(5, 26, size=n)
    cells = Cells(np.repeat(np.arange(n), rows), n, 1)
    return Map(W, cells, linalg.inv(np.eye(n) - rho * W))


def outcome(
    rng: np.random.Generator, X: np.ndarray, here: Map, world: tuple[str, float, str]
) -> np.ndarray:
    kind, rho, link = world
    n = len(X)
    e = rng.logistic(size=n) if link == "logit" else rng.normal(size=n)
    mean = X @ BETA
    if kind == "SAR":
        mean, e = here.spread(mean), here.spread(e)
    elif kind == "SEM":
        e = here.spread(e)
    elif kind == "SLX":
        mean = mean + rho * here.lag(X[:, 1])
    elif kind == "shared":
        mean = mean + rho * rng.normal(size=here.cells.n)[here.cells.codes]
    return (mean + e > 0).astype(float)


def rejected(
    rng: np.random.Generator, form: str, world: tuple[str, float, str], draws: int
) -> dict[str, float]:
    count: dict[str, int] = {}
    for draw in range(draws):
        if draw % DRAWS_PER_MAP == 0:
            here = drawn_map(rng, form, world[1])
        n = len(here.cells.codes)
        X = np.column_stack(
            [np.ones(n), rng.normal(size=n), rng.uniform(-1.7, 1.7, size=n)]
        )
        y = outcome(rng, X, here, world)
        link = LINKS[world[2]]
        fit = PlainFit(X, y, fit_binary(X, y, link).beta, link)
        found = dependence_tests(fit, here.W, here.cells, np.array([1, 2]))
        for name, verdict in found.items():
            count[name] = count.get(name, 0) + (verdict.p_value < 0.05)
    return {name: k / draws for name, k in count.items()}


def table(draws: int, seed: int) -> Iterator[str]:
    head = False
    for form in ("units", "households"):
        for link in LINKS:
            worlds = WORLDS if form == "units" else (*WORLDS, SHARED)
            for kind, rho in worlds:
                rng = np.random.default_rng(seed)
                share = rejected(rng, form, (kind, rho, link), draws)
                if not head:
                    yield "| form | link | truth | " + " | ".join(share) + " |"
                    yield "|" + "---|" * (3 + len(share))
                    head = True
                numbers = " | ".join(f"{s:.3f}" for s in share.values())
                yield f"| {form} | {link} | {kind} {rho:g} | {numbers} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draws", type=int, default=1000)
    options.add_argument("--seed", type=int, default=11)
    given = options.parse_args()
    start = time.perf_counter()
    for line in table(given.draws, given.seed):
        print(line, flush=True)
    print(f"\n{given.draws} draws a line, {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
