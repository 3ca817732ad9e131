"""What ways of delivery give to people, and which gives most: `empowerment_matrix`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geopoverty._checks import first, require, require_columns
from geopoverty.errors import InputError
from geopoverty.estimators.targeting.rows import columns_of, numbers_of
from geopoverty.numerics.types import Array, Codes
from geopoverty.provenance import provenance, sources_of
from geopoverty.results import Result

OFF = 1e-6  # weights may add up to 1 or 100 this nearly
EQUAL = 1e-9  # scores nearer than this are tied


@dataclass(frozen=True)
class RatingScale:
    """The scale of ratings, and how rankings are tried.

    Attributes
    ----------
    low, high : float
        What nothing and everything is rated.
    draws : int
        How many sets of weights the ranking is tried with; at least 100.
    seed : int
        At least 0.

    Examples
    --------
    >>> RatingScale(0, 2).high
    2
    """

    low: float = 0.0
    high: float = 1.0
    draws: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not -np.inf < self.low < self.high < np.inf:
            raise InputError(f"low must be below high; got {self.low}, {self.high}.")
        if self.draws < 100 or self.seed < 0:
            raise InputError("draws must be at least 100, and seed at least 0.")


def empowerment_matrix(
    ratings: pd.DataFrame,
    *,
    mode: str,
    criteria: Sequence[str],
    weights: Mapping[str, float] | None = None,
    scale: RatingScale | None = None,
) -> Result:
    """Set ways of delivery beside what they give, and rank them.

    Parameters
    ----------
    ratings : DataFrame, n rows
        One rating a row: by a household that takes part, an expert, or a reading of
        interviews; a mode may have many. Never modified.
    mode : str
        Column of the way of delivery, such as cooperative or shares.
    criteria : sequence of str
        Columns of ratings, the higher the better: such as resources and
        opportunities, knowledge and skills, values, income, stability.
    weights : mapping from criterion to float, optional
        How much each counts, at least 0; they add up to 1, or to 100. All the same
        when not given.
    scale : RatingScale, optional
        Lowest and highest rating (0 and 1); scores are on 0 to 1.

    Returns
    -------
    Result
        ``estimates``: the score of each mode, 0 to 1: the weighted mean over criteria
        of its mean ratings. Standard errors hold the spread between ratings of a mode;
        modes with one rating have none. ``tables``: ``matrix`` (a row a mode: ratings
        and the mean of each criterion, 0 to 1), ``ranking`` (score, rank, ``least`` and
        ``most`` it could score, whatever the weights; ``first_share``: how often it
        comes first when weights are drawn at random; ``mean_rank`` in these draws;
        ``beaten_by``: modes that are at least as good in every criterion and better in
        one). ``units``: the ranking.

    Raises
    ------
    InputError
        If a rating is missing, no number, or off the scale, there are fewer than two
        modes, or weights do not fit the criteria or do not add up to 1 or 100.

    Notes
    -----
    Weights are a judgement. So the ranking is tried with weights drawn evenly from
    all there are (a flat Dirichlet): a mode that is first in most of them does not
    hang on the judgement. Ties share a rank.

    References
    ----------
    Lahdelma, R. & Salminen, P. (2001). SMAA-2: stochastic multicriteria acceptability
    analysis for group decision making. Operations Research 49, 444-454.

    Examples
    --------
    >>> rated = pd.DataFrame({"mode": ["shares", "cooperative"], "resources": [1, 1],
    ...                       "skills": [0, 1]})
    >>> found = empowerment_matrix(rated, mode="mode", criteria=["resources", "skills"])
    >>> found.estimates.to_dict()
    {'shares': 0.5, 'cooperative': 1.0}
    >>> found.tables["ranking"].set_index("mode")["beaten_by"].to_dict()
    {'cooperative': '', 'shares': 'cooperative'}
    """
    how = RatingScale() if scale is None else scale
    names = columns_of(criteria, "criteria")
    if not names or mode in names:
        raise InputError("criteria must name at least one column, and not the mode.")
    require_columns(ratings, [mode, *names], "The table of ratings")
    modes, codes = _modes(ratings[mode])
    values = _ratings(ratings, names, how)
    share = _weights(weights, names)
    counts = np.bincount(codes, minlength=len(modes)).astype(np.intp)
    means = np.column_stack(
        [np.bincount(codes, v, len(modes)) / counts for v in values.T]
    )
    score, error = means @ share, _errors(values @ share, codes, counts)
    ranking = _ranking(modes, means, score, how)
    matrix = pd.DataFrame({"mode": modes, "ratings": counts})
    matrix = matrix.assign(**dict(zip(names, means.T, strict=True)))
    options = {"weights": dict(zip(names, share.tolist(), strict=True)), "scale": how}
    return Result(
        estimator="empowerment_matrix",
        estimates=pd.Series(score, index=modes),
        vcov=pd.DataFrame(np.diag(error**2), index=modes, columns=modes),
        units=ranking,
        facts={
            "n_obs": len(ratings),
            "n_dropped": 0,
            "n_modes": len(modes),
            "n_criteria": len(names),
        },
        tables={"matrix": matrix, "ranking": ranking},
        notes=tuple(_notes(modes, counts, ranking, weights)),
        provenance=provenance(
            f"{mode} by {' + '.join(names)}",
            options,
            [values, codes],
            sources_of(ratings),
        )
        | {"estimator": "empowerment_matrix", "seed": how.seed},
    )


def _modes(column: pd.Series) -> tuple[list[str], Codes]:
    """Return the modes in the order they first come, and that of each row."""
    require(
        column.notna().to_numpy(bool),
        "Every rating needs a mode",
        ids=column.index,
        way_out="Name the mode, or drop these rows.",
    )
    codes, found = pd.factorize(column.astype(str))
    if len(found) < 2:
        raise InputError(f"A ranking needs at least two modes; there is {len(found)}.")
    return list(found), np.asarray(codes, dtype=np.intp)


def _ratings(table: pd.DataFrame, names: list[str], scale: RatingScale) -> Array:
    """Return ratings between 0 and 1."""
    values = np.column_stack([numbers_of(table[c]) for c in names])
    inside = (values >= scale.low) & (values <= scale.high)
    require(
        np.asarray(inside.all(axis=1)),
        f"Ratings must be known and from {scale.low:g} to {scale.high:g}",
        ids=table.index,
        way_out="Correct them, or set scale=RatingScale(low, high).",
    )
    return np.asarray((values - scale.low) / (scale.high - scale.low))


def _weights(weights: Mapping[str, float] | None, names: list[str]) -> Array:
    if weights is None:
        return np.full(len(names), 1 / len(names))
    if set(weights) != set(names):
        wrong = sorted(set(weights) ^ set(names))
        raise InputError(
            f"weights must have exactly the criteria; {first(wrong)} is only on one "
            "side."
        )
    found = np.array([weights[n] for n in names], dtype=np.float64)
    if not (found >= 0).all():
        raise InputError(f"weights must be at least 0; got {dict(weights)}.")
    total = found.sum()
    if min(abs(total - 1), abs(total - 100) / 100) > OFF:
        raise InputError(
            f"weights must add up to 1 (or 100 per cent); these add up to {total:g}. "
            f"Divide them by {total:g}."
        )
    return np.asarray(found / total)


def _errors(scores: Array, codes: Codes, counts: Codes) -> Array:
    """Return the standard error of each mode's mean score, NaN with one rating."""
    mean = np.bincount(codes, scores, len(counts)) / counts
    squares = np.bincount(codes, (scores - mean[codes]) ** 2, len(counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.sqrt(squares / (counts - 1) / counts)
    return np.asarray(np.where(out > 1e-12, out, np.nan))


def _ranking(
    modes: list[str], means: Array, score: Array, scale: RatingScale
) -> pd.DataFrame:
    draws = np.random.default_rng(scale.seed).dirichlet(
        np.ones(means.shape[1]), scale.draws
    )
    tried = draws @ means.T
    ranks = np.column_stack([_places(tried, j) for j in range(len(modes))])
    best = ranks == 1
    table = pd.DataFrame(
        {
            "mode": modes,
            "score": score,
            "rank": [int(_places(score[None, :], j)[0]) for j in range(len(modes))],
            "least": means.min(axis=1),
            "most": means.max(axis=1),
            # A first place that is shared counts in parts.
            "first_share": (best / best.sum(axis=1, keepdims=True)).mean(axis=0),
            "mean_rank": ranks.mean(axis=0),
            "beaten_by": [_beaten(means, j, modes) for j in range(len(modes))],
        }
    )
    return table.sort_values(["rank", "mean_rank"], kind="stable", ignore_index=True)


def _places(scores: Array, j: int) -> Array:
    """Return the rank of one mode in each row: 1 plus how many are better."""
    better = scores > scores[:, [j]] + EQUAL
    return np.asarray(1 + better.sum(axis=1))


def _beaten(means: Array, j: int, modes: list[str]) -> str:
    gap = means - means[j]
    ahead = (gap >= -EQUAL).all(axis=1) & (gap > EQUAL).any(axis=1)
    return ", ".join(m for m, no in zip(modes, ahead, strict=True) if no)


def _notes(
    modes: list[str], counts: Codes, ranking: pd.DataFrame, weights: Any
) -> list[str]:
    notes = []
    if weights is None:
        notes.append("All criteria weigh the same: a judgement, not a finding.")
    single = [m for m, n in zip(modes, counts, strict=True) if n == 1]
    if single:
        notes.append(f"{first(single)} have one rating each: no standard error.")
    top = ranking.loc[ranking["rank"] == 1]
    if len(top) > 1:
        notes.append(f"{first(top['mode'])} share the first place.")
    share = float(top["first_share"].sum())
    notes.append(
        f"With weights at random, {first(top['mode'])} come first in "
        f"{100 * share:.0f} % of draws."
    )
    return notes
