"""Make the tables of a study, each after those it rests on."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pandas as pd

from geopoverty._checks import first, require_option
from geopoverty.errors import InputError
from geopoverty.provenance import notes_in
from geopoverty.study.firms import industry_columns
from geopoverty.study.inputs import load_table, require_one_source, say_ignored
from geopoverty.study.made import Prepared
from geopoverty.study.problems import Report
from geopoverty.study.schema import UNIT, Table
from geopoverty.study.steps import take_steps


class Tables:
    """Makes tables in the order in which they need one another."""

    def __init__(self, made: Prepared, report: Report) -> None:
        self.made, self.report = made, report
        self.parts = made.study.tables
        self.under_way: list[str] = []
        self.failed: set[str] = set()

    def make_all(self) -> None:
        """Make every table."""
        for name in self.parts:
            self.make(name)

    def make(self, name: str) -> bool:
        """Make a table, first those it rests on; return whether it is there."""
        if name in self.made.tables or name in self.failed:
            return name in self.made.tables
        before = len(self.report.problems)
        self.under_way.append(name)
        table = self._made(name, self.parts[name])
        self.under_way.pop()
        if table is None or len(self.report.problems) > before:
            self.failed.add(name)
            return False
        self.made.tables[name] = table
        return True

    def _made(self, name: str, part: Table) -> pd.DataFrame | None:
        path = ("tables", name)
        say_ignored(part, path, self.report)
        there = [self._rests_on(name, o, k) for o, k in _needs(part)]
        if not all(there):
            return None
        table = None
        with self.report.catching(path):
            table = self._start(name, part)
        if table is None:
            return None
        others = dict(self.made.tables)
        if self.made.counties is not None:
            others["boundaries"] = pd.DataFrame(
                self.made.counties.drop(columns=self.made.counties.geometry.name)
            )
        out = take_steps(table, part, others, self._catching(name), self.made.counties)
        self._note(name, table, out)
        if part.table is not None and part.outside == "refuse":
            return out
        with self.report.catching(path):
            return self._within(out, name, part.outside)
        return None

    def _note(self, name: str, table: pd.DataFrame, out: pd.DataFrame) -> None:
        """Keep what a step from firms says for the manifest."""
        before = notes_in(table.attrs)
        said = [n for n in notes_in(out.attrs) if n not in before]
        self.made.notes += [f"Table '{name}': {note}" for note in said]

    def _start(self, name: str, part: Table) -> pd.DataFrame:
        require_one_source(part)
        if part.table is not None:
            return self.made.tables[part.table]
        codes = industry_columns(name, self.parts)
        return load_table(part, self.made.folder, codes)

    def _rests_on(self, name: str, other: str, key: str) -> bool:
        path = ("tables", name, *key.split("."))
        if other == "boundaries" and key != "table":
            if self.made.study.boundaries is None:
                self.report.say(path, "There are no [boundaries] to join.")
            return self.made.counties is not None
        if other in self.under_way:
            circle = " -> ".join([*self.under_way, other])
            self.report.say(path, f"Tables rest on one another in a circle: {circle}.")
            return False
        if other not in self.parts:
            self.report.unknown(path, "tables", other)
            return False
        return self.make(other)

    def _catching(self, name: str) -> Callable[[str], AbstractContextManager[None]]:
        return lambda key: self.report.catching(("tables", name, *key.split(".", 1)))

    def _within(self, table: pd.DataFrame, name: str, outside: str) -> pd.DataFrame:
        require_option(outside, ("refuse", "drop", "keep"), "outside")
        if self.made.counties is None or UNIT not in table or outside == "keep":
            return table
        inside = table[UNIT].isin(self.made.counties.index)
        if inside.all():
            return table
        beyond = table.loc[~inside, UNIT].unique()
        said = (
            f"{len(beyond)} of {table[UNIT].nunique()} units of the table '{name}' "
            f"are not in the boundaries ({first(beyond)})"
        )
        if outside == "refuse":
            raise InputError(
                f"{said}. Check that both use the same ids, or write outside = "
                "'drop' to leave these rows out, outside = 'keep' to keep them."
            )
        if not inside.any():
            raise InputError(f"{said}: no row is left. Check that the ids are alike.")
        self.made.notes.append(f"{said}; their rows are left out.")
        return table[inside].reset_index(drop=True)


def _needs(part: Table) -> list[tuple[str, str]]:
    """Return the tables a table rests on, each with the key that says so."""
    source = [(part.table, "table")] if part.table is not None else []
    return source + [(name, f"join.{name}") for name in part.join]
