"""A progress bar on a terminal for whatever takes over two seconds."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
DELAY = 2.0  # seconds: shorter work needs no bar


def progress(steps: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Iterate, drawing a bar on standard error after two seconds.

    Nothing is drawn when standard error is not a terminal.

    Examples
    --------
    >>> list(progress([1, 2], "Fitting"))
    [1, 2]
    """
    bar = tqdm(steps, desc=label, total=total, disable=None, delay=DELAY, leave=False)
    yield from bar


@contextmanager
def stages(label: str, total: int | None = None) -> Iterator[Callable[[], object]]:
    """Yield what to call after each stage of one job.

    A bar is drawn as `progress` draws one; without `total` it counts.

    Examples
    --------
    >>> with stages("Fitting", 1) as advance:
    ...     _ = advance()
    """
    with tqdm(desc=label, total=total, disable=None, delay=DELAY, leave=False) as bar:
        yield bar.update
