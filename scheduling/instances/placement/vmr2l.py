"""VM rescheduling as compact JSON: ``{fragment_unit_cpu, pms, vms}``.

``pms`` has a row ``[id, cpu, memory, cpu, memory]`` a host, for its two NUMA nodes; ``vms`` a row
``[id, index of its host, placement, cpu, memory]`` a virtual machine, with the amounts on each NUMA
node that it takes. Placement 0 or 1 is that NUMA node, 2 both. Mapped from the data of
bytedance/DRL-based-VM-Rescheduling; ``max_moves`` may give the limit on migrations.
"""

from __future__ import annotations

import json
from typing import Annotated, Self

from pydantic import Field, model_validator

from scheduling.errors import Fault, InputError, UnsupportedError
from scheduling.instances.documents import read_json
from scheduling.instances.placement.vms import UNIT, Host, Machine, described, rescheduling, stem
from scheduling.models.base import Document, Many, Name, Problem
from scheduling.models.placement.parts import MAX_AMOUNT, Amount
from scheduling.models.placement.problem import PlacementProblem

MOVES = "moves"
"""What the number behind the format's name stands for."""

_BOTH = 2
_TAKES = {0: (0,), 1: (1,), _BOTH: (0, 1)}

_Host = Annotated[tuple[Name, Amount, Amount, Amount, Amount], Field(strict=False)]
_Index = Annotated[int, Field(ge=0)]
_Machine = Annotated[
    tuple[Name, _Index, Annotated[int, Field(ge=0, le=_BOTH)], Amount, Amount],
    Field(strict=False),
]


class Mapping(Document):
    """Hosts and the virtual machines that run on them.

    ``source_file``, ``source_clusters`` and ``derived_removal_prob`` only tell where it is from.
    """

    name: Name | None = None
    source_file: str | None = None
    source_clusters: Many[int] = ()
    derived_removal_prob: float | None = None
    fragment_unit_cpu: Annotated[int, Field(ge=1, le=MAX_AMOUNT)] = UNIT
    max_moves: Annotated[int, Field(ge=0, le=10**9)] | None = None
    pms: Many[_Host]
    vms: Many[_Machine]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [*_again("pms", [row[0] for row in self.pms])]
        faults += _again("vms", [row[0] for row in self.vms])
        for number, row in enumerate(self.vms):
            if row[1] >= len(self.pms):
                expected = f"the index of one of {len(self.pms)} hosts"
                faults.append(Fault(f"vms[{number}][1]", str(row[1]), expected))
        if faults:
            raise InputError(faults)
        return self


def _again(place: str, names: list[str]) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    for number, name in enumerate(names):
        if name in seen:
            faults.append(Fault(f"{place}[{number}][0]", f"{name!r} again", "each name once"))
        seen.add(name)
    return faults


def read_vmr2l(text: str, source: str | None, moves: int | None = None) -> PlacementProblem:
    """Read a mapping as the problem of moving few virtual machines for few fragments.

    Parameters
    ----------
    text, source
        Content and name of the file.
    moves
        Most virtual machines that may move; ``None``: as the file says, or any number.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    found = read_json(Mapping, text, source)
    hosts = [Host(row[0], ((row[1], row[2]), (row[3], row[4]))) for row in found.pms]
    machines = [
        Machine(row[0], found.pms[row[1]][0], _TAKES[row[2]], (row[3], row[4])) for row in found.vms
    ]
    return rescheduling(
        hosts,
        machines,
        unit=found.fragment_unit_cpu,
        moves=found.max_moves if moves is None else moves,
        name=found.name or stem(source),
    )


def write_vmr2l(problem: Problem) -> str:
    """Write a mapping.

    Raises
    ------
    UnsupportedError
        When the problem is no rescheduling of virtual machines, or has labels or pinned ones.
    """
    cluster = described(problem, "vmr2l")
    hosts, machines = cluster.hosts, cluster.machines
    labelled = any(host.labels for host in hosts) or any(m.labels for m in machines)
    if labelled or any(machine.pinned for machine in machines):
        text = "format vmr2l cannot hold labels or machines that must stay: write .yaml or .json"
        raise UnsupportedError(f"{text} instead")
    index = {host.name: number for number, host in enumerate(hosts)}
    placement = {takes: number for number, takes in _TAKES.items()}
    head: dict[str, object] = {} if problem.name is None else {"name": problem.name}
    head["fragment_unit_cpu"] = cluster.unit
    if cluster.moves is not None:
        head["max_moves"] = cluster.moves
    fields = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items())
    pms = [[host.name, *host.rooms[0], *host.rooms[1]] for host in hosts]
    vms = [[m.name, index[m.host], placement[m.takes], *m.need] for m in machines]
    return f'{{{fields},\n"pms": {_rows(pms)},\n"vms": {_rows(vms)}}}\n'


def _rows(rows: list[list[object]]) -> str:
    return "[" + ",\n".join(["", *(json.dumps(row) for row in rows)]).removeprefix(",") + "]"
