"""The exact front of delay and energy, by tables of every set of tasks on every server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import UnsupportedError
from scheduling.models.offload.delays import Job, costs, total_delay
from scheduling.models.offload.problem import Assignment, OffloadProblem
from scheduling.solvers.boxes import Vector, hypervolume

MOST_ASSIGNMENTS = 2_000_000
MOST_SETS = 100_000
_UNIT = 1e-6


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """An assignment with its sums.

    Parameters
    ----------
    delay_seconds, joules
        Sum of delays, sum of energies.
    assignment
        The offer that each task takes.
    """

    delay_seconds: float
    joules: float
    assignment: Assignment


def exact_front(problem: OffloadProblem) -> list[Tradeoff]:
    """Return the assignments that no other one beats in delay and energy, by rising delay.

    The delays on a server depend on the set of its tasks alone: they are tabled once for each set,
    and each assignment is a sum of tables.

    Raises
    ------
    UnsupportedError
        Above about two million assignments, or 100,000 sets.
    """
    count = len(problem.tasks)
    sizes = [len(task.offers) for task in problem.tasks]
    total = int(np.prod(sizes, dtype=np.float64))
    if total > MOST_ASSIGNMENTS or len(problem.servers) << count > MOST_SETS:
        found = f"{total} assignments of {count} tasks"
        raise UnsupportedError(f"{found} are too many for the exact front; use greedy_front")
    chosen = np.stack(np.unravel_index(np.arange(total), sizes), axis=1)
    delay = np.zeros(total)
    energy = np.zeros(total)
    for k, task in enumerate(problem.tasks):
        delay += np.array([offer.upload_seconds for offer in task.offers])[chosen[:, k]]
        energy += np.array([offer.joules for offer in task.offers])[chosen[:, k]]
    for server in problem.servers:
        delay += _delays(problem, server)[_sets(problem, server, chosen)]
    order = np.lexsort((energy, delay))
    least = np.minimum.accumulate(energy[order])
    better = np.concatenate(([True], energy[order][1:] < least[:-1]))
    return [
        Tradeoff(float(delay[k]), float(energy[k]), tuple(chosen[k].tolist()))
        for k in order[better].tolist()
    ]


def _sets(problem: OffloadProblem, server: str, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which tasks each assignment puts on a server, a bit a task."""
    inside = np.zeros(len(chosen), np.int64)
    for k, task in enumerate(problem.tasks):
        here = np.array([offer.server == server for offer in task.offers])
        inside |= here[chosen[:, k]].astype(np.int64) << k
    return inside


def _delays(problem: OffloadProblem, server: str) -> NDArray[np.float64]:
    """Return the sum of delays on a server for each set of tasks; 0 where one cannot be there."""
    jobs: list[Job | None] = []
    for task in problem.tasks:
        offer = next((offer for offer in task.offers if offer.server == server), None)
        there = None
        if offer is not None:
            there = task.arrival_seconds + offer.upload_seconds, offer.work_seconds
        jobs.append(there)
    table = np.zeros(1 << len(jobs))
    for mask in range(1, len(table)):
        inside = [job for k, job in enumerate(jobs) if mask >> k & 1]
        present = [job for job in inside if job is not None]
        if len(present) == len(inside):
            table[mask] = total_delay(present)
    return table


def front_of(problem: OffloadProblem, assignments: Iterable[Assignment]) -> list[Tradeoff]:
    """Return those of some assignments that none of them beats, by rising delay."""
    found = sorted((*costs(problem, one), one) for one in set(assignments))
    kept: list[Tradeoff] = []
    for delay, energy, one in found:
        if not kept or energy < kept[-1].joules:
            kept.append(Tradeoff(delay, energy, one))
    return kept


def volume(front: Sequence[Tradeoff], reference: tuple[float, float]) -> float:
    """Return the area that a front dominates below a reference of delay and energy.

    Parameters
    ----------
    front
        Assignments with their sums.
    reference
        Delay in seconds and energy in joules.
    """
    points: list[Vector] = [_whole((point.delay_seconds, point.joules)) for point in front]
    return hypervolume(points, _whole(reference)) * _UNIT * _UNIT


def _whole(point: tuple[float, float]) -> Vector:
    return tuple(round(value / _UNIT) for value in point)
