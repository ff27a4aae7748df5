"""KVFlow: prefixes by the steps until their agents run again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scheduling.simulator.requests.policy import Provenance
from scheduling.simulator.requests.programs import demanded

if TYPE_CHECKING:
    from scheduling.simulator.requests.entries import Entry
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.programs import Programs


@dataclass(slots=True)
class StepsToExecution:
    """Drops what is used in the most steps from now, by the graphs of all workflows.

    KVFlow (arXiv 2507.07400): a call that runs or is next has 0 steps, another one more than the
    most of those that it waits for; a prefix has the fewest of the calls that use it. What no call
    uses any more, as answers and other parts that are new each time, goes first; of equal ones what
    was used longest ago.
    """

    name: str = "steps-to-execution"
    provenance: Provenance = "paper"
    steady: bool = False
    patient: bool = False
    _programs: Programs | None = field(init=False, repr=False, default=None)

    def begin(self, programs: Programs | None) -> StepsToExecution:
        """Return the same policy for one run.

        Raises
        ------
        InputError
            When the requests belong to no programs.
        """
        fresh = StepsToExecution()
        fresh._programs = demanded(programs, "kvflow")
        return fresh

    def key(self, entry: Entry, now: int) -> tuple[float, ...]:
        """Order by steps, the most first."""
        del now
        steps = None if self._programs is None else self._programs.steps_to(entry.stream)
        return (-float("inf") if steps is None else -float(steps), float(entry.used_ns))

    def hold(self, request: Live, entry: Entry, now: int, full: float) -> int:
        """Hold nothing."""
        del request, entry, now, full
        return 0
