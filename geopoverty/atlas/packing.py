"""Numbers as short texts, so that a page can carry many of them."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from geopoverty.errors import InputError
from geopoverty.numerics.types import Array, Codes


def packed(values: Array | Codes, kind: Any) -> str:
    """Return numbers as base64, little end first.

    Raises
    ------
    InputError
        If whole numbers are too many for the page.

    Examples
    --------
    >>> packed(np.array([1, 2]), np.uint16)
    'AQACAA=='
    """
    to = np.dtype(kind).newbyteorder("<")
    if to.kind == "u" and values.size and values.max() > np.iinfo(to).max:
        raise InputError(
            f"A page can tell {np.iinfo(to).max:,} units or rows of a unit apart; "
            f"here are {int(values.max()):,}. Use fewer."
        )
    return base64.b64encode(values.astype(to).tobytes()).decode()


@dataclass(frozen=True, eq=False)
class Links:
    """Who counts for whom: spatial weights, packed for a page.

    Attributes
    ----------
    matrix : CSR array, shape (n, n)
    """

    matrix: Any

    def data(self) -> dict[str, Any]:
        """Return the links as the page reads them.

        Where all weights of a row are equal, one a row is enough.
        """
        held = self.matrix
        counts = np.diff(held.indptr)
        start = np.minimum(held.indptr[:-1], max(held.nnz - 1, 0))
        one = held.data[start] if held.nnz else np.zeros(held.shape[0])
        even = bool((held.data == np.repeat(one, counts)).all())
        return {
            "n": held.shape[0],
            "counts": packed(counts, np.uint16),
            "columns": packed(held.indices, np.uint16),
            "even": even,
            "values": packed(one if even else held.data, np.float64),
        }
