"""Gangs in arrays: classes of their items, how many at least, and in one domain of which label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scheduling.models.placement.problem import Item, PlacementProblem


@dataclass(frozen=True, slots=True)
class GangRule:
    """A gang.

    Attributes
    ----------
    ran, pending
        Classes of its items that run and of those that are pending.
    least
        Fewest items that are placed together; ``None``: all.
    domains
        Index of the domains of which one holds all its placed items, as soon as one of them
        arrives; ``None``: it may stand anywhere.
    """

    ran: tuple[int, ...]
    pending: tuple[int, ...]
    least: int | None = None
    domains: int | None = None

    @property
    def classes(self) -> tuple[int, ...]:
        """All its classes."""
        return (*self.ran, *self.pending)


def compile_gangs(
    problem: PlacementProblem, samples: Sequence[Item], domain: Callable[[str], int]
) -> tuple[GangRule, ...]:
    """Return the gangs of a problem.

    Parameters
    ----------
    problem
        The problem.
    samples
        One item of each class.
    domain
        From a label to the index of its domains.
    """
    stated = {gang.id: gang for gang in problem.gangs}
    found: dict[str, tuple[list[int], list[int]]] = {}
    for number, item in enumerate(samples):
        if item.gang is not None:
            pair = found.setdefault(item.gang, ([], []))
            pair[item.node is None].append(number)
    rules = []
    for name, (ran, pending) in found.items():
        gang = stated.get(name)
        topology = None if gang is None else gang.topology
        rules.append(
            GangRule(
                tuple(ran),
                tuple(pending),
                None if gang is None else gang.least,
                None if topology is None else domain(topology),
            )
        )
    return tuple(rules)
