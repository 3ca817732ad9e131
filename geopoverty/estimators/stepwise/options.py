"""How a stepwise search goes."""

from dataclasses import dataclass
from typing import Any

from geopoverty._checks import require_option
from geopoverty.errors import InputError

DIRECTIONS = ("both", "backward", "forward")
CRITERIA = ("aic", "bic", "p")
MODELS = ("ols", "logit", "probit")


@dataclass(frozen=True)
class Search:
    """Where a search starts, which steps it may take, and what decides.

    Attributes
    ----------
    direction : {"both", "backward", "forward"}
        Terms are dropped, added, or either at each step.
    by : {"aic", "bic", "p"}
        The step with the lowest criterion, as long as it falls; or, by p: drop the
        term with the greatest p if it is above `leave`, else add the one with the
        least p if it is below `enter`.
    start : {"full", "empty"}
        Where ``"both"`` starts. ``"backward"`` starts from all terms, ``"forward"``
        from those kept.
    enter, leave : float
        Inside (0, 1), `enter` not above `leave`; only for ``by="p"``.
    keep : tuple of str
        Terms that stay in every model, as written in the formula.

    Raises
    ------
    InputError
        If an option is unknown or a level is not inside (0, 1).

    Examples
    --------
    >>> Search(by="p", keep=("age",)).leave
    0.1
    """

    direction: str = "both"
    by: str = "aic"
    start: str = "full"
    enter: float = 0.05
    leave: float = 0.10
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_option(self.direction, DIRECTIONS, "direction")
        require_option(self.by, CRITERIA, "by")
        require_option(self.start, ("full", "empty"), "start")
        kept = (self.keep,) if isinstance(self.keep, str) else tuple(self.keep)
        if not all(isinstance(k, str) for k in kept):
            raise InputError(
                "keep must name terms as the formula writes them, such as "
                f"('age', 'C(region)'); got {kept!r}."
            )
        object.__setattr__(self, "keep", kept)
        levels = (self.enter, self.leave)
        if not all(_inside(level) for level in levels) or self.enter > self.leave:
            raise InputError(
                "enter and leave must be inside (0, 1), enter not above leave; got "
                f"{self.enter!r} and {self.leave!r}. Else a term could go in and out "
                "for ever."
            )

    @property
    def may_drop(self) -> bool:
        """Whether terms are dropped."""
        return self.direction != "forward"

    @property
    def may_add(self) -> bool:
        """Whether terms are added."""
        return self.direction != "backward"

    @property
    def from_full(self) -> bool:
        """Whether the search starts from all terms."""
        if self.direction == "both":
            return self.start == "full"
        return self.direction == "backward"


def _inside(level: Any) -> bool:
    number = isinstance(level, int | float) and not isinstance(level, bool)
    return number and 0 < level < 1


def search_of(search: str | Search) -> Search:
    """Return a `Search` from its short form, the direction.

    Examples
    --------
    >>> search_of("forward").from_full
    False
    """
    return search if isinstance(search, Search) else Search(direction=search)
