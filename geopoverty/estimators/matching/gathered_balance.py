"""Balance of covariates in a register: sums in passes, matches found by score."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from geopoverty.errors import EstimationError, InputError
from geopoverty.estimators.matching.balance import (
    EMPTY,
    Arms,
    Balance,
    balance_of,
    joint_of,
)
from geopoverty.estimators.matching.engine import Matched
from geopoverty.estimators.matching.score import Model, loglik_of_constant
from geopoverty.numerics.binary import fit_rows
from geopoverty.numerics.links import LINKS
from geopoverty.numerics.rank import dependent_among
from geopoverty.numerics.rows import Block
from geopoverty.numerics.types import Array, Codes, Mask
from geopoverty.registers.rows import Batch, RegisterRows


@dataclass(frozen=True, eq=False)
class MatchedWeights:
    """What a row counts after matching, told by its arm and its score.

    Rows of one arm with one score fare alike, but for their sampling weights, unless
    the order of rows decides among ties.

    Attributes
    ----------
    column : str
        The score.
    scores : tuple of array
        Of controls and of treated on support, ascending.
    times : tuple of array
        What the sampling weight of each is multiplied with.
    """

    column: str
    scores: tuple[Array, Array]
    times: tuple[Array, Array]

    @classmethod
    def of_match(cls, column: str, matched: Matched) -> "MatchedWeights":
        """Read the weights off a match."""
        times = matched.pairs.weight / matched.weight[1]
        on = matched.matched.astype(np.float64)
        scores = (matched.controls.score, matched.treated.score)
        return cls(column, scores, (times, on))

    def of(self, batch: Batch) -> Array:
        """Return the weight of each row.

        Raises
        ------
        InputError
            If a control's score was not there when rows were matched.
        """
        score = batch.design.rows[self.column].to_numpy(np.float64)
        treated = batch.design.y == 1
        out = np.zeros(len(score))
        for arm, which in enumerate((~treated, treated)):
            known = self.scores[arm]
            at = _places(known, score[which])
            found = known[at] == score[which]
            if not arm and not found.all():
                raise InputError(
                    f"'{self.column}' holds scores that were not there before. Do not "
                    "write to a register while it is read."
                )
            out[which] = np.where(found, self.times[arm][at], 0.0)
        return out if batch.w is None else out * batch.w


def _places(known: Array, values: Array) -> Codes:
    """Return where each value stands among known ones, the last place at most."""
    # In ascending order a search finds its way in the cache: several times as fast.
    order = np.argsort(values)
    at = np.empty(len(values), dtype=np.intp)
    at[order] = np.searchsorted(known, values[order])
    return np.minimum(at, len(known) - 1)


Weigh = Callable[[Batch], Array]


def balance_on_register(
    rows: RegisterRows, matched: MatchedWeights, link: str
) -> Balance:
    """Compare covariates of treated and controls, unmatched and matched.

    Parameters
    ----------
    rows : RegisterRows
    matched : MatchedWeights
    link : {"probit", "logit"}

    Returns
    -------
    Balance
        See `balance`.
    """
    ways: tuple[Weigh, Weigh] = (_alike, matched.of)
    arms = _arms(rows, ways, lambda b: [b.design.X[:, 1:]] * 2)
    models = [_model(rows, weigh, link) for weigh in ways]
    betas = [np.zeros(rows.k) if m is None else _whole(m, rows.k) for m in models]
    indices = _arms(rows, ways, lambda b: [b.design.X @ x[:, None] for x in betas])
    joint = [
        dict(EMPTY) if m is None else joint_of(m, index)
        for m, index in zip(models, indices, strict=True)
    ]
    return balance_of(rows.names[1:], arms, joint)


def _alike(batch: Batch) -> Array:
    return np.ones(len(batch.design.y)) if batch.w is None else batch.w


def _arms(
    rows: RegisterRows,
    ways: tuple[Weigh, Weigh],
    values: Callable[[Batch], list[Array]],
) -> list[Arms]:
    """Return moments by arm, under each way to weigh its values, in two passes."""

    def weighed(batch: Batch) -> list[tuple[int, int, Array, Array]]:
        arms = (batch.design.y != 1, batch.design.y == 1)
        return [
            (s, a, weigh(batch)[arm], v[arm])
            for s, (weigh, v) in enumerate(zip(ways, values(batch), strict=True))
            for a, arm in enumerate(arms)
        ]

    def first(batch: Batch) -> tuple[Array, Array]:
        found = weighed(batch)
        total, sums = np.zeros((2, 2)), np.zeros((2, 2, found[0][3].shape[1]))
        for s, a, w, v in found:
            total[s, a], sums[s, a] = w.sum(), w @ v
        return total, sums

    total, sums = rows.total(first)
    means = sums / total[:, :, None]

    def second(batch: Batch) -> tuple[Array]:
        squares = np.zeros_like(means)
        for s, a, w, v in weighed(batch):
            squares[s, a] = w @ (v - means[s, a]) ** 2
        return (squares,)

    (squares,) = rows.total(second)
    return [Arms(total[s], means[s], squares[s]) for s in (0, 1)]


def _model(rows: RegisterRows, weigh: Weigh, link: str) -> Model | None:
    """Fit who is treated among rows with a weight; None where nothing can be said."""

    def used(batch: Batch) -> tuple[Array, Array, Array]:
        w = weigh(batch)
        here: Mask = w > 0
        design = batch.design
        return np.ascontiguousarray(design.X[here]), design.y[here], w[here]

    def sums(batch: Batch) -> tuple[Array, Array]:
        X, y, w = used(batch)
        return X.T @ X, np.array([len(y), w.sum(), w @ y])

    gram, (count, total, ones) = rows.total(sums)
    alone = rows.feed(lambda b: Block(used(b)[0], used(b)[1]))
    determined = {j for j, _ in dependent_among(alone, gram)}
    columns = [j for j in range(rows.k) if j not in determined]
    scale = np.sqrt(np.diag(gram)[columns] / count)

    def of(batch: Batch) -> Block:
        X, y, w = used(batch)
        return Block(np.ascontiguousarray(X[:, columns] / scale), y, w)

    try:
        fit = fit_rows(rows.feed(of), len(columns), LINKS[link])
    except EstimationError:  # nothing left to explain
        return None
    if fit.separating.size:
        return None
    return Model(fit, scale, columns, loglik_of_constant(ones, total))


def _whole(model: Model, k: int) -> Array:
    beta: Any = np.zeros(k)
    beta[model.columns] = model.beta
    return np.asarray(beta)
