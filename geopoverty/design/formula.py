"""A formula as the user wrote it, checked before anything in it is evaluated."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

import formulaic
from formulaic.errors import FormulaicError

from geopoverty._checks import first, nearest_name
from geopoverty.design.quoting import Earlier, holds_lag, quote_lags
from geopoverty.errors import InputError

FUNCTIONS = frozenset(
    [
        "log",
        "log2",
        "log10",
        "exp",
        "sqrt",
        "abs",
        "I",
        "C",
        "center",
        "scale",
        "standardize",
        "poly",
        "bs",
        "cr",
    ]
)
NUMPY = frozenset(
    [
        "log",
        "log2",
        "log10",
        "log1p",
        "exp",
        "expm1",
        "sqrt",
        "abs",
        "sign",
        "minimum",
        "maximum",
    ]
)
CODINGS = frozenset(["treatment", "sum", "helmert", "diff", "poly"])
_NODES = (
    ast.Expression,
    ast.Load,
    ast.Constant,
    ast.Name,
    ast.Call,
    ast.keyword,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.List,
    ast.Tuple,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.Attribute,
)
_QUOTED = re.compile(r"`([^`]*)`")


@dataclass(frozen=True)
class Term:
    """One term of the right side.

    Attributes
    ----------
    factors : tuple of str
        As written; a product has several.
    """

    factors: tuple[str, ...]


@dataclass(frozen=True)
class ParsedFormula:
    """A formula whose every name is declared.

    Attributes
    ----------
    text : str
        As written.
    outcome : str
        The left side, or "" when there is none.
    right : formulaic.Formula
        The right side, with each ``W(x)`` and ``L(x)`` quoted as the name of a
        column.
    lags : dict of str to str
        From the name of each lag over neighbours, ``"W(x)"``, to the expression
        lagged, ``"x"``.
    columns : frozenset of str
        Columns needed row by row, lags left out.
    lagged_columns : frozenset of str
        Columns needed inside a lag.
    earlier : dict of str to Earlier
        From the name of each lag over periods, ``"L(x)"`` or ``"L(x, 2)"``, to
        what it is the earlier value of.
    order : tuple of str
        The names of all lags, inner ones first.
    outer : frozenset of str
        Lags that stand in a term, not only inside another lag.
    """

    text: str
    outcome: str
    right: formulaic.Formula
    lags: dict[str, str]
    columns: frozenset[str]
    lagged_columns: frozenset[str]
    earlier: dict[str, Earlier]
    order: tuple[str, ...]
    outer: frozenset[str]

    def lagged(self, name: str) -> str:
        """Return the expression that a lag of either kind lags."""
        return self.lags[name] if name in self.lags else self.earlier[name].expression


def parse_formula(text: str, known: Iterable[str], *, outcome: bool) -> ParsedFormula:
    """Parse a formula and check that it uses only declared names.

    Parameters
    ----------
    text : str
        ``"y ~ x1 + W(x1) + log(x2)"``, or without a left side when `outcome` is
        False.
    known : iterable of str
        The columns there are.
    outcome : bool
        Whether there must be a left side, or must not.

    Returns
    -------
    ParsedFormula

    Raises
    ------
    InputError
        If the formula cannot be parsed, names an unknown column or function, or
        holds anything but columns, numbers, operators and the allowed functions.

    Examples
    --------
    >>> parse_formula("poor ~ W(age) + age", ["poor", "age"], outcome=True).lags
    {'W(age)': 'age'}
    >>> parse_formula("age + L(age, 2)", ["age"], outcome=False).earlier
    {'L(age, 2)': Earlier(expression='age', periods=2)}
    """
    left, right = _sides(text, outcome)
    if holds_lag(left):
        raise InputError(
            f"The outcome of '{text}' must not be a lag. A lagged outcome is what "
            "spatial_binary and panel(model='lag') estimate."
        )
    found: dict[str, str | Earlier] = {}
    formula = _formulaic(quote_lags(right, found), text)
    names = {str(k) for k in known} | set(found)
    columns: set[str] = set()
    for expression in [*([left] if outcome else []), *_expressions(formula)]:
        columns |= _names(expression, names, text)
    lagged: set[str] = set()
    for lag in found.values():
        inner = lag.expression if isinstance(lag, Earlier) else lag
        lagged |= _names(inner, names, text)
    return ParsedFormula(
        text,
        left,
        formula,
        {n: x for n, x in found.items() if not isinstance(x, Earlier)},
        frozenset(columns - set(found)),
        frozenset(lagged - set(found)),
        {n: x for n, x in found.items() if isinstance(x, Earlier)},
        tuple(found),
        frozenset(columns & set(found)),
    )


def terms_of(formula: formulaic.Formula) -> list[Term]:
    """Return the terms of a right side; the intercept has no factors."""
    return [
        Term(tuple(f.expr for f in term.factors if f.expr != "1")) for term in formula
    ]


def names_in(expression: str) -> set[str]:
    """Return every name that stands in a checked expression, functions included.

    Examples
    --------
    >>> sorted(names_in("log(`my col`) + age"))
    ['age', 'log', 'my col']
    """
    tree, quoted = _tree(expression)
    if tree is None:  # a bare column name that is no Python name
        return {expression}
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return {quoted.get(name, name) for name in found}


def _tree(expression: str) -> tuple[ast.Expression | None, dict[str, str]]:
    """Parse an expression with its `quoted` names replaced by plain ones."""
    quoted: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        name = f"_quoted_{len(quoted)}"
        quoted[name] = match.group(1)
        return name

    try:
        tree = ast.parse(_QUOTED.sub(stand_in, expression).strip(), mode="eval")
    except (SyntaxError, ValueError):
        return None, quoted
    return tree, quoted


def _sides(text: str, outcome: bool) -> tuple[str, str]:
    if not isinstance(text, str) or not text.strip():
        raise InputError("The formula must be text, such as 'poor ~ age + W(jobs)'.")
    left, tilde, right = text.partition("~")
    if outcome and not (tilde and left.strip() and right.strip()):
        raise InputError(
            f"The formula needs an outcome, '~' and covariates; got '{text}'. Write "
            "'poor ~ age + W(jobs)'."
        )
    if not outcome and tilde:
        raise InputError(
            f"The formula must hold covariates only; got '{text}'. Leave out '~' and "
            "what stands before it."
        )
    return (left.strip(), right.strip()) if outcome else ("", text.strip())


def _formulaic(right: str, text: str) -> formulaic.Formula:
    try:
        formula = formulaic.Formula(right)
    except (FormulaicError, SyntaxError) as error:
        raise InputError(
            f"The formula '{text}' cannot be parsed ({_brief(error)}). Use names, "
            "+, -, :, * and functions such as log(x)."
        ) from error
    if not isinstance(formula, formulaic.SimpleFormula):
        raise InputError(
            f"The formula '{text}' has several parts. Write one right side; fixed "
            "effects are an option of panel, not part of the formula."
        )
    return formula


def _brief(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else "syntax"


def _expressions(formula: formulaic.Formula) -> list[str]:
    """Return every factor as an expression; names that are not plain are quoted."""
    found = []
    for term in formula:
        for factor in term.factors:
            plain = factor.eval_method.value != "lookup" or factor.expr.isidentifier()
            found.append(factor.expr if plain else f"`{factor.expr}`")
    return list(dict.fromkeys(found))


def _names(expression: str, known: set[str], text: str) -> set[str]:
    """Return the columns an expression uses, refusing whatever is not declared."""
    tree, quoted = _tree(expression)
    if tree is None:
        raise InputError(
            f"'{expression}' in the formula '{text}' cannot be parsed. Use names, "
            "numbers, + - * / ** and functions such as log(x)."
        )
    functions = _check_nodes(tree, expression)
    names = {
        quoted.get(node.id, node.id)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and id(node) not in functions
    }
    unknown = sorted(names - known)
    if unknown:
        columns = sorted(k for k in known if not k.startswith(("W(", "L(")))
        hint = "".join(nearest_name(u, columns) for u in unknown)
        raise InputError(
            f"The formula '{text}' uses {first(unknown)}, which the table lacks."
            f"{hint} It has: {first(columns, 12)}."
        )
    return names


def _check_nodes(tree: ast.Expression, expression: str) -> set[int]:
    """Refuse all but the declared functions; return the nodes that name them."""
    functions: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            _refuse(expression)
        if isinstance(node, ast.Call):
            functions |= _function_nodes(node.func, expression)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in functions:
            _refuse(expression)
    return functions


def _function_nodes(function: ast.expr, expression: str) -> set[int]:
    if isinstance(function, ast.Name) and function.id in FUNCTIONS:
        return {id(function)}
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        allowed = {"np": NUMPY, "contr": CODINGS}.get(function.value.id, frozenset())
        if function.attr in allowed:
            return {id(function), id(function.value)}
    _refuse(expression)
    return set()


def _refuse(expression: str) -> None:
    raise InputError(
        f"'{expression}' is not allowed in a formula: it may hold columns, numbers, "
        f"+ - * / ** and the functions {', '.join(sorted(FUNCTIONS))}, L, W. "
        "Compute anything else as a column first."
    )
