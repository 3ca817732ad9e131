"""What stands beside the map: results, tables, peers and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import pandas as pd

from geopoverty.atlas.credits import Credits, credits_of_either
from geopoverty.atlas.curves import Told, read_curves
from geopoverty.atlas.gathered import Gathered
from geopoverty.atlas.layers import Indicator
from geopoverty.atlas.peers import read_likeness
from geopoverty.atlas.sections import Section, section_of
from geopoverty.atlas.tables import table_of
from geopoverty.errors import InputError
from geopoverty.results import Result


@dataclass(frozen=True, eq=False)
class Beside(Gathered):
    """What the methods of an `Atlas` put beside its map."""

    def add_result(
        self,
        result: Result,
        *,
        title: str,
        text: str = "",
        tables: Sequence[str] | None = None,
    ) -> Self:
        """Add a section to the results page: estimates, tables and notes.

        Parameters
        ----------
        result : Result
            What an estimator returned.
        title : str
            The heading.
        text : str
            What it means, in plain language; an empty line parts paragraphs.
        tables : sequence of str, optional
            Which of ``result.tables`` to show; by default ``"effects"``, where
            there is one.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            If the result has no table of a name asked for.
        """
        section = section_of(result, title=title, text=text, tables=tables)
        return replace(
            self,
            sections=(*self.sections, section),
            credits=self.credits.plus(credits_of_either(result)),
        )

    def add_table(self, frame: pd.DataFrame, *, title: str, text: str = "") -> Self:
        """Add a table to the results page, such as `compare` returns.

        Parameters
        ----------
        frame : DataFrame
            At most 300 rows are shown.
        title : str
            The heading.
        text : str
            What it means, in plain language.

        Returns
        -------
        Atlas
        """
        section = Section(str(title), str(text), (table_of(frame, ""),))
        return replace(
            self,
            sections=(*self.sections, section),
            credits=self.credits.plus(credits_of_either(frame)),
        )

    def peers(
        self,
        table: pd.DataFrame | Result,
        columns: Sequence[str] | Mapping[str, str],
        *,
        better: Mapping[str, str],
        k: int = 10,
    ) -> Self:
        """Say which counties are alike, so that the page finds a county's peers.

        Of the `k` counties most like a chosen one, the page lists those that do
        better, and on what. The distance is the root mean squared difference in
        standard deviations: every covariate counts the same whatever its unit. Two
        that say the same count twice; take logarithms of sizes and densities before.

        Parameters
        ----------
        table : DataFrame or Result
            One row a county, keyed by a column or index ``unit_id``. A county that
            lacks a covariate has no peers and is nobody's peer.
        columns : sequence of str, or mapping of str to str
            The covariates: what a county cannot choose, such as where it lies and how
            it began. A mapping says what each is called on the page.
        better : mapping of str to str
            Label of an indicator of this atlas to ``"lower"`` or ``"higher"``.
        k : int
            How many are looked at first; the reader can change it. 1 to n - 1.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            As `add` for each covariate; if none differs between counties, or `better`
            or `k` is out of what is possible.

        Warns
        -----
        GeoPovertyWarning
            If a covariate is the same everywhere; it is left out.
        """
        _require_numbers(better, self)
        found = read_likeness(
            table,
            columns,
            better=better,
            k=k,
            units=self.units,
            indicators=[i.wording.label for i in self.indicators],
        )
        said = credits_of_either(table).plus(Credits(methods=(found.method,)))
        return replace(self, likeness=found, credits=self.credits.plus(said))

    def add_curves(
        self,
        curves: Result | pd.DataFrame,
        *,
        title: str,
        unit: str = "",
        description: str = "",
        group_of: pd.Series | Mapping[str, str] | None = None,
    ) -> Self:
        """Add curves of who is still poor when, for the page that compares counties.

        Parameters
        ----------
        curves : Result or DataFrame
            Of `survival_curves` (a county has the curve of its group) or
            `exit_hazard` (each has its own), or such a table: ``unit_id`` or
            ``group``, ``time``, ``estimate`` (0 to 1), ``conf_low``, ``conf_high``.
        title : str
            The heading.
        unit : str
            Unit of time, such as ``"years"``.
        description : str
            One plain sentence on what the curves mean.
        group_of : Series or mapping, optional
            The group of each unit id; by default as in the ``units`` of the result.

        Returns
        -------
        Atlas

        Raises
        ------
        InputError
            If there are no curves, a share is not between 0 and 1, or a unit is not
            in the boundaries, has several groups or one without a curve.
        """
        told = Told(str(title), str(unit), str(description))
        found = read_curves(curves, told=told, units=self.units, group_of=group_of)
        return replace(
            self,
            curves=(*self.curves, found),
            credits=self.credits.plus(credits_of_either(curves)),
        )


def _require_numbers(better: Mapping[str, str], atlas: Gathered) -> None:
    """Refuse classes, which are neither higher nor lower."""
    named = {i.wording.label for i in atlas.indicators if not isinstance(i, Indicator)}
    wrong = sorted(named.intersection(better if isinstance(better, Mapping) else ()))
    if wrong:
        raise InputError(
            f"better names '{wrong[0]}', which shows classes, and classes are neither "
            "higher nor lower. Name an indicator that was added as numbers."
        )
