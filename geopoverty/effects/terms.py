"""Which effects a formula has: direct, indirect and total, term by term."""

from collections.abc import Sequence
from dataclasses import dataclass

from geopoverty._checks import first
from geopoverty.design import Design
from geopoverty.design.formula import names_in
from geopoverty.numerics.effects import Slope
from geopoverty.numerics.types import Array

Part = tuple[int, Array | None]


@dataclass(frozen=True, eq=False)
class TermSlope:
    """A derivative in a numeric term.

    Attributes
    ----------
    term : str
        As written, the lag left out: ``x`` for both x and ``W(x)``.
    kind : {"direct", "indirect", "total"}
    slope : Slope
    """

    term: str
    kind: str
    slope: Slope


@dataclass(frozen=True)
class LevelChange:
    """A change from the base category to another.

    Attributes
    ----------
    term : str
        The name of the level's column.
    dummies : tuple of int
        All columns of the factor.
    level : int
        The column of the level.
    """

    term: str
    dummies: tuple[int, ...]
    level: int


@dataclass(frozen=True, eq=False)
class EffectTerms:
    """All effects of a formula.

    Attributes
    ----------
    slopes : list of TermSlope
    changes : list of LevelChange
    notes : list of str
        Effects that are not computed, or must be read with care.
    """

    slopes: list[TermSlope]
    changes: list[LevelChange]
    notes: list[str]

    @property
    def lagged(self) -> list[TermSlope]:
        """Direct and indirect slopes of the terms that have a lag."""
        spill = {s.term for s in self.slopes if s.kind == "indirect"}
        return [s for s in self.slopes if s.term in spill and s.kind != "total"]


def effect_terms(design: Design) -> EffectTerms:
    """Read the effects off a design.

    Parameters
    ----------
    design : Design

    Returns
    -------
    EffectTerms
        A numeric term has a direct effect; its lag, an indirect one, times the
        row sum of the weights; with a lag there is a total. Products count with
        each of their factors. A category has a change for each level but the
        base.
    """
    single = {t.factors[0]: js for t, js in design.terms if len(t.factors) == 1}
    numeric = {f for f, js in single.items() if [design.names[j] for j in js] == [f]}
    slopes: list[TermSlope] = []
    notes: list[str] = []
    for term in dict.fromkeys(_own(f, design) for f in single if f in numeric):
        lag = f"W({term})" if f"W({term})" in design.formula.lags else None
        direct, unknown = _parts(design, term, None)
        indirect: list[Part] = []
        if lag is not None:
            indirect, missing = _parts(design, lag, design.row_sums)
            unknown = unknown or missing
        if unknown:
            notes.append(f"No effect of {term}: a product with it has no main effect.")
            continue
        both = [*direct, *indirect] if direct and indirect else []
        kinds = {"direct": direct, "indirect": indirect, "total": both}
        slopes.extend(TermSlope(term, k, Slope(p)) for k, p in kinds.items() if p)
    changes = []
    for factor, columns in single.items():
        if factor in numeric:
            continue
        found, note = _changes(design, factor, columns)
        changes.extend(found)
        notes.extend(note)
    return EffectTerms(slopes, changes, notes + _shared(design, numeric))


def _own(factor: str, design: Design) -> str:
    """Return the term whose effect a factor carries: x for ``W(x)``."""
    return factor[2:-1] if factor in design.formula.lags else factor


def _parts(design: Design, factor: str, scale: Array | None) -> tuple[list[Part], bool]:
    """Return d(linear predictor)/d(factor), and whether a part is missing."""
    parts: list[Part] = []
    for term, columns in design.terms:
        if factor not in term.factors:
            continue
        for j in columns:
            rest = _rest(design.names[j], factor, term.factors)
            if rest == "":
                parts.append((j, scale))
            elif rest in design.names:
                other = design.X[:, design.names.index(rest)]
                parts.append((j, other if scale is None else other * scale))
            else:
                return [], True
    return parts, False


def _rest(column: str, factor: str, factors: Sequence[str]) -> str | None:
    """Return the name of a product's column without one of its factors."""
    if len(factors) == 1:
        return ""
    pieces = column.split(":")
    if len(pieces) != len(factors) or factor not in pieces:
        return None
    pieces.remove(factor)
    return ":".join(pieces)


def _changes(
    design: Design, factor: str, columns: list[int]
) -> tuple[list[LevelChange], list[str]]:
    levels = [design.names[j] for j in columns]
    if not all(n.startswith(f"{factor}[T.") for n in levels):
        return [], [f"No effect of {factor}: its columns are not changes from a base."]
    if any(factor in t.factors and len(t.factors) > 1 for t, _ in design.terms):
        return [], [f"No effect of {factor}: it also enters in products."]
    dummies = tuple(columns)
    return [LevelChange(design.names[j], dummies, j) for j in columns], []


def _shared(design: Design, numeric: set[str]) -> list[str]:
    """Note columns that enter through several functions, such as x and x^2."""
    owners = {_own(factor, design) for factor in numeric}
    used = {owner: names_in(owner) for owner in owners}
    columns = design.formula.columns | design.formula.lagged_columns
    uses = {c: {o for o, names in used.items() if c in names} for c in columns}
    several = sorted(c for c, where in uses.items() if len(where) > 1)
    if not several:
        return []
    return [
        f"{first(several)} enters through several terms: each effect holds the other "
        "terms fixed, so none is the whole effect of that column."
    ]
