"""Spatial weights: one immutable type, dense when dense, sparse when sparse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from libpysal.weights import W
from scipy import sparse

from geopoverty._checks import (
    first,
    require_option,
    require_same_units,
    unit_ids,
    warn,
)
from geopoverty.data.travel import left_out, positions
from geopoverty.errors import InputError
from geopoverty.numerics.spectrum import eigenvalue_range, spectral_radius
from geopoverty.numerics.types import Array, Matrix
from geopoverty.weights.graphs import graph_of

STANDARDIZE = ("row", "spectral", None)


@dataclass(frozen=True, eq=False, repr=False)
class SpatialWeights:
    """How much each unit counts for each other unit.

    Attributes
    ----------
    units : Index of str, shape (n,)
        Unique; the order of rows and columns.
    matrix : array or CSR array, shape (n, n)
        Finite, at least 0, with a diagonal of 0.
    kind : str
        How they were made, in words.
    standardize : {"row", "spectral", None}
        Rows that sum to 1, a spectral radius of 1, or neither.
    status : str
        "measured", "routed", "modelled" or "simulated".
    notes : tuple of str
        What must be read with them.
    attrs : mapping
        Title, source, licence, attribution of what they were made from.

    Examples
    --------
    >>> w = SpatialWeights(["a", "b"], [[0.0, 1.0], [1.0, 0.0]])
    >>> w
    SpatialWeights: 2 units, 2 links, 0 islands, dense, given
    >>> w.lag(pd.Series({"b": 5.0, "a": 3.0})).to_dict()
    {'a': 5.0, 'b': 3.0}
    """

    units: pd.Index
    matrix: Matrix
    kind: str = "given"
    standardize: str | None = None
    status: str = "measured"
    notes: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_option(self.standardize, STANDARDIZE, "standardize")
        units = unit_ids(pd.Index(self.units), "The weights", unique=True)
        if sparse.issparse(self.matrix):
            matrix = sparse.csr_array(self.matrix, dtype=np.float64)
            values, diagonal = matrix.data, matrix.diagonal()
        else:
            matrix = values = np.asarray(self.matrix, dtype=np.float64)
            diagonal = np.diag(matrix) if matrix.ndim == 2 else np.zeros(0)
        if matrix.shape != (len(units), len(units)):
            raise InputError(
                f"Weights of {len(units)} units need a {len(units)} x {len(units)} "
                f"matrix; this one is {matrix.shape}."
            )
        # One pass each, without a copy: min and max see NaN and infinities.
        if values.size and not (values.min() >= 0 and values.max() < np.inf):
            raise InputError(
                "Weights must be finite and at least 0; some are not. Set the "
                "weight of unreachable pairs to 0."
            )
        if diagonal.any():
            raise InputError(
                f"A unit must not be its own neighbour; {np.count_nonzero(diagonal)} "
                f"of {len(units)} diagonal weights are not 0 "
                f"({first(units[diagonal != 0])}). Set the diagonal to 0."
            )
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "notes", tuple(self.notes))

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def is_sparse(self) -> bool:
        """Whether the matrix is held sparse."""
        return bool(sparse.issparse(self.matrix))

    @property
    def row_sums(self) -> Array:
        """Sum of each unit's weights, shape (n,)."""
        return np.asarray(self.matrix.sum(axis=1)).ravel()

    @property
    def islands(self) -> pd.Index:
        """Units without a neighbour; their lag is 0."""
        return self.units[self.row_sums == 0]

    def lag(self, values: Any) -> Any:
        """Return W x: for each unit, the weighted sum over its neighbours.

        Parameters
        ----------
        values : Series or DataFrame indexed by unit, or array, shape (n,) or (n, m)
            A Series or DataFrame is matched by unit, in any order; an array must
            be in the order of `units`.

        Returns
        -------
        Series, DataFrame or array
            As given, in the order of `units`.

        Raises
        ------
        InputError
            If units differ, or values are missing or not finite.
        """
        if not isinstance(values, pd.Series | pd.DataFrame):
            array = np.asarray(values, dtype=np.float64)
            if array.shape[:1] != (self.n,):
                raise InputError(
                    f"lag needs one value for each of the {self.n} units; got an "
                    f"array of shape {array.shape}. Give a Series indexed by unit."
                )
            return self._product(array)
        index = unit_ids(values.index, "The values to lag", unique=True)
        require_same_units(
            index,
            self.units,
            names=("the values", "the weights"),
            way_out="Give every unit a value, or use weights.subset(units).",
        )
        ordered = values.set_axis(index).reindex(self.units)
        lagged = self._product(_numbers(ordered))
        if isinstance(values, pd.DataFrame):
            return pd.DataFrame(lagged, index=self.units, columns=values.columns)
        return pd.Series(lagged, index=self.units, name=values.name)

    def _product(self, array: Array) -> Array:
        broken = ~np.isfinite(array.reshape(self.n, -1)).all(axis=1)
        if broken.any():
            raise InputError(
                "Values to lag must be finite for every unit; "
                f"{broken.sum()} of {self.n} units break this "
                f"({first(self.units[broken])}). Fill them, or use "
                "weights.subset(units)."
            )
        return np.asarray(self.matrix @ array)

    def subset(self, units: Sequence[str] | pd.Index) -> "SpatialWeights":
        """Return the weights between some units, standardised anew.

        Raises
        ------
        InputError
            If a unit is not held, or no unit has a neighbour left.

        Warns
        -----
        GeoPovertyWarning
            If some units have no neighbour left.
        """
        rows = positions(self.units, units, "the weights")
        matrix = standardized(self.matrix[rows][:, rows], self.standardize)
        stale = {island_note(self)}  # the units it names may be those left out
        notes = (
            *(n for n in self.notes if n not in stale),
            *left_out(len(rows), self.n),
        )
        out = replace(self, units=self.units[rows], matrix=matrix, notes=notes)
        return out if len(out.islands) == 0 else with_island_note(out)

    def summary(self, values: pd.Series | None = None) -> pd.Series:
        """Describe the weights, and what a lag over them can show.

        Parameters
        ----------
        values : Series indexed by unit, optional
            The variable to be lagged, for ``sd(Wx)/sd(x)``. Without it the ratio
            is the one expected for values unrelated to place. A ratio near 0
            means that a lag is nearly the same everywhere: its coefficient
            cannot be told from the constant.

        Returns
        -------
        Series
            Units, links, share of possible links, islands and their share, mean
            effective neighbours (inverse Herfindahl of a row), sd(Wx)/sd(x),
            symmetry, least and greatest eigenvalue, and how they were made.
        """
        links = self._links()
        low, high = eigenvalue_range(self.matrix)
        facts = {
            "kind": self.kind,
            "standardize": str(self.standardize),
            "status": self.status,
            "storage": "sparse" if self.is_sparse else "dense",
            "units": self.n,
            "links": links,
            "links_share": links / max(self.n * (self.n - 1), 1),
            "islands": len(self.islands),
            "islands_share": len(self.islands) / self.n,
            "effective_neighbors": float(self.effective_neighbors().mean()),
            "sd_ratio": self.sd_ratio(values),
            "symmetric": self._symmetry(),
            "eigenvalue_min": low,
            "eigenvalue_max": high,
        }
        return pd.Series(facts, name="SpatialWeights", dtype=object)

    def effective_neighbors(self) -> Array:
        """Return each unit's (sum w)^2 / sum w^2: neighbours that count, shape (n,)."""
        squares = np.asarray((self.matrix * self.matrix).sum(axis=1)).ravel()
        sums = self.row_sums
        none = np.zeros(self.n)
        return np.asarray(np.divide(sums**2, squares, out=none, where=squares > 0))

    def sd_ratio(self, values: pd.Series | None = None) -> float:
        """Return sd(Wx)/sd(x), or what it is for x unrelated to place.

        NaN when x does not vary.
        """
        if values is not None:
            spread = float(values.reindex(self.units).std())
            return float(self.lag(values).std()) / spread if spread > 0 else np.nan
        # E[var(Wx)] for independent x of variance 1 is ||(I - 11'/n) W||^2 / (n - 1).
        squares = float((self.matrix * self.matrix).sum())
        columns = np.asarray(self.matrix.sum(axis=0)).ravel()
        spread = squares - float(columns @ columns) / self.n
        return float(np.sqrt(max(spread, 0.0) / max(self.n - 1, 1)))

    def to_graph(self) -> Graph:
        """Return a libpysal Graph with the same units and weights."""
        return graph_of(self.units, self.matrix)

    def to_w(self) -> W:
        """Return a libpysal W with the same units and weights."""
        return self.to_graph().to_W()

    def __repr__(self) -> str:
        return (
            f"SpatialWeights: {self.n} units, {self._links():,} links, "
            f"{len(self.islands)} islands, {'sparse' if self.is_sparse else 'dense'}, "
            f"{self.kind}"
        )

    def _links(self) -> int:
        if self.is_sparse:
            return int(np.count_nonzero(self.matrix.data))
        return int(np.count_nonzero(self.matrix))

    def _symmetry(self) -> str:
        gap = abs(self.matrix - self.matrix.T)
        if gap.max() <= 1e-12 * self.matrix.max():
            return "yes"
        pattern = self.matrix > 0
        same = (pattern != pattern.T).sum() == 0
        return "links only" if same else "no"


def with_island_note(weights: SpatialWeights) -> SpatialWeights:
    """Warn of units without a neighbour, and note it on the weights.

    Warns
    -----
    GeoPovertyWarning
        With their number, the first ids and the way out.
    """
    note = island_note(weights)
    warn(
        f"{note} Use a longer cutoff, more neighbours, or leave these units out with "
        "weights.subset(units)."
    )
    return replace(weights, notes=(*weights.notes, note))


def island_note(weights: SpatialWeights) -> str:
    """Return the note that units without a neighbour owe their reader."""
    islands = weights.islands
    return (
        f"{len(islands)} of {weights.n} units have no neighbour ({first(islands)}): "
        "their lag is 0."
    )


def notes_with_islands(weights: SpatialWeights) -> tuple[str, ...]:
    """Return the notes of weights, units without a neighbour among them."""
    if not len(weights.islands):
        return weights.notes
    return tuple(dict.fromkeys((*weights.notes, island_note(weights))))


def _numbers(table: pd.Series | pd.DataFrame) -> Array:
    try:
        return np.asarray(table.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError) as error:
        raise InputError(f"Values to lag must be numbers ({error}).") from error


def standardized(matrix: Matrix, how: str | None) -> Matrix:
    """Scale a matrix of raw weights.

    Parameters
    ----------
    matrix : array or CSR array, shape (n, n)
        At least 0; never modified.
    how : {"row", "spectral", None}
        Rows sum to 1 (islands stay 0); spectral radius 1; or as it is.

    Raises
    ------
    InputError
        If no unit has a neighbour, or the spectral radius is 0.

    Examples
    --------
    >>> standardized(np.array([[0.0, 2.0], [4.0, 0.0]]), "row")
    array([[0., 1.],
           [1., 0.]])
    """
    require_option(how, STANDARDIZE, "standardize")
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    if not sums.any():
        raise InputError(
            f"No unit has a neighbour; all {len(sums)} are islands. Use a longer "
            "cutoff, or more neighbours."
        )
    if how is None:
        return matrix
    if how == "spectral":
        return _by_spectrum(matrix)
    # Dividing, not multiplying by 1 / sum: a remote unit's weights may be so small
    # that the reciprocal of their sum overflows.
    scale = np.where(sums > 0, sums, 1.0)
    if sparse.issparse(matrix):
        scaled = sparse.csr_array(matrix, copy=True)
        scaled.data /= np.repeat(scale, np.diff(scaled.indptr))
        return scaled
    return np.asarray(matrix / scale[:, None])


def _by_spectrum(matrix: Matrix) -> Matrix:
    radius = spectral_radius(matrix)
    if radius == 0:
        raise InputError(
            "Spectral standardisation needs a round trip: following these links never "
            "leads back, so that the spectral radius is 0. Use standardize='row'."
        )
    return matrix * (1 / radius)
