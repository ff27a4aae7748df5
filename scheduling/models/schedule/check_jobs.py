"""The part of the checker that looks at jobs: chains, no-wait, transports, modes, order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

from scheduling.models.base import Violation
from scheduling.models.schedule.check_resources import Placed
from scheduling.models.schedule.problem import Job, ScheduleProblem

Times = dict[tuple[str | None, str | None], int]


def job_violations(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    """Yield every break of a chain, of no-wait, of a common mode and of a common order."""
    times: Times = {(entry.origin, entry.destination): entry.time for entry in problem.transports}
    for job in problem.jobs:
        items = [placed[task.id] for task in job.tasks if task.id in placed]
        there = all(task.optional or task.id in placed for task in job.tasks)
        if job.chain and there:
            yield from _chain(job, items, times)
        if job.same_mode and len({item.index for item in items}) > 1:
            yield Violation("same mode", f"job {job.id!r}")
    for group in problem.same_order:
        for first, second in combinations(group, 2):
            yield from _order(first, second, placed)


def _chain(job: Job, items: list[Placed], times: Times) -> Iterator[Violation]:
    for before, after in pairwise(items):
        where = f"chain of job {job.id!r}: {before.task.id!r} before {after.task.id!r}"
        move = times.get((before.mode.machine, after.mode.machine), 0)
        early = before.end + move - after.start
        if early > 0:
            kind = "transport" if move and after.start >= before.end else "precedence"
            yield Violation(kind, where, early, "time units")
        elif job.no_wait and after.start > before.end:
            yield Violation("no-wait", where, after.start - before.end, "time units")


def _order(first: str, second: str, placed: dict[str, Placed]) -> Iterator[Violation]:
    """Compare the orders of start of the jobs that visit both machines; ties fit any order."""
    starts: dict[str, dict[str, int]] = {first: {}, second: {}}
    for item in placed.values():
        if item.mode.machine in starts:
            starts[item.mode.machine][item.job.id] = item.start
    shared = starts[first].keys() & starts[second].keys()
    rows = sorted((starts[first][job], starts[second][job], job) for job in shared)
    latest: tuple[int, str] | None = None
    waiting: list[tuple[int, str]] = []
    moment: int | None = None
    for here, there, job in rows:
        if here != moment:
            latest = max([*waiting, *([latest] if latest else [])], default=None)
            waiting, moment = [], here
        if latest is not None and latest[0] > there:
            yield Violation("same order", f"{first!r} and {second!r}: {latest[1]!r} and {job!r}")
        waiting.append((there, job))
