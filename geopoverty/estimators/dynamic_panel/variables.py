"""Which variable of a formula is endogenous, predetermined or exogenous."""

from dataclasses import dataclass

from geopoverty._checks import first, nearest_name
from geopoverty.design import Design
from geopoverty.design.formula import ParsedFormula
from geopoverty.errors import InputError
from geopoverty.estimators.dynamic_panel.options import Instruments


@dataclass(frozen=True)
class Variables:
    """The columns of a design by the part they play.

    Attributes
    ----------
    endogenous, predetermined : tuple of str
        Variables, as they are evaluated.
    columns : dict of str to list of int
        The columns of the design that belong to each of them, lags included.
    exogenous : list of int
        All other columns but the constant.
    lagged_outcome : dict of int to int
        From a column that is the lagged outcome to the number of periods.
    """

    endogenous: tuple[str, ...]
    predetermined: tuple[str, ...]
    columns: dict[str, list[int]]
    exogenous: list[int]
    lagged_outcome: dict[int, int]


def variables_of(design: Design, gmm: Instruments) -> Variables:
    """Sort the columns of a design.

    Raises
    ------
    InputError
        If a named variable is not in the formula, a column is in no list, or a lag
        of neighbours' outcomes is taken for exogenous.
    """
    formula = design.formula
    outcome = plain(formula.outcome)
    owners = _owners(design)
    declared = {plain(n): n for n in (*gmm.endogenous, *gmm.predetermined)}
    named = {**declared, **{plain(n): n for n in gmm.exogenous or ()}}
    _refuse_unknown(named, {*owners.values(), outcome}, formula)
    lagged = {
        j: _periods(design.names[j], formula)
        for j, owner in owners.items()
        if owner == outcome
    }
    endogenous = list(gmm.endogenous)
    if lagged and outcome not in declared:
        endogenous.insert(0, formula.outcome)
    instrumented = {plain(n) for n in (*endogenous, *gmm.predetermined)}
    _refuse_neighbours(owners, outcome, instrumented)
    rest = [j for j in owners if owners[j] not in instrumented]
    _refuse_unsorted(rest, owners, gmm, design)
    return Variables(
        tuple(endogenous),
        gmm.predetermined,
        {
            n: [j for j, owner in owners.items() if owner == plain(n)]
            for n in (*endogenous, *gmm.predetermined)
        },
        rest,
        lagged,
    )


def plain(text: str) -> str:
    """Return an expression without spaces and quotes, to compare it.

    Examples
    --------
    >>> plain("log( `my col` )")
    'log(mycol)'
    """
    return text.replace(" ", "").replace("`", "")


def _owners(design: Design) -> dict[int, str]:
    """Return the variable each column belongs to: x for ``L(x, 2)``."""
    owners = {}
    for term, columns in design.terms:
        if not term.factors:
            continue
        name = ":".join(_owner(f, design.formula) for f in term.factors)
        owners.update(dict.fromkeys(columns, name))
    return owners


def _owner(factor: str, formula: ParsedFormula) -> str:
    name = factor.strip("`")
    while name in formula.earlier:
        name = formula.earlier[name].expression.strip("` ")
    return plain(name)


def _periods(name: str, formula: ParsedFormula) -> int:
    periods = 0
    while name in formula.earlier:
        periods += formula.earlier[name].periods
        name = formula.earlier[name].expression.strip("` ")
    return periods


def _refuse_unknown(
    named: dict[str, str], known: set[str], formula: ParsedFormula
) -> None:
    unknown = [name for key, name in named.items() if key not in known]
    if unknown:
        hint = "".join(nearest_name(u, sorted(known)) for u in unknown)
        raise InputError(
            f"{first(unknown)} is not a variable of '{formula.text}'.{hint} "
            "Instruments that are not in the formula belong in outside=."
        )


def _refuse_neighbours(
    owners: dict[int, str], outcome: str, instrumented: set[str]
) -> None:
    for owner in dict.fromkeys(owners.values()):
        if f"W({outcome})" in owner or f"W(L({outcome}" in owner:
            if owner in instrumented:
                continue
            raise InputError(
                f"{owner} holds neighbours' outcomes, so it moves with the errors. "
                "Name it in endogenous= (or predetermined=, if it is an earlier one)."
            )


def _refuse_unsorted(
    rest: list[int], owners: dict[int, str], gmm: Instruments, design: Design
) -> None:
    if gmm.exogenous is None:
        return
    sure = {plain(n) for n in gmm.exogenous}
    open_ones = [design.names[j] for j in rest if owners[j] not in sure]
    if open_ones:
        raise InputError(
            f"{first(open_ones)} is neither endogenous, predetermined nor exogenous. "
            "Name it in one of the three, or leave exogenous= out to mean all others."
        )
