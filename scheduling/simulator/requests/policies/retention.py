"""Which prefixes are kept between requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.entries import Entry
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.programs import Programs


@dataclass(frozen=True, slots=True)
class LeastRecent:
    """Automatic prefix caching of vLLM: what was used longest ago is dropped first.

    Of one prompt the blocks at its end go first.
    """

    name: str = "least-recent"
    provenance: Provenance = "code"
    steady: bool = True
    patient: bool = False

    def begin(self, programs: Programs | None) -> LeastRecent:
        """Return itself, for it learns nothing."""
        del programs
        return self

    def key(self, entry: Entry, now: int) -> tuple[float, ...]:
        """Order by the time of the last use."""
        del now
        return (float(entry.used_ns),)

    def hold(self, request: Live, entry: Entry, now: int, full: float) -> int:
        """Hold nothing."""
        del request, entry, now, full
        return 0
