"""List every message of geopoverty, read from its source without running it.

``python tools/list_messages.py`` prints them; the troubleshooting page of the site
(docs/troubleshooting.md) is built from the same list, and tests/test_docs.py asks
that each stands there. What is filled in when a message is raised shows as "…".
"""

import ast
import itertools
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "geopoverty"
GAP = "…"
KINDS = {
    "InputError": "input error",
    "EstimationError": "estimation error",
    "MissingExtraError": "missing extra",
    "warn": "warning",
    "require": "input error",
}
# How far a text is followed through names, calls and parameters.
DEPTH = 5
# A text with fewer letters of its own is followed into what fills its gaps.
LETTERS = 12
# How far a gap is followed where the text around it speaks for itself.
NEAR = 3
# More ways to fill a gap than this are left as a gap.
CHOICES = 4


@dataclass(frozen=True, order=True)
class Message:
    """One text that can be raised, its kind, and the modules that raise it."""

    text: str
    kind: str
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    tree: ast.Module


@dataclass(frozen=True)
class Rule:
    """Which messages go together: by kind, by room, or by their words."""

    kinds: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    words: str = ""

    def holds(self, message: Message) -> bool:
        """Tell whether a message belongs here."""
        rooms = {m.split(".")[1] for m in message.modules if "." in m}
        return (
            message.kind in self.kinds
            or bool(rooms and rooms <= set(self.rooms))
            or bool(self.words and re.search(self.words, message.text))
        )


# A message belongs to the first that holds it, and to "other" if none does.
RULES = {
    "extras": Rule(kinds=("missing extra",)),
    "warnings": Rule(kinds=("warning",)),
    "estimation": Rule(kinds=("estimation error",)),
    "study": Rule(rooms=("study", "cli")),
    "printed": Rule(rooms=("audit",)),
    "maps": Rule(rooms=("atlas", "plots", "join", "map_files", "classes")),
    "roads": Rule(rooms=("routing",)),
    "registers": Rule(rooms=("registers",)),
    "files": Rule(
        words="cannot be read|not a saved|result format|not overwritten|UTF-8|"
        "[Nn]o file|geometr|coordinate|boundar|polygon|projection"
    ),
    "ids": Rule(
        words=r"\bids?\b|unit ids|stand once|stands more than once|same units|repeat|"
        "Every unit|every unit|Each unit|unit must|units must|needs weights|"
        "leading zeros"
    ),
    "formulas": Rule(
        words=r"formula|W\(|L\(|one term|covariate may not|no covariate|interaction|"
        r"bracket|\blags?\b|expression"
    ),
    "times": Rule(
        words=r"[Dd]urations?\b|dates?\b|[Ee]xits?\b|[Ee]ntr(y|ies)\b|origin|\bperiods?\b|"
        r"waves?\b|interval|at risk|individual|censored|curve|time of"
    ),
    "enough": Rule(
        words=r"needs (at least|more)|at least (one|two|\d|…)|must vary|must differ|"
        r"determine|nothing to|has one|are the same|fewer|too few|needs treated|"
        "identif|does not (vary|change)|in every row|No unit|Nobody|combination"
    ),
    "options": Rule(
        words=r"; got|must be one of|goes with|go with|goes together|go together|"
        r"is for|takes|vcov=|Use \w+=|cannot be both|not both"
    ),
    "columns": Rule(words="column|table|DataFrame|Series|rename|Rename"),
    "values": Rule(words="must|needs? |above 0"),
}


def by_rule() -> dict[str, list[Message]]:
    """Return all messages below the rule that each breaks; every rule has some."""
    found: dict[str, list[Message]] = {key: [] for key in (*RULES, "other")}
    for message in messages():
        rules = (key for key, rule in RULES.items() if rule.holds(message))
        found[next(rules, "other")].append(message)
    return found


Scope = tuple[Module, ast.FunctionDef | None]


@cache
def messages(package: Path = PACKAGE) -> list[Message]:
    """Return all messages below `package`, each text and kind once, sorted."""
    source = Source(package)
    where: dict[tuple[str, str], set[str]] = defaultdict(set)
    for module, function, call in source.calls:
        # What these two say is told where they are called.
        if function is not None and function.name in ("require", "warn"):
            continue
        kind = KINDS.get(_called(call))
        for text in source.texts(module, function, call) if kind else ():
            where[text, str(kind)].add(module.name)
    return sorted(Message(t, k, tuple(sorted(m))) for (t, k), m in where.items())


class Source:
    """All modules, with every call and every function found once."""

    def __init__(self, package: Path) -> None:
        self.calls: list[tuple[Module, ast.FunctionDef | None, ast.Call]] = []
        self.callers: dict[str, list[tuple[Module, ast.FunctionDef | None, ast.Call]]]
        self.callers = defaultdict(list)
        self.given: dict[ast.AST, dict[str, list[ast.expr]]] = {}
        self.functions: dict[str, list[tuple[Module, ast.FunctionDef]]] = defaultdict(
            list
        )
        for path in sorted(package.rglob("*.py")):
            name = ".".join(path.relative_to(package.parent).with_suffix("").parts)
            text = path.read_text(encoding="utf-8")
            module = Module(name.removesuffix(".__init__"), ast.parse(text))
            self._walk(module, None, module.tree)

    def _walk(
        self, module: Module, function: ast.FunctionDef | None, node: ast.AST
    ) -> None:
        for child in ast.iter_child_nodes(node):
            inner = child if isinstance(child, ast.FunctionDef) else function
            if isinstance(child, ast.FunctionDef):
                self.functions[child.name].append((module, child))
            if isinstance(child, ast.Call):
                self.calls.append((module, function, child))
                self.callers[_called(child)].append((module, function, child))
            self._walk(module, inner, child)

    def texts(
        self, module: Module, function: ast.FunctionDef | None, call: ast.Call
    ) -> list[str]:
        """Return what one call that raises or warns can say."""
        scope = (module, function)
        if _called(call) != "require":
            if not call.args:
                return []
            found = self.resolve(call.args[0], scope, DEPTH)
            if not any(map(_letters, found)) and _called(call) == "warn":
                found = self._collected(module)
            return [t for t in map(_squeeze, found) if _letters(t)]
        keywords = {k.arg: k.value for k in call.keywords}
        rules = self.resolve(call.args[1], scope, DEPTH)
        noun = self.resolve(keywords["noun"], scope, 1) if "noun" in keywords else []
        outs = self.resolve(keywords["way_out"], scope, DEPTH)
        middle = f"; {GAP} of {GAP} {noun[0] if noun else 'rows'} break this ({GAP}). "
        # Both from the same calls of a helper: told together.
        pairs = list(itertools.product(rules, outs))
        if len(rules) == len(outs):
            pairs = list(zip(rules, outs, strict=True))
        return [_squeeze(rule + middle + out) for rule, out in pairs]

    def resolve(self, node: ast.expr, scope: Scope, depth: int) -> list[str]:
        """Return the texts that an expression may be, with gaps for what varies."""
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        if depth == 0:
            return [GAP]
        if isinstance(node, ast.JoinedStr):
            return self._joined(node, scope, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = [self.resolve(n, scope, depth) for n in (node.left, node.right)]
            return ["".join(p) for p in itertools.product(*sides)]
        if isinstance(node, ast.IfExp):
            parts = (node.body, node.orelse)
            return _unique(t for n in parts for t in self.resolve(n, scope, depth))
        return self._follow(node, scope, depth - 1)

    def _collected(self, module: Module) -> list[str]:
        """Return what a module appends to lists, where a list is warned of."""
        found: list[str] = []
        for inside, function, call in self.calls:
            if inside is module and _called(call) == "append" and call.args:
                texts = self.resolve(call.args[0], (module, function), 2)
                found += [t for t in texts if " " in t and _letters(t) >= LETTERS]
        return found

    def _joined(self, node: ast.JoinedStr, scope: Scope, depth: int) -> list[str]:
        own = "".join(str(v.value) for v in node.values if isinstance(v, ast.Constant))
        deep = _letters(own) < LETTERS
        parts: list[list[str]] = []
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                inner = value.value
                far = depth - 1 if deep else min(depth - 1, NEAR)
                texts = self.resolve(inner, scope, far)
                parts.append(texts if deep or _sentences(texts) else [GAP])
            else:
                parts.append(self.resolve(value, scope, depth))
        return _unique("".join(p) for p in itertools.product(*parts))

    def _follow(self, node: ast.expr, scope: Scope, depth: int) -> list[str]:
        found: Iterator[str] = iter(())
        if isinstance(node, ast.Name):
            found = self._named(node.id, scope, depth)
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            found = self._named(node.value.id, scope, depth)
        elif isinstance(node, ast.Call):
            found = self._returned(_called(node), depth)
        elif isinstance(node, ast.Dict):
            found = (t for v in node.values for t in self.resolve(v, scope, depth))
        elif isinstance(node, ast.ListComp):
            found = iter(self.resolve(node.elt, scope, depth))
        elif isinstance(node, ast.Tuple | ast.List):
            found = (t for v in node.elts for t in self.resolve(v, scope, depth))
        texts = _unique(found)
        # A list that is filled later holds nothing yet.
        return texts or ([] if isinstance(node, ast.List) else [GAP])

    def _named(self, name: str, scope: Scope, depth: int) -> Iterator[str]:
        module, function = scope
        inside = function if function is not None else module.tree
        given = self._given(name, inside) or self._given(name, module.tree)
        for value in given:
            yield from self.resolve(value, scope, depth)
        if given or function is None:
            return
        place = [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]
        if name in place:
            yield from self._passed(function, name, place.index(name), depth)

    def _given(self, name: str, inside: ast.AST) -> list[ast.expr]:
        if inside not in self.given:
            held: dict[str, list[ast.expr]] = defaultdict(list)
            for key, value in _assigned(inside):
                held[key].append(value)
            self.given[inside] = held
        return self.given[inside].get(name, [])

    def _passed(
        self, function: ast.FunctionDef, name: str, place: int, depth: int
    ) -> Iterator[str]:
        method = bool(function.args.args) and function.args.args[0].arg == "self"
        for module, outer, call in self.callers[function.name]:
            keywords = {k.arg: k.value for k in call.keywords}
            position = place - method
            if name in keywords:
                yield from self.resolve(keywords[name], (module, outer), depth)
            elif position < len(call.args):
                yield from self.resolve(call.args[position], (module, outer), depth)

    def _returned(self, name: str, depth: int) -> Iterator[str]:
        found = self.functions.get(name, [])
        for module, function in found if len(found) == 1 else ():
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    yield from self.resolve(node.value, (module, function), depth)


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _assigned(inside: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Give each name that something is put into, with what is put there."""
    for node in ast.walk(inside):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                yield name, value
            case ast.For(target=ast.Name(id=name), iter=value):
                yield name, value
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="append"),
                args=[value],
            ):
                yield name, value


def _letters(text: str) -> int:
    return sum(c.isalpha() for c in text)


def _sentences(texts: list[str]) -> bool:
    """Tell whether what fills a gap is a sentence or two, and not a name."""
    whole = all(t.endswith(".") and _letters(t) >= LETTERS for t in texts)
    return whole and len(texts) <= CHOICES


def _squeeze(text: str) -> str:
    while GAP + GAP in text:
        text = text.replace(GAP + GAP, GAP)
    return " ".join(text.split())


def _unique(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def main() -> None:
    """Print all messages below their rules."""
    for rule, found in by_rule().items():
        lines = [f"{m.kind}: {m.text}  [{', '.join(m.modules)}]" for m in found]
        sys.stdout.write("\n  ".join([f"{rule}: {len(found)}", *lines]) + "\n\n")


if __name__ == "__main__":
    main()
