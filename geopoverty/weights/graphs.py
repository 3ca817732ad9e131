"""A weight matrix as a libpysal Graph."""

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from scipy import sparse

from geopoverty.numerics.types import Matrix


def graph_of(units: pd.Index, matrix: Matrix) -> Graph:
    """Return a Graph that keeps every unit, islands as zero self-links.

    Parameters
    ----------
    units : Index, shape (n,)
    matrix : array or CSR array, shape (n, n)

    Returns
    -------
    libpysal.graph.Graph

    Examples
    --------
    >>> graph = graph_of(pd.Index(["a", "b"]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> graph.n, graph.n_edges
    (2, 2)
    """
    held = sparse.coo_array(matrix)
    held.eliminate_zeros()
    lone = np.setdiff1d(np.arange(len(units)), held.row)
    row = np.concatenate([held.row, lone])
    column = np.concatenate([held.col, lone])
    data = np.concatenate([held.data, np.zeros(len(lone))])
    order = np.lexsort((column, row))
    names = units.to_numpy(dtype=object)
    return Graph.from_arrays(names[row[order]], names[column[order]], data[order])
