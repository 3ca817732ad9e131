"""The walk from model to model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from geopoverty._checks import first, nearest_name
from geopoverty.design import Design
from geopoverty.errors import InputError
from geopoverty.estimators.stepwise.options import Search
from geopoverty.numerics.subsets import Subsets

BETTER = 1e-7  # by which a criterion must fall, as in R

State = frozenset[int]


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms to choose from, by position.

    Attributes
    ----------
    names : list of str
    columns : list of list of int
    constant : list of int
        Columns in every model.
    margins : list of frozenset of int
        The terms that each interaction is made of: they stay as long as it does.
    keep : frozenset of int
        Terms in every model.
    """

    names: list[str]
    columns: list[list[int]]
    constant: list[int]
    margins: list[State]
    keep: State

    def of(self, state: State) -> list[int]:
        """Return the columns of a model, in the order of the design."""
        chosen = chain.from_iterable(self.columns[t] for t in state)
        return sorted([*self.constant, *chosen])

    def droppable(self, state: State) -> list[int]:
        """Return terms that may go: not kept, and part of no interaction."""
        held = frozenset().union(*(self.margins[t] for t in state))
        return sorted(state - self.keep - held)

    def addable(self, state: State) -> list[int]:
        """Return terms that may come: all their parts are there."""
        out = set(range(len(self.names))) - state
        return sorted(t for t in out if self.margins[t] <= state)


def terms_to_choose(design: Design, keep: Sequence[str]) -> Terms:
    """Return the terms of a design, and which are made of which.

    Raises
    ------
    InputError
        If the formula has no constant, no term, or lacks parts of an interaction, or
        `keep` names what is no term.
    """
    named = [(t, columns) for t, columns in design.terms if t.factors]
    if "Intercept" not in design.names:
        raise InputError(
            "A search compares models with a constant; the formula has none. Leave "
            "out '0 +' or '- 1'."
        )
    if not named:
        raise InputError(
            f"A search needs terms to choose from; '{design.formula.text}' has none. "
            "Name covariates on its right side."
        )
    names = [":".join(t.factors) for t, _ in named]
    sets = [frozenset(t.factors) for t, _ in named]
    margins = [_margins(s, sets, name) for s, name in zip(sets, names, strict=True)]
    unknown = [
        k for k in keep if frozenset(k.split(":")) not in sets and k not in names
    ]
    if unknown:
        hints = "".join(nearest_name(u, names) for u in unknown[:5])
        raise InputError(
            f"keep must name terms of the formula; {first(unknown)} "
            f"{'is' if len(unknown) == 1 else 'are'} none.{hints} It has: "
            f"{first(names, 12)}."
        )
    kept: set[int] = set()
    for name in keep:
        at = (
            names.index(name)
            if name in names
            else sets.index(frozenset(name.split(":")))
        )
        kept |= {at, *margins[at]}
    constant = [design.names.index("Intercept")]
    return Terms(names, [c for _, c in named], constant, margins, frozenset(kept))


def _margins(factors: frozenset[str], sets: list[frozenset[str]], name: str) -> State:
    parts = chain.from_iterable(
        combinations(sorted(factors), size) for size in range(1, len(factors))
    )
    wanted = [frozenset(p) for p in parts]
    missing = [":".join(sorted(w)) for w in wanted if w not in sets]
    if missing:
        raise InputError(
            f"An interaction needs its parts in the formula; '{name}' lacks "
            f"{first(missing)}. Write {' * '.join(sorted(factors))}."
        )
    return frozenset(sets.index(w) for w in wanted)


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes
    ----------
    loglik : float
    k : int
        Columns.
    aic, bic : float
    """

    loglik: float
    k: int
    aic: float
    bic: float


@dataclass(frozen=True)
class Move:
    """A step that could be taken.

    Attributes
    ----------
    sign : {"+", "-", ""}
        Empty for staying, or the start.
    term : int
        -1 for staying.
    state : frozenset of int
        Where it leads.
    model : Model
    df : int
    statistic, p_value : float
        Of the term, against the model without it.
    """

    sign: str
    term: int
    state: State
    model: Model
    df: int = 0
    statistic: float = np.nan
    p_value: float = np.nan


@dataclass(frozen=True, eq=False)
class Walk:
    """A search that has ended.

    Attributes
    ----------
    path : list of Move
        The start, then each step taken.
    looked : list of list of Move
        The moves that were open at each model of the path.
    circled : bool
        Whether it stopped because it came back to where it had been.
    """

    path: list[Move]
    looked: list[list[Move]]
    circled: bool

    @property
    def chosen(self) -> State:
        """The terms of the last model."""
        return self.path[-1].state

    @property
    def tried(self) -> int:
        """How many different models were fitted."""
        states = [m.state for m in chain(self.path, *self.looked)]
        return len(set(states))


def walk(
    subsets: Subsets,
    terms: Terms,
    search: Search,
    n: int,
    extra: int,
    stepped: Callable[[], object] = lambda: None,
) -> Walk:
    """Search from model to model until no step is worth taking.

    Parameters
    ----------
    subsets : Subsets
    terms : Terms
    search : Search
    n : int
        Rows.
    extra : int
        Parameters beyond the columns that the criteria count.
    stepped : callable
        Called after every model.
    """

    def fitted(state: State) -> Model:
        loglik, k = subsets.loglik(terms.of(state)), len(terms.of(state))
        stepped()
        counted = k + extra
        aic, bic = 2 * counted - 2 * loglik, np.log(n) * counted - 2 * loglik
        return Model(loglik, k, aic, float(bic))

    def moved(state: State, sign: str, term: int) -> Move:
        after = state | {term} if sign == "+" else state - {term}
        small, large = sorted([state, after], key=len)
        statistic, p = subsets.test(terms.of(small), terms.of(large))
        df = len(terms.columns[term])
        return Move(sign, term, after, fitted(after), df, statistic, p)

    everything = frozenset(range(len(terms.names)))
    start = everything if search.from_full else terms.keep
    path, looked = [Move("", -1, start, fitted(start))], []
    while True:
        here = path[-1]
        drops = terms.droppable(here.state) if search.may_drop else []
        adds = terms.addable(here.state) if search.may_add else []
        open_to = [moved(here.state, "-", t) for t in drops]
        open_to += [moved(here.state, "+", t) for t in adds]
        looked.append(open_to)
        best = _best(open_to, here, search)
        if best is None:
            return Walk(path, looked, circled=False)
        if any(best.state == m.state for m in path):
            return Walk(path, looked, circled=True)
        path.append(best)


def _best(moves: list[Move], here: Move, search: Search) -> Move | None:
    if search.by != "p":
        name = search.by
        best = min(moves, key=lambda m: getattr(m.model, name), default=None)
        if best is None:
            return None
        falls = getattr(here.model, name) - getattr(best.model, name) > BETTER
        return best if falls else None
    # Of terms whose p-values are 0 to the computer the statistic still tells.
    drops = [m for m in moves if m.sign == "-" and m.p_value > search.leave]
    if drops:
        return max(drops, key=lambda m: (m.p_value, -m.statistic))
    adds = [m for m in moves if m.sign == "+" and m.p_value < search.enter]
    return min(adds, key=lambda m: (m.p_value, -m.statistic), default=None)
