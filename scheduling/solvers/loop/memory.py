"""Whether the live values of a pipeline fit into the memories."""

from __future__ import annotations

from scheduling.models.loop.arrays import LoopArrays, Pipeline


def fits_memories(arrays: LoopArrays, found: Pipeline) -> bool:
    """Tell whether every memory holds what is live in each cycle of the interval.

    The largest sum is reached where a value begins, so those cycles are looked at.
    """
    interval = found.interval
    spans = []
    for life in arrays.lives:
        begin = found.starts[life.producer]
        end = max(found.starts[v] + arrays.latency[v] + d * interval for v, d in life.ends)
        spans.append((life.memory, life.size, begin, end))
    for memory, room in enumerate(arrays.room):
        inside = [(size, begin, end) for where, size, begin, end in spans if where == memory]
        for _, moment, _ in inside:
            live = sum(
                size * ((end - 1 - moment) // interval - (begin - 1 - moment) // interval)
                for size, begin, end in inside
            )
            if live > room:
                return False
    return True
