"""Several fits over the same rows, a pass over them serving all at once."""

from collections.abc import Generator, Mapping
from typing import Any, TypeVar

from geopoverty.errors import EstimationError
from geopoverty.numerics.rows import Block, Feed, Kernel, Parts, combined

T = TypeVar("T")
Steps = Generator[Kernel, Parts, T]  # asks for a sum, is sent it; returns a fit


def alone(feed: Feed, steps: Steps[T]) -> T:
    """Return what steps come to on these rows.

    Examples
    --------
    >>> import numpy as np
    >>> from geopoverty.numerics.rows import InMemory
    >>> def steps():
    ...     (total,) = yield lambda block: (block.y.sum(),)
    ...     return float(total)
    >>> alone(InMemory(np.ones((3, 1)), np.ones(3)), steps())
    3.0
    """
    try:
        kernel = next(steps)
        while True:
            kernel = steps.send(feed.total(kernel))
    except StopIteration as done:
        result: T = done.value
        return result


def together(
    feed: Feed, steps: Mapping[str, Steps[T]]
) -> dict[str, T | EstimationError]:
    """Return what several fits come to, each pass over the rows shared by all.

    Parameters
    ----------
    feed : Feed
    steps : mapping of str to generator

    Returns
    -------
    dict
        The fits by name; the error where one fails.
    """
    done: dict[str, T | EstimationError] = {}
    asked = {name: _on(name, s, None, done) for name, s in steps.items()}
    while kernels := {name: k for name, k in asked.items() if k is not None}:
        found = _one_pass(feed, kernels)
        asked = {n: _on(n, steps[n], found[n], done) for n in kernels}
    return done


def _on(
    name: str,
    steps: Steps[T],
    found: Parts | None,
    done: dict[str, T | EstimationError],
) -> Kernel | None:
    """Hand sums to a fit; return what it asks next, None when it is done."""
    try:
        return next(steps) if found is None else steps.send(found)
    except StopIteration as end:
        done[name] = end.value
    except EstimationError as error:
        done[name] = error
    return None


def _one_pass(feed: Feed, kernels: Mapping[str, Kernel]) -> dict[str, Parts]:
    def all_of(block: Block) -> Any:
        return tuple(kernel(block) for kernel in kernels.values())

    sums: Any = feed.total(all_of, _added)
    return dict(zip(kernels, sums, strict=True))


def _added(one: Any, other: Any) -> Any:
    return combined(one, other)
