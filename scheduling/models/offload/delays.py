"""Delays of tasks on servers that share their processors equally, and what assignments cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from heapq import heappop, heappush
from typing import TypeVar

from scheduling.models.offload.problem import Assignment, OffloadProblem

Job = tuple[float, float]
"""Arrival at the server and work, in seconds."""

Exactly = TypeVar("Exactly", float, Fraction)


def sharing_completions(jobs: Sequence[tuple[Exactly, Exactly]]) -> list[Exactly]:
    """Return when each job completes on a server that all jobs there share equally.

    In the coordinate of service that each job present gets, a job leaves its work after it came:
    the first to leave is the least of these.

    Parameters
    ----------
    jobs
        Arrivals and works, in any order.
    """
    order = sorted(range(len(jobs)), key=lambda k: jobs[k][0])
    ends = [arrival for arrival, _ in jobs]
    leaves: list[tuple[Exactly, int]] = []
    now = service = jobs[0][0] * 0 if jobs else None
    position = 0
    while now is not None and service is not None and (position < len(order) or leaves):
        more = position < len(order)
        if leaves:
            first = now + (leaves[0][0] - service) * len(leaves)
            if not more or first <= jobs[order[position]][0]:
                level, job = heappop(leaves)
                now, service = first, level
                ends[job] = now
                continue
        job = order[position]
        arrival, work = jobs[job]
        if leaves:
            service += (arrival - now) / len(leaves)
        now = arrival
        heappush(leaves, (service + work, job))
        position += 1
    return ends


def total_delay(jobs: Sequence[Job]) -> float:
    """Return the sum of the times that jobs spend on a server that they share equally."""
    ends = sharing_completions(jobs)
    return sum(end - arrival for end, (arrival, _) in zip(ends, jobs, strict=True))


def exact_delay(jobs: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """Return :func:`total_delay` without rounding."""
    ends = sharing_completions(jobs)
    return sum((end - job[0] for end, job in zip(ends, jobs, strict=True)), Fraction(0))


def marginal_delay(jobs: Sequence[Job], job: Job) -> float:
    """Return by how much a further job raises the sum of delays, its own among them.

    Where nothing comes later and the jobs there have the rests r at its arrival, this is
    ``work + 2 sum(min(r, work))``: it waits for the others' service as they wait for its.

    Parameters
    ----------
    jobs
        What is on the server or on its way there.
    job
        The further one.
    """
    return total_delay([*jobs, job]) - total_delay(jobs)


def costs(problem: OffloadProblem, assignment: Assignment) -> tuple[float, float]:
    """Return the sums of delays in seconds and of energies in joules.

    Parameters
    ----------
    problem
        The tasks.
    assignment
        The offer that each takes.
    """
    jobs: dict[str, list[Job]] = defaultdict(list)
    delay = energy = 0.0
    for task, chosen in zip(problem.tasks, assignment, strict=True):
        offer = task.offers[chosen]
        delay += offer.upload_seconds
        energy += offer.joules
        there = task.arrival_seconds + offer.upload_seconds
        jobs[offer.server].append((there, offer.work_seconds))
    return delay + sum(map(total_delay, jobs.values())), energy
