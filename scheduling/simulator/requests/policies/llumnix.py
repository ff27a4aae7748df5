"""Llumnix: requests go, and move while they run, by the freeness of instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.simulator.requests.clock import nanoseconds
from scheduling.simulator.requests.live import State
from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.movable import MovableInstance


def demand(instance: Instance, now: int) -> int:
    """Return the blocks that the head of a queue needs; 0 when nobody waits."""
    waiting = instance.queue(now)
    return instance.memory.blocks(waiting[0].target) if waiting else 0


def freeness(instance: Instance, now: int) -> float:
    """Return Llumnix' freeness: blocks left a request, ``(M - sum of V) / B``.

    The virtual usage V of a running request is its blocks, that of the head of the queue what it
    needs to begin; B is the number of running requests, at least 1. Below 0 the head cannot begin.
    """
    batch = len(instance.decoding) + len(instance.prefilling) + instance.moving
    return (instance.free_at(now) - demand(instance, now)) / max(1, batch)


class Freeness:
    """The instance with the most freeness; of several, that with the fewest requests.

    Llumnix' dispatching (Sun and others, OSDI 2024) without its migration.
    """

    name = "freeness"
    provenance: Provenance = "paper"

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the freest one."""
        del request
        return max(candidates, key=lambda one: (freeness(one, now), -one.outstanding))


@dataclass(frozen=True)
class Llumnix(Freeness):
    """Dispatching and live migration by freeness (Llumnix, Sun and others, OSDI 2024).

    At every look the instances with less freeness than one threshold are paired, the worst with
    the best, with those that have more than another. Of each pair the shortest running request
    moves, if it fits and the difference between the two shrinks (the released code's balanced
    variant).

    Parameters
    ----------
    interval_seconds
        Between two looks.
    low, high
        Blocks a request below which an instance gives requests away, and above which it takes
        them.

    Raises
    ------
    InputError
        For an interval that is not positive, or ``high`` below ``low``.
    """

    interval_seconds: float = 0.1
    low: float = 3.0
    high: float = 5.0

    name = "llumnix"
    provenance: Provenance = "code"

    def __post_init__(self) -> None:
        if not 0 < self.interval_seconds < float("inf"):
            found = str(self.interval_seconds)
            raise InputError.single("interval_seconds", found, "a positive number")
        if self.high < self.low:
            raise InputError.single("high", str(self.high), f"at least low, {self.low}")

    @property
    def interval_ns(self) -> int:
        """Time between two looks."""
        return max(1, nanoseconds(self.interval_seconds))

    def moves(
        self, instances: Sequence[MovableInstance], now: int
    ) -> list[tuple[Live, MovableInstance, MovableInstance]]:
        """Return the shortest request of each instance that is too full, with where it goes."""
        ranked = sorted((freeness(one, now), one.index, one) for one in instances)
        givers = [entry for entry in ranked if entry[0] < self.low]
        takers = [entry for entry in reversed(ranked) if entry[0] > self.high]
        found = []
        for (least, _, giver), (most, _, taker) in zip(givers, takers, strict=False):
            running = [one for one in giver.decoding.values() if one.state is State.DECODING]
            if not running:
                continue
            shortest = min(running, key=lambda one: (giver.tokens_at(one, now), one.row))
            blocks = giver.memory.blocks(giver.tokens_at(shortest, now))
            fits = taker.free_at(now) >= blocks
            if (
                fits
                and abs(_after(taker, blocks, now) - _after(giver, -blocks, now)) < most - least
            ):
                found.append((shortest, giver, taker))
        return found


def _after(instance: MovableInstance, blocks: int, now: int) -> float:
    """Return the freeness of an instance once a request of so many blocks has come, or gone."""
    batch = len(instance.decoding) + len(instance.prefilling) + instance.moving
    batch += 1 if blocks > 0 else -1
    return (instance.free_at(now) - blocks - demand(instance, now)) / max(1, batch)
