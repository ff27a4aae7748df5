"""Solvers of caching against brute force, and against each other."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.base import Status
from scheduling.models.caching.bounds import area_bound
from scheduling.models.caching.problem import CachedObject, CachingProblem
from scheduling.solvers.caching.family import FAMILY, CompiledCaching
from tests.caching import best_cost, caching_problems
from tests.properties import examples
from tests.solving import solve

RELAXED = examples(60, suppress_health_check=list(HealthCheck))


@RELAXED
@given(problem=caching_problems())
def test_exact_solvers_agree_with_brute_force(problem: CachingProblem) -> None:
    best = best_cost(problem)
    for name in ("cp-sat", "mip", "auto"):
        answer = solve(problem, name, work_limit=20, workers=1)
        assert (answer.objective, answer.status) == (best, Status.OPTIMAL), name


@examples(40, parent=RELAXED)
@given(problem=st.sampled_from([10**9 + 7, 2**37]).flatmap(lambda x: caching_problems(unit=x)))
def test_large_sizes_are_refused_or_as_good_as_small_ones(problem: CachingProblem) -> None:
    best = best_cost(problem)
    taken = FAMILY.takers(CompiledCaching(problem))
    for name in {"cp-sat", "mip", "flow", "auto"} & set(taken):
        answer = solve(problem, name, work_limit=20, workers=1)
        assert answer.bound <= best <= answer.objective, name
        assert name == "flow" or answer.status is Status.OPTIMAL, name


def test_sizes_that_share_a_large_unit_are_programs_of_small_ones() -> None:
    objects = tuple(CachedObject(id=name, size=k * 2**38) for k, name in enumerate("abc", 1))
    requests = tuple((name,) for name in "abcabcacb")
    problem = CachingProblem(capacity=3 * 2**38 + 5, objects=objects, requests=requests)
    answer = solve(problem, "mip", work_limit=20, workers=1)
    assert (answer.objective, answer.status) == (best_cost(problem), Status.OPTIMAL)
    odd = problem.model_copy(
        update={"objects": (*objects[:2], CachedObject(id="c", size=3 * 2**38 + 1))}
    )
    with pytest.raises(sch.UnsupportedError, match="rooms of up to"):
        solve(odd, "mip", work_limit=20, workers=1)


@RELAXED
@given(problem=caching_problems(equal=True, chains=False))
def test_flow_is_exact_for_equal_sizes(problem: CachingProblem) -> None:
    answer = solve(problem, "flow", work_limit=1)
    assert (answer.objective, answer.status) == (best_cost(problem), Status.OPTIMAL)


@RELAXED
@given(problem=caching_problems(equal=True))
def test_prefixes_of_equal_blocks_are_a_flow(problem: CachingProblem) -> None:
    blocks = tuple(entry.model_copy(update={"cost": 3}) for entry in problem.objects)
    problem = problem.model_copy(update={"objects": blocks})
    free = not any(entry.pinned for entry in blocks)
    answer = solve(problem, "flow", work_limit=1)
    assert answer.bound <= best_cost(problem) <= answer.objective
    if free and not problem.held:
        assert answer.status is Status.OPTIMAL
        assert solve(problem, "belady", work_limit=1).objective == answer.objective


@examples(150, parent=RELAXED)
@given(problem=caching_problems(equal=True))
def test_belady_proves_itself_where_sizes_and_costs_are_equal(problem: CachingProblem) -> None:
    blocks = tuple(
        entry.model_copy(update={"cost": 3, "pinned": False}) for entry in problem.objects
    )
    problem = problem.model_copy(update={"objects": blocks})
    answer = solve(problem, "belady", work_limit=1)
    assert answer.bound <= best_cost(problem) <= answer.objective
    if not problem.held:
        assert answer.status is Status.OPTIMAL


@RELAXED
@given(problem=caching_problems())
def test_every_solver_is_valid_and_every_bound_holds(problem: CachingProblem) -> None:
    best = best_cost(problem)
    data = CompiledCaching(problem)
    assert area_bound(data.arrays) <= best
    for name in FAMILY.takers(data):
        answer = solve(problem, name, work_limit=1, workers=1)
        assert answer.bound <= best <= answer.objective, name


def trace(text: str, capacity: int, **costs: int) -> CachingProblem:
    names = dict.fromkeys(text)
    return CachingProblem(
        capacity=capacity,
        objects=tuple(CachedObject(id=name, cost=costs.get(name, 1)) for name in names),
        requests=tuple((name,) for name in text),
    )


@pytest.mark.parametrize(("policy", "cost"), [("fifo", 5), ("lru", 4), ("lfu", 4), ("belady", 3)])
def test_policies_by_hand(policy: str, cost: int) -> None:
    # FIFO drops a for c, LRU and LFU drop b; who knows the future does not keep c at all.
    assert solve(trace("abacaba", 2), policy, work_limit=1).objective == cost


def test_greedy_dual_keeps_what_is_dear() -> None:
    problem = trace("abcabcabc", 1, a=10)
    assert solve(problem, "lru", work_limit=1).objective == 36
    dear = solve(problem, "greedy-dual", work_limit=1).objective
    assert dear == 10 + 6
    assert solve(problem, work_limit=1).objective == 16


def test_a_large_trace_of_sizes_comes_near_its_bound() -> None:
    problem = generate("cache-trace", {"objects": 200, "requests": 2000, "deviation": 1.0})
    assert isinstance(problem, CachingProblem)
    answer = solve(problem, "flow", work_limit=1)
    assert answer.gap < 0.05
    assert solve(problem, "greedy", work_limit=1).objective >= answer.bound
    for name in ("lru", "lfu", "fifo", "greedy-dual", "greedy-dual-frequency", "hit-density"):
        assert solve(problem, name, work_limit=1).objective > answer.bound
    facts = FAMILY.describe(problem)
    assert facts["cost_of_first_uses"] < answer.bound < facts["cost_without_cache"]


def _of_one_size(capacity: int, requests: list[tuple[str, ...]]) -> CachingProblem:
    """Return a cache of so many objects, all of size 1."""
    names = dict.fromkeys(name for request in requests for name in request)
    objects = tuple(CachedObject(id=name) for name in names)
    return CachingProblem(capacity=capacity, objects=objects, requests=tuple(requests))


def test_hit_density_learns_which_requests_come_back() -> None:
    # Requests for two objects come back, those for eight never do, and fill the cache between.
    requests: list[tuple[str, ...]] = []
    for turn in range(600):
        requests.append((f"a{turn % 5}", f"b{turn % 5}"))
        requests.append(tuple(f"scan{turn}-{place}" for place in range(8)))
    problem = _of_one_size(20, requests)
    best, learned, recent = (
        solve(problem, name, work_limit=1).objective for name in ("belady", "hit-density", "lru")
    )
    assert recent == 600 * 10
    assert best == 600 * 8 + 10
    assert learned < best + 0.5 * (recent - best)


def test_hit_density_learns_what_is_used_often() -> None:
    problem = generate("cache-trace", {"objects": 200, "requests": 6000, "share": 0.05})
    learned, often, recent = (
        solve(problem, name, work_limit=1).objective for name in ("hit-density", "lfu", "lru")
    )
    assert learned < often < recent


def test_hit_density_learns_of_what_it_dropped() -> None:
    # Pairs come back when twice the cache has passed, so that none is ever found by age alone.
    requests: list[tuple[str, ...]] = []
    for turn in range(600):
        requests.append((f"a{turn % 12}", f"b{turn % 12}"))
        requests.append(tuple(f"scan{turn}-{place}" for place in range(6)))
    problem = _of_one_size(45, requests)
    learned, recent = (solve(problem, name, work_limit=1) for name in ("hit-density", "lru"))
    assert recent.objective == 600 * 8
    assert sch.check(problem, learned) == []
    assert learned.objective < 600 * 6 + 0.3 * 600 * 2


def test_hit_density_learns_that_ends_of_requests_are_not_used_again() -> None:
    # What a request begins with comes again once, what it ends with never: uses tell nothing.
    requests: list[tuple[str, ...]] = []
    for turn in range(600):
        requests.append((f"a{turn}", f"b{turn}"))
        if turn >= 8:
            requests.append((f"a{turn - 8}", f"c{turn}"))
    problem = _of_one_size(12, requests)
    best, learned, recent = (
        solve(problem, name, work_limit=1).objective for name in ("belady", "hit-density", "lru")
    )
    assert recent == sum(map(len, requests))
    assert learned < best + 0.15 * (recent - best)


def test_equal_sizes_close_at_any_length() -> None:
    problem = generate("cache-trace", {"objects": 300, "requests": 5000, "share": 0.1})
    answer = solve(problem, work_limit=1, workers=1)
    assert answer.status is Status.OPTIMAL
    assert solve(problem, work_limit=1, workers=1).stays == answer.stays
