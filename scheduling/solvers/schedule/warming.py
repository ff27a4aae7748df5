"""The family's kernels, and what compiles them."""

from __future__ import annotations

import time

from scheduling.models.schedule.arrays import NEVER, ScheduleArrays
from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.disjunctive import whole_chains
from scheduling.solvers.schedule.family import FAMILY, Candidate, CompiledSchedule
from scheduling.solvers.warmup import Kernels

_WORK = 0.01
_MOVES = 50


def _shop(*, flexible: bool = False, blocking: bool = False) -> ScheduleProblem:
    model = ScheduleModel()
    machines = [model.add_machine() for _ in range(3)]
    for number in range(3):
        job = model.add_job(chain=True, due=5, blocking=blocking)
        for step in range(3):
            task = model.add_task(job)
            for choice in range(2 if flexible else 1):
                machine = machines[(number + step * (1 + number % 2) + choice) % 3]
                model.add_mode(task, duration=2 + (number * step) % 3, machine=machine)
    return model.build()


def _project(objective: str) -> ScheduleProblem:
    model = ScheduleModel()
    crew, stock = model.add_renewable(2), model.add_consumable(20)
    for number in range(4):
        job = model.add_job(due=3)
        task = model.add_task(job, duration=2, demands={crew: 1 + number % 2, stock: 1})
        model.add_mode(task, duration=3, demands={crew: 1})
    model.minimize(objective)
    return model.build()


def _single_machine(weights: tuple[int, ...]) -> ScheduleProblem:
    model = ScheduleModel()
    machine = model.add_machine()
    for number, weight in enumerate(weights):
        job = model.add_job(due=2 + number, weight=weight)
        model.add_task(job, duration=3 + number % 3, machine=machine)
    model.minimize("total_tardiness")
    return model.build()


def _late_jobs(count: int, weights: int) -> ScheduleProblem:
    model = ScheduleModel()
    machine = model.add_machine()
    for number in range(count):
        job = model.add_job(due=1 + number * 37 % 113, weight=1 + number * 3 % weights)
        model.add_task(job, duration=1 + number * 29 % 19, machine=machine)
    model.minimize("total_tardiness")
    return model.build()


def _search(problem: ScheduleProblem, name: str, work: float = _WORK) -> None:
    """Let a solver work on a board without bounds, so that nothing ends it before its kernels."""
    data = CompiledSchedule(problem)
    board: Board[Candidate] = Board(0, (), time.monotonic())
    FAMILY.solver(name).search(data, board, Budget(None, work, 1, 0), None)


def _walk(problem: ScheduleProblem) -> None:
    """Walk, and begin again from a schedule of elsewhere: bounds must not end that too early."""
    from scheduling.solvers.schedule.tabu import walk_maker

    _search(problem, "tabu")
    walk = walk_maker(CompiledSchedule(problem).arrays, 0)(0)
    for _ in range(2):
        walk.advance(_MOVES, -NEVER)
        walk.inject(walk.best())


def _job_shop() -> None:
    _walk(_shop())


def _flexible_shop() -> None:
    _walk(_shop(flexible=True))


def _learned_rule() -> None:
    _search(_shop(), "dispatch:learned")


def _blocking_shop() -> None:
    _search(_shop(blocking=True), "blocking")


def _flow_line() -> None:
    _search(_single_machine((1,) * 3), "iterated-greedy")


def _projects() -> None:
    _search(_project("makespan"), "sgs")
    _search(_project("makespan"), "genetic")


def _late() -> None:
    # Equal weights are decomposed; others are searched and priced, and as prices alone do not
    # settle these, their network is refined.
    for weights in (1, 7):
        _search(_late_jobs(40, weights), "tardiness", 3.0)


def _relaxations() -> None:
    from scheduling.solvers.schedule.mip.destructive import destructive_bound
    from scheduling.solvers.schedule.mip.relaxation import lp_bound

    for objective in ("makespan", "total_tardiness"):
        data = CompiledSchedule(_project(objective))
        board: Board[Candidate] = Board(0, (), time.monotonic())
        board.raise_bound((data.bounds() or [0])[0] or 0, "formula")
        budget = Budget(None, 1.0, 1, 0)
        destructive_bound(data, board, budget)
        lp_bound(data, board, budget)


JOB_SHOP = Kernels("jobshop", _job_shop)
FLEXIBLE = Kernels("flexible", _flexible_shop)
LEARNED = Kernels("learned", _learned_rule)
BLOCKING = Kernels("blocking", _blocking_shop)
PROJECT = Kernels("project", _projects)
BOUNDS = Kernels("bounds", _relaxations)
TARDINESS = Kernels("tardiness", _late)
PERMUTATION = Kernels("permutation", _flow_line)
GROUPS = (JOB_SHOP, FLEXIBLE, LEARNED, BLOCKING, PROJECT, BOUNDS, TARDINESS, PERMUTATION)
"""Each works once on a tiny problem."""


def tabu_kernels(arrays: ScheduleArrays) -> Kernels:
    """Return the kernels of tabu search for a problem's kind of shop."""
    return JOB_SHOP if whole_chains(arrays) else FLEXIBLE
