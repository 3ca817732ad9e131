"""How well probabilities rank outcomes, from sums: rows in fine bins."""

from collections.abc import Callable

import numpy as np

from geopoverty.numerics.ranking import Ranking
from geopoverty.numerics.rows import Parts
from geopoverty.numerics.scatter import Scattered, gathered
from geopoverty.numerics.types import Array
from geopoverty.registers.rows import Ask, Batch

BINS = 65_536


def ranking_ask(probability: Callable[[Batch], Array], *, weighted: bool) -> Ask:
    """Ask for the rows ranked by probability, those in a fine bin as equal.

    Parameters
    ----------
    probability : callable
        From a batch to probabilities, shape (m,).
    weighted : bool
        Whether rows have sampling weights.

    Returns
    -------
    Ask
        Of a `Ranking` of the mean probabilities of the bins.
    """

    def kernel(batch: Batch) -> tuple[Scattered]:
        p, y = probability(batch), batch.design.y
        code = np.minimum((p * BINS).astype(np.intp), BINS - 1)
        w = np.ones(len(p)) if batch.w is None else batch.w
        parts = [np.ones(len(p)), y, w * y, w * (1 - y), w * p]
        if weighted:
            parts += [w**2 * y, w**2 * (1 - y)]
        return (Scattered(code, np.column_stack(parts), BINS),)

    return Ask(kernel, gathered, _ranking)


def _ranking(found: Parts) -> Ranking:
    sums = found[0].sums() if isinstance(found[0], Scattered) else found[0]
    sums = sums[sums[:, 0] > 0]
    count, hits, ones, zeros, mass = sums[:, :5].T
    weighted = sums.shape[1] > 5
    squared = tuple(sums[:, 5:].T) if weighted else (ones, zeros)
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


def binned_note(ranking: Ranking) -> str:
    """Say how exact ranking and calibration are."""
    return (
        "Ranking and calibration are of probabilities in 65,536 bins, so that the area "
        f"under the ROC curve is exact to {auc_slack(ranking):.1g}."
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
