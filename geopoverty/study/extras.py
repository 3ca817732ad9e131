"""What stands beside the maps: peers, curves, spillovers, scenarios."""

from collections.abc import Callable, Iterator, Mapping

import pandas as pd

from geopoverty._checks import first, nearest_name, require_columns, require_option
from geopoverty.atlas import Atlas
from geopoverty.errors import InputError
from geopoverty.results import Result
from geopoverty.study.lines import Path
from geopoverty.study.made import Call, Prepared
from geopoverty.study.page_schema import Curves, Moved, Peers
from geopoverty.study.problems import Report
from geopoverty.study.steps import computed, keep_periods

MOVED = ("logit", "probit", "ols", "spatial_binary", "panel", "exit_hazard")
CURVED = ("survival_curves", "exit_hazard")
Step = Callable[[Atlas], Atlas]


def check_extras(made: Prepared, report: Report) -> None:
    """Check the pages beside the maps as far as can be before models are fitted.

    Parameters
    ----------
    made : Prepared
    report : Report
        Gets every problem.
    """
    study = made.study
    for page, parts in (
        ("spillovers", study.spillovers),
        ("scenario", study.scenarios),
    ):
        for i, part in parts.items():
            _check_moved(part, page, i, made, report)
    for i, curves in study.curves.items():
        _check_curves(curves, ("pages", "curves", i), made, report)
    if study.peers is not None:
        _check_peers(study.peers, ("pages", "peers"), made, report)
    asked = [p for p, there in _pages(made) if there]
    if asked and not study.maps:
        report.say(("pages", asked[0]), "The atlas needs at least one [[pages.maps]].")


def extra_steps(
    made: Prepared, fitted: Mapping[str, Result]
) -> Iterator[tuple[str, tuple[str, ...], Step]]:
    """Yield what each page is called, the models it rests on, and how it is added.

    Parameters
    ----------
    made : Prepared
        Without problems.
    fitted : mapping of str to Result
        The models that could be fitted; a step is called only if all of its own are.
    """
    study = made.study
    for part in study.spillovers.values():
        yield _moved(f"Spillovers '{part.label}'", part, made, fitted, spills=True)
    for part in study.scenarios.values():
        yield _moved(f"Scenario '{part.label}'", part, made, fitted, spills=False)
    for curves in study.curves.values():
        said = f"Curves '{curves.title}'"
        yield said, (curves.model,), _curves_step(curves, made, fitted)
    if study.peers is not None:
        of = (study.peers.model,) if study.peers.model is not None else ()
        yield "Peers", of, _peers_step(study.peers, made, fitted)


def _pages(made: Prepared) -> list[tuple[str, bool]]:
    study = made.study
    return [
        ("spillovers", bool(study.spillovers)),
        ("scenario", bool(study.scenarios)),
        ("curves", bool(study.curves)),
        ("peers", study.peers is not None),
    ]


def _moved(
    said: str,
    part: Moved,
    made: Prepared,
    fitted: Mapping[str, Result],
    *,
    spills: bool,
) -> tuple[str, tuple[str, ...], Step]:
    def step(atlas: Atlas) -> Atlas:
        call = made.calls[part.model]
        add = atlas.add_spillovers if spills else atlas.add_scenario
        return add(
            fitted[part.model],
            call.data,
            weights=call.options.get("weights"),
            column=part.column,
            label=part.label,
            step=part.step,
            unit=part.unit,
            outcome=part.outcome,
            outcome_unit=part.outcome_unit,
        )

    return said, (part.model,), step


def _curves_step(part: Curves, made: Prepared, fitted: Mapping[str, Result]) -> Step:
    def step(atlas: Atlas) -> Atlas:
        group = None
        if part.group is not None and made.counties is not None:
            group = made.counties[part.group]
        return atlas.add_curves(
            fitted[part.model],
            title=part.title,
            unit=part.unit,
            description=part.description,
            group_of=group,
        )

    return step


def _peers_step(part: Peers, made: Prepared, fitted: Mapping[str, Result]) -> Step:
    def step(atlas: Atlas) -> Atlas:
        source = made.tables.get(part.table) if part.table is not None else None
        if part.model is not None:
            source = fitted[part.model].units
        rows = _covariates(source, part)
        return atlas.peers(rows, part.columns, better=part.better, k=part.k)

    return step


def _covariates(source: pd.DataFrame | None, part: Peers) -> pd.DataFrame:
    if source is None:
        raise InputError("Name table or model, where the covariates stand.")
    rows = source if part.periods is None else keep_periods(source, part.periods)
    require_columns(rows, ["unit_id"], "peers")
    columns = {c: computed(c, rows) for c in part.columns}
    out = pd.DataFrame({"unit_id": rows["unit_id"], **columns})
    out.attrs = dict(source.attrs)
    return out


def _called(
    model: str, path: Path, known: tuple[str, ...], made: Prepared, report: Report
) -> Call | None:
    """Return the call of a model that a page rests on; None if there is a problem."""
    report.unknown((*path, "model"), "models", model)
    asked = made.study.models.get(model)
    if asked is None:
        return None
    if asked.estimator not in known or asked.groups or asked.scan:
        report.say(
            (*path, "model"),
            f"This page takes a model of {', '.join(known)}, fitted once; '{model}' is "
            f"of {asked.estimator}{' in groups' if asked.groups else ''}.",
        )
        return None
    return made.calls.get(model)


def _check_moved(
    part: Moved, page: str, i: int, made: Prepared, report: Report
) -> None:
    path: Path = ("pages", page, i)
    call = _called(part.model, path, MOVED, made, report)
    if call is None:
        return
    with report.catching((*path, "column")):
        require_columns(call.data, [part.column], f"The page '{page}'")
    if page == "spillovers" and call.options.get("weights") is None:
        report.say(
            (*path, "model"),
            f"Spillovers need a model with weights; '{part.model}' has none.",
        )


def _check_curves(part: Curves, path: Path, made: Prepared, report: Report) -> None:
    _called(part.model, path, CURVED, made, report)
    if part.group is None or made.counties is None:
        return
    with report.catching((*path, "group")):
        require_columns(made.counties, [part.group], "The boundaries")


def _check_peers(part: Peers, path: Path, made: Prepared, report: Report) -> None:
    if (part.table is None) == (part.model is None):
        report.say(path, "Name table or model, where the covariates stand.")
    labels = [m.label for m in made.study.maps.values()]
    for label, way in part.better.items():
        with report.catching((*path, "better")):
            require_option(way, ("lower", "higher"), f"better of '{label}'")
            if label not in labels:
                raise InputError(
                    f"There is no map '{label}'.{nearest_name(label, labels)} There "
                    f"are: {first(labels, 12)}."
                )
    if part.model is not None:
        report.unknown((*path, "model"), "models", part.model)
    if part.table is None:
        return
    report.unknown((*path, "table"), "tables", part.table)
    if part.table in made.tables:
        with report.catching(path):
            _covariates(made.tables[part.table], part)
