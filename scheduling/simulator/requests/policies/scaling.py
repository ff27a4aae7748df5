"""Instances that come and go with the load: Knative's autoscaler, with cold starts."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.simulator.requests.clock import NS_PER_SECOND, nanoseconds
from scheduling.simulator.requests.policy import Provenance, Sending

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.programs import Programs

_STABLE = 60.0
_PANIC = 6.0
_PANIC_FACTOR = 2


class Autoscaled:
    """Knative's autoscaler: as many instances as requests in flight ask for.

    An instance takes at most so many requests at a time; the others wait at the gateway, first come
    first served. Every two seconds the autoscaler wants ``ceil(average in flight / concurrency)``
    instances, by the average over a stable window of 60 s, or over a panic window of 6 s when that
    asks for twice the instances that are ready; while it panics it takes none away. An instance is
    ready some time after it is started. One that is taken away gets no new requests and goes when
    its last has ended. A request that finds nothing up starts the first instance at once.

    Parameters
    ----------
    concurrency
        Requests of an instance; several: one after the other, each for ``period_seconds``.
    cold_seconds
        From the decision until an instance is ready.
    period_seconds
        How long each of several concurrencies holds, the last one for good.
    tick_seconds
        Between two looks.

    Raises
    ------
    InputError
        For a concurrency below 1, or times that are not positive.
    """

    name = "autoscaled"
    provenance: Provenance = "code"

    def __init__(
        self,
        concurrency: int | Sequence[int],
        cold_seconds: float,
        *,
        period_seconds: float = 60.0,
        tick_seconds: float = 2.0,
    ) -> None:
        levels = (concurrency,) if isinstance(concurrency, int) else tuple(concurrency)
        if not levels or min(levels) < 1:
            raise InputError.single("concurrency", str(concurrency), "at least 1")
        for name, value in (
            ("cold_seconds", cold_seconds),
            ("period_seconds", period_seconds),
            ("tick_seconds", tick_seconds),
        ):
            if not 0 < value < float("inf"):
                raise InputError.single(name, str(value), "a positive number")
        self._levels = levels
        self._cold = nanoseconds(cold_seconds)
        self._period = nanoseconds(period_seconds)
        self.period_ns = max(1, nanoseconds(tick_seconds))
        self.begin(None, ())

    def begin(self, programs: Programs | None, fleet: Sequence[Instance]) -> None:
        """Begin with nothing up."""
        del programs
        self._fleet = fleet
        self._ready_at: dict[int, int] = {}
        self._leaving: set[int] = set()
        self._held: deque[Live] = deque()
        self._seen: deque[tuple[int, int]] = deque()
        self._panics_until = -1
        self.alive: list[tuple[int, int]] = []
        """At each look: the time, and the instances that were up, starting or leaving."""

    def level(self, now: int) -> int:
        """Return the concurrency that holds at a time."""
        return self._levels[min(now // self._period, len(self._levels) - 1)]

    def admits(self, request: Live, now: int) -> bool:
        """Tell whether an instance has room for a request, and nobody waits before it."""
        if not self._held and self._roomy(now) is not None:
            return True
        self._held.append(request)
        if not self._ready_at:
            self._start(1, now)
        return False

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the ready instance with the fewest requests."""
        del request
        return self._roomy(now) or candidates[0]

    def tick(self, now: int) -> list[Sending]:
        """Count what is in flight, start and stop instances, and send those who wait."""
        flying = len(self._held) + sum(one.outstanding for one in self._fleet)
        self._seen.append((now, flying))
        while self._seen[0][0] <= now - _STABLE * NS_PER_SECOND:
            self._seen.popleft()
        self._leaving = {index for index in self._leaving if self._fleet[index].outstanding}
        self._scale(self._wanted(now), now)
        self.alive.append((now, len(self._ready_at) + len(self._leaving)))
        sent = []
        room = {
            index: self.level(now) - self._fleet[index].outstanding
            for index in self._ready_at
            if self._ready_at[index] <= now
        }
        while self._held and room:
            best = max(room, key=lambda index: (room[index], -index))
            if room[best] < 1:
                break
            room[best] -= 1
            sent.append(Sending(self._held.popleft(), self._fleet[best]))
        return sent

    def _roomy(self, now: int) -> Instance | None:
        """Return the ready instance with the fewest requests, if it has room for one more."""
        ready = [self._fleet[index] for index, time in self._ready_at.items() if time <= now]
        best = min(ready, key=lambda one: (one.outstanding, one.index), default=None)
        return best if best is not None and best.outstanding < self.level(now) else None

    def _wanted(self, now: int) -> int:
        """Return how many instances the averages ask for."""
        level = self.level(now)
        recent = [count for time, count in self._seen if time > now - _PANIC * NS_PER_SECOND]
        stable = sum(count for _, count in self._seen) / len(self._seen)
        wanted = ceil(stable / level)
        panic = ceil(sum(recent) / len(recent) / level)
        ready = sum(time <= now for time in self._ready_at.values())
        if panic >= _PANIC_FACTOR * max(1, ready):
            self._panics_until = now + round(_STABLE * NS_PER_SECOND)
        if now < self._panics_until:
            wanted = max(panic, len(self._ready_at))
        return max(wanted, 1 if self._held else 0)

    def _scale(self, wanted: int, now: int) -> None:
        if wanted > len(self._ready_at):
            self._start(wanted - len(self._ready_at), now)
            return
        # Those that start yet go first, then the emptiest.
        order = sorted(
            self._ready_at,
            key=lambda index: (
                self._ready_at[index] <= now,
                self._fleet[index].outstanding,
                -index,
            ),
        )
        for index in order[: len(order) - wanted]:
            del self._ready_at[index]
            if self._fleet[index].outstanding:
                self._leaving.add(index)

    def _start(self, count: int, now: int) -> None:
        """Start instances; those that are leaving come back at once."""
        for index in range(len(self._fleet)):
            if count < 1:
                break
            if index not in self._ready_at:
                self._ready_at[index] = now if index in self._leaving else now + self._cold
                self._leaving.discard(index)
                count -= 1
