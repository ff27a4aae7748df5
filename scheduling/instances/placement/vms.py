"""Virtual machines on hosts with two NUMA nodes, as the rescheduling problem of VM2RL.

A VM takes cores and memory of one NUMA node, or the same of both. At most so many VMs may move, and
what is free on the NUMA nodes in pieces of less than 16 cores is to be least: the fragment rate of
"Towards VM Rescheduling Optimization Through Deep Reinforcement Learning" (EuroSys 2025) is that
over all that is free. Of the placements with the least, one with the fewest moves is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath

from scheduling.errors import UnsupportedError
from scheduling.instances.text import STANDARD_INPUT
from scheduling.models.base import Problem
from scheduling.models.placement.parts import Fragment, Part, PartUse, Share
from scheduling.models.placement.problem import Item, Node, PlacementProblem

UNIT = 16
"""Cores of the most common largest request: pieces below it count as fragments."""

NUMA = ("0", "1")
KIND = "numa"
_AMOUNTS = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Host:
    """A host: cores and memory of each NUMA node, and labels."""

    name: str
    rooms: tuple[tuple[int, int], tuple[int, int]]
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine.

    Attributes
    ----------
    name, host
        Names of it and of its host.
    takes
        NUMA nodes that it takes, by index.
    need
        Cores and memory that it takes of each.
    pinned
        Whether it may not move.
    labels
        Labels.
    """

    name: str
    host: str
    takes: tuple[int, ...]
    need: tuple[int, int]
    pinned: bool = False
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What :func:`rescheduling` states, apart from the name."""

    hosts: list[Host]
    machines: list[Machine]
    unit: int
    moves: int | None


def rescheduling(
    hosts: Iterable[Host],
    machines: Iterable[Machine],
    *,
    unit: int = UNIT,
    moves: int | None = None,
    name: str | None = None,
) -> PlacementProblem:
    """State the rescheduling of virtual machines.

    Parameters
    ----------
    hosts, machines
        The cluster as it runs now; names are given once each and hosts exist.
    unit
        Cores below which a free piece is a fragment.
    moves
        Most VMs that may change their host or NUMA nodes; ``None``: no limit.
    name
        Name of the problem.
    """
    return PlacementProblem(
        name=name,
        nodes=tuple(_node(host) for host in hosts),
        items=tuple(_item(machine) for machine in machines),
        goals=("fragments", "moves"),
        fragment=Fragment(resource="cpu", unit=unit, kind=KIND),
        max_moves=moves,
    )


def _node(host: Host) -> Node:
    parts = tuple(
        Part(id=number, kind=KIND, capacity=dict(zip(_AMOUNTS, room, strict=True)))
        for number, room in zip(NUMA, host.rooms, strict=True)
    )
    return Node(id=host.name, capacity={}, labels=host.labels, parts=parts)


def _item(machine: Machine) -> Item:
    need = dict(zip(_AMOUNTS, machine.need, strict=True))
    return Item(
        id=machine.name,
        labels=machine.labels,
        node=machine.host,
        pinned=machine.pinned,
        shares=(Share(kind=KIND, count=len(machine.takes), options=(need,)),),
        parts=tuple(PartUse(part=NUMA[number]) for number in machine.takes),
    )


def described(problem: Problem, name: str) -> Cluster:
    """Return the cluster of a problem that is nothing but the rescheduling of virtual machines.

    Parameters
    ----------
    problem
        The problem to write.
    name
        Name of the format, for the refusal.

    Raises
    ------
    UnsupportedError
        When the problem holds anything else.
    """
    if not isinstance(problem, PlacementProblem):
        raise UnsupportedError(f"format {name} holds problems of kind placement only")
    hosts = [_host(node) for node in problem.nodes]
    machines = [_machine(item) for item in problem.items]
    known = [host for host in hosts if host is not None]
    running = [machine for machine in machines if machine is not None]
    if len(known) == len(hosts) and len(running) == len(machines) and problem.fragment is not None:
        unit, moves = problem.fragment.unit, problem.max_moves
        again = rescheduling(known, running, unit=unit, moves=moves, name=problem.name)
        if again == problem:
            return Cluster(known, running, unit, moves)
    only = "virtual machines that run on hosts with two NUMA nodes, to be moved for fewer fragments"
    raise UnsupportedError(f"format {name} holds only {only}: write .yaml or .json instead")


def _host(node: Node) -> Host | None:
    rooms = [tuple(part.capacity.get(name, 0) for name in _AMOUNTS) for part in node.parts]
    if len(rooms) != len(NUMA):
        return None
    first, second = rooms
    return Host(node.id, ((first[0], first[1]), (second[0], second[1])), node.labels)


def _machine(item: Item) -> Machine | None:
    if item.node is None or len(item.shares) != 1 or len(item.shares[0].options) != 1:
        return None
    option = item.shares[0].options[0]
    known = [NUMA.index(use.part) for use in item.parts if use.part in NUMA]
    need = (option.get("cpu", 0), option.get("memory", 0))
    return Machine(item.id, item.node, tuple(known), need, item.pinned, item.labels)


def stem(source: str | None) -> str | None:
    """Return the name of a problem after its file."""
    return PurePath(source).stem if source and source != STANDARD_INPUT else None
