"""Offers in whole microseconds and microjoules, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from scheduling.models.exact import exact
from scheduling.models.offload.delays import exact_delay, total_delay
from scheduling.models.offload.problem import MILLION, Assignment, Offer, OffloadProblem

_SURE = 1e-3
"""Microseconds from a whole number at which a float's rounding is certain."""

_LONG = 1e9
"""Microseconds up to which floats are as exact as that."""


class Choice(NamedTuple):
    """An offer: its server's number, arrival there, upload and work in seconds, microjoules."""

    server: int
    comes: Fraction
    upload: Fraction
    work: Fraction
    energy: int


@dataclass(frozen=True, eq=False)
class OffloadArrays:
    """Offers by task.

    Attributes
    ----------
    tasks
        The offers of each task.
    servers
        Number of servers.
    goals
        Names of the tiers.
    most_delay, most_energy
        Limits in microseconds and microjoules; ``None``: none.
    """

    tasks: list[list[Choice]]
    servers: int
    goals: tuple[str, ...]
    most_delay: int | None
    most_energy: int | None
    _known: dict[tuple[tuple[int, int], ...], int] = field(default_factory=dict, repr=False)

    def sums(self, assignment: Assignment) -> tuple[int, int]:
        """Return microseconds and microjoules of all tasks."""
        groups = self.groups(assignment)
        energy = sum(row[k].energy for row, k in zip(self.tasks, assignment, strict=True))
        return sum(map(self.delay, groups)), energy

    def groups(self, assignment: Assignment) -> list[tuple[tuple[int, int], ...]]:
        """Return the tasks of each server with the offers that they take."""
        found: list[list[tuple[int, int]]] = [[] for _ in range(self.servers)]
        for task, offer in enumerate(assignment):
            found[self.tasks[task][offer].server].append((task, offer))
        return [tuple(group) for group in found]

    def delay(self, group: tuple[tuple[int, int], ...]) -> int:
        """Return the sum of the delays of a server's tasks in microseconds, rounded up."""
        known = self._known.get(group)
        if known is None:
            known = self._known[group] = self._delay([self.tasks[task][k] for task, k in group])
        return known

    def _delay(self, chosen: list[Choice]) -> int:
        rough = MILLION * total_delay([(float(c.comes), float(c.work)) for c in chosen])
        rough += MILLION * float(sum(c.upload for c in chosen))
        latest = max((float(c.comes) for c in chosen), default=0.0)
        near = abs(rough - round(rough)) < _SURE
        if not near and max(rough, latest * MILLION * len(chosen)) < _LONG:
            return ceil(rough)
        exactly = exact_delay([(c.comes, c.work) for c in chosen])
        return ceil((exactly + sum(c.upload for c in chosen)) * MILLION)

    def allows(self, delay: int, energy: int) -> bool:
        """Tell whether sums keep the limits."""
        slow = self.most_delay is not None and delay > self.most_delay
        return not slow and (self.most_energy is None or energy <= self.most_energy)


def compile_offload(problem: OffloadProblem) -> OffloadArrays:
    """Translate a problem into whole numbers."""
    number = {name: place for place, name in enumerate(problem.servers)}
    most_delay, most_energy = problem.max_delay_seconds, problem.max_joules
    return OffloadArrays(
        tasks=[
            [
                _choice(number[offer.server], begin, offer)
                for begin in [exact(task.arrival_seconds)]
                for offer in task.offers
            ]
            for task in problem.tasks
        ],
        servers=len(number),
        goals=tuple(problem.goals),
        most_delay=None if most_delay is None else floor(exact(most_delay) * MILLION),
        most_energy=None if most_energy is None else floor(exact(most_energy) * MILLION),
    )


def _choice(server: int, begin: Fraction, offer: Offer) -> Choice:
    upload = exact(offer.upload_seconds)
    energy = ceil(exact(offer.joules) * MILLION)
    return Choice(server, begin + upload, upload, exact(offer.work_seconds), energy)
