"""Bounds of loops by formula: the busiest unit, recurrences, and the longest path."""

from __future__ import annotations

from scheduling.models.loop.arrays import Life, LoopArrays


def resource_bound(arrays: LoopArrays) -> int:
    """Lower bound of the interval by units, warps and memories (ResMII of Rau, 1994).

    An interval holds all that one iteration reserves. A reservation of a long time overlaps itself.
    """
    least = 1
    load = [0] * len(arrays.capacity)
    for use in arrays.reservations:
        load[use.unit] += use.amount * use.cycles
        copies = arrays.capacity[use.unit] // use.amount
        least = max(least, -(-use.cycles // copies))
    rows = zip(load, arrays.capacity, strict=True)
    least = max(least, *(-(-busy // capacity) for busy, capacity in rows), 1)
    return max(least, _warp_bound(arrays), _memory_bound(arrays))


def _warp_bound(arrays: LoopArrays) -> int:
    """Operations that only some warps may run share their time."""
    if not arrays.n_warps:
        return 1
    least = max(arrays.issue)
    for group in {*map(frozenset, arrays.allowed)}:
        inside = [v for v in range(arrays.n) if group.issuperset(arrays.allowed[v])]
        least = max(least, -(-sum(arrays.issue[v] for v in inside) // len(group)))
    return least


def _memory_bound(arrays: LoopArrays) -> int:
    """Values are live at least while their producer and one reader run one after the other."""
    area = [0] * len(arrays.room)
    for life in arrays.lives:
        least = arrays.latency[life.producer]
        read = [arrays.latency[reader] for reader, _ in life.ends[1:]]
        area[life.memory] += life.size * (least + max(read, default=0))
    copies = [arrays.n_warps if private else 1 for private in arrays.private]
    rows = zip(area, arrays.room, copies, strict=True)
    return max((-(-taken // (room * count)) for taken, room, count in rows), default=1)


def recurrence_bound(arrays: LoopArrays) -> int:
    """Lower bound of the interval by circles of dependences (RecMII).

    The largest ``sum of waits / sum of distances`` over all circles, rounded up: the least interval
    at which no circle is longer than the intervals that it spans.
    """
    low, high = 1, 1 + sum(edge.wait for edge in arrays.waits)
    while low < high:
        middle = (low + high) // 2
        if earliest(arrays, middle) is None:
            low = middle + 1
        else:
            high = middle
    return low


def earliest(arrays: LoopArrays, interval: int) -> list[int] | None:
    """Earliest starts by dependences alone; ``None`` when a circle is too long."""
    starts = [0] * arrays.n
    for _ in range(arrays.n + 1):
        changed = False
        for edge in arrays.waits:
            least = starts[edge.before] + edge.wait - edge.distance * interval
            if least > starts[edge.after]:
                starts[edge.after], changed = least, True
        if not changed:
            return starts
    return None


def least_life(arrays: LoopArrays, life: Life, interval: int) -> int:
    """Cycles that a value is live at least: its producer's, and then those of one reader."""
    own = arrays.latency[life.producer]
    return max(
        own + (distance * interval if reader == life.producer else arrays.latency[reader])
        for reader, distance in life.ends
    )


def interval_bound(arrays: LoopArrays) -> int:
    """Lower bound of the interval: the larger of the two."""
    return max(resource_bound(arrays), recurrence_bound(arrays))


def length_bound(arrays: LoopArrays, interval: int) -> int:
    """Lower bound of the length of an iteration at an interval, and at every shorter one."""
    starts = earliest(arrays, interval)
    if starts is None:
        return max(arrays.latency)
    return max(map(sum, zip(starts, arrays.latency, strict=True)))
