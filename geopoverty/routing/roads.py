"""A road network as cars drive it: nodes, directed ways between them, minutes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from geopoverty.errors import InputError
from geopoverty.numerics.routing.digraph import Digraph, digraph, parts
from geopoverty.numerics.types import Array, Codes, Mask

Extent = tuple[float, float, float, float]
PART_SHARE = 0.01


@dataclass(frozen=True, eq=False, repr=False)
class Roads:
    """Directed ways between nodes, each with the minutes a car takes.

    Made by `read_roads`.

    Attributes
    ----------
    nodes : Index, shape (n,)
        What the source calls each node.
    lon, lat : array, shape (n,)
        Degrees.
    start, end : array of int, shape (m,)
        Where each directed way begins and ends: positions among `nodes`.
    minutes : array, shape (m,)
        Finite, at least 0.
    entered : array of bool, shape (n,)
        Whether a trip may begin or end here: not in the middle of a motorway or of a
        ferry.
    notes : tuple of str
        What must be read with times over these roads.
    attrs : mapping
        Title, source, licence, attribution.
    """

    nodes: pd.Index
    lon: Array
    lat: Array
    start: Codes
    end: Codes
    minutes: Array
    entered: Mask
    notes: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.start):
            raise InputError(
                "The road network has no way for cars. Check the classes of roads "
                "asked for, and that the file holds roads."
            )

    @cached_property
    def graph(self) -> Digraph:
        """The network in compressed rows; made once."""
        return digraph(self.start, self.end, self.minutes, len(self.nodes))

    @cached_property
    def joined(self) -> Mask:
        """Nodes of parts large enough to be a network of their own, shape (n,).

        All nodes of a part reach each other. The largest part counts, and every other
        that has at least 1 % of the nodes, such as the roads of a large island.
        """
        part = parts(self.graph)
        size = np.bincount(part)
        large = size >= min(PART_SHARE * len(self.nodes), size.max())
        return np.asarray(large[part])

    @property
    def extent(self) -> Extent:
        """West, south, east, north in degrees."""
        return extent_of(self.lon, self.lat)

    def __repr__(self) -> str:
        share = 100 * self.joined.mean()
        return (
            f"Roads: {len(self.nodes):,} nodes, {len(self.start):,} directed ways; "
            f"{share:.1f} % of the nodes are well joined; {shown(self.extent)}"
        )


def extent_of(lon: Array, lat: Array) -> Extent:
    """Return west, south, east and north of some points."""
    return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())


def shown(extent: Extent) -> str:
    """Write an extent for a message.

    Examples
    --------
    >>> shown((9.5, 47.0, 9.6, 47.25))
    'longitude 9.50 to 9.60, latitude 47.00 to 47.25'
    """
    west, south, east, north = extent
    return f"longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}"


def inside(lon: Array, lat: Array, extent: Extent) -> Mask:
    """Return which points lie within an extent.

    Examples
    --------
    >>> inside(np.array([1.0, 5.0]), np.array([1.0, 1.0]), (0, 0, 2, 2))
    array([ True, False])
    """
    west, south, east, north = extent
    within = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return np.asarray(within)
