"""The command ``geopoverty travel-times``: read, make, check, compare, write."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from geopoverty.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd

    from geopoverty.data.travel import TravelTimes
    from geopoverty.data.travel.formats import TravelFormat
    from geopoverty.data.travel_fill import FillRule

ABOUT = """\
Read travel times from a file (.csv, .parquet or .omx), or make them: over a road
network (--network) or from straight lines (--model), between the --places. Say what
is missing, what differs by direction and what a way round beats; compare with others;
write them in another format. Nothing is filled unless --fill asks for it."""


def add_travel_times(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the command to a parser."""
    command = commands.add_parser(
        "travel-times",
        help="read, make, check, compare and convert travel times",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    say = command.add_argument
    say("file", nargs="?", help="travel times: .csv, .parquet or .omx")
    say(
        "--places",
        metavar="FILE",
        help="points or boundaries of the units: a file that GDAL reads",
    )
    say(
        "--unit-id",
        metavar="COLUMN",
        default="unit_id",
        help="their column of ids (%(default)s)",
    )
    say(
        "--network",
        metavar="FILE",
        help="make times over these roads (.osm.pbf, or a table of edges)",
    )
    say(
        "--model",
        metavar="SPEED,CIRCUITY",
        help="straight lines: km/h, and how much longer roads are, such as 60,1.3",
    )
    say("--compare", metavar="OTHER", help="hold against this file, or against 'model'")
    say(
        "--fill",
        action="append",
        default=[],
        metavar="RULE",
        help="fill missing pairs, marked: reverse, detour or model; may repeat",
    )
    say(
        "--cutoff",
        metavar="MINUTES",
        type=float,
        help="leave out trips longer than so many minutes",
    )
    say(
        "--nearest", metavar="K", type=int, help="keep only each unit's so many nearest"
    )
    say("--status", help="where they come from: measured, routed, modelled, simulated")
    say("--out", metavar="FILE", help="write them to this file: .csv, .parquet or .omx")
    say("--shape", default="long", help="of --out: long or wide (%(default)s)")
    say(
        "--worst",
        metavar="N",
        type=int,
        default=3,
        help="pairs listed of each kind (%(default)s)",
    )
    _add_format(command)
    command.set_defaults(run=_run)


def _add_format(command: argparse.ArgumentParser) -> None:
    say = command.add_argument_group("if the files are written otherwise").add_argument
    say("--columns", help="origin, destination and time, such as o,d,minutes")
    say("--unit", default="minutes", help="minutes, seconds or hours (%(default)s)")
    say("--unreachable", help="values that mean no way, such as 0,9999")
    say("--separator", default=",", help="between columns of CSV (%(default)s)")
    say("--decimal", default=".", help="in numbers of CSV (%(default)s)")
    say("--matrix", help="which matrix of an OMX file")
    say("--index", help="which index of an OMX file")
    say("--width", type=int, help="digits of ids of an OMX file, filled with zeros")


def _run(asked: argparse.Namespace) -> int:
    from geopoverty.data.travel_write import writable, write_travel_times

    if asked.out is not None:
        writable(asked.out)
    places = _places(asked)
    times, name = _times(asked, places)
    for rule in asked.fill:
        times = _filled(times, rule, asked, places)
    _say(_reported(times, name, asked))
    if asked.compare is not None:
        _say(_compared(times, asked, places))
    if asked.out is not None:
        write_travel_times(times, asked.out, shape=asked.shape)
        _say([f"Wrote {asked.out}."])
    return 0


def _say(lines: list[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


def _places(asked: argparse.Namespace) -> "gpd.GeoDataFrame | None":
    if asked.places is None:
        return None
    from geopoverty.data.boundaries import read_boundaries

    return read_boundaries(asked.places, unit_id=asked.unit_id)


def _times(
    asked: argparse.Namespace, places: "gpd.GeoDataFrame | None"
) -> "tuple[TravelTimes, str]":
    if asked.file is not None and asked.network is not None:
        raise InputError(
            "Travel times are read from a file or made over a network, not both. Make "
            "them first, with --out, then compare: --compare."
        )
    if asked.file is not None:
        from geopoverty.data.travel_files import read_travel_times

        times = read_travel_times(
            asked.file,
            status=asked.status,
            cutoff=asked.cutoff,
            nearest=asked.nearest,
            options=_format(asked),
        )
        return times, str(asked.file)
    if asked.network is not None:
        from geopoverty.routing import route_travel_times

        known = _needed(places, "--network")
        routed = route_travel_times(known, network=asked.network, cutoff=asked.cutoff)
        return routed, f"{asked.places} over {asked.network}"
    if asked.model is not None:
        return _modelled(asked, places), f"{asked.places} by straight lines"
    raise InputError(
        "Name a file with travel times, or make them: --places FILE with --network "
        "FILE or --model SPEED,CIRCUITY."
    )


def _needed(places: Any, option: str) -> Any:
    if places is None:
        raise InputError(f"{option} needs the places: --places FILE.")
    return places


def _modelled(asked: argparse.Namespace, places: Any) -> "TravelTimes":
    from geopoverty.data.travel import model_travel_times

    speed, circuity = _model(asked)
    known = _needed(places, "--model")
    return model_travel_times(known, speed_kmh=speed, circuity=circuity)


def _model(asked: argparse.Namespace) -> tuple[float, float]:
    if asked.model is None:
        raise InputError(
            "A model needs --model SPEED,CIRCUITY: km/h, and how much longer roads are "
            "than straight lines, such as --model 60,1.3."
        )
    values = _numbers(asked.model, "--model")
    if len(values) != 2:
        raise InputError(f"--model needs two numbers, as 60,1.3; got '{asked.model}'.")
    return values[0], values[1]


def _numbers(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{option} must be numbers with commas between; got '{text}'."
        ) from error


def _format(asked: argparse.Namespace) -> "TravelFormat":
    from geopoverty.data.travel.formats import LONG, TravelFormat

    columns = LONG if asked.columns is None else tuple(asked.columns.split(","))
    no_way = asked.unreachable
    return TravelFormat(
        columns=columns,
        unit=asked.unit,
        unreachable=() if no_way is None else _numbers(no_way, "--unreachable"),
        separator=asked.separator,
        decimal=asked.decimal,
        matrix=asked.matrix,
        index=asked.index,
        width=asked.width,
    )


def _filled(
    times: "TravelTimes", rule: str, asked: argparse.Namespace, places: Any
) -> "TravelTimes":
    from geopoverty._checks import require_option
    from geopoverty.data.travel_fill import Detour, Modelled, Reverse, fill_missing

    require_option(rule, ("reverse", "detour", "model"), "--fill")
    chosen: FillRule
    if rule == "model":
        speed, circuity = _model(asked)
        chosen = Modelled(_needed(places, "--fill model"), speed, circuity)
    else:
        chosen = Reverse() if rule == "reverse" else Detour()
    return fill_missing(times, chosen)


def _reported(times: "TravelTimes", name: str, asked: argparse.Namespace) -> list[str]:
    from geopoverty.cli.travel_words import cut_in_words, report_in_words

    if times.within:
        return cut_in_words(times, name)
    from geopoverty.data.travel_report import travel_report

    return report_in_words(travel_report(times, worst=asked.worst), name)


def _compared(
    times: "TravelTimes", asked: argparse.Namespace, places: Any
) -> list[str]:
    from geopoverty.cli.travel_words import comparison_in_words
    from geopoverty.data.travel_compare import compare_travel_times
    from geopoverty.data.travel_files import read_travel_times

    if asked.compare == "model":
        other, name = _modelled(asked, places), "the model"
    else:
        other, name = read_travel_times(asked.compare), str(asked.compare)
    found = compare_travel_times(times, other, worst=asked.worst)
    return comparison_in_words(found, name)
