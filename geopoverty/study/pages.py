"""The atlas of a study, with what is missing from it and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from geopoverty.atlas import Atlas
from geopoverty.errors import InputError
from geopoverty.results import Result, compare
from geopoverty.study.extras import Step, extra_steps
from geopoverty.study.layers import add_layer, new_atlas, source_of_models
from geopoverty.study.made import Prepared
from geopoverty.study.page_schema import Map, Section

MISSING = "What is missing"
ABSENT = (
    "These parts of the study could not be made. Everything else on these pages was "
    "made without them."
)
STARS = "Standard errors in brackets; *, **, *** mark p below 0.1, 0.05 and 0.01."


@dataclass(eq=False)
class Missing:
    """What could not be made, and why.

    Attributes
    ----------
    reasons : dict of str to str
        From what it is, such as ``"Model 'poor'"``, to the reason.

    Examples
    --------
    >>> Missing({"Model 'poor'": "It does not converge."}).lines
    ("Model 'poor': It does not converge.",)
    """

    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """One text a part, with its reason."""
        return tuple(f"{part}: {reason}" for part, reason in self.reasons.items())

    def table(self) -> pd.DataFrame:
        """Return the parts in one column."""
        return pd.DataFrame({"missing": list(self.reasons)})

    def model(self, name: str) -> str:
        """Return the reason why a model is missing; nothing if it is there."""
        return self.reasons.get(model_part(name), "")


def model_part(name: str) -> str:
    """Return what a model is called among what is missing.

    Examples
    --------
    >>> model_part("poor")
    "Model 'poor'"
    """
    return f"Model '{name}'"


def build_pages(
    made: Prepared, fitted: Mapping[str, Result], missing: Missing
) -> Atlas | None:
    """Draw the layers and write the sections of a study.

    Parameters
    ----------
    made : Prepared
        Without problems.
    fitted : mapping of str to Result
        The models that could be fitted.
    missing : Missing
        What could not; layers and sections that cannot be made are added to it.

    Returns
    -------
    Atlas or None
        None if the study asks for no map, or none can be drawn.
    """
    if not made.study.maps or made.counties is None:
        return None
    atlas = new_atlas(made.study, made.counties)
    for part, named, step in _map_steps(made, fitted):
        atlas = _stepped(atlas, part, named, step, fitted, missing)
    if not atlas.indicators:
        missing.reasons["The atlas"] = "None of its maps can be drawn."
        return None
    for part, named, step in extra_steps(made, fitted):
        atlas = _stepped(atlas, part, named, step, fitted, missing)
    # Once to find out what cannot be shown, and again below what says so.
    with_sections = _add_sections(atlas, made, fitted, missing)
    if not missing.reasons:
        return with_sections
    # Reasons are long, and text wraps where a table would scroll.
    text = "\n\n".join((ABSENT, *missing.lines))
    said = atlas.add_table(missing.table(), title=MISSING, text=text)
    return _add_sections(said, made, fitted, missing)


def sections_of(made: Prepared) -> list[Section]:
    """Return the sections asked for, or one a model if none is."""
    asked = list(made.study.results.values())
    if asked:
        return asked
    return [Section(title=c.title, model=n) for n, c in made.calls.items()]


def comparison(
    section: Section, made: Prepared, fitted: Mapping[str, Result]
) -> pd.DataFrame | None:
    """Return the models of a section side by side, those that are there.

    Returns
    -------
    DataFrame or None
        None if none of them is there.
    """
    there = [n for n in section.named if n in fitted]
    titles = [made.calls[n].title for n in there]
    heads = titles if len(set(titles)) == len(titles) else there
    return compare(*(fitted[n] for n in there), names=heads) if there else None


def _map_steps(
    made: Prepared, fitted: Mapping[str, Result]
) -> Iterator[tuple[str, tuple[str, ...], Step]]:
    for layer in made.study.maps.values():

        def step(atlas: Atlas, layer: Map = layer) -> Atlas:
            return add_layer(atlas, layer, _source(layer, made, fitted))

        yield f"Map '{layer.label}'", tuple(layer.named.values()), step


def _stepped(
    atlas: Atlas,
    part: str,
    named: tuple[str, ...],
    step: Step,
    fitted: Mapping[str, Result],
    missing: Missing,
) -> Atlas:
    """Return the atlas with a part more, or as it is and why the part is missing."""
    absent = [n for n in named if n not in fitted]
    if absent:
        missing.reasons[part] = f"It shows {_models(absent)}, which is missing."
        return atlas
    try:
        return step(atlas)
    except InputError as error:
        missing.reasons[part] = str(error)
        return atlas


def _source(
    layer: Map, made: Prepared, fitted: Mapping[str, Result]
) -> pd.DataFrame | Result:
    if layer.table is not None:
        return made.tables[layer.table]
    return source_of_models(layer.named, fitted)


def _add_sections(
    atlas: Atlas, made: Prepared, fitted: Mapping[str, Result], missing: Missing
) -> Atlas:
    for section in sections_of(made):
        try:
            atlas = _add_section(atlas, section, made, fitted, missing)
        except InputError as error:
            missing.reasons[f"Section '{section.title}'"] = str(error)
    return atlas


def _add_section(
    atlas: Atlas,
    section: Section,
    made: Prepared,
    fitted: Mapping[str, Result],
    missing: Missing,
) -> Atlas:
    absent = {n: missing.model(n) for n in section.named if n not in fitted}
    if section.models is None and not absent:
        return atlas.add_result(
            fitted[section.named[0]],
            title=section.title,
            text=section.text,
            tables=section.tables,
        )
    out = Missing({model_part(n): reason for n, reason in absent.items()})
    side_by_side = comparison(section, made, fitted)
    shown = out.table() if side_by_side is None else side_by_side
    texts = (section.text, "" if side_by_side is None else STARS, *out.lines)
    text = "\n\n".join(t for t in texts if t)
    return atlas.add_table(shown, title=section.title, text=text)


def _models(names: list[str]) -> str:
    return ", ".join(map(model_part, names)).replace("Model", "model")
