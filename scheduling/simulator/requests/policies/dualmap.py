"""DualMap: two instances by hashes of a prompt's prefix, the better of which serves it.

DualMap (arXiv 2602.06502) maps a key of each prompt to two instances on a ring of consistent
hashing, and takes the one that keeps more of its prefix unless that one is late. Keys are as many
blocks of the prompt as it takes to be rare. What it is compared with maps to one instance, or asks
all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Sequence
from hashlib import blake2b
from math import fsum
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Batch
from scheduling.models.requests.paths import Paths
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policy import Provenance, Sending

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.programs import Programs

_POINTS = 64
_RECENT = 2000


def _emptiest(candidates: Sequence[Instance]) -> Instance:
    """Return the instance with the fewest requests, for answers to prompts computed elsewhere."""
    return min(candidates, key=lambda one: one.outstanding)


class Ring:
    """Consistent hashing: a key goes to the node whose point follows it on the ring.

    Parameters
    ----------
    nodes
        Numbers of the nodes; at least one.
    points
        Points of each.
    """

    def __init__(self, nodes: Sequence[int], points: int = _POINTS) -> None:
        placed = sorted(
            (_hash(f"{node}/{point}"), node) for node in nodes for point in range(points)
        )
        self._places = [place for place, _ in placed]
        self._nodes = [node for _, node in placed]

    def node(self, key: int, salt: str) -> int:
        """Return the node of a key under one of several hash functions."""
        return self._nodes[self._at(key, salt)]

    def pair(self, key: int) -> tuple[int, int]:
        """Return two nodes of a key; where both hashes agree, the next other one on the ring."""
        first, at = self.node(key, "first"), self._at(key, "second")
        for step in range(len(self._nodes)):
            other = self._nodes[(at + step) % len(self._nodes)]
            if other != first:
                return first, other
        return first, first

    def _at(self, key: int, salt: str) -> int:
        return bisect_left(self._places, _hash(f"{salt}:{key}")) % len(self._places)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


class Keys:
    """Keys of prompts: streams at their heads, so many that no key has much of the traffic.

    A key goes on to the next stream once more than ``2 / nodes`` of the latest prompts begin with
    it, until fewer than ``1 / nodes`` do.

    Parameters
    ----------
    paths
        Streams of all prompts.
    nodes
        How many nodes share the traffic.
    """

    def __init__(self, paths: Paths, nodes: int) -> None:
        self._paths = paths
        self._nodes = nodes
        self._counts: Counter[int] = Counter()
        self._recent: deque[list[int]] = deque()
        self._long: set[int] = set()

    def of(self, row: int) -> int:
        """Return the key of a prompt that comes, and count it."""
        streams = [stream for stream, _ in self._paths.row(row)]
        self._recent.append(streams)
        self._counts.update(streams)
        if len(self._recent) > _RECENT:
            for stream in self._recent.popleft():
                self._counts[stream] -= 1
                if not self._counts[stream]:
                    del self._counts[stream]
                    self._long.discard(stream)
        total = len(self._recent)
        # Of a prompt without streams nothing is shared.
        key = -1 - row
        for place, stream in enumerate(streams):
            key = stream
            share = self._counts[stream] * self._nodes / total
            if share > 2:
                self._long.add(stream)
            elif share < 1:
                self._long.discard(stream)
            if stream not in self._long or place + 1 == len(streams):
                break
        return key


class _Prefixed:
    """What routers by prefixes share: when a prompt would be computed, by the work that is known.

    Parameters
    ----------
    paths
        Streams of all prompts.
    """

    provenance: Provenance = "paper"

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._work: dict[int, float] = {}

    def seconds(self, instance: Instance, request: Live, now: int) -> float:
        """Return the seconds that the prompt takes where so much of it is kept."""
        kept = instance.kept_tokens(request, now)
        return instance.cost.seconds(Batch.prefill(request.target - kept, kept))

    def backlog(self, instance: Instance, now: int) -> float:
        """Return the seconds of the prompts that are queued or being computed."""
        known = self._work
        # The same in whatever order they stand.
        queued = fsum(known.get(one.row, 0.0) for one in instance.waiting)
        return queued + fsum(
            known.get(one.row, 0.0) * (one.target - instance.tokens_at(one, now)) / one.target
            for one in instance.prefilling
        )

    def ttft(self, instance: Instance, request: Live, now: int) -> float:
        """Return when the first token would come, in seconds from now."""
        return self.backlog(instance, now) + self.seconds(instance, request, now)

    def take(self, instance: Instance, request: Live, now: int) -> Instance:
        """Note the work of a request where it goes."""
        self._work[request.row] = self.seconds(instance, request, now)
        return instance


class LeastTtft(_Prefixed):
    """The instance, of all, where the first token is expected first."""

    name = "least-ttft"

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the one with the least expected time; the first of several."""
        if request.remote:
            return _emptiest(candidates)
        best = min(candidates, key=lambda one: (self.ttft(one, request, now), one.index))
        return self.take(best, request, now)


class PrefixHash(_Prefixed):
    """The instance that one hash of the prompt's key says: affinity, whatever the load."""

    name = "prefix-hash"

    def __init__(self, paths: Paths) -> None:
        super().__init__(paths)
        self._mapped: tuple[Ring, Keys] | None = None

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the one instance of the key."""
        if request.remote:
            return _emptiest(candidates)
        if self._mapped is None:
            indices = [one.index for one in candidates]
            self._mapped = Ring(indices), Keys(self._paths, len(indices))
        ring, keys = self._mapped
        index = ring.node(keys.of(request.row), "first")
        best = next((one for one in candidates if one.index == index), candidates[0])
        return self.take(best, request, now)


class DualMap(_Prefixed):
    """Two instances by hashes of the prefix; that with more of it, unless it is late.

    Where the first token of a prompt would come later than its limit, the less loaded of the two
    gets it. At every look prompts in queues that are late move to their other instance if they gain
    there and are in time, those that gain most first.

    Parameters
    ----------
    paths
        Streams of all prompts.
    ttft_seconds
        Limit of the first token.

    Raises
    ------
    InputError
        For a limit that is not positive.
    """

    name = "dualmap"
    period_ns = NS_PER_SECOND // 10

    def __init__(self, paths: Paths, ttft_seconds: float) -> None:
        if not 0 < ttft_seconds < float("inf"):
            raise InputError.single("ttft_seconds", str(ttft_seconds), "a positive number")
        super().__init__(paths)
        self._limit = ttft_seconds
        self._fleet: dict[int, Instance] = {}
        self._ring = Ring([0])
        self._keys = Keys(paths, 1)
        self._pairs: dict[int, tuple[int, int]] = {}

    def begin(self, programs: Programs | None, fleet: Sequence[Instance]) -> None:
        """Put the instances on the ring."""
        del programs
        self._fleet = {one.index: one for one in fleet}
        self._ring = Ring([*self._fleet])
        self._keys = Keys(self._paths, len(fleet))
        self._pairs = {}

    def admits(self, request: Live, now: int) -> bool:
        """Hold nothing back."""
        del request, now
        return True

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the better of the two instances of a prompt."""
        if request.remote:
            return _emptiest(candidates)
        pair = self._ring.pair(self._keys.of(request.row))
        two = [self._fleet[index] for index in pair if self._fleet.get(index) in candidates]
        if not two:
            return self.take(candidates[0], request, now)
        self._pairs[request.row] = two[0].index, two[-1].index
        kept = [one.kept_tokens(request, now) for one in two]
        times = [self.ttft(one, request, now) for one in two]
        places = range(len(two))
        best = min(places, key=lambda place: (-kept[place], times[place]))
        if times[best] > self._limit:
            best = min(places, key=lambda place: times[place])
        return self.take(two[best], request, now)

    def tick(self, now: int) -> list[Sending]:
        """Move prompts that are late where they wait."""
        gains = []
        for one in self._fleet.values():
            ahead = self.backlog(one, now) - fsum(
                self._work.get(each.row, 0.0) for each in one.waiting
            )
            for request in one.queue(now):
                ahead += self._work.get(request.row, 0.0)
                if ahead <= self._limit or request.remote or request.restarts:
                    continue
                pair = self._pairs.get(request.row, (one.index, one.index))
                other = self._fleet[pair[0] if pair[1] == one.index else pair[1]]
                gain = ahead - self.ttft(other, request, now)
                if other is not one and gain > 0:
                    gains.append((-gain, request.row, request, one, other))
        sent = []
        added = dict.fromkeys(self._fleet, 0.0)
        for _, _, request, one, other in sorted(gains, key=lambda entry: entry[:2]):
            work = self.seconds(other, request, now)
            if self.backlog(other, now) + added[other.index] + work < self._limit:
                one.withdraw(request)
                added[other.index] += work
                self._work[request.row] = work
                sent.append(Sending(request, other))
        return sent
