"""Fillings of nodes: knapsacks, the linear program, its rounding, and the solver."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.placement.arrays import Ints
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.filling.diving import Choice, dive
from scheduling.solvers.placement.filling.groups import Groups, Kinds
from scheduling.solvers.placement.filling.homes import settle
from scheduling.solvers.placement.filling.master import Master
from scheduling.solvers.placement.filling.pricing import Pricing
from scheduling.solvers.placement.filling.solver import FILLINGS, Filling
from scheduling.solvers.placement.filling.stakes import Stakes
from scheduling.solvers.placement.kernels.knapsack import fill, find_homes
from scheduling.solvers.warmup import compile_now
from tests.placements import best_values, placement_problems
from tests.properties import examples


@pytest.fixture(autouse=True, scope="module")
def kernels() -> None:
    """Compile before any test calls a kernel: what is compiled by then would be dropped."""
    compile_now((FILLINGS,))


def cluster(seed: int, nodes: int = 12, items: int = 60) -> dict[str, object]:
    """Draw two kinds of nodes and a few kinds of items; about half of them run."""
    rng = np.random.default_rng(seed)
    room = [{"cpu": 16, "gpu": 4}, {"cpu": 32, "gpu": 2}]
    kinds = [(3, 1, 1), (5, 0, 1), (7, 2, 0), (2, 1, 0), (4, 0, 0)]
    hosts = [{"id": f"n{i}", "capacity": room[i % 2]} for i in range(nodes)]
    free = [dict(room[i % 2]) for i in range(nodes)]
    pods: list[dict[str, object]] = []
    for i in range(items):
        cpu, gpu, priority = kinds[int(rng.integers(len(kinds)))]
        pod: dict[str, object] = {"id": f"p{i}", "priority": priority}
        pod["demands"] = {"cpu": cpu, "gpu": gpu}
        node = int(rng.integers(nodes))
        if free[node]["cpu"] >= cpu and free[node]["gpu"] >= gpu and i % 2:
            free[node]["cpu"] -= cpu
            free[node]["gpu"] -= gpu
            pod["node"] = f"n{node}"
        pods.append(pod)
    return {"nodes": hosts, "items": pods}


@given(st.data())
@examples(60)
def test_a_filling_is_worth_as_much_as_any(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 4))
    amounts = st.lists(st.integers(0, 6), min_size=2, max_size=2)
    room = np.array(data.draw(st.lists(st.integers(0, 12), min_size=2, max_size=2)))
    need = np.array([data.draw(amounts) for _ in range(n)])
    most = np.array([data.draw(st.integers(0, 3)) for _ in range(n)])
    worth = np.array([data.draw(st.integers(0, 9)) for _ in range(n)], float)
    found = np.zeros(n, np.int64)
    value = fill(room, need, worth, most, 10_000, found)
    best = max(
        float(np.array(counts) @ worth)
        for counts in product(*(range(m + 1) for m in most.tolist()))
        if np.all(np.array(counts) @ need <= room)
    )
    assert value == pytest.approx(best)
    assert found @ worth == pytest.approx(value)
    assert np.all(found @ need <= room)
    assert np.all(found <= most)


def test_a_filling_is_valid_however_short_the_search() -> None:
    room, need = np.array([10, 9]), np.array([[3, 1], [2, 4], [5, 5]])
    worth, most = np.array([3.0, 4.0, 8.5]), np.array([9, 9, 9])
    for limit in range(6):
        found = np.zeros(3, np.int64)
        assert fill(room, need, worth, most, limit, found) == pytest.approx(found @ worth)
        assert np.all(found @ need <= room)


def test_the_home_of_a_filling_is_where_least_leaves() -> None:
    running = np.array([[2, 0], [0, 3], [1, 1]])
    home, least, mean = np.zeros(2, np.int64), np.zeros(2), np.zeros(2)
    find_homes(
        np.array([[0, 2], [2, 1]]),
        np.zeros(2, np.int64),
        np.array([0, 3]),
        np.array([1, 1, 2]),
        running,
        np.array([1.0, 10.0]),
        home,
        least,
        mean,
    )
    assert home.tolist() == [2, 0]
    assert least.tolist() == [1.0, 0.0]
    assert mean.tolist() == pytest.approx([(2 + 10 + 1 + 1) / 4, (0 + 20 + 0 + 0) / 4])


def test_what_cannot_move_takes_room_and_is_no_longer_to_be_placed() -> None:
    problem = PlacementProblem.model_validate(
        {
            "nodes": [
                {"id": "a", "capacity": {"cpu": 4}},
                {"id": "b", "capacity": {"cpu": 4}},
                {"id": "c", "capacity": {"cpu": 4}, "closed": True},
            ],
            "items": [
                {"id": "pinned", "demands": {"cpu": 3}, "node": "a", "pinned": True},
                {"id": "on-closed", "demands": {"cpu": 2}, "node": "c"},
                {"id": "free", "demands": {"cpu": 2}, "node": "b"},
                {"id": "waiting", "demands": {"cpu": 2}},
            ],
        }
    )
    groups = Groups.of_nodes(compile_placement(problem))
    assert sorted(groups.room[groups.of, 0].tolist()) == [1, 2, 4]
    assert groups.size.sum() == 2
    assert groups.running.sum() == 1
    solution = sch.solve(problem, "filling", work_limit=1, workers=1)
    assert sch.check(problem, solution) == []
    assert [tier.objective for tier in solution.tiers] == [0, 0, 0]


def solved(groups: Groups, kinds: Kinds) -> tuple[Master, Pricing]:
    """Generate fillings until none improves the program."""
    stakes = Stakes.of_tier(groups.arrays, 0)
    pricing = Pricing(groups, stakes, np.random.default_rng(0), 1)
    master = Master(groups, stakes, kinds, groups.count, groups.size)
    new = 1
    while new:
        prices = master.solve(None)
        assert prices is not None
        found = pricing.of_groups(prices, np.arange(len(groups.count)), groups.size)
        new = master.add(master.anywhere(*found), prices)
        if len(kinds.count):
            new += master.add(master.at_kinds(*pricing.of_kinds(prices)), prices)
    return master, pricing


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("flat", [True, False])
def test_diving_fills_every_node_and_uses_no_item_twice(seed: int, flat: bool) -> None:
    groups = Groups.of_nodes(compile_placement(PlacementProblem.model_validate(cluster(seed))))
    master, pricing = solved(groups, Kinds.none(groups) if flat else groups.kinds)
    value = master.value
    choice = dive(master, pricing, lambda: None, lambda: False)
    assert np.array_equal(np.bincount(choice.group, minlength=len(groups.count)), groups.count)
    assert np.all(choice.items.sum(axis=0) <= groups.size)
    need = choice.items @ groups.arrays.demand
    assert np.all(need <= groups.room[choice.group])
    waits = groups.size - choice.items.sum(axis=0)
    # What the program says of its value holds for whole numbers, and diving leaves it as it was.
    cost = float((master.stakes.waiting + master.stakes.evicted) @ waits)
    cost += 0.0 if flat else float(master.stakes.leaving @ groups.running.sum(axis=0))
    assert cost >= value - 1e-6
    assert master.solve(None) is not None
    assert master.value == pytest.approx(value)


def test_fillings_go_where_most_stays_and_other_nodes_keep_what_runs() -> None:
    problem = PlacementProblem.model_validate(
        {
            "nodes": [{"id": name, "capacity": {"cpu": 4}} for name in "abc"],
            "items": [
                {"id": "x", "demands": {"cpu": 3}, "node": "a"},
                {"id": "y", "demands": {"cpu": 2}, "node": "b"},
                {"id": "z", "demands": {"cpu": 1}, "node": "c"},
            ],
        }
    )
    arrays = compile_placement(problem)
    groups = Groups.of_nodes(arrays)
    class_of = {name: int(arrays.of_class[arrays.item_ids.index(name)]) for name in "xyz"}
    items = np.zeros((2, 3), np.int64)
    items[0, class_of["y"]] = items[1, class_of["x"]] = 1
    counts = settle(groups, Choice(items, np.zeros(2, np.int64)), np.ones(3))
    assert np.array_equal(counts, arrays.running)


@given(problem=placement_problems(max_items=4, max_nodes=3, rules=False))
@examples(25)
def test_answers_are_valid_and_never_better_than_the_best(problem: PlacementProblem) -> None:
    if Filling().refusal(CompiledPlacement(problem)) is not None:
        return
    best = best_values(problem)
    solution = sch.solve(problem, "filling", work_limit=1, workers=1)
    assert sch.check(problem, solution) == []
    assert tuple(int(tier.objective or 0) for tier in solution.tiers) >= best


@pytest.mark.parametrize("seed", range(3))
def test_more_is_placed_than_by_the_program_over_pools(seed: int) -> None:
    problem = PlacementProblem.model_validate(cluster(seed, nodes=60, items=320))
    guided = sch.solve(problem, "guided", work_limit=1, workers=1)
    filling = sch.solve(problem, "filling", work_limit=1, workers=1)
    assert sch.check(problem, filling) == []
    values = [[tier.objective for tier in s.tiers[:2]] for s in (guided, filling)]
    assert values[1] <= values[0]
    again = sch.solve(problem, "filling", work_limit=1, workers=1)
    assert again.placements == filling.placements


def test_what_fillings_do_not_know_is_refused_by_name() -> None:
    document = cluster(0)
    problem = PlacementProblem.model_validate({**document, "max_moves": 1})
    with pytest.raises(sch.errors.UnsupportedError, match="limits on moves"):
        sch.solve(problem, "filling", work_limit=1)


def test_weights_follow_the_order_of_the_tiers() -> None:
    items: list[dict[str, object]] = [
        {"id": f"p{i}", "demands": {"cpu": 1}, "priority": i, "node": "a"} for i in range(6)
    ]
    problem = PlacementProblem.model_validate(
        {"nodes": [{"id": "a", "capacity": {"cpu": 9}}], "items": items}
    )
    arrays = compile_placement(problem)
    order: Ints = np.argsort(arrays.tier)
    for tier in range(6):
        stakes = Stakes.of_tier(arrays, tier)
        waiting = stakes.waiting[order]
        assert np.all(np.diff(waiting) <= 0)
        assert np.all(np.diff(waiting)[tier : tier + 2] < 0)
        assert waiting.min() > stakes.evicted.max() > stakes.leaving.max() > 0
