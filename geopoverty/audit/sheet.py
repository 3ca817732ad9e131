"""The lines of a printed table, and what a line knows from the table around it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from geopoverty.audit.intervals import Interval
from geopoverty.audit.printed import Printed
from geopoverty.audit.vocabulary import STATISTICS

Place = tuple[str, str, str]


@dataclass(frozen=True)
class Line:
    """What is printed of one term in one model of one table.

    Attributes
    ----------
    table, model, term : str
        An empty term stands for the model, an empty model for the table.
    of : str
        The term of which this one is a part; may be empty.
    cells : dict of str to Printed
        By name of the statistic.
    facts : dict of str to Printed
        What the model and the table say of all their terms.
    mark : str
        The stars.
    starred : bool
        Whether the table uses stars at all, so that none is a statement too.
    terms : int
        How many coefficients are printed of the model.
    """

    table: str
    model: str
    term: str
    of: str
    cells: Mapping[str, Printed]
    facts: Mapping[str, Printed] = field(default_factory=dict)
    mark: str = ""
    starred: bool = False
    terms: int = 0

    @property
    def place(self) -> Place:
        """Where the line stands."""
        return (self.table, self.model, self.term)

    def printed(self, name: str) -> Printed | None:
        """Return what is printed, here or as a fact of the model or the table."""
        return self.cells.get(name, self.facts.get(name))

    def range(self, name: str) -> Interval | None:
        """Return the numbers a statistic may stand for.

        None if it is not printed, or only as a limit such as ">3". What is counted,
        such as n, is not rounded when it is whole.
        """
        printed = self.printed(name)
        if printed is None:
            return None
        known = STATISTICS[name]
        exact = printed.whole and known.counted
        found = printed.exact if exact else printed.range
        found = found.clipped(known.domain.low, known.domain.high)
        return found if found.bounded else None

    def count(self, name: str) -> int | None:
        """Return a fact that must be a whole number; None if it is not one."""
        printed = self.printed(name)
        return int(printed.value) if printed is not None and printed.whole else None


@dataclass(frozen=True)
class Sheet:
    """All lines, in the order of the input.

    Attributes
    ----------
    lines : tuple of Line
    """

    lines: tuple[Line, ...]

    def parts(self) -> Iterator[tuple[Line | None, Place, list[Line]]]:
        """Yield each whole (None if it is not printed), its place and its parts."""
        at = {line.place: line for line in self.lines}
        groups: dict[Place, list[Line]] = {}
        for line in self.lines:
            if line.of:
                groups.setdefault((line.table, line.model, line.of), []).append(line)
        for place, lines in groups.items():
            yield at.get(place), place, lines

    def models(self) -> Iterator[tuple[Place, list[Line]]]:
        """Yield the lines of each model of each table that are terms."""
        groups: dict[Place, list[Line]] = {}
        for line in self.lines:
            if line.term:
                groups.setdefault((line.table, line.model, ""), []).append(line)
        yield from groups.items()

    def terms(self) -> Iterator[tuple[Place, dict[str, Line]]]:
        """Yield each term of each table, its lines by model."""
        groups: dict[Place, dict[str, Line]] = {}
        for line in self.lines:
            place = (line.table, "", line.term)
            groups.setdefault(place, {})[line.model] = line
        yield from groups.items()
