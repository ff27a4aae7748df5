"""Rings: fastest links against all orders, bounds by formula, checks, files, charts."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.generators import generate
from scheduling.instances.network.random_networks import site_ring
from scheduling.models.base import Status
from scheduling.models.ring.arrays import compile_ring
from scheduling.models.ring.bounds import fastest_level
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.report.charts import write_chart
from scheduling.report.ring.chart import sentence
from scheduling.scenarios.pccl import bandwidths
from tests.properties import examples
from tests.solving import solve

SMALL = RingProblem.model_validate(
    {"rates": [[0, 9, 1, 2], [9, 0, 3, 1], [1, 3, 0, 8], [2, 1, 8, 0]]}
)


def _slowest(problem: RingProblem, order: tuple[int, ...]) -> float:
    return min(problem.rates[order[k - 1]][order[k]] for k in range(len(order)))


def _best(problem: RingProblem) -> float:
    rest = permutations(range(1, len(problem.rates)))
    return max(_slowest(problem, (0, *order)) for order in rest)


@examples(40)
@given(
    st.integers(2, 6).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(0, 9), min_size=n, max_size=n), min_size=n, max_size=n
        )
    )
)
def test_the_fastest_ring_is_that_of_all_orders(rates: list[list[int]]) -> None:
    problem = RingProblem.model_validate({"rates": [[r / 10 for r in row] for row in rates]})
    best = _best(problem)
    for name in ("sets", "cp-sat", "auto"):
        answer = solve(problem, name, work_limit=20, workers=1)
        assert (answer.objective, answer.status) == (best, Status.OPTIMAL), name
    for name in ("nearest", "rotations"):
        answer = solve(problem, name, work_limit=1)
        assert answer.bound >= best
        assert answer.objective is None or answer.objective <= best


@examples(20)
@given(st.integers(0, 99), st.integers(3, 6))
def test_rings_of_symmetric_links(seed: int, ranks: int) -> None:
    problem = bandwidths(ranks, 2, seed)
    assert solve(problem, "sets", work_limit=1).objective == _best(problem)
    arrays = compile_ring(problem)
    level = fastest_level(arrays)
    graph = nx.from_numpy_array(np.triu(arrays.level >= level, 1))
    assert nx.is_biconnected(graph)
    if level + 1 < len(arrays.rates):
        assert not nx.is_biconnected(nx.from_numpy_array(np.triu(arrays.level > level, 1)))


@pytest.mark.parametrize("seed", range(3))
def test_many_nodes_are_within_their_bound(seed: int) -> None:
    for problem in (site_ring(nodes=16, seed=seed), bandwidths(20, 4, seed)):
        answer = solve(problem, work_limit=2, workers=1)
        assert answer.objective <= answer.bound
        for name in ("nearest", "rotations"):
            other = solve(problem, name, work_limit=2)
            assert other.objective is None or other.objective <= answer.objective
        with pytest.raises(UnsupportedError, match="13"):
            solve(problem, "sets", work_limit=1)


def test_a_node_that_alone_joins_the_others_bounds_the_ring() -> None:
    # Two triangles that share node 0: each node sends and receives at 9, no ring does.
    inside = [{0, 1, 2}, {0, 3, 4}]
    rates = [[9.0 if any({a, b} <= i for i in inside) else 1.0 for b in range(5)] for a in range(5)]
    arrays = compile_ring(RingProblem.model_validate({"rates": rates}))
    assert arrays.rates[fastest_level(arrays)] == 1


def _claimed(fields: dict[str, Any]) -> set[str]:
    tier = {"name": "rate", "sense": "max", "objective": 2.0, "bound": 3.0, "gap": 1 / 3}
    document = {
        "status": "feasible",
        "tiers": [tier],
        "objective": 2.0,
        "bound": 3.0,
        "gap": 1 / 3,
        "order": [0, 1, 2, 3],
    }
    answer = RingSolution.model_validate(document | fields)
    return {violation.constraint for violation in sch.check(SMALL, answer)}


def test_each_rule_is_checked() -> None:
    assert _claimed({}) == set()
    assert _claimed({"order": [0, 1, 2]}) == {"node"}
    assert _claimed({"order": [0, 1, 2, 2]}) == {"node"}
    assert _claimed({"order": [0, 1, 2, 3, 4]}) == {"node"}
    assert _claimed({"order": [0, 2, 1, 3]}) == {"objective"}
    assert "status" in _claimed({"status": "optimal"})
    assert "status" in _claimed({"status": "unknown"})
    small = [{"name": "rate", "sense": "max", "objective": 2.0, "bound": 1.0, "gap": 0.5}]
    assert "bound" in _claimed({"tiers": small})


def test_files_faults_and_charts(tmp_path: Path) -> None:
    problem = generate("site-ring", {"seed": 2})
    sch.write(problem, tmp_path / "ring.yaml")
    assert sch.read(tmp_path / "ring.yaml") == problem
    with pytest.raises(InputError, match=r"rates\[1\]"):
        RingProblem.model_validate({"rates": [[0.0, 1.0], [1.0]]})
    answer = solve(SMALL, work_limit=1)
    assert sentence(SMALL, answer) == "ring: slowest link 2, proven fastest"
    write_chart(SMALL, answer, tmp_path / "ring.svg")
    assert "proven fastest" in (tmp_path / "ring.svg").read_text(encoding="utf-8")
    assert sentence(SMALL, RingSolution(status=Status.UNKNOWN)) == "ring: no order (unknown)"
