"""How many local steps each client makes before it sends its model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heapreplace
from typing import Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.faults import repeated

Steps = Annotated[int, Field(ge=1, le=10**6)]


class Client(Frozen):
    """A client and its speed."""

    id: Name
    seconds_per_step: Annotated[float, Field(gt=0, le=10**6)]
    noise: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.0, description="Standard deviation of the logarithm of a round's speed."
    )


class FederatedProblem(Problem):
    """Choose local steps so that the models of a group arrive close to each other.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["federated"] = "federated"
    min_steps: Steps
    max_steps: Steps
    latest_factor: Annotated[float, Field(ge=1, le=100)] = Field(
        default=1.2, description="How much longer than expected a group waits for its last model."
    )
    clients: Annotated[Many[Client], Field(min_length=1)]

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("clients", (client.id for client in self.clients))
        if self.min_steps > self.max_steps:
            yield Fault("min_steps", str(self.min_steps), f"at most max_steps, {self.max_steps}")


def least_spread(speeds: Sequence[float], least: int, most: int) -> tuple[float, tuple[int, ...]]:
    """Return steps of clients that start together with the least time between their arrivals.

    The first to arrive makes a further step as long as it may: every choice that is passed over has
    the same first arrival and a later last one. Exact in O(n (most - least) log n).

    Parameters
    ----------
    speeds
        Seconds of a step of each client.
    least, most
        Fewest and most steps.
    """
    steps = [least] * len(speeds)
    arrivals = [(least * speed, k) for k, speed in enumerate(speeds)]
    heapify(arrivals)
    last = max(arrival for arrival, _ in arrivals)
    spread, best = last - arrivals[0][0], tuple(steps)
    while True:
        _, first = arrivals[0]
        if steps[first] == most:
            return spread, best
        steps[first] += 1
        later = steps[first] * speeds[first]
        last = max(last, later)
        heapreplace(arrivals, (later, first))
        if last - arrivals[0][0] < spread:
            spread, best = last - arrivals[0][0], tuple(steps)
