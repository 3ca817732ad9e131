"""One way of matching, carried out."""

from dataclasses import dataclass

import numpy as np

from geopoverty.errors import EstimationError
from geopoverty.estimators.matching.options import Kernel, Method, Nearest, Radius
from geopoverty.estimators.matching.score import Scored
from geopoverty.numerics.att import effects
from geopoverty.numerics.pairing import (
    CompactKernel,
    Neighbours,
    NormalKernel,
    Operator,
    Pairs,
    Side,
    first_picks,
    nearest,
    pair,
    within,
)
from geopoverty.numerics.types import Array, Codes, Mask


@dataclass(frozen=True, eq=False, repr=False)
class Matched:
    """Treated rows on support beside their controls.

    Attributes
    ----------
    method : Method
    treated, controls : Side
        Sorted by score.
    operator : Operator
    found : Neighbours or None
        Of nearest neighbours.
    pairs : Pairs
    outcome : tuple of array, shape (treated, q), (controls, q)
    weight : tuple of array, shape (treated,), (controls,)
        Sampling weights.
    """

    method: Method
    treated: Side
    controls: Side
    operator: Operator
    found: Neighbours | None
    pairs: Pairs
    outcome: tuple[Array, Array]
    weight: tuple[Array, Array]

    @property
    def matched(self) -> Mask:
        """Which treated rows on support have a control."""
        return self.pairs.matched

    @property
    def gains(self) -> Array:
        """Outcome less mean of controls, of matched treated, shape (matched, q)."""
        on = self.matched
        return np.asarray(self.outcome[0][on] - self.pairs.means[on])

    @property
    def att(self) -> Array:
        """The mean effect on the treated, shape (q,)."""
        on = self.matched
        return effects(self.outcome[0][on], self.pairs.means[on], self.weight[0][on])

    @property
    def shares(self) -> tuple[Array, Array]:
        """What treated and controls count in the effect; each sums to 1."""
        counted = np.where(self.matched, self.weight[0], 0.0)
        return counted / counted.sum(), self.pairs.weight / self.pairs.weight.sum()

    @property
    def effective_controls(self) -> float:
        """Kish's effective number of controls: as many equal ones are as precise."""
        w = self.pairs.weight
        return float(w.sum() ** 2 / (w @ w))

    def row_weights(self, n: int) -> Array:
        """Return the weight of every row of the table after matching, shape (n,)."""
        out = np.zeros(n)
        out[self.treated.rows] = np.where(self.matched, self.weight[0], 0.0)
        out[self.controls.rows] = self.pairs.weight
        return out


def match_rows(scored: Scored, method: Method) -> Matched:
    """Match treated rows on support with controls.

    Raises
    ------
    EstimationError
        If nobody finds a control.
    """
    treated, controls = scored.sides
    Y, w = scored.rows.Y, scored.rows.weight
    operator, found = operator_of(method, treated, controls)
    outcome = (Y[treated.rows], Y[controls.rows])
    weight = (w[treated.rows], w[controls.rows])
    pairs = pair(operator, outcome[1], *weight)
    if not pairs.matched.any():
        raise EstimationError(
            f"No treated row has a control within reach ({method.label}): all of "
            f"{len(treated)} on support are alone. Use a longer radius, caliper or "
            "bandwidth."
        )
    return Matched(method, treated, controls, operator, found, pairs, outcome, weight)


def operator_of(
    method: Method, treated: Side, controls: Side, counts: Codes | None = None
) -> tuple[Operator, Neighbours | None]:
    """Return who is matched with whom; `counts` says how often a control is there."""
    if isinstance(method, Nearest):
        reach = np.inf if method.caliper is None else method.caliper
        found = nearest(
            treated, controls, method.neighbors, caliper=reach, counts=counts
        )
        if method.ties == "all":
            return found.all, found
        return first_picks(found, controls, method.neighbors, counts), found
    if isinstance(method, Radius):
        return within(treated, controls, method.radius), None
    return _kernel(method, treated, controls), None


def _kernel(method: Kernel, treated: Side, controls: Side) -> Operator:
    if method.kernel == "normal":
        return NormalKernel(treated, controls, method.bandwidth)
    if method.kernel == "uniform":
        return within(treated, controls, method.bandwidth)
    return CompactKernel(treated, controls, method.kernel, method.bandwidth)


def resampled_att(
    scored: Scored,
    sides: tuple[Side, Side],
    methods: tuple[Method, ...],
    counts: Codes,
) -> Array:
    """Return the effects by each method in a resample, shape (methods q,).

    Parameters
    ----------
    scored : Scored
    sides : tuple of Side
        Treated on support and controls, sorted once and for all.
    methods : tuple of Method
    counts : array of int, shape (n,)
        How often each row is in the resample.
    """
    here = [s.kept(counts[s.rows] > 0) for s in sides]
    if not all(len(s) for s in here):
        raise EstimationError("A resample lacks an arm.")
    treated, controls = here
    Y, w = scored.rows.Y, scored.rows.weight
    times = counts[controls.rows]
    w_treated = w[treated.rows] * counts[treated.rows]
    w_controls = w[controls.rows]
    out = []
    for method in methods:
        operator, _ = operator_of(method, treated, controls, times)
        # Listed controls stand in the list as often as they were drawn.
        listed = isinstance(method, Nearest) and method.ties == "first"
        weight = w_controls if listed else w_controls * times
        sums = operator.forward(
            np.column_stack([weight, weight[:, None] * Y[controls.rows]])
        )
        on = sums[:, 0] > 0
        if not on.any():
            raise EstimationError("In a resample nobody has a control.")
        means = sums[on, 1:] / sums[on, :1]
        out.append(effects(Y[treated.rows[on]], means, w_treated[on]))
    return np.concatenate(out)
