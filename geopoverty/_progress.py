"""A progress bar on a terminal for whatever takes over two seconds."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(steps: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Iterate, drawing a bar on standard error after two seconds.

    Nothing is drawn when standard error is not a terminal.

    Examples
    --------
    >>> list(progress([1, 2], "Fitting"))
    [1, 2]
    """
    bar = tqdm(steps, desc=label, total=total, disable=None, delay=2, leave=False)
    yield from bar
