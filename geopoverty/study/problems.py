"""Everything that is wrong with a study, gathered before anything runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd

from geopoverty._checks import first, nearest_name
from geopoverty.errors import GeoPovertyError
from geopoverty.study.lines import Path, line_of


@dataclass(frozen=True)
class Problem:
    """One thing to put right.

    Attributes
    ----------
    line : int or None
        In the study file, from 1; None if the file itself is the problem.
    where : str
        The key, such as ``"models.poor.formula"``.
    message : str
        What is wrong, and the way out.
    """

    line: int | None
    where: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line is not None else ""
        return f"{place}{self.where}: {self.message}" if self.where else self.message


@dataclass(eq=False)
class Report:
    """The problems found so far.

    Attributes
    ----------
    lines : dict of tuple to int
        As from `key_lines`.
    problems : list of Problem
        In the order found.

    Examples
    --------
    >>> report = Report({("study", "title"): 2})
    >>> report.say(("study", "title"), "It must be text; got 5.")
    >>> print(report.problems[0])
    line 2, study.title: It must be text; got 5.
    """

    lines: dict[Path, int]
    problems: list[Problem] = field(default_factory=list)

    def say(self, path: Path, message: str) -> None:
        """Add a problem."""
        found = Problem(line_of(self.lines, path), dotted(path), message)
        if found not in self.problems:
            self.problems.append(found)

    @contextmanager
    def catching(self, path: Path) -> Iterator[None]:
        """Turn the errors of a block into problems of `path`, and go on after it."""
        try:
            yield
        except GeoPovertyError as error:
            self.say(path, str(error))

    def unknown(self, path: Path, section: str, name: str) -> None:
        """Say that a key names what the file does not have.

        Parameters
        ----------
        path : tuple
            The key.
        section : {"tables", "weights", "models"}
            Where it should stand. What stands there with a problem of its own is not
            said to be missing.
        name : str
            What was named.
        """
        known = [str(p[1]) for p in self.lines if len(p) == 2 and p[0] == section]
        if name not in known:
            self.say(
                path,
                f"There is no [{section}.{name}].{nearest_name(name, known)} There "
                f"are: {first(known, 12) or 'none'}.",
            )

    @property
    def sorted(self) -> list[Problem]:
        """The problems in the order of the file."""
        return sorted(self.problems, key=lambda p: p.line or 0)


def dotted(path: Path) -> str:
    """Write a path as a reader would; the items of lists are counted from 1.

    Examples
    --------
    >>> dotted(("pages", "maps", 0, "label"))
    'pages.maps[1].label'
    """
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def problem_table(problems: list[Problem]) -> pd.DataFrame:
    """Return problems as a table: ``line, where, problem``.

    Examples
    --------
    >>> problem_table([Problem(3, "study.out", "No.")]).to_dict("list")
    {'line': [3], 'where': ['study.out'], 'problem': ['No.']}
    """
    return pd.DataFrame(
        {
            "line": pd.array([p.line for p in problems], dtype="Int64"),
            "where": [p.where for p in problems],
            "problem": [p.message for p in problems],
        }
    )
