"""Flows over spines and rings: least congestion, few splits, fastest rings, brute force."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from math import gcd
from pathlib import Path
from statistics import fmean

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.generators import generate
from scheduling.instances.network.random_networks import leaf_flows, site_ring
from scheduling.models.network.ring import RingProblem, fastest_bound, slowest
from scheduling.models.network.spines import (
    Flow,
    LeafSpine,
    check_spines,
    congestion,
    least_congestion,
    leaves,
    splits,
    splits_bound,
)
from scheduling.scenarios.pccl import bandwidths
from scheduling.solvers.network.rings import (
    fastest_ring,
    nearest_ring,
    ring_by_circuits,
    ring_by_sets,
    rotated_ring,
)
from scheduling.solvers.network.spray import (
    few_splits,
    fewest_splits,
    hashed,
    matchings,
    sprayed,
)


@st.composite
def fabrics(draw: st.DrawFn, *, equal: bool = False) -> LeafSpine:
    last = draw(st.integers(1, 4))
    flows = tuple(
        Flow(
            source=f"l{draw(st.integers(0, last))}",
            target=f"l{draw(st.integers(0, last))}",
            size=1.0 if equal else float(draw(st.integers(1, 9))),
        )
        for _ in range(draw(st.integers(1, 8)))
    )
    return LeafSpine(spines=draw(st.integers(1, 4)), flows=flows)


@settings(max_examples=40, deadline=None)
@given(fabrics())
def test_few_splits_reach_the_least_congestion(problem: LeafSpine) -> None:
    ideal = least_congestion(problem)
    parts = few_splits(problem)
    assert check_spines(problem, parts) == []
    assert congestion(problem, parts) == pytest.approx(ideal, rel=1e-9)
    count = sum(len(end) for end in leaves(problem))
    assert splits(parts) <= (problem.spines - 1) * count
    assert congestion(problem, sprayed(problem)) == pytest.approx(ideal)
    for seed in range(3):
        whole = hashed(problem, seed)
        assert splits(whole) == 0
        assert check_spines(problem, whole) == []
        assert congestion(problem, whole) >= ideal * (1 - 1e-12)


@settings(max_examples=30, deadline=None)
@given(fabrics() | fabrics(equal=True))
@example(LeafSpine(spines=4, flows=(Flow(source="l0", target="l1", size=1.0),) * 2))
def test_the_program_splits_no_more(problem: LeafSpine) -> None:
    parts, bound = fewest_splits(problem, 20.0)
    assert parts is not None
    assert splits_bound(problem) <= bound
    assert check_spines(problem, parts) == []
    assert congestion(problem, parts) <= least_congestion(problem) * (1 + 2e-9)
    assert bound <= splits(parts) <= splits(few_splits(problem))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_equal_flows_of_equal_leaves_are_split_fewest_times(
    count: int, degree: int, spines: int, seed: int
) -> None:
    problem = leaf_flows(leaves=count, degree=degree, spines=spines, seed=seed)
    found = matchings(problem)
    assert sorted(flow for matching in found for flow in matching) == list(range(count * degree))
    for matching in found:
        flows = [problem.flows[flow] for flow in matching]
        assert len({flow.source for flow in flows}) == len({flow.target for flow in flows}) == count
    parts = few_splits(problem)
    assert check_spines(problem, parts) == []
    # Whole numbers of m-th parts, so that loads are exact.
    units = [round(part.size * spines) for part in parts]
    assert [part.size for part in parts] == [unit / spines for unit in units]
    loads: Counter[tuple[int, str, int]] = Counter()
    times: Counter[str] = Counter()
    for part, unit in zip(parts, units, strict=True):
        flow = problem.flows[part.flow]
        loads[0, flow.source, part.spine] += unit
        loads[1, flow.target, part.spine] += unit
        times[flow.source] += 1
    assert set(loads.values()) == {degree}
    least = spines - gcd(degree, spines)
    assert set(times.values()) == {degree + least}
    assert splits(parts) == splits_bound(problem) == count * least


@settings(max_examples=30, deadline=None)
@given(fabrics(equal=True))
def test_equal_flows_are_cut_in_few_matchings(problem: LeafSpine) -> None:
    parts = few_splits(problem)
    ends = leaves(problem)
    degree = max(len(inside) for end in ends for inside in end.values())
    cuts = problem.spines - gcd(degree, problem.spines)
    assert splits_bound(problem) <= splits(parts) <= cuts * min(len(end) for end in ends)
    found = matchings(problem)
    assert len(found) == degree
    assert sorted(flow for matching in found for flow in matching) == list(
        range(len(problem.flows))
    )
    for end in ends:
        for inside in end.values():
            assert all(len(set(matching) & set(inside)) <= 1 for matching in found)


def test_hashing_is_far_from_even() -> None:
    problem = leaf_flows(leaves=16, spines=8, degree=12)
    ideal = least_congestion(problem)
    assert fmean(congestion(problem, hashed(problem, seed)) for seed in range(20)) >= 1.2 * ideal


def test_wrong_parts_are_caught() -> None:
    problem = leaf_flows(leaves=4, spines=2, degree=2)
    parts = hashed(problem)
    assert check_spines(problem, parts[1:])
    assert check_spines(problem, [*parts, parts[0]])
    assert check_spines(problem, [parts[0]._replace(spine=2), *parts[1:]])
    assert check_spines(problem, [parts[0]._replace(size=0.5), *parts[1:]])


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 6).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(0, 9), min_size=n, max_size=n), min_size=n, max_size=n
        )
    )
)
def test_the_fastest_ring_is_that_of_all_orders(rates: list[list[int]]) -> None:
    problem = RingProblem.model_validate({"rates": [[float(r) for r in row] for row in rates]})
    nodes = range(len(rates))
    best = max(slowest(problem, list(order)) for order in permutations(nodes))
    order, bound = fastest_ring(problem)
    assert slowest(problem, order) == bound == best
    by_circuits, bound = ring_by_circuits(problem, nearest_ring(problem), work=5.0)
    assert slowest(problem, by_circuits) == bound == best
    for one in (nearest_ring(problem), rotated_ring(problem)):
        assert slowest(problem, one) <= best <= fastest_bound(problem)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(3, 6))
def test_rings_of_symmetric_links(seed: int, ranks: int) -> None:
    problem = bandwidths(ranks, 2, seed)
    orders = ([0, *rest] for rest in permutations(range(1, ranks)))
    best = max(slowest(problem, order) for order in orders)
    assert slowest(problem, ring_by_sets(problem)) == best
    assert slowest(problem, rotated_ring(problem)) <= best <= fastest_bound(problem)
    graph = nx.from_numpy_array(np.triu(np.array(problem.rates) >= fastest_bound(problem), 1))
    assert nx.is_biconnected(graph)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 99))
def test_many_nodes_are_within_their_bound(seed: int) -> None:
    for problem in (site_ring(nodes=16, seed=seed), bandwidths(20, 4, seed)):
        order, bound = fastest_ring(problem, work=1.0)
        rate = slowest(problem, order)
        assert rate <= bound <= fastest_bound(problem)
        assert rate >= max(
            slowest(problem, nearest_ring(problem)), slowest(problem, rotated_ring(problem))
        )


def test_a_node_that_alone_joins_the_others_bounds_the_ring() -> None:
    # Two triangles that share node 0: each node sends and receives at 9, no ring does.
    inside = [{0, 1, 2}, {0, 3, 4}]
    rates = [[9.0 if any({a, b} <= i for i in inside) else 1.0 for b in range(5)] for a in range(5)]
    problem = RingProblem.model_validate({"rates": rates})
    assert fastest_bound(problem) == 1.0


def test_files_and_faults(tmp_path: Path) -> None:
    for name in ("leaf-flows", "site-ring"):
        problem = generate(name, {"seed": 2})
        sch.write(problem, tmp_path / f"{name}.yaml")
        assert sch.read(tmp_path / f"{name}.yaml") == problem
    with pytest.raises(InputError, match=r"rates\[1\]"):
        RingProblem.model_validate({"rates": [[0.0, 1.0], [1.0]]})
    with pytest.raises(InputError, match="each node once"):
        slowest(site_ring(nodes=3), [0, 1, 1])
