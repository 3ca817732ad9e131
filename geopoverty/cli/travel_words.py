"""Reports on travel times in plain words, for people who read no tables."""

from typing import Any

import pandas as pd

from geopoverty.data.travel.times import TravelTimes
from geopoverty.results import Result


def cut_in_words(times: TravelTimes, name: str) -> list[str]:
    """Return what can be said of times that were cut while reading.

    Examples
    --------
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [40.0, 0.0]], "routed")
    >>> cut_in_words(times, "towns.csv")
    ['towns.csv: 2 units, 2 pairs (100 %), median 35.0 minutes, routed.']
    """
    said = repr(times).removeprefix("TravelTimes: ")
    return [f"{name}: {said}.", *(f"Note: {note}" for note in times.notes)]


def report_in_words(report: Result, name: str) -> list[str]:
    """Return a `travel_report` as lines of text.

    Examples
    --------
    >>> from geopoverty.data.travel_report import travel_report
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [40.0, 0.0]], "routed")
    >>> print(report_in_words(travel_report(times), "towns.csv")[0])
    towns.csv: 2 units, routed; 2 pairs known (100 %).
    """
    facts = report.facts
    filled = f"; {facts['n_filled']:,} of them filled by a rule" * bool(
        facts["n_filled"]
    )
    lines = [
        f"{name}: {facts['n_units']:,} units, {facts['status']}; {facts['n_obs']:,} "
        f"pairs known ({_percent(facts['share_known'])}){filled}.",
        f"Half of the trips take up to {_minutes(facts['median_minutes'])}, the "
        f"longest {_minutes(facts['max_minutes'])}.",
        *_without_way(report),
        *_directions(report),
        *_ways_round(report),
    ]
    return [*lines, *(f"Note: {note}" for note in report.notes)]


def comparison_in_words(found: Result, name: str) -> list[str]:
    """Return a `compare_travel_times` as lines of text.

    Examples
    --------
    >>> from geopoverty.data.travel_compare import compare_travel_times
    >>> times = TravelTimes(["a", "b"], [[0.0, 30.0], [40.0, 0.0]], "routed")
    >>> words = comparison_in_words(compare_travel_times(times, times), "other.csv")
    >>> print(words[0])
    Against other.csv (routed), over 2 pairs known in both:
    """
    facts, of = found.facts, found.estimates
    related = of["correlation"]
    lines = [
        f"Against {name} ({facts['status_b']}), over {facts['n_obs']:,} pairs known in "
        "both:",
        f"  a typical trip takes {of['median_ratio']:.2f} times as long "
        f"({_signed(of['median_difference'])} minutes); the mean difference is "
        f"{_signed(of['mean_difference'])} minutes;",
        f"  {_percent(facts['share_within_10_percent'])} of the pairs are within 10 %"
        + (f"; correlation {related:.3f}." if related == related else "."),
    ]
    lines += [
        f"  {row.band} minutes: {row.median_ratio:.2f} times as long (9 in 10 pairs: "
        f"{row.ratio_p05:.2f} to {row.ratio_p95:.2f}), {row.n_pairs:,} pairs"
        for row in found.tables["bands"].itertuples()
        if row.n_pairs
    ]
    lines += [
        f"  {row.from_id} to {row.to_id}: {_minutes(row.minutes_a)} against "
        f"{row.minutes_b:.1f}"
        for row in found.tables["worst"].itertuples()
    ]
    return [*lines, *_alone(facts), *(f"Note: {note}" for note in found.notes)]


def _alone(facts: Any) -> list[str]:
    counts = facts["pairs_only_in_a"], facts["pairs_only_in_b"]
    if not any(counts):
        return []
    return [f"  Known here alone: {counts[0]:,} pairs; there alone: {counts[1]:,}."]


def _without_way(report: Result) -> list[str]:
    out, into = (report.facts[f"units_without_way_{x}"] for x in ("out", "in"))
    if not out and not into:
        return []
    return [f"{out:,} units have no way out, {into:,} no way in."]


def _directions(report: Result) -> list[str]:
    facts, table = report.facts, report.tables["asymmetry"]
    if not facts["n_two_way"]:
        return ["No pair is known both ways."]
    one = f" {facts['n_one_way']:,} pairs are known one way only." * bool(
        facts["n_one_way"]
    )
    said = (
        f"Of {facts['n_two_way']:,} pairs known both ways, "
        f"{_percent(facts['share_asymmetric'])} take over 10 % longer one way."
    )
    return [said + one, *(_asymmetric(row) for row in _rows(table))]


def _asymmetric(row: Any) -> str:
    return (
        f"  {row.from_id} to {row.to_id}: {_minutes(row.minutes)}, back "
        f"{row.minutes_back:.1f}"
    )


def _ways_round(report: Result) -> list[str]:
    facts, table = report.facts, report.tables["detours"]
    share = facts["share_with_shorter_detour"]
    if not share > 0:
        return ["No trip is beaten by a way through a third place."]
    said = (
        f"{_percent(share)} of the trips are beaten by a way through a third place, by "
        "over 1 %:"
    )
    return [said, *(_round_about(row) for row in _rows(table))]


def _round_about(row: Any) -> str:
    return (
        f"  {row.from_id} to {row.to_id}: {_minutes(row.minutes)}, by way of "
        f"{row.via_id} {row.minutes_via:.1f}"
    )


def _rows(table: pd.DataFrame) -> Any:
    return table.itertuples()


def _percent(share: float) -> str:
    if 0 < share < 0.01 or 0.99 < share < 1:
        return f"{100 * share:.2g} %" if share < 0.01 else f"{100 * share:.1f} %"
    return f"{100 * share:.0f} %"


def _minutes(value: float) -> str:
    return f"{value:,.1f} minutes"


def _signed(value: float) -> str:
    return f"{value:+,.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0")
