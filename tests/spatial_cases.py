"""Simulated spatial data that several tests fit, with known truth."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

import geopoverty as gp
from geopoverty.numerics.types import Array


@dataclass(frozen=True)
class Case:
    """Rows, weights between their units, and what the rows were drawn from."""

    data: pd.DataFrame
    weights: gp.SpatialWeights
    beta: Array
    rho: float


def neighbours(n: int, k: int, seed: int) -> Array:
    """Return row-standardised weights of the nearest k of n random places."""
    places = np.random.default_rng(seed).random((n, 2))
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
    W = np.zeros((n, n))
    W[np.arange(n)[:, None], np.argsort(gaps, axis=1)[:, 1 : k + 1]] = 1 / k
    return W


def weights_of(W: Array, *, dense: bool = False) -> gp.SpatialWeights:
    ids = [f"{(37 * i) % 9973:04d}" for i in range(len(W))]
    matrix = W if dense else sparse.csr_array(W)
    return gp.SpatialWeights(ids, matrix, standardize="row")


def by_rows(W: Array, codes: Array, periods: int = 1) -> Array:
    """Return the N x N weights Z W Zbar' between rows in cells."""
    n = len(W)
    whole = np.kron(np.eye(periods), W)
    Z = np.eye(n * periods)[codes]
    return Z @ whole @ (Z / Z.sum(axis=0)).T


def households(
    units: int = 60, per_unit: int = 8, rho: float = 0.5, seed: int = 0
) -> Case:
    """Draw households from the log-odds lag logit, in units of unlike size."""
    rng = np.random.default_rng(seed)
    W = neighbours(units, 5, seed)
    weights = weights_of(W)
    extra = rng.integers(0, units, units * (per_unit - 1))
    codes = np.concatenate([np.arange(units), extra])
    X = np.column_stack(
        [
            np.ones(len(codes)),
            rng.normal(size=units)[codes],
            rng.normal(size=len(codes)),
        ]
    )
    beta = np.array([-0.3, 0.8, -0.5])
    own = X @ beta
    means = np.bincount(codes, own) / np.bincount(codes)
    carried = np.linalg.solve(np.eye(units) - rho * W, means) - means
    mean = own + carried[codes]
    data = pd.DataFrame(
        {
            "unit_id": weights.units[codes],
            "jobs": X[:, 1],
            "age": X[:, 2],
            "poor": (rng.logistic(size=len(codes)) < mean).astype(int),
        }
    )
    data.attrs["status"] = "simulated"
    return Case(data.sample(frac=1, random_state=seed), weights, beta, rho)


def places(n: int = 200, rho: float = 0.5, seed: int = 0, error: bool = False) -> Case:
    """Draw one row a unit from the spatial lag (or error) probit."""
    rng = np.random.default_rng(seed)
    W = neighbours(n, 5, seed)
    weights = weights_of(W)
    X = np.column_stack([np.ones(n), rng.normal(size=n), rng.uniform(-1.7, 1.7, n)])
    beta = np.array([0.1, 1.0, -0.7])
    noise = rng.normal(size=n)
    carried = np.linalg.solve(np.eye(n) - rho * W, noise if error else X @ beta + noise)
    latent = X @ beta + carried if error else carried
    data = pd.DataFrame(
        {
            "unit_id": weights.units,
            "jobs": X[:, 1],
            "age": X[:, 2],
            "poor": (latent > 0).astype(int),
        }
    )
    data.attrs["status"] = "simulated"
    return Case(data.sample(frac=1, random_state=seed), weights, beta, rho)
