"""Placements in parts: every node and item once, valid answers, the same whoever solves them."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.models.placement.arrays import Ints
from scheduling.models.placement.problem import Gang, Item, Node, PlacementProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.parts import Parts, split
from tests.cli.conftest import Cli, cli
from tests.part_placements import part_problems
from tests.properties import examples

__all__ = ["cli"]


def cluster(nodes: int, pods: int) -> PlacementProblem:
    """Nodes of two sizes, some pods that run and some that wait, and a few of them picky."""
    return PlacementProblem(
        nodes=tuple(
            Node(id=f"n{k}", capacity={"cpu": 8 + 8 * (k % 2)}, labels={"zone": str(k % 3)})
            for k in range(nodes)
        ),
        items=tuple(
            Item(
                id=f"p{k}",
                demands={"cpu": 2 + k % 5},
                priority=k % 2,
                node=f"n{k % nodes}" if k < nodes else None,
                node_selector={"zone": "0"} if k % 7 == 6 else {},
            )
            for k in range(pods)
        ),
    )


def test_every_node_and_item_is_in_one_part() -> None:
    problem = cluster(10, 60)
    parts = split(CompiledPlacement(problem), 3, seed=1)
    assert Counter(node.id for part in parts for node in part.nodes) == Counter(
        node.id for node in problem.nodes
    )
    assert Counter(item.id for part in parts for item in part.items) == Counter(
        item.id for item in problem.items
    )
    assert [len(part.nodes) for part in parts] == [4, 3, 3]
    for part in parts:
        here = {node.id for node in part.nodes}
        assert all(item.node is None or item.node in here for item in part.items)
        picky = any(item.node_selector and item.node is None for item in part.items)
        assert not picky or any(node.labels["zone"] == "0" for node in part.nodes)
    assert len(split(CompiledPlacement(cluster(2, 3)), 9, seed=0)) == 2


@examples(15)
@given(problem=part_problems(), count=st.integers(1, 3))
def test_answers_are_valid_and_never_below_the_bound(problem: PlacementProblem, count: int) -> None:
    free = problem.model_copy(update={"max_moves": None})
    if Parts(count).refusal(CompiledPlacement(free)) is not None:
        return
    found = sch.solve(free, Parts(count), work_limit=0.02, workers=1)
    best = sch.solve(free, "cp-sat", time_limit=1e6, workers=1)
    assert sch.check(free, found) == []
    values = [tier.objective for tier in found.tiers]
    assert values >= [tier.objective for tier in best.tiers]


def test_without_time_what_runs_stays() -> None:
    """A search that begins when its time is over is no fault."""
    problem = cluster(4, 12)
    data = CompiledPlacement(problem)
    board: Board[Ints] = Board(0, (), time.monotonic())
    Parts(2).search(data, board, Budget(time.monotonic(), None, 1, 0), None)
    assert board.best is not None
    runs = data.arrays.now >= 0
    assert board.best[runs].tolist() == data.arrays.now[runs].tolist()


def test_what_ties_nodes_is_refused() -> None:
    tied = PlacementProblem(
        nodes=(Node(id="n", capacity={"cpu": 4}),),
        items=(Item(id="p", demands={"cpu": 1}, gang="g"),),
        gangs=(Gang(id="g"),),
    )
    with pytest.raises(UnsupportedError, match="use auto or lns"):
        sch.solve(tied, "parts")
    with pytest.raises(InputError, match="a number of parts"):
        sch.solve(cluster(2, 2), "parts:many")


def test_backends_are_for_parts(cli: Cli, tmp_path: object) -> None:
    found = cli("solve", "bundled:workshop", "--backend", "dask")
    assert found.code == 2
    assert "--solver parts" in found.err
