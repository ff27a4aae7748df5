"""Who computes a prompt: by reports of queues, or whoever is idle (P/D-Serve)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.simulator.requests.clock import nanoseconds
from scheduling.simulator.requests.policy import Provenance, Sending

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.programs import Programs


class ReportedTokens:
    """The instance with the fewest prompt tokens as of the latest report.

    Instances report what is queued and running every so often; until the next report the gateway
    sees nothing else, so that the requests between two reports go the same way.

    Parameters
    ----------
    report_seconds
        Between two reports.

    Raises
    ------
    InputError
        For a time that is not positive.
    """

    name = "queue-report"
    provenance: Provenance = "paper"

    def __init__(self, report_seconds: float = 0.1) -> None:
        self._period = _positive("report_seconds", report_seconds)
        self._loads: dict[int, int] = {}
        self._until = 0

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the one that was least loaded at the last report; the first of several."""
        del request
        if now >= self._until:
            self._until = now - now % self._period + self._period
            self._loads.clear()
        for one in candidates:
            self._loads.setdefault(one.index, one.load_tokens)
        return min(candidates, key=lambda one: self._loads[one.index])


class OnDemand:
    """Prompts go to instances that accept them at once; the gateway retries the others.

    P/D-Serve (arXiv 2408.08147): an instance accepts a prompt while fewer than so many are there,
    and has no queue. What nobody accepts waits in the gateway, which tries again every so often:
    first come first served, those last whose first token is too late anyway. Answers go to the
    instance with the fewest requests.

    Parameters
    ----------
    accepted
        Prompts that an instance takes at a time.
    patience_seconds
        Limit of the first token.
    retry_seconds
        Between two tries.

    Raises
    ------
    InputError
        For a time that is not positive, or no prompts that are taken.
    """

    name = "on-demand"
    provenance: Provenance = "paper"

    def __init__(
        self, patience_seconds: float, *, accepted: int = 1, retry_seconds: float = 0.002
    ) -> None:
        if accepted < 1:
            raise InputError.single("accepted", str(accepted), "at least 1")
        self.period_ns = _positive("retry_seconds", retry_seconds)
        self._patience = _positive("patience_seconds", patience_seconds)
        self._accepted = accepted
        self._fleet: Sequence[Instance] = ()
        self._held: list[Live] = []

    def begin(self, programs: Programs | None, fleet: Sequence[Instance]) -> None:
        """Look at the instances that compute prompts."""
        del programs
        self._fleet = [one for one in fleet if one.group.role != "decode"]
        self._held = []

    def admits(self, request: Live, now: int) -> bool:
        """Tell whether an instance accepts a prompt; nobody passes those who wait for it."""
        del now
        waits = any(not _apart(one.places, request.places) for one in self._held)
        if waits or not any(map(self._accepts, request.places)):
            self._held.append(request)
            return False
        return True

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the one with the fewest requests; the first of several."""
        del request, now
        return min(candidates, key=lambda one: one.outstanding)

    def tick(self, now: int) -> list[Sending]:
        """Try again with those who wait, as far as instances accept them."""
        if not self._held:
            return []
        room = {one.index: self._accepted - one.outstanding for one in self._fleet}
        late = now - self._patience
        self._held.sort(key=lambda one: (one.arrival_ns < late, one.arrival_ns, one.row))
        sent = []
        left = []
        for place, request in enumerate(self._held):
            if max(room.values()) < 1:
                left += self._held[place:]
                break
            best = max(request.places, key=lambda one: room[one.index])
            if room[best.index] < 1:
                left.append(request)
                continue
            room[best.index] -= 1
            sent.append(Sending(request, best))
        self._held = left
        return sent

    def _accepts(self, instance: Instance) -> bool:
        return instance.outstanding < self._accepted


def _apart(some: Sequence[Instance], others: Sequence[Instance]) -> bool:
    """Tell whether no instance is in both."""
    return some is not others and all(one not in others for one in some)


def _positive(name: str, seconds: float) -> int:
    """Return a time in nanoseconds."""
    if not 0 < seconds < float("inf"):
        raise InputError.single(name, str(seconds), "a positive number")
    return max(1, nanoseconds(seconds))
