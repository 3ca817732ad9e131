"""The GHK simulator: orthant probabilities of a normal vector, for small n.

Geweke (1989), Hajivassiliou & McFadden (1998) and Keane (1994): draw one latent
variable after the other, each cut to its half-line given the ones before; the
product of their masses is an unbiased estimate of the probability.
"""

import numpy as np
from scipy import linalg, special
from scipy.stats import qmc

Array = np.ndarray


def uniforms(n: int, log2_draws: int, seed: int) -> Array:
    """Return scrambled Sobol points, shape (n, draws): hold them while fitting."""
    return qmc.Sobol(n, rng=np.random.default_rng(seed)).random_base2(log2_draws).T


def log_probability(mean: Array, covariance: Array, y: Array, u: Array) -> float:
    """Return the log of P(y* > 0 where y = 1, y* < 0 elsewhere).

    Parameters
    ----------
    mean : array, shape (n,)
    covariance : array, shape (n, n)
    y : array, shape (n,), 0 or 1
    u : array, shape (n, draws), between 0 and 1
    """
    sign = 2 * y - 1
    L = linalg.cholesky(covariance * np.outer(sign, sign), lower=True)
    centre = sign * mean
    e = np.empty_like(u)
    logs = np.zeros(u.shape[1])
    for i in range(len(y)):
        reach = (centre[i] + L[i, :i] @ e[:i]) / L[i, i]
        mass = special.ndtr(reach)  # of e_i > -reach
        logs += special.log_ndtr(reach)
        e[i] = -special.ndtri(np.clip(u[i] * mass, 1e-300, 1.0))
    return float(special.logsumexp(logs) - np.log(u.shape[1]))


def moments_of(
    theta: Array, X: Array, W: Array, model: str = "lag"
) -> tuple[Array, Array]:
    """Return mean and covariance of the latent variable."""
    B = np.linalg.inv(np.eye(len(W)) - theta[-1] * W)
    index = X @ theta[:-1]
    return (B @ index if model == "lag" else index), B @ B.T


def log_likelihood(
    theta: Array, X: Array, y: Array, W: Array, u: Array, model: str = "lag"
) -> float:
    """Return the simulated log-likelihood of a spatial lag or error probit."""
    return log_probability(*moments_of(theta, X, W, model), y, u)
