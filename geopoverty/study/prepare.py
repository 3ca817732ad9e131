"""Make everything a study names, short of fitting: what check does and run needs."""

from pathlib import Path as FilePath

import pandas as pd

from geopoverty._checks import first, require_option
from geopoverty.data.travel import TravelTimes
from geopoverty.errors import InputError
from geopoverty.study.calls import call_of
from geopoverty.study.extras import check_extras
from geopoverty.study.inputs import load_boundaries, load_times, say_ignored
from geopoverty.study.layers import check_layers
from geopoverty.study.made import Prepared
from geopoverty.study.making import Tables
from geopoverty.study.map_writing import check_files
from geopoverty.study.problems import Report
from geopoverty.study.reading import parse_study, read_text
from geopoverty.study.weighing import source_of, weights_of


def prepare(path: FilePath) -> tuple[Prepared | None, Report]:
    """Read a study, its inputs, tables, weights and options, and say all that is wrong.

    Nothing is fitted and nothing is written. What rests on a part with a problem is
    not tried, so that each problem is said once.

    Parameters
    ----------
    path : Path
        The study file.

    Returns
    -------
    Prepared or None
        None if the file is not TOML.
    Report

    Raises
    ------
    InputError
        If the study file itself cannot be read.
    """
    text = read_text(path)
    study, report = parse_study(text)
    if study is None:
        return None, report
    made = Prepared(study, path.resolve().parent, text)
    _places(made, report)
    Tables(made, report).make_all()
    _weights(made, report)
    for name in study.models:
        call = call_of(name, made, report)
        if call is not None:
            made.calls[name] = call
    check_layers(made, report)
    check_extras(made, report)
    check_files(made, report)
    parts = (study.models, study.maps, study.files)
    if not any(parts) and not report.problems:
        report.say((), "The study has no [models.NAME] and no [[pages.maps]].")
    return made, report


def _places(made: Prepared, report: Report) -> None:
    study = made.study
    if study.boundaries is not None:
        say_ignored(study.boundaries, ("boundaries",), report)
        with report.catching(("boundaries",)):
            made.counties = load_boundaries(study.boundaries, made.folder)
    if study.times is None:
        return
    say_ignored(study.times, ("travel_times",), report)
    if study.times.speed_kmh is not None and made.counties is None and report.problems:
        return
    with report.catching(("travel_times",)):
        require_option(study.times.outside, ("refuse", "drop"), "outside")
        made.times = load_times(study.times, made.folder, made.counties)
        if made.counties is not None:
            made.times = _same_units(
                made.times, made.counties.index, study.times.outside
            )


def _same_units(times: TravelTimes, units: pd.Index, outside: str) -> TravelTimes:
    without = units.difference(times.units)
    if len(without):
        raise InputError(
            f"Every unit of the boundaries needs travel times; {len(without)} of "
            f"{len(units)} have none ({first(without)}). Add them to the table, or "
            "leave these units out of the boundaries."
        )
    beyond = times.units.difference(units)
    if not len(beyond):
        return times
    if outside == "refuse":
        raise InputError(
            f"The boundaries lack {len(beyond)} of the {times.n} units that have "
            f"travel times ({first(beyond)}). Add them, or write outside = 'drop'."
        )
    return times.subset(units)


def _weights(made: Prepared, report: Report) -> None:
    study = made.study
    for name, part in study.weights.items():
        path = ("weights", name)
        units = None
        if part.units is not None:
            report.unknown((*path, "units"), "tables", part.units)
            if part.units not in made.tables:
                continue
            units = made.tables[part.units]
        lacking = source_of(part, study)
        if lacking:
            report.say(path, lacking)
        with report.catching(path):
            found = weights_of(part, made.counties, made.times, units)
            if found is not None:
                made.weights[name] = found
