"""Layers of a model that pass through a small memory: the sliding window of TPI-LLM as a loop.

Every layer is a block of attention and one of feed-forward weights. A block is read from disk into
memory, where it stays until it has been computed and its activations have been exchanged; the
blocks of next layers are read meanwhile. An iteration of the loop is a layer, its interval the time
of a layer, and the capacity of the memory decides how many blocks the window holds.

Li and others, "TPI-LLM: serving 70B-scale LLMs efficiently on low-resource edge devices",
arXiv 2410.00531.
"""

from __future__ import annotations

from math import ceil

from scheduling.models.loop.problem import (
    Dependence,
    LoopProblem,
    Memory,
    Operation,
    Reader,
    Unit,
    Use,
    Value,
)

CYCLES_PER_SECOND = 1000
"""A cycle is a millisecond; times are rounded up."""

_KILOBYTE = 1e3
_BLOCKS = ("attention", "feed-forward")


def layer_window(
    *,
    attention_megabytes: float = 37.7,
    feed_forward_megabytes: float = 176.2,
    disk_rate: float = 3.0,
    memory_rate: float = 8.0,
    exchange: float = 50.0,
    window: float = 430.0,
) -> LoopProblem:
    """Generate a layer whose blocks are read from disk while others are computed.

    Parameters
    ----------
    attention_megabytes, feed_forward_megabytes
        Megabytes of the blocks on a device; the defaults are those of Llama-2-70B on 8 devices.
    disk_rate, memory_rate
        Gigabytes a second that are read from disk, and from memory to compute.
    exchange
        Milliseconds of the all-reduce behind each block.
    window
        Megabytes of memory for blocks.
    """
    sizes = (attention_megabytes, feed_forward_megabytes)
    operations, values = [], []
    for name, megabytes in zip(_BLOCKS, sizes, strict=True):
        load = max(1, ceil(megabytes / (1e3 * disk_rate) * CYCLES_PER_SECOND))
        compute = ceil(megabytes / (1e3 * memory_rate) * CYCLES_PER_SECOND + exchange)
        for verb, unit, cycles in (("load", "disk", load), ("compute", "processor", compute)):
            use = Use(unit=unit, cycles=max(1, cycles))
            operations.append(
                Operation(id=f"{verb} {name}", latency=use.cycles, uses=(use,), issue=0)
            )
        reader = Reader(operation=f"compute {name}")
        size = max(1, ceil(megabytes * 1e6 / _KILOBYTE))
        values.append(
            Value(
                id=f"weights {name}",
                producer=f"load {name}",
                memory="window",
                size=size,
                readers=(reader,),
            )
        )
    first, second = (f"compute {name}" for name in _BLOCKS)
    return LoopProblem(
        name=f"layer-window-{window:g}",
        operations=tuple(operations),
        units=(Unit(id="disk"), Unit(id="processor")),
        memories=(Memory(id="window", capacity=max(1, int(window * 1e6 / _KILOBYTE))),),
        dependences=(
            Dependence(before=first, after=second),
            Dependence(before=second, after=first, distance=1),
        ),
        values=tuple(values),
    )
