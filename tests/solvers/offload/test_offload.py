"""Offloading: shared processors, marginal delays, the exact front, rules."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise, product
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.generators import generate
from scheduling.instances.offload.mobile_tasks import mobile_tasks
from scheduling.models.base import Status
from scheduling.models.exact import exact
from scheduling.models.offload.arrays import Choice, compile_offload
from scheduling.models.offload.bounds import shared_service
from scheduling.models.offload.delays import (
    Job,
    costs,
    exact_delay,
    marginal_delay,
    sharing_completions,
    total_delay,
)
from scheduling.models.offload.problem import Assignment, OffloadProblem
from scheduling.models.offload.solution import OffloadSolution
from scheduling.report.charts import write_chart
from scheduling.report.offload.chart import bars, sentence
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.offload.front import exact_front, volume
from scheduling.solvers.offload.relaxation import Offers, Overlap, Queue, raise_bound
from scheduling.solvers.offload.rules import (
    ant_colony,
    greedy,
    greedy_front,
    least_loaded,
    round_robin,
)
from tests.properties import examples
from tests.solving import solve

jobs_lists = st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 4)), min_size=1, max_size=7)


@examples(60)
@given(jobs_lists)
def test_shared_servers_conserve_work(jobs: list[Job]) -> None:
    ends = sharing_completions(jobs)
    now = 0.0
    for arrival, work in sorted(jobs):
        now = max(now, arrival) + work
    assert max(ends) == pytest.approx(now)
    for end, (arrival, work) in zip(ends, jobs, strict=True):
        assert end >= arrival + work - 1e-9


@examples(60)
@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0.01, 3)), max_size=6), st.floats(0.01, 5))
def test_marginal_delay_in_closed_form(jobs: list[Job], work: float) -> None:
    now = 2.0
    rests = _rests(jobs, now)
    expected = work + 2.0 * sum(min(rest, work) for rest in rests)
    assert marginal_delay(jobs, (now, work)) == pytest.approx(expected, abs=1e-9)


def _rests(jobs: list[Job], until: float) -> list[float]:
    """Serve all present jobs equally in the small steps between arrivals and completions."""
    rest = [work for _, work in jobs]
    now = 0.0
    while now < until:
        present = [k for k, (a, _) in enumerate(jobs) if a <= now and rest[k] > 1e-15]
        cuts = [a - now for a, _ in jobs if a > now] + [until - now]
        step = min(cuts)
        if present:
            step = min(step, min(rest[k] for k in present) * len(present))
            for k in present:
                rest[k] -= step / len(present)
        now += step
    return [max(0.0, value) for value in rest]


@examples(20)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3))
def test_the_front_is_that_of_all_assignments(seed: int, tasks: int, servers: int) -> None:
    problem = mobile_tasks(tasks=tasks, servers=servers, gap=0.2, seed=seed)
    found = exact_front(problem)
    every = {one: costs(problem, one) for one in product(range(servers), repeat=tasks)}
    for point in found:
        delay, energy = every[point.assignment]
        assert (point.delay_seconds, point.joules) == pytest.approx((delay, energy))
    for delay, energy in every.values():
        assert any(
            point.delay_seconds <= delay + 1e-9 and point.joules <= energy + 1e-9 for point in found
        )
    pairs = list(pairwise(found))
    assert all(a.delay_seconds <= b.delay_seconds and a.joules > b.joules for a, b in pairs)


def test_greedy_reaches_nine_tenths_of_the_exact_area() -> None:
    for seed in range(3):
        problem = mobile_tasks(tasks=12, servers=3, seed=seed)
        best, found = exact_front(problem), greedy_front(problem)
        baselines = [costs(problem, rule(problem)) for rule in (round_robin, least_loaded)]
        points = [*((p.delay_seconds, p.joules) for p in (*best, *found)), *baselines]
        reference = 1.1 * max(p[0] for p in points), 1.1 * max(p[1] for p in points)
        assert 0.9 <= volume(found, reference) / volume(best, reference) <= 1.0


def test_greedy_at_its_ends() -> None:
    problem = mobile_tasks(tasks=6, servers=3, seed=1)
    saving = greedy(problem, 0.0)
    least = sum(min(offer.joules for offer in task.offers) for task in problem.tasks)
    assert costs(problem, saving)[1] == pytest.approx(least)
    assert costs(problem, greedy(problem, 1.0))[0] <= costs(problem, saving)[0]


def test_ants_are_at_least_as_good_as_where_they_start() -> None:
    problem = mobile_tasks(tasks=8, servers=3, gap=0.1, seed=2)
    first = tuple(
        min(range(3), key=lambda k: task.offers[k].upload_seconds + task.offers[k].work_seconds)
        for task in problem.tasks
    )
    found = ant_colony(problem, 1.0, seed=5)
    assert costs(problem, found)[0] < costs(problem, first)[0]
    assert found == ant_colony(problem, 1.0, seed=5)


def test_equal_jobs_share_equally() -> None:
    assert sharing_completions([(0.0, 1.0), (0.0, 1.0)]) == [2.0, 2.0]
    assert sharing_completions([(0.0, 2.0), (1.0, 1.0), (9.0, 1.0)]) == [3.0, 3.0, 10.0]
    assert total_delay([(0.0, 2.0), (1.0, 1.0)]) == 5.0


@st.composite
def problems(draw: st.DrawFn) -> OffloadProblem:
    """Draw a few tasks on up to three servers, some with a limit."""
    servers = draw(st.integers(1, 3))
    unit = draw(st.sampled_from([1.0, 10.0]))
    few = st.integers(0, 3).map(lambda number: number / unit)
    more = st.integers(1, 5).map(lambda number: number / unit)
    tasks = [
        {
            "id": f"t{k}",
            "arrival_seconds": draw(few),
            "offers": [
                {
                    "server": f"s{place}",
                    "upload_seconds": draw(few),
                    "work_seconds": draw(more),
                    "joules": draw(few),
                }
                for place in draw(st.permutations(range(servers)))
            ],
        }
        for k in range(draw(st.integers(1, 4)))
    ]
    goals = draw(st.sampled_from([["delay", "energy"], ["energy", "delay"], ["delay"]]))
    limits = draw(st.sampled_from([{}, {}, {"max_joules": 0.7}, {"max_delay_seconds": 9.0}]))
    return OffloadProblem.model_validate({"tasks": tasks, "goals": goals, **limits})


def _best(problem: OffloadProblem) -> tuple[float, ...] | None:
    """Try all assignments, with the delays of small steps."""
    found = []
    for one in product(*(range(len(task.offers)) for task in problem.tasks)):
        delay, joules = costs(problem, one)
        slow = problem.max_delay_seconds
        if slow is not None and delay > slow + 1e-7:
            continue
        if problem.max_joules is not None and joules > problem.max_joules + 1e-7:
            continue
        values = {"delay": round(delay, 5), "energy": round(joules, 5)}
        found.append(tuple(values[goal] for goal in problem.goals))
    return min(found, default=None)


@examples(25)
@given(problems())
def test_exact_solvers_find_the_best_of_all_assignments(problem: OffloadProblem) -> None:
    best = _best(problem)
    for name in ("cp-sat", "auto"):
        answer = solve(problem, name, work_limit=20, workers=1)
        if best is None:
            assert answer.status is Status.INFEASIBLE, name
            continue
        assert answer.status is Status.OPTIMAL, name
        values = [tier.objective for tier in answer.tiers]
        assert values == pytest.approx(best, abs=1e-5), name


@examples(20)
@given(problems())
def test_rules_are_valid_and_bounds_hold(problem: OffloadProblem) -> None:
    best = _best(problem)
    for name in ("greedy", "moves", "ant-colony", "least-loaded", "round-robin"):
        answer = solve(problem, name, work_limit=0.1, workers=1)
        assert best is not None or answer.objective is None
        if best is not None and answer.tiers:
            assert answer.tiers[0].bound <= best[0] + 1e-5
            assert best[0] <= answer.tiers[0].objective + 1e-5


@examples(40)
@given(jobs_lists)
def test_pairs_share_no_less_than_alone(jobs: list[Job]) -> None:
    chosen = [Choice(0, exact(arrival), Fraction(0), exact(work), 0) for arrival, work in jobs]
    pairs = sum(shared_service(a, b) for a, b in combinations(chosen, 2))
    relaxed = sum(choice.work for choice in chosen) + 2 * pairs
    delay = exact_delay([(choice.comes, choice.work) for choice in chosen])
    assert relaxed <= delay
    assert len(jobs) > 2 or relaxed == delay


@examples(15)
@given(problems())
def test_relaxations_bound_the_best_of_all_assignments(problem: OffloadProblem) -> None:
    best = _best(problem)
    arrays = compile_offload(problem)
    # Energy alone is known by formula; a limit of delays has a multiplier.
    owed = problem.goals[0] == "delay" or problem.max_delay_seconds is not None
    caps: tuple[int, ...] = ()
    for tier in range(len(problem.goals)):
        board: Board[Assignment] = Board(tier, caps, 0.0)
        raise_bound(arrays, board, Budget(None, None, 1, 0), "relaxation")
        if best is not None:
            assert (board.bound is not None) == (tier > 0 or owed)
            assert board.bound is None or board.bound / 1e6 <= best[tier] + 1e-5
            caps = (*caps, ceil((best[tier] + 1e-5) * 1e6))


@examples(40)
@given(jobs_lists, st.sampled_from((1.0, 0.7, 0.35)))
def test_relaxed_delays_of_one_server_are_no_more_than_its_delays(
    jobs: list[Job], share: float
) -> None:
    row = [
        {"id": f"t{k}", "arrival_seconds": comes, "offers": [{"server": "a", "joules": 0}]}
        for k, (comes, _) in enumerate(jobs)
    ]
    for entry, (_, work) in zip(row, jobs, strict=True):
        entry["offers"][0]["work_seconds"] = work  # type: ignore[index]
    offers = Offers(compile_offload(OffloadProblem.model_validate({"tasks": row})))
    for relaxed in (Overlap(offers), Queue(offers, share)):
        value, slope = relaxed(np.ones(len(jobs)))
        assert value <= total_delay(jobs) * (1 + 1e-9)
        fewer = np.linspace(0.2, 0.9, len(jobs))
        # Convex: the tangent at some shares is nowhere above.
        less, tangent = relaxed(fewer)
        assert less + tangent @ (1 - fewer) <= value * (1 + 1e-9)
        assert value + slope @ (fewer - 1) <= less * (1 + 1e-9)


def test_many_tasks_are_bounded_within_half() -> None:
    problem = mobile_tasks(tasks=60, servers=3, gap=0.5, seed=1)
    board: Board[Assignment] = Board(0, (), 0.0)
    raise_bound(compile_offload(problem), board, Budget(None, None, 1, 0), "relaxation")
    delay, _ = costs(problem, greedy(problem, 1.0))
    assert board.bound is not None
    assert 0.5 * delay < board.bound / 1e6 < delay


def test_each_rule_is_checked(tmp_path: Path) -> None:
    document = mobile_tasks(tasks=3, servers=2, gap=0.1, seed=3).model_dump()
    problem = OffloadProblem.model_validate(document)
    good = solve(problem, work_limit=5, workers=1)
    assert good.status is Status.OPTIMAL

    def broken(servers: list[str], **fields: Any) -> set[str]:
        sent = [{"task": f"task-{k:03d}", "server": name} for k, name in enumerate(servers)]
        answer = OffloadSolution.model_validate({**good.model_dump(), "sent": sent, **fields})
        return {violation.constraint for violation in sch.check(problem, answer)}

    names = [entry.server for entry in good.sent]
    other = ["cloud" if name != "cloud" else "edge-1" for name in names]
    assert broken(names) == set()
    assert broken(names[:2]) == {"task"}
    assert broken([*names, "cloud"]) == {"task"}
    assert broken([*names[:2], "moon"]) == {"server"}
    assert "objective" in broken(other)
    assert "status" in broken(names, status="infeasible")
    tight = problem.model_copy(update={"max_joules": good.tiers[1].objective / 2})
    assert {v.constraint for v in sch.check(tight, good)} == {"max_joules"}
    assert solve(tight.model_copy(update={"max_joules": 0.0}), work_limit=1).status == "infeasible"
    assert {bar.task for bar in bars(problem, good)} == {f"task-{k:03d}" for k in range(3)}
    assert max(bar.end for bar in bars(problem, good)) > 0
    assert sentence(problem, good).count("(proven least)") == 2
    write_chart(problem, good, tmp_path / "sent.svg")
    assert "cloud" in (tmp_path / "sent.svg").read_text(encoding="utf-8")
    assert sentence(problem, OffloadSolution(status=Status.UNKNOWN)).endswith("(unknown)")


def test_files_and_faults(tmp_path: Path) -> None:
    problem = generate("mobile-tasks", {"tasks": 4, "seed": 1})
    sch.write(problem, tmp_path / "tasks.yaml")
    assert sch.read(tmp_path / "tasks.yaml") == problem
    offer = {"server": "a", "work_seconds": 1.0, "joules": 1.0}
    with pytest.raises(InputError) as caught:
        OffloadProblem.model_validate({"tasks": [{"id": "t", "offers": [offer, offer]}]})
    assert caught.value.faults[0].place == "tasks[0].offers"
    with pytest.raises(UnsupportedError, match="greedy_front"):
        exact_front(mobile_tasks(tasks=30))
