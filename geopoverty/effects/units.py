"""What a fitted binary model says of each unit: means over its rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special, stats

from geopoverty.effects.tables import Z95, BinaryModel
from geopoverty.effects.terms import EffectTerms
from geopoverty.numerics.covariance import Scores, group_sums
from geopoverty.numerics.effects import Slope, probability_blocks, slope_blocks
from geopoverty.numerics.links import Link
from geopoverty.numerics.rows import Block, InMemory
from geopoverty.numerics.types import Array, Codes

FIRST = 3  # columns of `unit_values` before the probability


def units_table(model: BinaryModel, effects: EffectTerms) -> pd.DataFrame:
    """Average probabilities and effects over each unit's rows (in each period)."""
    table, codes = _groups(model)
    rows = InMemory(model.design.X, model.design.y, model.w)

    def blocked() -> Scores:
        for at, block in rows.blocks():
            shown = [s.slope.on(at) for s in effects.lagged]
            yield at, unit_values(block, model.fit.beta, model.link, shown)

    width = FIRST + (1 + len(model.vcov)) * (1 + len(effects.lagged))
    sums = group_sums(blocked(), codes, len(table), width)
    return units_from(table, sums, effects, model.vcov)


def unit_values(
    block: Block, beta: Array, link: Link, slopes: Sequence[Slope]
) -> Array:
    """Return what is summed over the rows of a unit, shape (m, 3 + (1 + k)(1 + s)).

    Ones, weights and weighted outcomes; then the weighted probability with its
    gradient, and each slope's effect with its.
    """
    X, y = block.X, block.y
    once = np.ones(len(y))
    shown = [probability_blocks(X, beta, link)]
    shown += [slope_blocks(X, beta, link, slope) for slope in slopes]
    columns = [np.vstack([part for _, part in parts]) for parts in shown]
    weight = block.weighed(once)
    weighed = np.hstack(columns) * weight[:, None]
    return np.column_stack([once, weight, weight * y, weighed])


def units_from(
    table: pd.DataFrame, sums: Array, effects: EffectTerms, vcov: Array
) -> pd.DataFrame:
    """Return the table of units that sums of `unit_values` over their rows give."""
    table = table.copy()
    width = 1 + len(vcov)
    table["rows"] = sums[:, 0].astype(np.int64)
    table["outcome"] = sums[:, 2] / sums[:, 1]
    shown = sums[:, FIRST:] / sums[:, 1:2]
    mean, error = _delta(shown[:, :width], vcov)
    table["probability"] = mean
    # An interval on the log-odds of the mean stays between 0 and 1.
    middle = special.logit(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z95 * error / (mean * (1 - mean))
    table["probability_low"] = special.expit(middle - half)
    table["probability_high"] = special.expit(middle + half)
    found: dict[str, Array] = {}
    for i, effect in enumerate(effects.lagged, start=1):
        mean, error = _delta(shown[:, i * width : (i + 1) * width], vcov)
        found |= effect_columns(f"{effect.kind}({effect.term})", mean, error)
    return pd.concat([table, pd.DataFrame(found, index=table.index)], axis=1)


def _delta(means: Array, vcov: Array) -> tuple[Array, Array]:
    """Return means and their standard errors: gradients follow the first column."""
    gradient = means[:, 1:]
    variance = np.einsum("ij,ij->i", gradient @ vcov, gradient)
    return means[:, 0], np.sqrt(np.maximum(variance, 0.0))


def _groups(model: BinaryModel) -> tuple[pd.DataFrame, Codes]:
    rows = model.design.rows
    if model.unit not in rows.columns:
        return pd.DataFrame({"row": rows.index}), np.arange(len(rows))
    keys = [model.unit] if model.period is None else [model.unit, model.period]
    codes = rows.groupby(keys, sort=True).ngroup().to_numpy()
    firsts = rows[keys].iloc[np.unique(codes, return_index=True)[1]]
    names = {model.unit: "unit_id", model.period: "period"}
    return firsts.rename(columns=names).reset_index(drop=True), codes


def effect_columns(name: str, mean: Array, error: Array) -> dict[str, Array]:
    """Return the columns of an effect of each unit: value, interval and p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.norm.sf(np.abs(mean / error))
    return {
        name: mean,
        f"{name}_low": mean - Z95 * error,
        f"{name}_high": mean + Z95 * error,
        f"{name}_p": p,
    }
