"""Nodes for the groups of a fleet: first fit by falling size, or the patterns of a plan."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict

from scheduling.models.serving.arrays import FleetPlan, Ints, ServingArrays
from scheduling.models.serving.packing import Packing
from scheduling.models.serving.problem import ServingProblem

Group = tuple[int, int, int]
"""Unit, copy of it, and number of the group in it."""

Place = tuple[tuple[int, int], ...]
"""Nodes of a group and its GPUs on each."""


def fits(arrays: ServingArrays, units: Ints) -> bool:
    """Tell whether the groups fit: by exact rows, or as first fit finds where there are none."""
    return all(_holds(arrays, units, packing) for packing in arrays.packings)


def _holds(arrays: ServingArrays, units: Ints, packing: Packing) -> bool:
    if packing.patterns:
        taken = _taken(arrays, units, packing)
        return _bins(packing, _sizes(arrays, units, packing), None, taken) is not None
    used: Counter[int] = Counter()
    here = units * (arrays.unit_pool == packing.pool) * arrays.unit_groups
    for unit in here.nonzero()[0].tolist():
        used[int(arrays.unit_size[unit])] += int(here[unit])
    rows = [[weight * count for weight in packing.weights(size)] for size, count in used.items()]
    return all(
        sum(column) <= side
        for column, side in zip(zip(*rows, strict=True), packing.sides(), strict=False)
    )


def place_groups(
    problem: ServingProblem, arrays: ServingArrays, plan: FleetPlan
) -> dict[Group, Place] | None:
    """Return the nodes of every group in pools that have nodes; ``None`` when some do not fit."""
    found: dict[Group, Place] = {}
    used: dict[int, set[int]] = defaultdict(set)
    patterned = iter(plan.patterns)
    for packing in arrays.packings:
        pool = problem.pools[packing.pool]
        counts = next(patterned, None) if packing.patterns else None
        if pool.nodes is None or pool.gpus_per_node is None:
            continue
        sizes = _sizes(arrays, plan.units, packing)
        taken = used[packing.pool]
        bins = _bins(packing, sizes, counts, len(taken))
        if bins is None:
            return None
        if packing.scale > 1:
            _place_large(packing, sizes, bins, pool.gpus_per_node, found, taken)
        else:
            free = [node for node in range(pool.nodes) if node not in taken]
            per_node = max(1, pool.gpus_per_node // packing.capacity)
            for (size, group), number in zip(sizes, bins, strict=True):
                found[group] = ((free[number // per_node], size),)
    return found


def _place_large(
    packing: Packing,
    sizes: list[tuple[int, Group]],
    bins: list[int],
    node: int,
    found: dict[Group, Place],
    taken: set[int],
) -> None:
    """Give groups of whole nodes the next nodes of their domain."""
    filled: Counter[int] = Counter()
    for (size, group), domain in zip(sizes, bins, strict=True):
        first = domain * packing.capacity + filled[domain]
        filled[domain] += size
        found[group] = tuple((first + offset, node) for offset in range(size))
        taken.update(range(first, first + size))


def _taken(arrays: ServingArrays, units: Ints, packing: Packing) -> int:
    """Bins that larger groups take."""
    here = (arrays.unit_pool == packing.pool) * units * arrays.unit_groups
    return sum(
        packing.taken.get(size, 0) * count
        for size, count in zip(arrays.unit_size.tolist(), here.tolist(), strict=True)
    )


def _sizes(arrays: ServingArrays, units: Ints, packing: Packing) -> list[tuple[int, Group]]:
    """List the groups that a packing holds, by falling size in its own units."""
    found: list[tuple[int, Group]] = []
    for unit in (units * (arrays.unit_pool == packing.pool)).nonzero()[0].tolist():
        size, rest = divmod(int(arrays.unit_size[unit]), packing.scale)
        if rest or size not in packing.sizes:
            continue
        groups = range(int(arrays.unit_groups[unit]))
        copies = range(int(units[unit]))
        found += [(size, (unit, copy, group)) for copy in copies for group in groups]
    return sorted(found, key=lambda entry: (-entry[0], entry[1]))


def _bins(
    packing: Packing, sizes: list[tuple[int, Group]], counts: Ints | None, taken: int
) -> list[int] | None:
    """Bin of each group; ``None`` when some has no room."""
    if counts is not None and len(counts):
        return _by_patterns(packing, sizes, counts)
    rooms: list[tuple[int, int]] = [(packing.capacity, 0)] if packing.bins > taken else []
    opened = 1
    found = []
    for size, _ in sizes:
        index = bisect_left(rooms, (size, -1))
        if index == len(rooms):
            return None
        room, number = rooms.pop(index)
        found.append(number)
        if room == packing.capacity and opened < packing.bins - taken:
            insort(rooms, (packing.capacity, opened))
            opened += 1
        insort(rooms, (room - size, number))
    return found


def _by_patterns(
    packing: Packing, sizes: list[tuple[int, Group]], counts: Ints
) -> list[int] | None:
    free: dict[int, list[int]] = defaultdict(list)
    number = 0
    for pattern, count in zip(packing.patterns, counts.tolist(), strict=True):
        for _ in range(count):
            for size, slots in zip(packing.sizes, pattern, strict=True):
                free[size] += [number] * slots
            number += 1
    if any(not free[size] for size, _ in sizes):
        return None
    found = []
    for size, _ in sizes:
        if not free[size]:
            return None
        found.append(free[size].pop())
    return found
