"""What a page must carry to say how a step in some counties moves all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import linalg

from geopoverty._checks import first
from geopoverty.atlas.packing import Links, packed
from geopoverty.design.recipe import sample_in
from geopoverty.effects.indices import index_of, recipe_from
from geopoverty.errors import InputError
from geopoverty.numerics.blocks import blocks
from geopoverty.numerics.spatial.index import SpatialIndex
from geopoverty.numerics.types import Array, Codes
from geopoverty.results import Result
from geopoverty.scenario.change import changed
from geopoverty.scenario.outcome import Outcome, outcome_of
from geopoverty.weights import SpatialWeights, as_weights

MOST_LINKS = 60_000  # of weights that a page carries: 0.8 MB
MOST_ROWS = 60_000  # whose indices a page carries: 0.3 MB
MOST_TURNS = 5_000  # of the sum I + rho W + rho^2 W^2 + ...
CLOSE = 1e-12  # of its largest term, where the sum ends; solve.js ends it there too
ROOM = 2**22  # indices computed at a time


@dataclass(frozen=True, eq=False)
class EffectModel:
    """A fitted model, cut down to one column and its lag.

    The index of row r of unit u moves by ``z_u / scale_r``, where
    ``(I - rho W) z = own d + lag W d`` and d is what units add to the column.

    Attributes
    ----------
    outcome : Outcome
    link : str
    hazard : float
        Cumulative baseline hazard, of link ``"hazard"``.
    own, lag, rho : float
        Coefficients of the column, of its lag, and of dependence.
    links : Links or None
    alone : array, shape (units,)
        By how much a unit's index moves if it alone adds one.
    counties : array of int, shape (units,)
        Which county of the map each unit is.
    base, share, scale : array, shape (rows,)
        Index of each row now, its share in its unit's mean, and its scale; in the
        order of units. Of an outcome without a curve there is one row a unit.
    counts : array of int, shape (units,)
        Rows of each unit.
    period : str
        Which one is shown; empty if there are none.
    """

    outcome: Outcome
    link: str
    hazard: float
    own: float
    lag: float
    rho: float
    links: Links | None
    alone: Array
    counties: Codes
    base: Array
    share: Array
    scale: Array
    counts: Codes
    period: str

    @property
    def spills(self) -> bool:
        """Whether a step reaches other units."""
        return self.links is not None and (self.lag != 0 or self.rho != 0)

    def spread(self, d: Array) -> Array:
        """Return how far steps d, (units,) or (units, m), move the units' indices."""
        if self.links is None:
            return self.own * d
        W = self.links.matrix
        moved = self.own * d + self.lag * (W @ d)
        return np.asarray(moved if self.rho == 0 else self._factor.solve(moved))

    @cached_property
    def _factor(self) -> Any:
        assert self.links is not None
        W = self.links.matrix
        left = sparse.eye_array(W.shape[0], format="csc") - self.rho * W.tocsc()
        return linalg.splu(sparse.csc_array(left))

    def means(self, moved: Array) -> Array:
        """Return units' outcomes, their indices moved: (units,) or (units, m)."""
        z = moved.reshape(len(self.counts), -1)
        rows = np.repeat(np.arange(len(z)), self.counts)
        starts = np.concatenate([[0], np.cumsum(self.counts)])
        mean = sparse.csr_array(
            (self.share, np.arange(len(rows)), starts), shape=(len(z), len(rows))
        )
        out = np.zeros(z.shape)
        # A block of columns at a time: rows x columns may be large.
        for part in blocks(z.shape[1], rows=max(1, ROOM // max(len(rows), 1))):
            index = self.base[:, None] + z[rows, part] / self.scale[:, None]
            out[:, part] = mean @ self.outcome.curve(index)
        return out.reshape(moved.shape)

    def data(self, links: int | None) -> dict[str, Any]:
        """Return the model as the page reads it; `links` says which of its links."""
        rows, even = self.outcome.probability, bool((self.scale == 1).all())
        return {
            "link": self.link,
            "hazard": self.hazard,
            "own": self.own,
            "lag": self.lag,
            "rho": self.rho,
            "links": links,
            "levels": self.outcome.probability,
            "alone": self._alone,
            "counties": packed(self.counties, np.uint16),
            "counts": packed(self.counts, np.uint16),
            "base": packed(self.base, np.float32) if rows else None,
            "share": None if self._plain else packed(self.share, np.float32),
            "scale": None if even else packed(self.scale, np.float32),
        }

    @property
    def _alone(self) -> str | float:
        """Return one number where it is the same for all units."""
        first_one = float(self.alone[0])
        same = bool((self.alone == first_one).all())
        return first_one if same else packed(self.alone, np.float64)

    @property
    def _plain(self) -> bool:
        """Whether rows of a unit count the same."""
        same = self.share * np.repeat(self.counts, self.counts)
        return bool(np.allclose(same, 1, rtol=0, atol=1e-12))


def read_model(
    result: Result,
    data: pd.DataFrame,
    *,
    weights: Any,
    column: str,
    units: pd.Index,
) -> EffectModel:
    """Cut a fitted model down to what a step in one column does.

    Parameters
    ----------
    result : Result
        Of `logit`, `probit`, `ols`, `spatial_binary`, `panel` or `exit_hazard` (Cox).
    data : DataFrame
        The rows of the fit. With periods, the last is shown.
    weights : SpatialWeights, libpysal Graph or W, or None
        As for the fit.
    column : str
        A covariate that enters by its own name, with or without its lag.
    units : Index
        The counties of the map.

    Raises
    ------
    InputError
        If the result does not fit, the column enters otherwise, units are not on
        the map, or there are too many links or rows for one page.
    """
    recipe = recipe_from(result)
    outcome = outcome_of(result, recipe)
    held = None if weights is None else as_weights(weights)
    _require_room(held)
    kept, index = index_of(recipe, data, held)
    _require_entry(recipe, data, held, column, index)
    if "centre" in recipe:  # a hazard is told relative to that of a row at the centre
        index = replace(index, X=index.X - recipe["centre"])
    rows = _Rows.of(recipe, data.iloc[kept], held)
    _require_known(rows.units, units)
    return _model(recipe, result, column, held, (index, outcome, rows), units)


def _model(
    recipe: Mapping[str, Any],
    result: Result,
    column: str,
    held: SpatialWeights | None,
    parts: tuple[SpatialIndex, Outcome, "_Rows"],
    units: pd.Index,
) -> EffectModel:
    index, outcome, rows = parts
    beta = result.estimates.to_numpy()[: len(recipe["columns"])]
    at = dict(zip(recipe["columns"], beta.tolist(), strict=True))
    own, lag = at.get(column, 0.0), at.get(f"W({column})", 0.0)
    spatial = recipe["model"] != "none"
    here = index.at(float(result.estimates.iloc[-1]) if spatial else 0.0)
    alone = np.full(len(rows.units), own)
    if spatial:  # the last period's cells
        n = len(rows.units)
        alone = own * here.own[-n:] + lag * here.around[-n:]
    links = _links(held, lag, spatial and index.lagged)
    found = EffectModel(
        outcome=outcome,
        link=recipe["link"],
        hazard=float(recipe.get("cumulative_hazard", 1.0)),
        own=own,
        lag=lag,
        rho=float(result.estimates.iloc[-1]) if spatial and index.lagged else 0.0,
        links=links,
        alone=alone,
        counties=np.asarray(units.get_indexer(rows.units), dtype=np.intp),
        **rows.held(here.rows(beta), here.scale, curved=outcome.probability),
        period=rows.period,
    )
    _require_sum(found)
    return found


def _links(held: SpatialWeights | None, lag: float, carried: bool) -> Links | None:
    if held is None or not (lag or carried):
        return None
    matrix = sparse.csr_array(held.matrix)
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return Links(matrix)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows are shown, in the order of units.

    Attributes
    ----------
    units : Index
    order : array of int
        Positions among complete rows.
    codes : array of int
        Unit of each.
    w : array
        Weight of each.
    period : str
    """

    units: pd.Index
    order: Codes
    codes: Codes
    w: Array
    period: str

    @classmethod
    def of(
        cls, recipe: Mapping[str, Any], rows: pd.DataFrame, held: SpatialWeights | None
    ) -> "_Rows":
        sample = sample_in(recipe["design"], rows)
        ids = pd.Index(rows.get(sample.unit, rows.index))
        units = pd.Index(ids.unique()) if held is None else held.units
        codes = units.get_indexer(ids)
        now, period = np.arange(len(rows)), ""
        if sample.period is not None:
            when = rows[sample.period]
            now, period = np.flatnonzero(when == when.max()), _written(when.max())
        order = now[np.argsort(codes[now], kind="stable")]
        weighing = sample.sampling_weight
        w = np.ones(len(rows)) if weighing is None else rows[weighing].to_numpy(float)
        return cls(units, order, codes[order], w[order], period)

    def held(self, index: Array, scale: Array, *, curved: bool) -> dict[str, Any]:
        """Return indices, shares, scales and counts; one row a unit without a curve."""
        n = len(self.units)
        if not curved:
            ones = np.ones(n)
            counts = np.ones(n, dtype=np.intp)
            return {"base": 0 * ones, "share": ones, "scale": ones, "counts": counts}
        if len(self.order) > MOST_ROWS:
            raise InputError(
                f"A page carries at most {MOST_ROWS:,} rows; the last period has "
                f"{len(self.order):,}. Fit a row a county."
            )
        total = np.bincount(self.codes, self.w, minlength=n)
        return {
            "base": index[self.order],
            "share": self.w / total[self.codes],
            "scale": scale[self.order],
            "counts": np.bincount(self.codes, minlength=n),
        }


def _written(period: Any) -> str:
    if isinstance(period, pd.Timestamp):
        return str(period.date())
    whole = isinstance(period, float) and period.is_integer()
    return str(int(period) if whole else period)


def _require_room(held: SpatialWeights | None) -> None:
    links = 0 if held is None else int((held.matrix != 0).sum())
    if links > MOST_LINKS:
        raise InputError(
            f"A page carries at most {MOST_LINKS:,} links between counties; these "
            f"weights have {links:,}. Build weights with cutoff= or k=, and fit with "
            "them."
        )


def _require_entry(
    recipe: Mapping[str, Any],
    data: pd.DataFrame,
    held: SpatialWeights | None,
    column: str,
    before: SpatialIndex,
) -> None:
    """Refuse a column that enters in another way than by itself and by its lag."""
    columns = list(recipe["columns"])
    sample = sample_in(recipe["design"], data)
    ids = pd.Index(data.get(sample.unit, data.index))
    units = pd.Index(ids.unique())
    # Unlike steps in unlike units, so that nothing cancels.
    steps = pd.Series(1 + np.arange(len(units)) % 7 / 8, index=units)
    _, after = index_of(recipe, changed(data, {column: steps}, sample), held)
    moved = np.abs(after.X - before.X).max(axis=0)
    by_name = [column, f"W({column})"]
    others = [c for c, m in zip(columns, moved, strict=True) if m and c not in by_name]
    entered = [c for c in columns if c in by_name]
    if others or not entered:
        how = f"as {first(others)}" if others else "not at all"
        raise InputError(
            f"The page can only change a column that enters the model by its own name "
            f"and by its lag, W(...); '{column}' enters {how}. Compute the column in "
            "the table before the fit, and name that one."
        )


def _require_known(found: pd.Index, units: pd.Index) -> None:
    unknown = found.difference(units)
    if len(unknown):
        raise InputError(
            f"Every unit of the model must be in the boundaries; {len(unknown)} of "
            f"{len(found)} are not ({first(unknown)}). Fit with "
            "weights.subset(units) and the rows of these units."
        )


def _require_sum(model: EffectModel) -> None:
    """Refuse dependence that the page cannot sum."""
    if model.links is None or model.rho == 0:
        return
    term = np.ones(len(model.counts))
    for _ in range(MOST_TURNS):
        term = model.rho * (model.links.matrix @ term)
        if np.abs(term).max() < CLOSE:
            return
    raise InputError(
        f"The page cannot follow dependence of rho = {model.rho:.4f}, which is too "
        "near the edge. Fit with other weights, or show scenario() as an indicator."
    )
