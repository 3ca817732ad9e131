"""How well probabilities rank outcomes, from sums: rows in fine bins."""

from collections.abc import Callable

import numpy as np

from geopoverty.numerics.ranking import Ranking
from geopoverty.numerics.scatter import Scattered, gathered
from geopoverty.numerics.types import Array
from geopoverty.registers.rows import Batch, RegisterRows

BINS = 65_536


def binned_ranking(
    rows: RegisterRows, probability: Callable[[Batch], Array]
) -> Ranking:
    """Rank the rows of a register by probability, those in a fine bin as equal.

    Parameters
    ----------
    rows : RegisterRows
        With outcomes 0 and 1.
    probability : callable
        From a batch to probabilities, shape (m,).

    Returns
    -------
    Ranking
        Of the mean probabilities of the bins.
    """

    def kernel(batch: Batch) -> tuple[Scattered]:
        p, y = probability(batch), batch.design.y
        code = np.minimum((p * BINS).astype(np.intp), BINS - 1)
        w = np.ones(len(p)) if batch.w is None else batch.w
        parts = [np.ones(len(p)), y, w * y, w * (1 - y), w * p]
        if batch.w is not None:
            parts += [w**2 * y, w**2 * (1 - y)]
        return (Scattered(code, np.column_stack(parts), BINS),)

    found = rows.total(kernel, gathered)[0]
    sums: Array = found.sums() if isinstance(found, Scattered) else found
    sums = sums[sums[:, 0] > 0]
    count, hits, ones, zeros, mass = sums[:, :5].T
    squared = (ones, zeros) if rows.weighing is None else tuple(sums[:, 5:].T)
    return Ranking(
        mass / (ones + zeros),
        count.astype(np.intp),
        ones,
        zeros,
        squared[0],
        squared[1],
        int(hits.sum()),
        int(count.sum() - hits.sum()),
    )


def auc_slack(ranking: Ranking) -> float:
    """Return how far the area under the curve can be off because bins hold ties.

    Examples
    --------
    >>> from geopoverty.numerics.ranking import rank_rows
    >>> auc_slack(rank_rows(np.array([1.0, 0.0]), np.array([0.5, 0.5])))
    0.5
    """
    within = float((ranking.ones * ranking.zeros).sum())
    return 0.5 * within / float(ranking.ones.sum() * ranking.zeros.sum())
