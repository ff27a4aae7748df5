"""Faults of loops that fields alone do not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scheduling.errors import Fault
from scheduling.models.faults import repeated
from scheduling.models.loop.problem import LoopProblem, Operation


def find_faults(problem: LoopProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    faults = [
        *repeated("operations", (operation.id for operation in problem.operations)),
        *repeated("units", (unit.id for unit in problem.units)),
        *repeated("memories", (memory.id for memory in problem.memories)),
        *repeated("values", (value.id for value in problem.values)),
        *repeated("warps", problem.warps),
        *_operations(problem),
        *_dependences(problem),
        *(
            Fault(f"memories[{index}].per_warp", "a loop without warps", "warps, or one memory")
            for index, memory in enumerate(problem.memories)
            if memory.per_warp and not problem.warps
        ),
        *_values(problem),
    ]
    return faults or list(_circles(problem))


def _operations(problem: LoopProblem) -> Iterator[Fault]:
    units = {unit.id: unit.capacity for unit in problem.units}
    for index, operation in enumerate(problem.operations):
        place = f"operations[{index}]"
        for number, use in enumerate(operation.uses):
            if use.unit not in units:
                yield Fault(f"{place}.uses[{number}].unit", repr(use.unit), "the id of a unit")
        for unit, capacity in units.items():
            most = _most_at_once(operation, unit)
            if most > capacity:
                found = f"{most} of {unit!r} at once ({operation.id!r})"
                yield Fault(f"{place}.uses", found, f"at most the capacity, {capacity}")
        yield from repeated(f"{place}.warps", operation.warps)
        for name in operation.warps:
            if name not in problem.warps:
                yield Fault(f"{place}.warps", repr(name), "the name of a warp")


def _most_at_once(operation: Operation, unit: str) -> int:
    uses = [use for use in operation.uses if use.unit == unit]
    return max(
        (
            sum(u.amount for u in uses if u.offset <= use.offset < u.offset + u.cycles)
            for use in uses
        ),
        default=0,
    )


def _dependences(problem: LoopProblem) -> Iterator[Fault]:
    known = {operation.id for operation in problem.operations}
    for index, dependence in enumerate(problem.dependences):
        for side in ("before", "after"):
            name = getattr(dependence, side)
            if name not in known:
                yield Fault(f"dependences[{index}].{side}", repr(name), "the id of an operation")


def _values(problem: LoopProblem) -> Iterator[Fault]:
    known = {operation.id for operation in problem.operations}
    capacity = {memory.id: memory.capacity for memory in problem.memories}
    for index, value in enumerate(problem.values):
        place = f"values[{index}]"
        if value.producer not in known:
            yield Fault(f"{place}.producer", repr(value.producer), "the id of an operation")
        for number, reader in enumerate(value.readers):
            if reader.operation not in known:
                where = f"{place}.readers[{number}].operation"
                yield Fault(where, repr(reader.operation), "the id of an operation")
        if value.memory not in capacity:
            yield Fault(f"{place}.memory", repr(value.memory), "the id of a memory")
        elif value.size > capacity[value.memory]:
            found = f"{value.size} ({value.id!r})"
            yield Fault(f"{place}.size", found, f"at most the capacity, {capacity[value.memory]}")


def _circles(problem: LoopProblem) -> Iterator[Fault]:
    """Yield a circle of dependences within one iteration, which no schedule keeps."""
    following: dict[str, list[str]] = {operation.id: [] for operation in problem.operations}
    for dependence in problem.dependences:
        if dependence.distance == 0:
            following[dependence.before].append(dependence.after)
    for value in problem.values:
        following[value.producer] += [r.operation for r in value.readers if r.distance == 0]
    waits = Counter(name for names in following.values() for name in names)
    ready = [name for name in following if not waits[name]]
    left = set(following)
    while ready:
        name = ready.pop()
        left.discard(name)
        for successor in following[name]:
            waits[successor] -= 1
            if not waits[successor]:
                ready.append(successor)
    if left:
        path = _walk({name: [s for s in following[name] if s in left] for name in left})
        found = f"a circle of distance zero: {' -> '.join(path)}"
        yield Fault("dependences", found, "a distance of at least 1 somewhere on each circle")


def _walk(following: dict[str, list[str]]) -> list[str]:
    """Return a circle; operations that only follow one are dropped first."""
    while dead := [name for name, successors in following.items() if not successors]:
        for name in dead:
            del following[name]
        following = {a: [b for b in bs if b in following] for a, bs in following.items()}
    path = [min(following)]
    while (successor := min(following[path[-1]])) not in path:
        path.append(successor)
    return [*path[path.index(successor) :], successor]
