"""Lower bounds on the height of memory allocations, by formula."""

from __future__ import annotations

from scheduling.models.memory.arrays import MemoryArrays


def height_bound(arrays: MemoryArrays) -> int:
    """Return the largest sum of sizes that are live at one time, or the end of a fixed block.

    Returns
    -------
    int
        In units of ``arrays.unit`` bytes.
    """
    ends = arrays.fixed + arrays.height
    given = ends[arrays.fixed >= 0]
    return max(int(arrays.totals().max()), int(given.max(initial=0)))
