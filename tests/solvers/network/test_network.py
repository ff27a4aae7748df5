"""Flows over spines and rings: least congestion, few splits, fastest rings, brute force."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given, settings
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
    splits,
)
from scheduling.solvers.network.rings import fastest_ring, nearest_ring
from scheduling.solvers.network.spray import few_splits, fewest_splits, hashed, sprayed


@st.composite
def fabrics(draw: st.DrawFn) -> LeafSpine:
    leaves = draw(st.integers(1, 4))
    flows = tuple(
        Flow(
            source=f"l{draw(st.integers(0, leaves))}",
            target=f"l{draw(st.integers(0, leaves))}",
            size=float(draw(st.integers(1, 9))),
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
    leaves = len({flow.source for flow in problem.flows})
    leaves += len({flow.target for flow in problem.flows})
    assert splits(parts) <= (problem.spines - 1) * leaves
    assert congestion(problem, sprayed(problem)) == pytest.approx(ideal)
    for seed in range(3):
        whole = hashed(problem, seed)
        assert splits(whole) == 0
        assert check_spines(problem, whole) == []
        assert congestion(problem, whole) >= ideal * (1 - 1e-12)


@settings(max_examples=8, deadline=None)
@given(fabrics())
def test_the_program_splits_no_more(problem: LeafSpine) -> None:
    parts, bound = fewest_splits(problem, 20.0)
    assert parts is not None
    assert bound is not None
    assert check_spines(problem, parts) == []
    assert congestion(problem, parts) <= least_congestion(problem) * (1 + 2e-9)
    assert bound <= splits(parts) <= splits(few_splits(problem))


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
    assert slowest(problem, nearest_ring(problem)) <= best <= fastest_bound(problem)


def test_files_and_faults(tmp_path: Path) -> None:
    for name in ("leaf-flows", "site-ring"):
        problem = generate(name, {"seed": 2})
        sch.write(problem, tmp_path / f"{name}.yaml")
        assert sch.read(tmp_path / f"{name}.yaml") == problem
    with pytest.raises(InputError, match=r"rates\[1\]"):
        RingProblem.model_validate({"rates": [[0.0, 1.0], [1.0]]})
    with pytest.raises(InputError, match="each node once"):
        slowest(site_ring(nodes=3), [0, 1, 1])
