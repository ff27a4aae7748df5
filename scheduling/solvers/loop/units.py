"""Loops in units of several cycles: few numbers to search among, and what is found is valid.

A loop of thousands of cycles takes long to search. Twill makes its numbers small before it
searches. Here each time is rounded up to whole units of some cycles, so that a pipeline of the
coarse loop, stretched by the unit, keeps every rule of the loop itself; the bound is that of the
loop itself, so that a pipeline that reaches it is proven.

Source: Soi et al., "Optimal software pipelining and warp specialization for tensor core GPUs"
(Twill), arXiv 2512.18134, normalisation of costs.
"""

from __future__ import annotations

from dataclasses import replace

from scheduling.models.loop.arrays import LoopArrays, Pipeline
from scheduling.models.loop.bounds import interval_bound

MOST_CYCLES = 300
"""Cycles of all operations up to which a loop is searched as it is: what Twill normalises to."""

_LOOKED_AT = 100
"""About so many units are compared by their bounds."""

_TRIED = 4
"""Units that are tried, the most promising first."""


def coarse_units(arrays: LoopArrays) -> list[int]:
    """Return units in which the loop is short, the one with the least bound in cycles first.

    Units up to twice as long as need be are looked at: a unit that divides the times on the busiest
    unit loses nothing. A loop that is short enough has only the unit 1.
    """
    least = -(-replace(arrays, limit=None).longest_interval // MOST_CYCLES)
    if least <= 1:
        return [1]
    known = set(range(least, 2 * least + 1, -(-least // _LOOKED_AT)))
    for cycles in {use.cycles for use in arrays.reservations}:
        parts = range(-(-cycles // (2 * least)), cycles // least + 1)
        known |= {cycles // count for count in parts if count and cycles % count == 0}
    bound = {unit: unit * interval_bound(coarsened(arrays, unit)) for unit in known}
    return sorted(known, key=lambda unit: (bound[unit], -unit))[:_TRIED]


def coarsened(arrays: LoopArrays, unit: int) -> LoopArrays:
    """Return the loop with all times rounded up to units, and reservations to those they touch."""
    return replace(
        arrays,
        latency=tuple(_up(cycles, unit) for cycles in arrays.latency),
        issue=tuple(_up(cycles, unit) for cycles in arrays.issue),
        edges=tuple(edge._replace(wait=_up(edge.wait, unit)) for edge in arrays.edges),
        reservations=tuple(
            use._replace(
                offset=use.offset // unit,
                cycles=_up(use.offset + use.cycles, unit) - use.offset // unit,
            )
            for use in arrays.reservations
        ),
        sync=_up(arrays.sync, unit),
        limit=None if arrays.limit is None else arrays.limit // unit,
    )


def stretched(found: Pipeline, unit: int) -> Pipeline:
    """Return a pipeline of the coarse loop in cycles."""
    return Pipeline(found.interval * unit, tuple(at * unit for at in found.starts), found.warps)


def _up(cycles: int, unit: int) -> int:
    return -(-cycles // unit)
