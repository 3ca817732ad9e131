"""The ends of the spectrum: by search as by the whole, and zero where it is zero."""

import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, sparse

from geopoverty.numerics import spectrum

# The search stops at 1e-8 of the eigenvalue.
TOLERANCE = 1e-7
LARGE = 150


@pytest.fixture(autouse=True)
def _search_early(monkeypatch):
    """Search from 100 units on, so that the whole spectrum stays quick to compare."""
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 100)


def nearest(k, n=LARGE, seed=0):
    """Return weights of 1 / k for the k nearest of n random points: not symmetric."""
    points = np.random.default_rng(seed).uniform(size=(n, 2))
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(apart, np.inf)
    matrix = np.zeros((n, n))
    matrix[np.arange(n)[:, None], np.argsort(apart, axis=1)[:, :k]] = 1 / k
    return matrix


def ring(n):
    return np.roll(np.eye(n), 1, axis=1)


def star(n):
    matrix = np.zeros((n, n))
    matrix[0, 1:] = matrix[1:, 0] = 1
    return matrix


def whole(matrix):
    values = linalg.eigvals(matrix).real
    return values.min(), values.max()


@pytest.mark.parametrize("hold", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    "matrix",
    [
        nearest(1),
        nearest(4),
        nearest(4) + nearest(4).T,
        1 / (nearest(LARGE - 1) + np.arange(LARGE)[:, None] + 1),
    ],
    ids=["pairs", "directed", "symmetric", "full"],
)
def test_a_search_finds_what_the_whole_spectrum_holds(matrix, hold):
    found = spectrum.eigenvalue_range(hold(matrix))
    scale = abs(matrix).sum(axis=1).max()
    np.testing.assert_allclose(found, whole(matrix), atol=TOLERANCE * scale)


def test_known_spectra():
    low, high = spectrum.eigenvalue_range(sparse.csr_array(star(LARGE)))
    assert (low, high) == pytest.approx((-np.sqrt(LARGE - 1), np.sqrt(LARGE - 1)))
    assert spectrum.eigenvalue_range(ring(4)) == pytest.approx((-1, 1), abs=1e-12)
    # The third roots of 1 have a least real part of -1/2.
    assert spectrum.eigenvalue_range(ring(3)) == pytest.approx((-0.5, 1), abs=1e-12)


@pytest.mark.parametrize("n", [5, LARGE])
def test_a_search_without_a_start_or_an_end_falls_back(n):
    assert spectrum.eigenvalue_range(sparse.csr_array((n, n))) == (0.0, 0.0)
    few = sparse.csr_array((np.ones(2), ([1, 2], [2, 1])), shape=(n, n))
    assert spectrum.eigenvalue_range(few) == pytest.approx((-1, 1), abs=1e-12)


def test_a_search_that_does_not_converge_falls_back(monkeypatch):
    seen = []
    slow = spectrum._all
    monkeypatch.setattr(spectrum, "_all", lambda m: seen.append(1) or slow(m))
    # All eigenvalues have modulus 1: there is nothing a search could sift by.
    found = spectrum.eigenvalue_range(sparse.csr_array(ring(401)))
    np.testing.assert_allclose(found, (-np.cos(np.pi / 401), 1), atol=TOLERANCE)
    assert seen == [1]


def test_a_large_sparse_matrix_is_never_made_dense(monkeypatch):
    monkeypatch.setattr(spectrum, "DENSE_MOST", 400)
    monkeypatch.setattr(spectrum, "_all", None)
    low, high = spectrum.eigenvalue_range(sparse.csr_array(ring(401)))
    # The least is not found; what stands for it is below it.
    assert (low, high) == pytest.approx((-1.0, 1.0))


def test_a_crowd_below_the_greatest_does_not_hide_it(monkeypatch):
    monkeypatch.setattr(spectrum, "DENSE_MOST", 400)
    # A long chain of places: the second eigenvalue is 1 - 1e-6 of the first.
    n = 4000
    chain = sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[-1, 1])
    expected = 2 * np.cos(np.pi / (n + 1))
    low, high = spectrum.eigenvalue_range(sparse.csr_array(chain))
    assert high == pytest.approx(expected, rel=1e-9)
    assert low <= -expected * (1 - 1e-6)


@pytest.mark.parametrize("hold", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("n", [2, 12, LARGE])
def test_links_that_never_lead_back_have_radius_zero(n, hold):
    # Eigenvalues of such a matrix, computed, may be as large as eps ** (1 / n).
    order = np.random.default_rng(n).permutation(n)
    chain = np.triu(np.random.default_rng(n).uniform(size=(n, n)), 1)
    assert spectrum.spectral_radius(hold(chain[order][:, order])) == 0.0


@LAW
@given(st.integers(2, 12), st.integers(0, 10_000), st.floats(0.05, 0.9))
def test_the_radius_is_the_largest_modulus(n, seed, share):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(size=(n, n)) * (rng.uniform(size=(n, n)) < share)
    matrix[0, 1] = matrix[1, 0] = 1.0  # a way back
    largest = np.abs(linalg.eigvals(matrix)).max()
    assert spectrum.spectral_radius(matrix) == pytest.approx(largest, rel=1e-6)
    held = spectrum.spectral_radius(sparse.csr_array(matrix))
    assert held == pytest.approx(largest, rel=1e-6)
