"""Whether the live values of a pipeline fit into the memories."""

from __future__ import annotations

from collections import defaultdict

from scheduling.models.loop.arrays import LoopArrays, Pipeline


def fits_memories(arrays: LoopArrays, found: Pipeline) -> bool:
    """Tell whether every memory holds what is live in each cycle of the interval.

    Of memories of which each warp has one, values take that of their producer's warp.

    The largest sum is reached where a value begins, so those cycles are looked at.
    """
    interval = found.interval
    spans: dict[tuple[int, int | None], list[tuple[int, int, int]]] = defaultdict(list)
    for life in arrays.lives:
        begin = found.starts[life.producer]
        end = max(found.starts[v] + arrays.latency[v] + d * interval for v, d in life.ends)
        on = found.warps[life.producer] if arrays.private[life.memory] else None
        spans[life.memory, on].append((life.size, begin, end))
    for (memory, _), inside in spans.items():
        room = arrays.room[memory]
        for _, moment, _ in inside:
            live = sum(
                size * ((end - 1 - moment) // interval - (begin - 1 - moment) // interval)
                for size, begin, end in inside
            )
            if live > room:
                return False
    return True
