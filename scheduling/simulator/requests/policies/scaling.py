"""Instances that come and go with the load: Knative's autoscaler, with cold starts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
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
    its last has ended. A request that finds nothing up starts an instance at once. Where requests
    may not go everywhere, an instance stays for each of those who wait.

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
        self._fleet = {one.index: one for one in fleet}
        self._ready_at: dict[int, int] = {}
        self._leaving: set[int] = set()
        self._since: dict[int, int] = {}
        self._up: dict[int, int] = {}
        self._held: deque[Live] = deque()
        self._seen: deque[tuple[int, int]] = deque()
        self._panics_until = -1
        self.alive: list[tuple[int, int]] = []
        """At each look: the time, and the instances that were up, starting or leaving."""

    def up_ns(self, index: int, now: int) -> int:
        """Return how long an instance has been up, starting or leaving, by a time."""
        return self._up.get(index, 0) + max(0, now - self._since.get(index, now))

    def level(self, now: int) -> int:
        """Return the concurrency that holds at a time."""
        return self._levels[min(now // self._period, len(self._levels) - 1)]

    def admits(self, request: Live, now: int) -> bool:
        """Tell whether an instance has room for a request, and nobody waits before it."""
        if not self._held and self._roomy(request.places, now) is not None:
            return True
        self._held.append(request)
        if not any(one.index in self._ready_at for one in request.places):
            self._start([request.places[0].index], now)
        return False

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the ready instance with the fewest requests; for answers, any."""
        del request
        return self._roomy(candidates, now) or min(candidates, key=lambda one: one.outstanding)

    def tick(self, now: int) -> list[Sending]:
        """Count what is in flight, start and stop instances, and send those who wait."""
        flying = len(self._held) + sum(one.outstanding for one in self._fleet.values())
        self._seen.append((now, flying))
        while self._seen[0][0] <= now - _STABLE * NS_PER_SECOND:
            self._seen.popleft()
        for index in [one for one in self._leaving if not self._fleet[one].outstanding]:
            self._leaving.discard(index)
            self._gone(index, now)
        self._scale(self._wanted(now), now)
        self.alive.append((now, len(self._ready_at) + len(self._leaving)))
        sent = []
        room = {
            index: self.level(now) - self._fleet[index].outstanding
            for index in self._ready_at
            if self._ready_at[index] <= now
        }
        left: deque[Live] = deque()
        while self._held and max(room.values(), default=0) > 0:
            request = self._held.popleft()
            places = [one.index for one in request.places if one.index in room]
            best = max(places, key=lambda index: (room[index], -index), default=None)
            if best is None or room[best] < 1:
                left.append(request)
                continue
            room[best] -= 1
            sent.append(Sending(request, self._fleet[best]))
        self._held.extendleft(reversed(left))
        return sent

    def _roomy(self, places: Sequence[Instance], now: int) -> Instance | None:
        """Return the ready instance with the fewest requests, if it has room for one more."""
        ready = [one for one in places if self._ready_at.get(one.index, now + 1) <= now]
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
        stays = set()
        for places in {id(one.places): one.places for one in self._held}.values():
            started = [one.index for one in places if one.index in self._ready_at]
            if not started:
                self._start([places[0].index], now)
                started = [places[0].index]
            stays.add(max(started, key=lambda index: self._worth(index, now)))
        if wanted > len(self._ready_at):
            down = [index for index in self._fleet if index not in self._ready_at]
            self._start(down[: wanted - len(self._ready_at)], now)
            return
        order = sorted(self._ready_at.keys() - stays, key=lambda index: self._worth(index, now))
        for index in order[: len(self._ready_at) - wanted]:
            del self._ready_at[index]
            if self._fleet[index].outstanding:
                self._leaving.add(index)
            else:
                self._gone(index, now)

    def _worth(self, index: int, now: int) -> tuple[bool, int, int]:
        """Order those that go: those that start yet first, then the emptiest."""
        return self._ready_at[index] <= now, self._fleet[index].outstanding, -index

    def _start(self, indices: Iterable[int], now: int) -> None:
        """Start instances; those that are leaving come back at once."""
        for index in indices:
            self._ready_at[index] = now if index in self._leaving else now + self._cold
            self._leaving.discard(index)
            self._since.setdefault(index, now)

    def _gone(self, index: int, now: int) -> None:
        """Take note that an instance is no longer up."""
        self._up[index] = self.up_ns(index, now)
        self._since.pop(index, None)
