"""Who gives way when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policy import Provenance

_BY_ARRIVAL = attrgetter("arrival_ns", "row")


@dataclass(frozen=True, slots=True)
class LatestArrival:
    """vLLM: the latest arrival restarts; its prompt and answer so far are computed again."""

    name: str = "restart-latest"
    provenance: Provenance = "paper"

    def ranking(self, running: Sequence[Live]) -> list[Live]:
        """Order by arrival."""
        return sorted(running, key=_BY_ARRIVAL)

    def restart(self, request: Live) -> int:
        """Return the tokens of prompt and answer."""
        return max(request.target, request.done)
