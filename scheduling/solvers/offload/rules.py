"""Rules for tasks as they come (least marginal cost, round robin, load), and an ant colony."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from scheduling.models.offload.delays import Job, costs, marginal_delay
from scheduling.models.offload.problem import Assignment, OffloadProblem, OffloadTask
from scheduling.solvers.offload.front import Tradeoff, front_of

_WEIGHTS = 101
_ANTS, _ROUNDS = 10, 30
_EVAPORATION = 0.1
_SMALL = 1e-12


def greedy(problem: OffloadProblem, weight: float) -> Assignment:
    """Send each task, as it comes, where it raises the weighted cost least.

    The cost is ``weight * delay + (1 - weight) * energy``, each over what the tasks take on the
    average of their servers alone; the delay counts what the task adds to those that are there or
    on their way (GMORL's reward, arXiv 2509.10474, without learning).

    Parameters
    ----------
    problem
        The tasks.
    weight
        Of the delay, from 0 to 1.
    """
    scale = _scale(problem)
    there: dict[str, list[Job]] = defaultdict(list)

    def added(task: OffloadTask, number: int) -> float:
        offer = task.offers[number]
        job = task.arrival_seconds + offer.upload_seconds, offer.work_seconds
        delay = offer.upload_seconds + marginal_delay(there[offer.server], job)
        return weight * delay / scale[0] + (1.0 - weight) * offer.joules / scale[1]

    chosen = [0] * len(problem.tasks)
    for k in _by_arrival(problem):
        task = problem.tasks[k]
        chosen[k] = min(range(len(task.offers)), key=lambda number: added(task, number))
        offer = task.offers[chosen[k]]
        there[offer.server].append(
            (task.arrival_seconds + offer.upload_seconds, offer.work_seconds)
        )
    return tuple(chosen)


def greedy_front(problem: OffloadProblem, weights: int = _WEIGHTS) -> list[Tradeoff]:
    """Return the front of :func:`greedy` over evenly spaced weights.

    Parameters
    ----------
    problem
        The tasks.
    weights
        How many, 0 and 1 among them.
    """
    spaced = np.linspace(0.0, 1.0, weights).tolist()
    return front_of(problem, [greedy(problem, weight) for weight in spaced])


def round_robin(problem: OffloadProblem) -> Assignment:
    """Send tasks to their servers in turn."""
    chosen = [0] * len(problem.tasks)
    for position, k in enumerate(_by_arrival(problem)):
        chosen[k] = position % len(problem.tasks[k].offers)
    return tuple(chosen)


def least_loaded(problem: OffloadProblem) -> Assignment:
    """Send each task, as it comes, where it alone would be done first by the work sent so far."""
    free: dict[str, float] = defaultdict(float)
    chosen = [0] * len(problem.tasks)
    for k in _by_arrival(problem):
        task = problem.tasks[k]
        ends = [
            max(free[offer.server], task.arrival_seconds + offer.upload_seconds)
            + offer.work_seconds
            for offer in task.offers
        ]
        chosen[k] = ends.index(min(ends))
        free[task.offers[chosen[k]].server] = ends[chosen[k]]
    return tuple(chosen)


def ant_colony(problem: OffloadProblem, weight: float, *, seed: int = 0) -> Assignment:
    """Search assignments by pheromones over the time that tasks take alone (arXiv 2508.04334).

    Ants choose offers with probability proportional to pheromone over upload and work; the best
    so far leaves pheromone, and a tenth evaporates. The learned part of that system is not known
    in detail and left out.

    Parameters
    ----------
    problem
        The tasks; all are known beforehand.
    weight
        Of the delay, from 0 to 1, as of :func:`greedy`.
    seed
        Seed of the ants.
    """
    rng = np.random.default_rng(seed)
    scale = _scale(problem)
    wish = [
        np.array([1.0 / (offer.upload_seconds + offer.work_seconds) for offer in task.offers])
        for task in problem.tasks
    ]
    trail = [np.ones(len(task.offers)) for task in problem.tasks]
    best: Assignment = tuple(int(row.argmax()) for row in wish)
    least = _cost(problem, best, weight, scale)
    for _ in range(_ROUNDS):
        for _ in range(_ANTS):
            ant = tuple(
                int(rng.choice(len(row), p=row * mark / (row * mark).sum()))
                for row, mark in zip(wish, trail, strict=True)
            )
            cost = _cost(problem, ant, weight, scale)
            if cost < least:
                best, least = ant, cost
        trail = [mark * (1.0 - _EVAPORATION) for mark in trail]
        for mark, chosen in zip(trail, best, strict=True):
            mark[chosen] += _EVAPORATION * len(mark)
    return best


def _cost(
    problem: OffloadProblem, assignment: Assignment, weight: float, scale: tuple[float, float]
) -> float:
    delay, energy = costs(problem, assignment)
    return weight * delay / scale[0] + (1.0 - weight) * energy / scale[1]


def _scale(problem: OffloadProblem) -> tuple[float, float]:
    """Return the mean time and energy of an offer when it is alone."""
    offers = [offer for task in problem.tasks for offer in task.offers]
    seconds = sum(offer.upload_seconds + offer.work_seconds for offer in offers) / len(offers)
    joules = sum(offer.joules for offer in offers) / len(offers)
    return seconds, max(joules, _SMALL)


def _by_arrival(problem: OffloadProblem) -> list[int]:
    return sorted(range(len(problem.tasks)), key=lambda k: problem.tasks[k].arrival_seconds)
