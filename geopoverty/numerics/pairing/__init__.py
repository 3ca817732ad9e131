"""Matching on a one-dimensional score: sort once, then sweep.

Every way of matching is a linear operator K from controls (sources) to treated
(targets), both sorted by score: `forward` sums values of controls at each treated,
`adjoint` sums values of treated at each control. `sides` sorts, `nearest` and `radius`
find windows, `windows` and `picks` sum over them, `compact` and `normal` are kernels,
`pairs` says what a match means for weights and means, `tie_range` what ties leave open.
"""

from geopoverty.numerics.pairing.compact import CompactKernel
from geopoverty.numerics.pairing.nearest import Neighbours, nearest
from geopoverty.numerics.pairing.normal import NormalKernel
from geopoverty.numerics.pairing.pairs import Operator, Pairs, pair
from geopoverty.numerics.pairing.picks import Picks, first_picks
from geopoverty.numerics.pairing.radius import within
from geopoverty.numerics.pairing.sides import Side, same, side
from geopoverty.numerics.pairing.tie_range import tie_range
from geopoverty.numerics.pairing.windows import Windows

__all__ = [
    "CompactKernel",
    "Neighbours",
    "NormalKernel",
    "Operator",
    "Pairs",
    "Picks",
    "Side",
    "Windows",
    "first_picks",
    "nearest",
    "pair",
    "same",
    "side",
    "tie_range",
    "within",
]
