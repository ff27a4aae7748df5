"""Solvers of batching against brute force, and figures that the notes ask for."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.batching.random_batches import batching
from scheduling.models.base import Status
from scheduling.models.batching.arrays import compile_batching
from scheduling.models.batching.bounds import value_bound
from scheduling.models.batching.problem import BatchingProblem
from scheduling.solvers.batching.family import FAMILY, CompiledBatching
from scheduling.solvers.batching.timeline import in_order
from tests.batching import batching_problems, best_value
from tests.properties import examples
from tests.solving import solve

RELAXED = examples(40, suppress_health_check=list(HealthCheck))
POLICIES = ("mc-sf", "shortest-first", "smallest-area", "earliest-due", "fcfs-peak", "fcfs-evict")


@RELAXED
@given(problem=batching_problems())
def test_exact_solvers_agree_with_brute_force(problem: BatchingProblem) -> None:
    best = best_value(problem)
    data = CompiledBatching(problem)
    for name in ("cp-sat", "mip", "auto"):
        if name in FAMILY.takers(data):
            answer = solve(problem, name, work_limit=20, workers=1)
            assert (answer.objective, answer.status) == (best, Status.OPTIMAL), name


@examples(80, parent=RELAXED)
@given(problem=batching_problems())
def test_every_solver_is_valid_and_every_bound_holds(problem: BatchingProblem) -> None:
    best = best_value(problem)
    data = CompiledBatching(problem)
    sign = -1 if problem.objective == "on-time" else 1
    floor = value_bound(data.arrays)
    assert floor is None or floor <= best
    for name in FAMILY.takers(data):
        answer = solve(problem, name, work_limit=1, workers=1)
        assert sign * answer.objective >= sign * best, name
        assert answer.bound is None or sign * answer.bound <= sign * best, name


@given(problem=batching_problems(), draw=st.data())
def test_requests_in_any_order_fit(problem: BatchingProblem, draw: st.DataObject) -> None:
    arrays = compile_batching(problem)
    order = draw.draw(st.permutations(range(arrays.n)))
    plan = in_order(arrays, order)
    assert arrays.fits(plan)
    for request in range(arrays.n):
        # None could have started earlier beside those before it in the order.
        before = order[: order.index(request)]
        if plan.starts[request] > arrays.release[request]:
            earlier = plan.starts.copy()
            earlier[request] -= 1
            others = [row for row in range(arrays.n) if row not in (*before, request)]
            earlier[others] = arrays.horizon * 2 + 10 * np.arange(len(others))
            assert not arrays.fits(type(plan)(earlier))


def test_the_bound_of_eighty_requests_is_near_the_best_rule() -> None:
    problem = batching(requests=80, seed=0)
    bound = solve(problem, "lp", work_limit=100, workers=1).bound
    best = min(solve(problem, name, work_limit=1).objective for name in POLICIES)
    assert bound <= best <= 1.25 * bound


def test_memory_grows_with_the_longest_answer_not_with_its_square() -> None:
    long = {"release": 0, "prompt": 10, "output": 5_000}
    problem = BatchingProblem.model_validate(
        {
            "kind": "batching",
            "requests": [{"id": name, **long} for name in "ab"],
            "memory": 6_000,
            "objective": "flow",
        }
    )
    arrays = compile_batching(problem)
    tracemalloc.start()
    plan = in_order(arrays, [0, 1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plan.starts.tolist() == [0, 4_020]
    # A row of tokens for every length up to this one would take 100 MB.
    assert peak < 5_000_000


def test_ten_requests_are_solved() -> None:
    problem = batching(requests=10, seed=1)
    answer = solve(problem, "mip", work_limit=100, workers=1)
    assert (answer.status, answer.objective) == (Status.OPTIMAL, 123)
    assert solve(problem, "mc-sf", work_limit=1).objective <= 1.2 * 123


def test_policies_by_hand() -> None:
    # Two of prompt 1 and answer 2 fill the memory together; the long one waits or comes first.
    document = {
        "kind": "batching",
        "memory": 6,
        "requests": [
            {"id": "long", "prompt": 2, "output": 4},
            {"id": "a", "prompt": 1, "output": 2},
            {"id": "b", "prompt": 1, "output": 2},
        ],
    }
    problem = BatchingProblem.model_validate(document)
    flows = {name: solve(problem, name, work_limit=1).objective for name in POLICIES}
    # 2 + 2 + 6 with the short ones first; one by one in the order given 4 + 6 + 6.
    assert flows["mc-sf"] == flows["shortest-first"] == flows["smallest-area"] == 10
    assert flows["fcfs-peak"] == 16
    evicting = solve(problem, "fcfs-evict", work_limit=1)
    # Beside long, a gives way twice; both short ones run when long has ended.
    assert [(e.start, e.slots) for e in evicting.evicted] == [(0, 1), (1, 1)]
    assert {e.request for e in evicting.evicted} == {"a"}
    assert evicting.objective == 16


def test_a_makespan_is_left_to_cp_sat() -> None:
    problem = batching(requests=5, seed=0).model_copy(update={"objective": "makespan"})
    with pytest.raises(sch.SchedulingError, match="makespan"):
        solve(problem, "lp", work_limit=1)


def test_what_is_said_of_a_problem() -> None:
    found = FAMILY.describe(batching(requests=5, seed=0))
    assert (found["requests"], found["memory"]) == (5, 100)
    assert found["bounds_by_formula"]["flow"] > 0
