"""A spatial logit whose rows stay in a register: all that is asked of them is sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from geopoverty._progress import stages
from geopoverty.covariances import Covariance, Vcov, spread_covariance
from geopoverty.design.build import Design
from geopoverty.design.durbin import LaggedDesign, with_lags
from geopoverty.design.sample import Sample
from geopoverty.numerics.binary import BinaryFit, fit_rows, rough_fit
from geopoverty.numerics.links import Link
from geopoverty.numerics.rows import Block, Feed, InMemory, Kernel, Parts
from geopoverty.numerics.spatial.cell_rows import Shifted
from geopoverty.numerics.spatial.cells import CellSums
from geopoverty.numerics.spatial.lag_logit import SAMPLE, score_rows
from geopoverty.numerics.types import Array, Codes, Matrix
from geopoverty.registers.rows import Batch, RegisterRows
from geopoverty.registers.spread import score_asks, summed_scores, ways_of


@dataclass(frozen=True, eq=False)
class Placed:
    """How a batch becomes rows in cells; small enough to be sent to workers.

    Attributes
    ----------
    unit, period : str, str or None
        Columns.
    place : array of int
        Where each unit of the register stands among those of the weights.
    units : int
    new : list of int
        Columns whose lag a Durbin model adds.
    lags : array, shape (cells, len(new)), or None
    """

    unit: str
    period: str | None
    place: Codes
    units: int
    new: list[int]
    lags: Array | None = None

    def codes(self, batch: Batch) -> Codes:
        """Return the cell of each row."""
        codes: Codes = batch.once("cells", self._codes)
        return codes

    def lagged(self, batch: Batch) -> LaggedDesign:
        """Return the design, the lags of a Durbin model added."""
        found: LaggedDesign = batch.once("lagged", self._lagged)
        return found

    def block(self, batch: Batch) -> Block:
        """Return covariates, outcome, weights and cells."""
        design = self.lagged(batch).design
        return Block(design.X, design.y, batch.w, self.codes(batch))

    def _codes(self, batch: Batch) -> Codes:
        codes = self.place[batch.codes((self.unit,))]
        if self.period is None:
            return codes
        return codes + batch.codes((self.period,)) * self.units

    def _lagged(self, batch: Batch) -> LaggedDesign:
        lags = None if self.lags is None else self.lags[self.codes(batch)]
        return with_lags(batch.design, self.new, lags)


@dataclass(frozen=True, eq=False)
class RegisterCells:
    """Rows of a register in cells, to be summed over in blocks.

    Attributes
    ----------
    rows : RegisterRows
    placed : Placed
    """

    rows: RegisterRows
    placed: Placed

    def total(self, kernel: Kernel, combine: Any = np.add) -> Parts:
        """Return what a kernel gives for each block, combined over all of them."""
        placed = self.placed
        return self.rows.total(
            lambda b: InMemory(*placed.block(b)).total(kernel, combine), combine
        )


@dataclass(frozen=True, eq=False)
class LagRegister:
    """A log-odds lag model of rows in a register; see `LagData`.

    Attributes
    ----------
    rows, some : Feed
    means : array, shape (cells, k)
    cells : CellSums
    W : array or CSR array, shape (units, units)
    link : Link
    """

    rows: Feed
    some: Feed
    means: Array
    cells: CellSums
    W: Matrix
    link: Link


@dataclass(frozen=True, eq=False)
class RegisterCase:
    """Data, weights and model of one fit on a register; see `Case`.

    Attributes
    ----------
    rows : RegisterRows
        Paired by the columns of two-way clusters.
    placed : Placed
    W : array or CSR array, shape (units, units)
    cells : CellSums
    means : array, shape (cells, k)
    outcomes : array, shape (cells,)
        Mean outcome.
    sample : Sample
    model : {"lag", "durbin"}
    link : Link
    bounds : (float, float)
    """

    rows: RegisterRows
    placed: Placed
    W: Matrix
    cells: CellSums
    means: Array
    outcomes: Array
    sample: Sample
    model: str
    link: Link
    bounds: tuple[float, float]
    spatial_name: str = "rho"

    @property
    def n(self) -> int:
        """Rows."""
        return self.rows.n

    @property
    def dropped(self) -> int:
        """Rows left out because a value is missing."""
        return self.rows.scan.dropped

    @property
    def share_of_ones(self) -> float:
        """Mean outcome."""
        mass = self.cells.mass
        return float(mass @ self.outcomes / mass.sum())

    @property
    def names(self) -> list[str]:
        """Covariates, then the spatial coefficient."""
        return [*self.lagged.design.names, self.spatial_name]

    @cached_property
    def lagged(self) -> LaggedDesign:
        """The design of the sample."""
        return self.placed.lagged(self._first)

    @property
    def _first(self) -> Batch:
        """The sample as a batch."""
        weighing = self.rows.weighing
        design: Design = self.rows.first
        w = None
        if weighing is not None:
            w = design.rows[weighing].to_numpy(np.float64) * self.rows.scale
        return Batch(design, w, self.rows.plan.groups)

    @property
    def _some(self) -> InMemory:
        """Rows to compare starts on."""
        some = InMemory(*self.placed.block(self._first))
        n = len(some.y)
        if n <= SAMPLE:
            return some
        return some.part(np.linspace(0, n - 1, SAMPLE).astype(np.intp))

    def lag_data(self) -> LagRegister:
        """Return the rows as the log-odds lag takes them."""
        rows = RegisterCells(self.rows, self.placed)
        return LagRegister(rows, self._some, self.means, self.cells, self.W, self.link)

    def plain(self) -> BinaryFit:
        """Fit the same covariates without dependence."""
        return self._plain

    @cached_property
    def _plain(self) -> BinaryFit:
        k, some = self.means.shape[1], self._some
        start = None
        if 0 < some.y.sum() < len(some.y):
            start = rough_fit(Shifted(some, None), k, self.link)
        rows = Shifted(RegisterCells(self.rows, self.placed), None)
        with stages(f"Fitting {self.n:,} rows without dependence, step") as stepped:
            return fit_rows(rows, k, self.link, start, stepped)

    def covariance(self, vcov: Vcov, bread: Array, theta: Array) -> Covariance:
        """Return the covariance of a logit; `theta` has rho at its end, or none."""
        ways = ways_of(vcov, self.sample.unit)
        placed, link = self.placed, self.link
        if len(theta) > self.means.shape[1]:
            of_block = score_rows(self.lag_data(), theta)
        else:

            def of_block(block: Block) -> Array:
                residual = link.at(block.X @ theta, block.y).residual
                return block.X * block.weighed(residual)[:, None]

        asks = score_asks(self.rows, ways, lambda b: of_block(placed.block(b)))
        found: Mapping[str, Any] = self.rows.answers(asks) if asks else {}
        spread = summed_scores(self.rows, ways, found)
        return spread_covariance(vcov, bread, spread, self.sample.unit)

    def feed(self) -> Any:
        """Return the rows as plain blocks, lags added, weights left out."""
        placed = self.placed

        def alone(batch: Batch) -> Block:
            X = placed.lagged(batch).design.X
            return Block(X, X[:, 0])

        return self.rows.feed(alone)
