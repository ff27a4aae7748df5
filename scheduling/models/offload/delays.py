"""Delays of tasks on servers that share their processors equally, and what assignments cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import heappop, heappush

from scheduling.models.offload.problem import Assignment, OffloadProblem

Job = tuple[float, float]
"""Arrival at the server and work, in seconds."""


def sharing_completions(jobs: Sequence[Job]) -> list[float]:
    """Return when each job completes on a server that all jobs there share equally.

    In the coordinate of service that each job present gets, a job leaves its work after it came:
    the first to leave is the least of these.

    Parameters
    ----------
    jobs
        Arrivals and works, in any order.
    """
    order = sorted(range(len(jobs)), key=lambda k: jobs[k][0])
    ends = [0.0] * len(jobs)
    leaves: list[tuple[float, int]] = []
    now = service = 0.0
    position = 0
    while position < len(order) or leaves:
        arrival = jobs[order[position]][0] if position < len(order) else float("inf")
        if leaves and now + (leaves[0][0] - service) * len(leaves) <= arrival:
            level, job = heappop(leaves)
            now += (level - service) * (len(leaves) + 1)
            service = level
            ends[job] = now
            continue
        if leaves:
            service += (arrival - now) / len(leaves)
        now = arrival
        job = order[position]
        heappush(leaves, (service + jobs[job][1], job))
        position += 1
    return ends


def total_delay(jobs: Sequence[Job]) -> float:
    """Return the sum of the times that jobs spend on a server that they share equally."""
    ends = sharing_completions(jobs)
    return sum(end - arrival for end, (arrival, _) in zip(ends, jobs, strict=True))


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
