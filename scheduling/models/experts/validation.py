"""Faults of expert placement problems that fields alone do not show."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.errors import Fault
from scheduling.models.experts.problem import ExpertProblem
from scheduling.models.faults import repeated


def find_faults(problem: ExpertProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    return [
        *repeated("experts", (expert.id for expert in problem.experts)),
        *repeated("devices", (device.id for device in problem.devices)),
        *repeated("goals", problem.goals),
        *_held(problem),
        *_room(problem),
        *(_hierarchy(problem) if problem.hierarchical else ()),
    ]


def _held(problem: ExpertProblem) -> Iterator[Fault]:
    known = {expert.id for expert in problem.experts}
    for index, device in enumerate(problem.devices):
        place = f"devices[{index}].holds"
        yield from repeated(place, device.holds)
        for name in device.holds:
            if name not in known:
                yield Fault(place, repr(name), "the id of an expert")


def _room(problem: ExpertProblem) -> Iterator[Fault]:
    slots = sum(device.slots for device in problem.devices)
    if slots < len(problem.experts):
        yield Fault("devices", f"{slots} slots", f"one for each of {len(problem.experts)} experts")


def _hierarchy(problem: ExpertProblem) -> Iterator[Fault]:
    for index, expert in enumerate(problem.experts):
        if expert.group is None:
            yield Fault(f"experts[{index}].group", "none", "a group, as hierarchical asks for")
    for index, device in enumerate(problem.devices):
        if device.node is None:
            yield Fault(f"devices[{index}].node", "none", "a node, as hierarchical asks for")
    groups = len({expert.group for expert in problem.experts})
    nodes = len({device.node for device in problem.devices})
    if groups % nodes:
        yield Fault("hierarchical", f"{groups} groups on {nodes} nodes", "equally many on each")
