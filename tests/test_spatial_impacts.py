"""Effects of spatial models against probabilities computed again by brute force."""

import numpy as np
import pytest
from spatial_cases import by_rows, neighbours

from geopoverty.numerics.links import LINKS
from geopoverty.numerics.spatial.cells import Cells
from geopoverty.numerics.spatial.impacts import Impact, impact_gradients, impacts
from geopoverty.numerics.spatial.index import SpatialIndex

SLOPE = 1e-7  # central differences of width 1e-6 of a smooth function
UNITS, PERIODS = 9, 2


class World:
    """Rows in cells, and their probabilities with the N x N weights written out."""

    def __init__(self, link: str, scaled: bool, lagged: bool, rho: float) -> None:
        rng = np.random.default_rng(3)
        cells = UNITS * PERIODS
        self.codes = np.concatenate([np.arange(cells), rng.integers(0, cells, 25)])
        n = len(self.codes)
        W = neighbours(UNITS, 3, 1)
        self.weights = by_rows(W, self.codes, PERIODS)
        self.x, self.z = rng.normal(size=(2, n))
        self.level = rng.integers(0, 3, n)
        self.beta, self.rho, self.link = rng.normal(size=9) * 0.6, rho, LINKS[link]
        self.scaled, self.lagged = scaled, lagged
        self.index = SpatialIndex(
            self.design(self.x, self.level),
            W,
            Cells(self.codes, UNITS, PERIODS),
            lagged,
            scaled,
        )
        self.asked = [
            Impact([(1, None), (2, self.z)], [(5, None), (6, self.z)]),
            Impact([(3, None)], [(7, None)], ([3, 4], [7, 8])),
        ]

    def design(self, x, level):
        dummies = np.eye(3)[level][:, 1:]
        own = np.column_stack([np.ones(len(x)), x, x * self.z, dummies])
        return np.column_stack([own, self.weights @ own[:, 1:]])

    def probability(self, x, level):
        B = np.linalg.inv(np.eye(len(x)) - self.rho * self.weights)
        s = np.sqrt((B * B).sum(axis=1)) if self.scaled else 1.0
        mean = self.design(x, level) @ self.beta
        return self.link.probability((B @ mean if self.lagged else mean) / s)

    def by_cell(self, values):
        return np.bincount(self.codes, values) / np.bincount(self.codes)

    def slope(self, rows):
        h = 1e-6 * rows
        ahead, behind = (
            self.by_cell(self.probability(self.x + s * h, self.level)) for s in (1, -1)
        )
        return (ahead - behind) / 2e-6

    def change(self, rows):
        ends = [
            self.by_cell(self.probability(self.x, np.where(rows, to, self.level)))
            for to in (1, 0)
        ]
        return ends[0] - ends[1]


WORLDS = [
    ("logit", False, True, 0.5),
    ("probit", True, True, 0.6),
    ("probit", True, True, -0.8),
    ("logit", True, True, 3e-6),
    ("probit", True, False, 0.5),
]


@pytest.mark.parametrize("kind", WORLDS)
def test_effects_are_what_changes_do(kind):
    world = World(*kind)
    probability, effects = impacts(
        world.index.at(world.rho), world.beta, world.link, world.asked
    )
    expected = world.probability(world.x, world.level)
    np.testing.assert_allclose(probability, world.by_cell(expected), rtol=1e-10)
    everywhere = np.ones(len(world.codes), dtype=bool)
    slope, change = world.slope(everywhere), world.change(everywhere)
    for cell in range(UNITS * PERIODS):
        here = world.codes == cell
        moved = world.slope(here)
        own, spill_in, spill_out = effects[cell, 0]
        assert own == pytest.approx(moved[cell], abs=SLOPE)
        assert spill_in == pytest.approx(slope[cell] - moved[cell], abs=SLOPE)
        assert spill_out == pytest.approx(moved.sum() - moved[cell], abs=SLOPE)
        switched = world.change(here)
        own, spill_in, spill_out = effects[cell, 1]
        assert own == pytest.approx(switched[cell], abs=1e-10)
        assert spill_in == pytest.approx(change[cell] - switched[cell], abs=1e-10)
        assert np.isnan(spill_out)


def test_gradients_are_derivatives():
    world = World("probit", True, True, 0.4)
    theta = np.append(world.beta, world.rho)
    vcov = np.diag(np.full(len(theta), 0.01))
    values, gradients = impact_gradients(
        world.index.at(world.rho), theta, world.link, world.asked, vcov
    )
    again, other = impact_gradients(
        world.index.at(world.rho), theta, world.link, world.asked, vcov / 100
    )
    np.testing.assert_array_equal(values, again)
    assert np.nanmax(np.abs(gradients)) > 0.1
    np.testing.assert_allclose(gradients[:-1], other[:-1], atol=1e-6)
    # In rho from one side: of first order in the step.
    np.testing.assert_allclose(gradients[-1], other[-1], atol=1e-5)
    # By the rule of products: a direction in beta against one wide difference.
    ahead, behind = (
        impacts(
            world.index.at(world.rho), world.beta * (1 + s), world.link, world.asked
        )
        for s in (1e-5, -1e-5)
    )
    expected = (ahead[0] - behind[0]) / 2e-5
    along = np.tensordot(world.beta, gradients[:-1, :, 0], axes=1)
    np.testing.assert_allclose(along, expected, atol=1e-7)


def test_a_parameter_without_variance_is_held_fixed():
    world = World("logit", False, True, 0.4)
    theta = np.append(world.beta, world.rho)
    vcov = np.diag(np.append(np.full(9, 0.01), np.nan))
    _, gradients = impact_gradients(
        world.index.at(world.rho), theta, world.link, world.asked, vcov
    )
    assert not np.nan_to_num(gradients[-1]).any()
