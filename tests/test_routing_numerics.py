"""Quickest ways: against scipy, and by laws of any network."""

import numpy as np
import pytest
from builders import LAW
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geopoverty.numerics.routing.contract import contracted
from geopoverty.numerics.routing.digraph import digraph, parts, renumbered
from geopoverty.numerics.routing.dijkstra import searches
from geopoverty.numerics.routing.hierarchy import hierarchy, is_flat, sweeps
from geopoverty.numerics.routing.tables import from_each_block, minutes_between

# Sums of the same minutes in another order.
ROUNDING = 1e-9


@st.composite
def networks(draw):
    """Draw nodes, arcs both ways or one, ties, loops, zero minutes, and some nodes."""
    n = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    m = draw(st.integers(0, 3 * n))
    tail, head = rng.integers(0, n, m), rng.integers(0, n, m)
    if draw(st.booleans()):  # chains, as roads are
        tail, head = np.r_[tail, np.arange(n - 1)], np.r_[head, np.arange(1, n)]
    minutes = rng.integers(0, 9, len(tail)) + draw(st.sampled_from([0.0, 0.37]))
    if draw(st.booleans()):
        tail, head = np.r_[tail, head], np.r_[head, tail]
        minutes = np.r_[minutes, minutes + draw(st.sampled_from([0.0, 1.5]))]
    chosen = rng.integers(0, n, draw(st.integers(1, 6)))
    return digraph(tail, head, minutes.astype(float), n), chosen


def scipys(graph, sources, targets):
    # scipy takes an explicit 0 for no arc: shift zeros by what no sum here can see.
    minutes = np.where(graph.minutes == 0, 1e-13, graph.minutes)
    table = csr_array((minutes, graph.heads, graph.starts), shape=(graph.n, graph.n))
    return dijkstra(table, indices=sources)[:, targets]


@LAW
@given(networks())
def test_quickest_ways_are_those_of_scipy(network):
    graph, chosen = network
    every = np.arange(graph.n)
    ours = minutes_between(searches(graph), chosen, every)
    np.testing.assert_allclose(ours, scipys(graph, chosen, every), atol=ROUNDING)


@LAW
@given(networks())
def test_leaving_out_bends_and_dead_ends_changes_no_time(network):
    graph, chosen = network
    small, where = contracted(graph, chosen)
    assert small.n <= graph.n
    ours = minutes_between(searches(small), where, where)
    np.testing.assert_allclose(ours, scipys(graph, chosen, chosen), atol=ROUNDING)


@LAW
@given(networks())
def test_a_hierarchy_gives_the_times_of_searches(network):
    graph, chosen = network
    made, where = hierarchy(graph, chosen)
    ours = minutes_between(sweeps(made), where, where)
    np.testing.assert_allclose(ours, scipys(graph, chosen, chosen), atol=ROUNDING)
    small, there = contracted(graph, chosen)
    made, where = hierarchy(small, there)
    again = minutes_between(sweeps(made), where, where[:1])
    np.testing.assert_allclose(again, ours[:, :1], atol=ROUNDING)


@LAW
@given(networks())
def test_a_hierarchy_climbs(network):
    graph, chosen = network
    made, where = hierarchy(graph, chosen)
    n = len(made.starts) - 1
    assert ((where >= 0) & (where < n)).all()
    low = np.repeat(np.arange(n), np.diff(made.starts))
    assert (made.higher > low).all()
    # All above a node lie on one way to the root.
    parent = {
        int(v): int(made.higher[s])
        for v, s in enumerate(made.starts[:-1])
        if s < made.starts[v + 1]
    }
    for node, high in zip(low, made.higher, strict=True):
        at = int(node)
        while at != high:
            at = parent[at]


@LAW
@given(networks())
def test_a_detour_is_never_quicker(network):
    graph, _ = network
    every = np.arange(graph.n)
    time = minutes_between(searches(graph), every, every)
    assert (np.diag(time) == 0).all()
    through = (time[:, :, None] + time[None]).min(axis=1)
    assert (time <= through + ROUNDING).all()


@LAW
@given(networks())
def test_roads_turned_round_turn_the_table_round(network):
    graph, chosen = network
    back = digraph(graph.heads, graph.tails(), graph.minutes, graph.n)
    there = minutes_between(searches(graph), chosen, chosen)
    np.testing.assert_allclose(
        there, minutes_between(searches(back), chosen, chosen).T, atol=ROUNDING
    )


@LAW
@given(networks(), st.floats(0, 30))
def test_a_limit_hides_longer_times_and_changes_no_other(network, limit):
    # Not at a time itself: sums in another order may fall on either side.
    limit += 0.0123
    graph, chosen = network
    every = np.arange(graph.n)
    whole = minutes_between(searches(graph), chosen, every)
    made, where = hierarchy(graph, every)
    limits = np.full(len(chosen), limit)
    for fill, place in ((searches(graph), every), (sweeps(made), where)):
        found = np.empty_like(whole)

        def keep(rows, block, found=found):
            found[rows] = block

        from_each_block(fill, place[chosen], place, keep, limits=limits)
        near = whole <= limit
        np.testing.assert_allclose(found[near], whole[near], atol=ROUNDING)
        assert np.isinf(found[~near]).all()


@LAW
@given(networks())
def test_names_of_nodes_do_not_matter(network):
    graph, chosen = network
    order = np.random.default_rng(1).permutation(graph.n)
    other = renumbered(graph, order, graph.n)
    one = minutes_between(searches(graph), chosen, chosen)
    np.testing.assert_allclose(
        minutes_between(searches(other), order[chosen], order[chosen]),
        one,
        atol=ROUNDING,
    )


def grid(side, rng):
    node = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate(
        [
            np.stack([node[:, :-1], node[:, 1:]], axis=-1).reshape(-1, 2),
            np.stack([node[:-1], node[1:]], axis=-1).reshape(-1, 2),
        ]
    )
    minutes = rng.uniform(0.1, 3, 2 * len(pairs))
    tail, head = np.r_[pairs[:, 0], pairs[:, 1]], np.r_[pairs[:, 1], pairs[:, 0]]
    return digraph(tail, head, minutes, side * side)


def test_results_do_not_depend_on_threads_or_blocks():
    rng = np.random.default_rng(4)
    graph = grid(30, rng)
    sources = rng.integers(0, graph.n, 100)
    one = minutes_between(searches(graph), sources, sources, workers=1)
    np.testing.assert_array_equal(
        one, minutes_between(searches(graph), sources, sources, workers=3)
    )
    np.testing.assert_allclose(one, scipys(graph, sources, sources), atol=ROUNDING)
    seen = np.full(one.shape, np.nan)

    def keep(rows, block):
        seen[rows] = block
        return rows.stop - rows.start

    bounds = np.array([0, 1, 70, 100])
    sizes = from_each_block(searches(graph), sources, sources, keep, bounds=bounds)
    # Runs of 1, 69 and 30 sources, in blocks of at most 32.
    assert sizes == [1, 32, 32, 5, 30]
    np.testing.assert_array_equal(seen, one)


def test_progress_sees_every_block():
    graph = grid(5, np.random.default_rng(0))
    seen = []

    def watch(steps, total):
        seen.append(total)
        yield from steps

    def shape(rows, block):
        assert block.shape == (rows.stop - rows.start, 3)

    sources = np.zeros(70, int)
    from_each_block(searches(graph), sources, np.arange(3), shape, watch=watch)
    assert seen == [3]


def test_a_long_road_becomes_two_arcs():
    n = 1000
    tail, head = np.arange(n - 1), np.arange(1, n)
    minutes = np.ones(n - 1)
    both = digraph(np.r_[tail, head], np.r_[head, tail], np.r_[minutes, minutes], n)
    small, where = contracted(both, np.array([0, n - 1, n - 1]))
    assert small.n == 2
    assert small.minutes.tolist() == [n - 1, n - 1]
    assert where[1] == where[2]


def test_a_one_way_bend_is_driven_one_way_only():
    # 0 -> 1 <-> 2: the piece 0 -> 1 has no way back.
    graph = digraph(np.array([0, 1, 2]), np.array([1, 2, 1]), np.ones(3), 3)
    small, where = contracted(graph, np.array([0, 2]))
    time = minutes_between(searches(small), where, where)
    assert time.tolist() == [[0, 2], [np.inf, 0]]


def test_a_ring_without_a_kept_node_goes():
    ring = digraph(np.array([0, 1, 2, 3]), np.array([1, 2, 0, 4]), np.ones(4), 5)
    small, where = contracted(ring, np.array([3, 4]))
    assert small.n == 2
    assert minutes_between(searches(small), where, where)[0, 1] == 1


def test_parts_are_strongly_connected():
    graph = digraph(np.array([0, 1, 1, 3, 4]), np.array([1, 0, 2, 4, 3]), np.ones(5), 5)
    part = parts(graph)
    assert part[0] == part[1]
    assert part[3] == part[4]
    assert len(set(part.tolist())) == 3


@pytest.mark.parametrize("n", [0, 3])
def test_a_network_without_roads_reaches_nothing(n):
    none = np.zeros(0, dtype=int)
    graph = digraph(none, none, np.zeros(0), n)
    assert len(parts(graph)) == n
    if n:
        time = minutes_between(searches(graph), np.array([0]), np.arange(n))
        assert time.tolist() == [[0, np.inf, np.inf]]


def test_a_hierarchy_of_a_grid():
    rng = np.random.default_rng(6)
    graph = grid(40, rng)
    chosen = rng.integers(0, graph.n, 90)
    small, there = contracted(graph, chosen)
    assert is_flat(small)
    made, where = hierarchy(small, there)
    one = minutes_between(sweeps(made), where, where, workers=1)
    np.testing.assert_allclose(one, scipys(graph, chosen, chosen), atol=ROUNDING)
    other = minutes_between(sweeps(made), where, where, workers=3)
    np.testing.assert_array_equal(one, other)


def test_networks_that_would_fill_the_memory_are_told_from_flat_ones():
    rng = np.random.default_rng(2)
    n = 4000
    tail, head = rng.integers(0, n, (2, 3 * n))
    tangle, _ = contracted(digraph(tail, head, np.ones(3 * n), n), np.arange(n))
    assert not is_flat(tangle)
    flat, _ = contracted(grid(70, rng), np.arange(4900))
    assert is_flat(flat)


@pytest.mark.parametrize("limit", [0.0, 1.0, 2.0])
def test_a_time_of_just_the_limit_counts(limit):
    path = digraph(np.array([0, 1, 2]), np.array([1, 2, 3]), np.ones(3), 4)
    every = np.arange(4)
    made, where = hierarchy(path, every)
    for fill, place in ((searches(path), every), (sweeps(made), where)):
        found = np.empty((1, 4))
        fill(place[:1], place, np.array([limit]), found)
        assert np.isfinite(found[0]).tolist() == (every <= limit).tolist()
