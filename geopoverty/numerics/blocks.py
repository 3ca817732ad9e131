"""Rows in blocks that fit the cache, so that temporaries stay small."""

from collections.abc import Iterator

ROWS = 8192


def blocks(n: int, rows: int = ROWS) -> Iterator[slice]:
    """Yield slices that cover 0 to `n`.

    Examples
    --------
    >>> [(b.start, b.stop) for b in blocks(5, rows=2)]
    [(0, 2), (2, 4), (4, 5)]
    """
    for start in range(0, n, rows):
        yield slice(start, min(start + rows, n))
