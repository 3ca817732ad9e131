"""Axes to draw on: the user's, or new ones that a notebook shows."""

from typing import TYPE_CHECKING, Any

from geopoverty.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (6.4, 4.0)  # inches: the width of a page of text


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
    try:
        from matplotlib import pyplot
        from matplotlib.axes import Axes
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Plots need the package matplotlib, which is not installed. Install the "
            'extra: pip install "geopoverty[plots]".'
        ) from error
    if ax is None:
        made: Any = pyplot.subplots(figsize=size, layout="constrained")[1]
        ax = made
    if not isinstance(ax, Axes):
        raise InputError(
            f"ax must be one matplotlib Axes; got {type(ax).__name__}. Take one of "
            "several: axes[0]."
        )
    return ax
