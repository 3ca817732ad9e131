"""What a match means: means of matched controls, weights of controls."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from geopoverty.numerics.types import Array, Mask


class Operator(Protocol):
    """A match as a matrix K >= 0 of targets by sources that is never formed."""

    def forward(self, values: Array) -> Array:
        """Return K values, (targets, q) from (sources, q)."""
        ...

    def adjoint(self, values: Array) -> Array:
        """Return K' values, (sources, q) from (targets, q)."""
        ...


@dataclass(frozen=True, eq=False)
class Pairs:
    """Who stands for whom, after a match.

    Attributes
    ----------
    size : array, shape (targets,)
        Sum of K over sources, each with its weight.
    matched : array of bool, shape (targets,)
        Whether a target has any source.
    means : array, shape (targets, q)
        Weighted mean of its sources' values; NaN without a source.
    weight : array, shape (sources,)
        The share each source has in the targets' means, summed over targets with
        their weights: its weight as a control. They sum to that of the matched
        targets.
    """

    size: Array
    matched: Mask
    means: Array
    weight: Array


def pair(
    operator: Operator,
    values: Array,
    target_weight: Array,
    source_weight: Array,
) -> Pairs:
    """Average the sources of each target, and weigh the sources.

    Parameters
    ----------
    operator : Operator
    values : array, shape (sources, q)
    target_weight, source_weight : array, shape (targets,), (sources,)
        Above 0.

    Returns
    -------
    Pairs

    Examples
    --------
    >>> from geopoverty.numerics.pairing.windows import Windows
    >>> both = Windows(np.array([0]), np.array([2]), 2)
    >>> found = pair(both, np.array([[1.0], [3.0]]), np.ones(1), np.ones(2))
    >>> found.means.tolist(), found.weight.tolist()
    ([[2.0]], [0.5, 0.5])
    """
    w = source_weight[:, None]
    sums = operator.forward(np.hstack([w, w * values]))
    size = sums[:, 0]
    matched = size > 0
    safe = np.where(matched, size, 1.0)
    means = np.where(matched[:, None], sums[:, 1:] / safe[:, None], np.nan)
    share = np.where(matched, target_weight / safe, 0.0)
    weight = source_weight * operator.adjoint(share[:, None])[:, 0]
    return Pairs(size, matched, means, weight)
