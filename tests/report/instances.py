"""Problems of several kinds with a schedule each, made by a small greedy of the tests' own."""

from __future__ import annotations

import random
from heapq import heappop, heappush

from scheduling.models.base import Status, TierValue, relative_gap
from scheduling.models.schedule.arrays import (
    END_END,
    END_START,
    NEVER,
    START_END,
)
from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.check import objective_values
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.report.schedule.usage import level


class _Timeline:
    """Free units of one resource over time, as a sorted list of steps."""

    def __init__(self, steps: list[tuple[int, int]]) -> None:
        self.steps = list(steps)

    def conflict(self, start: int, end: int, amount: int) -> int | None:
        """End of the last step in [start, end) that has too little, or None."""
        found = None
        for number in range(len(self.steps) - 1, -1, -1):
            time, free = self.steps[number]
            if time < end and free < amount:
                stop = self.steps[number + 1][0] if number + 1 < len(self.steps) else NEVER
                found = stop if stop > start else None
                break
            if time <= start:
                break
        return found

    def take(self, start: int, end: int, amount: int) -> None:
        moments = sorted({start, end, *(time for time, _ in self.steps)})
        held = tuple(self.steps)
        self.steps = [
            (time, level(held, time) - (amount if start <= time < end else 0)) for time in moments
        ]


def greedy(problem: ScheduleProblem, bound: int | None = None) -> ScheduleSolution:
    """Place tasks one by one, in the order of the problem, each as early as possible in mode 0."""
    arrays = compile_arrays(problem)
    lines = [_Timeline(arrays.steps(r)) for r in range(arrays.n_resources)]
    incoming: dict[int, list[int]] = {}
    for link, after in enumerate(arrays.link_after.tolist()):
        incoming.setdefault(after, []).append(link)
    start = [0] * arrays.n_tasks
    end = [0] * arrays.n_tasks
    for task in range(arrays.n_tasks):
        mode = int(arrays.mode_ptr[task])
        duration = int(arrays.duration[mode])
        at = int(arrays.release[task])
        for link in incoming.get(task, []):
            before, kind = int(arrays.link_before[link]), int(arrays.link_kind[link])
            x = end[before] if kind in (END_START, END_END) else start[before]
            lag = int(arrays.link_min[link]) - (duration if kind in (END_END, START_END) else 0)
            at = max(at, x + lag)
        needs = arrays.demands(mode)
        if arrays.machine[mode] >= 0:
            needs.append((int(arrays.machine[mode]), 1))
        needs = [(r, a) for r, a in needs if arrays.resource_type[r] != 2]
        if duration:
            later: int | None = at
            while later is not None:
                at = later
                ends = (lines[r].conflict(at, at + duration, a) for r, a in needs)
                later = max((e for e in ends if e is not None), default=None)
            for r, a in needs:
                lines[r].take(at, at + duration, a)
        start[task], end[task] = at, at + duration
    tasks = tuple(
        ScheduledTask(task=name, start=start[i], end=end[i])
        for i, name in enumerate(arrays.task_ids)
    )
    return certified(problem, tasks, bound)


def certified(
    problem: ScheduleProblem, tasks: tuple[ScheduledTask, ...], bound: int | None = None
) -> ScheduleSolution:
    """Add the certificate that belongs to a schedule."""
    draft = ScheduleSolution(status=Status.FEASIBLE, tasks=tasks)
    values = objective_values(problem, draft)
    tiers = tuple(
        TierValue(name=tier.name, objective=value, bound=bound, gap=relative_gap(value, bound))
        for tier, value in zip(problem.objective.tiers, values, strict=True)
    )
    closed = all(tier.closed for tier in tiers)
    return ScheduleSolution(
        problem=problem.name,
        status=Status.OPTIMAL if closed else Status.FEASIBLE,
        objective=tiers[0].objective,
        bound=tiers[0].bound,
        gap=tiers[0].gap,
        tiers=tiers,
        solver="greedy",
        seconds=0.25,
        tasks=tasks,
    )


def job_shop(jobs: int, machines: int, *, seed: int = 1, due: bool = False) -> ScheduleProblem:
    """Build a random job shop; with ``due`` every job has a due date, some of them hard to keep."""
    rng = random.Random(seed)
    model = ScheduleModel(f"job shop {jobs} x {machines}")
    names = [model.add_machine(f"M{m + 1}") for m in range(machines)]
    for number in range(jobs):
        job = model.add_job(
            f"J{number + 1}", chain=True, due=rng.randint(10, 12) * machines if due else None
        )
        for machine in rng.sample(names, machines):
            model.add_task(job, duration=rng.randint(2, 20), machine=machine)
    return model.build()


def quick_job_shop(jobs: int, machines: int) -> tuple[ScheduleProblem, ScheduleSolution]:
    """Build a large job shop with a dense schedule at once: first come, first served."""
    rng = random.Random(5)
    model = ScheduleModel(f"job shop {jobs} x {machines}")
    names = [model.add_machine(f"machine {m + 1}") for m in range(machines)]
    plans = []
    for number in range(jobs):
        due = 14 * max(jobs, machines) + rng.randint(-200, 400)
        job = model.add_job(f"job {number + 1}", chain=True, due=due)
        route = rng.sample(range(machines), machines)
        durations = [rng.randint(3, 20) for _ in route]
        tasks = [
            model.add_task(job, duration=duration, machine=names[machine])
            for machine, duration in zip(route, durations, strict=True)
        ]
        plans.append(list(zip(tasks, route, durations, strict=True)))
    free = [0] * machines
    entries: list[ScheduledTask] = []
    waiting = [(0, number, 0) for number in range(jobs)]
    while waiting:
        ready, number, step = heappop(waiting)
        task, machine, duration = plans[number][step]
        start = max(ready, free[machine])
        free[machine] = start + duration
        entries.append(ScheduledTask(task=task, start=start, end=free[machine]))
        if step + 1 < machines:
            heappush(waiting, (free[machine], number, step + 1))
    last = max(free)
    bound = 23 * max(jobs, machines) // 2
    solution = certified(model.build(), tuple(entries), bound)
    history = ((0.1, last * 5 // 4, None), (0.6, last + 40, bound - 90), (2.5, last, bound))
    return model.build(), solution.model_copy(update={"history": history, "seconds": 3.1})


def shop_with_breaks() -> ScheduleProblem:
    """Build fifteen tasks on five machines, with nights and a maintenance, some jobs late."""
    rng = random.Random(7)
    model = ScheduleModel("workshop week")
    nights = model.add_calendar([(16, 24), (40, 48), (64, 72), (88, 96)], name="nights")
    service = model.add_calendar([(10, 14), (52, 60)], name="service")
    names = ["saw", "lathe", "mill", "drill", "paint"]
    for name in names:
        model.add_machine(name, calendar=service if name == "mill" else nights)
    for number, due in enumerate((30, 52, 40)):
        job = model.add_job(f"order {number + 1}", chain=True, due=due)
        for name in rng.sample(names, 5):
            model.add_task(job, duration=rng.randint(3, 7), machine=name)
    model.minimize({"total_tardiness": 1, "makespan": 1})
    return model.build()


def project() -> ScheduleProblem:
    """Build a project of one job: renewable resources with breaks, a stock, lags, milestones."""
    rng = random.Random(3)
    model = ScheduleModel("house")
    weekend = model.add_calendar([(5, 7), (12, 14), (19, 21), (26, 28)], name="weekend")
    crew = model.add_renewable(4, steps=[(14, 6)], calendar=weekend, name="crew")
    crane = model.add_renewable(1, name="crane")
    money = model.add_consumable(100, name="budget")
    job = model.add_job("house")
    first = model.add_task(job, duration=0, name="start")
    ends = [first]
    for number in range(18):
        demands = {crew: rng.randint(1, 4), money: rng.randint(1, 5)}
        if number % 3 == 0:
            demands[crane] = 1
        task = model.add_task(
            job, duration=rng.randint(1, 4), demands=demands, name=f"step {number + 1}"
        )
        for before in rng.sample(ends, min(2, len(ends))):
            model.add_precedence(before, task, min_lag=rng.choice([0, 0, 1]))
        ends.append(task)
    finish = model.add_task(job, duration=0, name="handover")
    for before in ends:
        model.add_precedence(before, finish)
    return model.build()


def multi_mode() -> ScheduleProblem:
    """Build jobs whose tasks have alternatives in machine, duration and demand."""
    model = ScheduleModel("flexible")
    a, b = model.add_machine("A"), model.add_machine("B")
    power = model.add_renewable(3, name="power")
    for number in range(4):
        job = model.add_job(f"part {number + 1}", chain=True, due=9)
        for _ in range(2):
            task = model.add_task(job)
            model.add_mode(task, duration=3, machine=(a, b)[number % 2], demands={power: 2})
            model.add_mode(task, duration=5, machine=b)
    return model.build()


def single_machine() -> ScheduleProblem:
    """Build one machine with released jobs and due dates."""
    model = ScheduleModel("one machine")
    press = model.add_machine("press")
    for number, (release, duration, due) in enumerate([(0, 4, 6), (2, 3, 5), (9, 5, 20)]):
        job = model.add_job(f"job {number + 1}", release=release, due=due, weight=number + 1)
        model.add_task(job, duration=duration, machine=press)
    model.minimize("total_tardiness")
    return model.build()


def slow_shop() -> ScheduleProblem:
    """Return one machine that goes at half speed from 6 to 8 of every 10, and rests until 10."""
    model = ScheduleModel()
    day = model.add_calendar(period=10, periodic=[(6, 8, 50), (8, 10)])
    machine = model.add_machine("saw", calendar=day)
    for name in ("x", "y", "z"):
        job = model.add_job(name)
        model.add_task(job, duration=5, machine=machine, name=name)
    return model.build()
