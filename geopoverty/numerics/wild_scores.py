"""Scores and information by cluster: what a wild bootstrap draws from."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.covariance import group_sums, inverse
from geopoverty.numerics.links import Point
from geopoverty.numerics.types import Array, Codes


class Curve(Protocol):
    """A log-likelihood of rows in their linear predictor."""

    @staticmethod
    def at(eta: Array, y: Array) -> Point:
        """Return log-likelihood, residual and information of each row."""


class Gaussian:
    """Least squares as a likelihood with variance 1.

    Examples
    --------
    >>> Gaussian.at(np.zeros(1), np.array([2.0])).residual
    array([2.])
    """

    @staticmethod
    def at(eta: Array, y: Array) -> Point:
        """Return log-likelihood, residual and information of each row."""
        residual = y - eta
        return Point(-0.5 * residual**2, residual, np.ones(len(y)))


@dataclass(frozen=True, eq=False)
class WildProblem:
    """A fitted model whose terms are tested.

    Attributes
    ----------
    X : array, shape (n, k), C order
        Full column rank.
    y : array, shape (n,)
    link : Logit, Probit or Gaussian
    codes : array of int, shape (n,)
        Cluster of each row.
    groups : int
        Clusters, at least 2.
    beta : array, shape (k,)
        The maximum of the likelihood.
    factor : float
        Small-sample factor of the clustered covariance: it changes statistics, and
        no p-value.
    w : array, shape (n,), optional
        Weight of each row's log-likelihood.
    """

    X: Array
    y: Array
    link: type[Curve]
    codes: Codes
    groups: int
    beta: Array
    factor: float = 1.0
    w: Array | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """The likelihood at one coefficient vector.

    Attributes
    ----------
    loglik : float
    sums : array, shape (groups, k)
        Scores summed by cluster.
    information : array, shape (k, k)
    """

    loglik: float
    sums: Array
    information: Array


def scored(problem: WildProblem, beta: Array) -> Scored:
    """Return log-likelihood, scores by cluster and information at `beta`."""
    X, y, w = problem.X, problem.y, problem.w
    k = X.shape[1]
    loglik, sums, information = 0.0, np.zeros((problem.groups, k)), np.zeros((k, k))
    for rows in blocks(len(X)):
        x = X[rows]
        here = problem.link.at(x @ beta, y[rows])
        height, residual, weight = here.loglik, here.residual, here.weight
        if w is not None:
            height = height * w[rows]
            residual, weight = residual * w[rows], weight * w[rows]
        loglik += float(height.sum())
        block = [(rows, x * residual[:, None])]
        sums += group_sums(block, problem.codes, problem.groups, k)
        information += (x * weight[:, None]).T @ x
    return Scored(loglik, sums, information)


def information_rows(problem: WildProblem, beta: Array, a: Array) -> Array:
    """Return a'A_g of every cluster's information A_g, shape (groups, k)."""
    X, y, w = problem.X, problem.y, problem.w
    out = np.zeros((problem.groups, X.shape[1]))
    for rows in blocks(len(X)):
        x = X[rows]
        weight = problem.link.at(x @ beta, y[rows]).weight
        if w is not None:
            weight = weight * w[rows]
        block = [(rows, x * (weight * (x @ a))[:, None])]
        out += group_sums(block, problem.codes, problem.groups, X.shape[1])
    return out


def clustered_errors(problem: WildProblem) -> Array:
    """Return the clustered standard errors at the maximum, shape (k,)."""
    here = scored(problem, problem.beta)
    half = here.sums @ inverse(here.information)
    return np.asarray(np.sqrt(problem.factor * np.einsum("gj,gj->j", half, half)))
