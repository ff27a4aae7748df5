"""Descent by moves: its account against the problem, the greedy of the paper, and the limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scheduling.instances.placement.random_machines import random_machines
from scheduling.instances.placement.vms import Host, Machine, rescheduling
from scheduling.models.placement.problem import PlacementProblem
from scheduling.scenarios.vm_baselines import greedy_rescheduling
from scheduling.solvers.placement.columns.aims import GOALS, Evaluation, aim_of, limits_of
from scheduling.solvers.placement.columns.descent import Descent
from scheduling.solvers.placement.columns.hosts import Hosts
from scheduling.solvers.placement.columns.solver import MAX_CELLS
from scheduling.solvers.placement.family import CompiledPlacement
from tests.part_placements import part_problems
from tests.placements import placement_problems
from tests.properties import examples
from tests.solvers.placement.definitions import settled, taken


class Descended:
    """What runs, after its descent."""

    def __init__(self, problem: PlacementProblem, goal: str) -> None:
        self.arrays = CompiledPlacement(problem).arrays
        names = {name for item in problem.items for name, need in item.demands.items() if need}
        ports = {(port.port, port.protocol) for item in problem.items for port in item.ports}
        self.groups = Hosts(self.arrays, len(names) + len(ports), MAX_CELLS).groups
        caps = (0,) * self.arrays.n_priorities
        self.aim, limits = aim_of(self.arrays, goal), limits_of(self.arrays, caps)
        self.evaluation = Evaluation(self.arrays, self.groups, self.aim, limits)
        start = [(index, group.now) for index, group in enumerate(self.groups) for _ in group.nodes]
        self.before = self.value(start)
        descent = Descent(self.evaluation, start)
        self.moved = descent.run(lambda: False)
        self.patterns = descent.patterns
        self.after = self.value(self.patterns)

    def value(self, patterns: list[tuple[int, np.ndarray]]) -> int:
        score = sum(self.evaluation.pattern(*pattern).score for pattern in patterns)
        return self.aim.offset + self.aim.step * score


@given(
    st.one_of(part_problems(), placement_problems(max_items=5, rules=False)),
    st.sampled_from(GOALS[:4]),
)
@examples(60)
def test_it_keeps_items_room_and_limits_and_never_loses(
    problem: PlacementProblem, goal: str
) -> None:
    if goal == "fragments":
        assume(problem.fragment is not None)
    problem = settled(problem, [goal])
    assume(taken(problem))
    found = Descended(problem, goal)
    assert found.after < found.before if found.moved else found.after == found.before
    evaluated = [found.evaluation.pattern(*pattern) for pattern in found.patterns]
    assert np.array_equal(np.sum([one.count for one in evaluated], axis=0), found.arrays.size())
    spent = np.sum([one.spent for one in evaluated], axis=0)
    assert all(spent <= [limit.most for limit in found.evaluation.limits])
    for number, items in found.patterns:
        group = found.groups[number]
        assert np.all(items >= group.held)
        assert np.all(items @ group.shape.need < group.shape.sizes)
        assert np.all(group.shape.open_to | (items <= group.now))


def test_three_leave_together_where_one_frees_nothing() -> None:
    rooms = ((16, 99), (16, 99))
    hosts = [Host(name, rooms) for name in ("a", "b", "c")]
    # Every piece but one has 4 free, and that one 4 as well, until its three machines leave.
    machines = [Machine(f"v{number}", "a", (0,), (4, 1)) for number in range(3)]
    machines += [Machine("a1", "a", (1,), (12, 1), pinned=True)]
    machines += [
        Machine(f"{host}{part}", host, (part,), (12, 1), pinned=True)
        for host in ("b", "c")
        for part in (0, 1)
    ]
    for moves, fragments in ((2, 24), (3, 8)):
        problem = rescheduling(hosts, machines, moves=moves)
        assert greedy_rescheduling(problem) == 24
        assert Descended(problem, "fragments").after == fragments


@pytest.mark.parametrize("seed", range(4))
def test_it_leaves_no_more_fragments_than_the_greedy_of_the_paper(seed: int) -> None:
    problem = random_machines(hosts=12, moves=10, seed=seed)
    found = Descended(problem, "fragments")
    assert found.after <= greedy_rescheduling(problem)
