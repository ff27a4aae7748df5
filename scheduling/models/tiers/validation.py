"""Faults of problems of placement in tiers that fields alone do not show."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.errors import Fault
from scheduling.models.faults import repeated
from scheduling.models.tiers.problem import Tensor, TieredProblem


def find_faults(problem: TieredProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    faults = [
        *repeated("memories", (memory.id for memory in problem.memories)),
        *repeated("tensors", (tensor.id for tensor in problem.tensors)),
    ]
    known = {memory.id for memory in problem.memories}
    for index, tensor in enumerate(problem.tensors):
        faults += _tensor(problem, tensor, f"tensors[{index}]", known)
    return faults or list(_homes(problem))


def _tensor(problem: TieredProblem, tensor: Tensor, place: str, known: set[str]) -> Iterator[Fault]:
    steps = len(problem.compute)
    end = steps if tensor.end is None else tensor.end
    if end > steps or end <= tensor.start:
        yield Fault(f"{place}.end", str(end), f"a step from {tensor.start + 1} to {steps}")
    if tensor.home is not None and tensor.home not in known:
        yield Fault(f"{place}.home", repr(tensor.home), "the id of a memory")
    if tensor.home is not None and (tensor.start, end) != (0, steps):
        yield Fault(
            f"{place}.start", f"steps {tensor.start} to {end}", "all steps, as it has a home"
        )
    yield from repeated(f"{place}.uses", (f"step {use.step}" for use in tensor.uses))
    for number, use in enumerate(tensor.uses):
        if not tensor.start <= use.step < end:
            found, expected = str(use.step), f"a step from {tensor.start} to {end - 1}"
            yield Fault(f"{place}.uses[{number}].step", found, expected)
    largest = [memory.capacity for memory in problem.memories]
    if tensor.home is None and None not in largest:
        most = max(capacity for capacity in largest if capacity is not None)
        if tensor.size > most:
            yield Fault(f"{place}.size", str(tensor.size), f"at most the largest memory, {most}")


def _homes(problem: TieredProblem) -> Iterator[Fault]:
    for index, memory in enumerate(problem.memories):
        held = sum(tensor.size for tensor in problem.tensors if tensor.home == memory.id)
        if memory.capacity is not None and held > memory.capacity:
            expected = f"at least the tensors that have it as home, {held}"
            yield Fault(f"memories[{index}].capacity", str(memory.capacity), expected)
