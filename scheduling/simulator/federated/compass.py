"""FedCompass: clients join groups whose models arrive together (ICLR 2024, arXiv 2309.14675)."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import exp, floor

import numpy as np

from scheduling.models.federated.problem import FederatedProblem

_ARRIVAL, _TIMER = range(2)
_EPSILON = 1e-9


@dataclass(slots=True)
class ArrivalGroup:
    """Clients whose models are aggregated together.

    Attributes
    ----------
    begun, expected, latest
        When it was opened, when its models are expected, and until when it waits.
    steps
        Steps of each client in it.
    joined
        When each client joined.
    arrived
        When each model arrived that came in time.
    """

    begun: float
    expected: float
    latest: float
    steps: dict[int, int] = field(default_factory=dict)
    joined: dict[int, float] = field(default_factory=dict)
    arrived: dict[int, float] = field(default_factory=dict)
    closed: bool = False

    @property
    def spread(self) -> float:
        """Time between the first and the last model that came in time."""
        return max(self.arrived.values()) - min(self.arrived.values()) if self.arrived else 0.0


class Compass:
    """One run of the rule.

    A client that returns joins the group that lets it make the most steps, from the fewest to the
    most that it may. Where none does, it opens one: it is to arrive one round of the fastest client
    after the latest time of a group, or makes the most steps. Groups aggregate when all models are
    there or at the latest time; clients of a group go on together, the fastest first.

    Parameters
    ----------
    problem
        The clients, whose speed of the last round is the one expected.
    seed
        Seed of the noise of speeds.
    """

    def __init__(self, problem: FederatedProblem, seed: int = 0) -> None:
        self._problem = problem
        self._rng = np.random.default_rng(seed)
        self._speed = [client.seconds_per_step for client in problem.clients]
        self._events: list[tuple[float, int, int, int]] = []
        self.groups: list[ArrivalGroup] = []
        self.late = 0

    def run(self, rounds: int) -> list[ArrivalGroup]:
        """Return the groups that have aggregated until so many have.

        Parameters
        ----------
        rounds
            Aggregations after which the run ends.
        """
        self._assign(list(range(len(self._speed))), 0.0)
        done: list[ArrivalGroup] = []
        while len(done) < rounds:
            now, kind, number, client = heappop(self._events)
            group = self.groups[number]
            if kind == _ARRIVAL and not group.closed:
                group.arrived[client] = now
            elif kind == _ARRIVAL:
                self.late += 1
                self._assign([client], now)
            full = len(group.arrived) == len(group.steps)
            if not group.closed and (kind == _TIMER or full):
                group.closed = True
                done.append(group)
                self._assign(list(group.arrived), now)
        return done

    def _assign(self, clients: list[int], now: float) -> None:
        """Give clients their next steps, the fastest first."""
        for client in sorted(clients, key=lambda k: (self._speed[k], k)):
            number, steps = self._join(client, now)
            group = self.groups[number]
            group.steps[client] = steps
            group.joined[client] = now
            entry = self._problem.clients[client]
            factor = exp(float(self._rng.normal(0.0, entry.noise))) if entry.noise else 1.0
            actual = entry.seconds_per_step * factor
            heappush(self._events, (now + steps * actual, _ARRIVAL, number, client))
            self._speed[client] = actual

    def _join(self, client: int, now: float) -> tuple[int, int]:
        """Return the group that a client goes to, and its steps."""
        speed = self._speed[client]
        low, high = self._problem.min_steps, self._problem.max_steps
        live = [k for k, group in enumerate(self.groups) if not group.closed]
        able = [(floor((self.groups[k].expected - now) / speed + _EPSILON), k) for k in live]
        able = [(steps, k) for steps, k in able if low <= steps <= high]
        if able:
            steps, number = max(able, key=lambda pair: (pair[0], -pair[1]))
            return number, steps
        fastest = min(self._speed)
        after = [
            floor((self.groups[k].latest + fastest * high - now) / speed + _EPSILON) for k in live
        ]
        steps = max((steps for steps in after if steps <= high), default=high)
        steps = max(low, steps)
        latest = now + steps * speed * self._problem.latest_factor
        self.groups.append(ArrivalGroup(now, now + steps * speed, latest))
        number = len(self.groups) - 1
        heappush(self._events, (latest, _TIMER, number, -1))
        return number, steps
