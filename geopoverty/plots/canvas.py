"""Axes to draw on: the user's, or new ones that a notebook shows."""

from typing import TYPE_CHECKING, Any

from geopoverty.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (6.4, 4.0)  # inches: the width of a page of text
TALLEST = 9.0  # inches: the height of a page of text


def axes_for(ax: "Axes | None", size: tuple[float, float] = SIZE) -> "Axes":
    """Return `ax`, or axes of a new figure.

    A new figure belongs to pyplot, so that notebooks show it and ``plt.close`` frees
    it. Call this last, when nothing can fail: a figure left behind stays open.

    Parameters
    ----------
    ax : Axes or None
    size : tuple of float
        Inches, of a new figure.

    Raises
    ------
    InputError
        If `ax` is something else, such as an array of axes.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> axes_for("left")
    Traceback (most recent call last):
    geopoverty.errors.InputError: ax must be one matplotlib Axes; got str. Take one \
of several: axes[0].
    """
    pyplot = _pyplot()
    if ax is None:
        made: Any = pyplot.subplots(figsize=size, layout="constrained")[1]
        ax = made
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise InputError(
            f"ax must be one matplotlib Axes; got {type(ax).__name__}. Take one of "
            "several: axes[0]."
        )
    return ax


def figure_for(
    count: int, across: int, size: tuple[float, float]
) -> "tuple[list[Axes], Figure]":
    """Return `count` axes in rows of at most `across`, and their new figure.

    Parameters
    ----------
    count, across : int
    size : tuple of float
        Inches that one map of the whole width would take.

    Examples
    --------
    >>> axes, figure = figure_for(4, 3, (6.0, 3.0))
    >>> len(axes), figure.get_size_inches().round(1).tolist()
    (4, [6.0, 2.5])
    """
    pyplot = _pyplot()
    columns = min(count, across)
    rows = -(-count // columns)
    tall = min(size[1] / columns * rows + 0.5 * (rows > 1), TALLEST)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(size[0], max(tall, 2.0)), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    axes = list(grid.flat)
    for spare in axes[count:]:
        spare.remove()
    return axes[:count], figure


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Plots need the package matplotlib, which is not installed. Install the "
            'extra: pip install "geopoverty[plots]".'
        ) from error
    return pyplot
