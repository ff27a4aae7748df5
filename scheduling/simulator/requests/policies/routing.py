"""Which instance serves a request."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live


class RoundRobin:
    """One instance after the other."""

    name = "round-robin"
    provenance: Provenance = "code"

    def __init__(self) -> None:
        self._turn = 0

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the next one."""
        del request, now
        self._turn += 1
        return candidates[(self._turn - 1) % len(candidates)]


class Random:
    """Any instance with equal chances.

    Parameters
    ----------
    generator
        Source of its draws.
    """

    name = "random"
    provenance: Provenance = "code"

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Draw one."""
        del request, now
        return candidates[int(self._generator.integers(len(candidates)))]


class LeastRequests:
    """The instance with the fewest requests queued or running; the first of several."""

    name = "least-requests"
    provenance: Provenance = "code"

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the one with the fewest requests."""
        del request, now
        return min(candidates, key=_outstanding)


class LeastTokens:
    """The instance with the fewest prompt tokens, of all its requests queued and running.

    A restarted request counts with the part of its answer that is computed again.
    """

    name = "least-tokens"
    provenance: Provenance = "inferred"

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the one with the fewest such tokens; the first of several."""
        del request, now
        return min(candidates, key=_load)


class WithAdapter:
    """The instance with the fewest requests, where one that would have to load counts for more.

    As POLAR takes the cost of paging from the worth of an adapter that is not in the cache.

    Parameters
    ----------
    weight
        Requests that loading an adapter counts for.
    """

    name = "adapters"
    provenance: Provenance = "inferred"

    def __init__(self, weight: float = 4.0) -> None:
        self._weight = weight

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the one with the least sum; the first of several."""
        del now
        return min(candidates, key=lambda one: one.outstanding + self._loading(one, request))

    def _loading(self, instance: Instance, request: Live) -> float:
        adapters = instance.adapters
        return 0.0 if adapters is None or adapters.has(request) else self._weight


_outstanding = attrgetter("outstanding")
_load = attrgetter("load_tokens")
